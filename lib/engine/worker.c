/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/patience.h"
#include "core/port.h"
#include "engine/nic.h"
#include "engine/os/os.h"
#include "engine/watch.h"

enum {
	CLOCK_TURNS = 8, /* the clock is read every so many turns */
	LISTEN_NS = 30 * 1000, /* so long are kicks of others not looked for */
	/* Kicks in so long that nobody asked for, and nobody hears any more. */
	UNASKED_MAX = 1000,
	UNASKED_NS = 1000 * 1000 * 1000,
	/* So much may a queue be ahead of others before it has to wait. */
	AHEAD_NS = 20 * 1000,
	/* A turn that moved less is not worth a look at the clock: so long, and
	 * so much more a slot. */
	SMALL_TURN = 8,
	SMALL_NS = 64,
	SLOT_NS = 16,
	/* So long may a turn be, but for a frame that takes longer. */
	TURN_NS = 20 * 1000,
	/* No turn takes longer: somebody else had the processor. */
	TURN_MAX_NS = 1000 * 1000,
};

/*
 * Fair shares. A turn is up to PTN_BATCH slots, which may be a few microseconds
 * or, of packets that are cut into thousands of segments, a thousand. So what
 * is shared out is time: a queue that is ahead of the one that has used least
 * waits, as long as others have something to move. Who has little to move waits
 * for turns of others: a queue whose turns are long may move less in one.
 */

struct worker {
	pthread_t thread;
	uint32_t number;
	uint32_t load;
	int epoll;
	int bell; /* eventfd: look at the inbox, or at the command */
	bool stopping;
	struct watch *watch;

	/* the thread's own */
	TAILQ_HEAD(, queue) active;
	struct ptn_work *work;
	struct watched watched;
	uint64_t now, listened; /* ns */
	uint32_t turns, read; /* ... when the clock was read */
	uint64_t least; /* ns that a queue had used which moved something */

	/* anyone's, atomic */
	struct queue *inbox;
	uint32_t sleeping;
	uint32_t commanded;

	/* the control thread's call, under @lock */
	pthread_mutex_t lock;
	pthread_cond_t answered, resumed;
	void (*command)(struct worker *w, void *arg);
	void *arg;
	bool paused;
};

static __thread struct worker *current;

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void read_clock(struct worker *w)
{
	w->now = clock_ns();
	w->read = w->turns;
}

static void watch_off(struct worker *w, const struct queue *q)
{
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, q->tx_fd, NULL);
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, q->rx_fd, NULL);
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, q->device_fd, NULL);
}

static int watch(struct worker *w, struct queue *q, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events | EPOLLET, .data.ptr = q};

	return fd >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno
								     : 0;
}

/* All of them, or none. */
static int watch_on(struct worker *w, struct queue *q)
{
	int err = watch(w, q, q->tx_fd, EPOLLIN);

	if (!err)
		err = watch(w, q, q->rx_fd, EPOLLIN);
	if (!err)
		err = watch(w, q, q->device_fd, EPOLLIN | EPOLLOUT);
	if (err)
		watch_off(w, q);
	return err;
}

/* Moving: a client's program has indices, a device has the frames itself. */

static uint32_t sync_queue(struct worker *w, struct queue *q)
{
	return q->device ? nic_sync(q->device, q->index, w->work)
			 : ptn_port_sync(q->port, q->index, w->work);
}

static bool arm(struct queue *q)
{
	return q->device ? nic_arm(q->device, q->index)
			 : ptn_port_arm(q->port, q->index);
}

/* Queues: active or armed. */

static void activate(struct worker *w, struct queue *q)
{
	if (q->active || q->gone)
		return;
	ptn_port_disarm(q->port, q->index);
	q->active = true;
	q->idle_since = 0;
	TAILQ_INSERT_TAIL(&w->active, q, link);
}

static void deactivate(struct worker *w, struct queue *q)
{
	if (!q->active)
		return;
	q->active = false;
	TAILQ_REMOVE(&w->active, q, link);
}

static void adapt(struct worker *w, struct queue *q)
{
	q->budget = ptn_patience_adapt(q->budget, w->now - q->armed_at);
}

/*
 * Who kicks without end is looked at without kicks, for a while. A device has
 * its own reasons.
 */
static void hear_unasked(struct worker *w, struct queue *q)
{
	if (q->device_fd >= 0)
		return;
	if (w->now - q->unasked_since > UNASKED_NS) {
		q->unasked_since = w->now;
		q->unasked = 0;
	}
	if (++q->unasked < UNASKED_MAX)
		return;
	watch_off(w, q);
	q->muted = true;
}

/* Whether it is heard, or is again. */
static bool is_heard(struct worker *w, struct queue *q)
{
	if (q->muted && w->now - q->unasked_since > UNASKED_NS)
		q->muted = watch_on(w, q) < 0;
	return !q->muted;
}

static void rest(struct worker *w, struct queue *q)
{
	if (!is_heard(w, q) || !arm(q)) {
		q->idle_since = 0;
		return;
	}
	q->armed_at = w->now;
	deactivate(w, q);
}

static void adapt_turn(struct queue *q, uint32_t moved, uint64_t ns)
{
	if (ns > TURN_NS)
		q->most = 1 + (uint32_t)(moved * (uint64_t)TURN_NS / ns);
	else
		q->most += 1 + q->most / 8;
	if (q->most > PTN_BATCH)
		q->most = PTN_BATCH;
}

/*
 * By the clock, if that was read when the turn began: whose turns are long
 * moves something each time.
 */
static uint64_t duration(struct worker *w, struct queue *q, uint32_t moved)
{
	const uint64_t since = w->now;
	const bool exact = w->turns - w->read <= 1;
	uint64_t ns = SMALL_NS + moved * SLOT_NS;

	if (moved < SMALL_TURN && q->most == PTN_BATCH)
		return ns;
	read_clock(w);
	if (!exact)
		return ns;
	ns = w->now - since;
	if (ns > TURN_MAX_NS)
		ns = TURN_MAX_NS;
	adapt_turn(q, moved, ns);
	return ns;
}

/* Who was idle has saved nothing up. */
static void charge(struct worker *w, struct queue *q, uint32_t moved)
{
	if (q->used < w->least)
		q->used = w->least;
	q->used += duration(w, q, moved);
}

static bool look(struct worker *w, struct queue *q)
{
	uint32_t moved;

	ptn_work_limit(w->work, q->most);
	moved = sync_queue(w, q);
	if (moved) {
		q->idle_since = 0;
		charge(w, q, moved);
		return true;
	}
	if (!q->idle_since)
		q->idle_since = w->now;
	else if (w->now - q->idle_since > q->budget)
		rest(w, q);
	return false;
}

/* The inbox: a stack that anyone pushes to and the worker empties. */

static void take_inbox(struct worker *w)
{
	struct queue *q, *next;

	if (!ptn_load(w->inbox))
		return;
	q = __atomic_exchange_n(&w->inbox, NULL, __ATOMIC_ACQ_REL);
	for (; q; q = next) {
		next = q->next;
		/* from here on it may be pushed again */
		__atomic_exchange_n(&q->waiting, 0, __ATOMIC_ACQ_REL);
		activate(w, q);
	}
}

static void push(struct worker *w, struct queue *q)
{
	struct queue *head = ptn_load(w->inbox);

	do {
		q->next = head;
	} while (!__atomic_compare_exchange_n(
		&w->inbox, &head, q, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void ring(struct worker *w)
{
	const uint64_t one = 1;

	/* EAGAIN: it has been rung often enough */
	while (write(w->bell, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void queue_wake(struct queue *q)
{
	struct worker *w = q->worker;

	if (w == current) {
		activate(w, q);
		return;
	}
	if (__atomic_exchange_n(&q->waiting, 1, __ATOMIC_ACQ_REL))
		return;
	push(w, q);
	ptn_mb(); /* pairs with the one in nap() */
	if (ptn_load(w->sleeping))
		ring(w);
}

/* The thread. */

static void answer(struct worker *w)
{
	if (!w->command)
		return;
	w->command(w, w->arg);
	w->command = NULL;
	ptn_store_release(w->commanded, 0);
	pthread_cond_signal(&w->answered);
}

/* Resumed and at once called again, it may not have left the loop yet. */
static void run_command(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	answer(w);
	if (w->paused) {
		os_offline();
		while (w->paused) {
			pthread_cond_wait(&w->resumed, &w->lock);
			answer(w);
		}
		os_online();
	}
	pthread_mutex_unlock(&w->lock);
}

static void hear(struct worker *w, int timeout)
{
	struct epoll_event events[64];
	int n = epoll_wait(w->epoll, events, 64, timeout);

	if (timeout) {
		ptn_store(w->sleeping, 0);
		os_online();
		read_clock(w);
	}
	for (int i = 0; i < n; i++) {
		struct queue *q = events[i].data.ptr;

		if (!q)
			continue;
		/* devices, and no others, are heard of by their room, too */
		if (!(events[i].events & EPOLLOUT))
			ptn_port_heard(q->port, q->index);
		if (q->active) {
			hear_unasked(w, q);
			continue;
		}
		adapt(w, q);
		activate(w, q);
	}
}

static void nap(struct worker *w)
{
	ptn_store(w->sleeping, 1);
	ptn_mb(); /* pairs with the ones in queue_wake() and call() */
	if (ptn_load(w->inbox) || ptn_load(w->commanded)) {
		ptn_store(w->sleeping, 0);
		return;
	}
	os_offline();
	hear(w, -1);
}

/* Each queue that is not too far ahead; the next turn is by what they used. */
static bool look_at_all(struct worker *w)
{
	const uint64_t most = w->least + AHEAD_NS;
	uint64_t least = UINT64_MAX, ahead = UINT64_MAX;
	struct queue *q, *next;

	for (q = TAILQ_FIRST(&w->active); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->used > most)
			ahead = q->used < ahead ? q->used : ahead;
		else if (look(w, q))
			least = q->used < least ? q->used : least;
	}
	if (least == UINT64_MAX)
		least = ahead; /* nobody else has something */
	if (least == UINT64_MAX)
		return false;
	if (least > w->least)
		w->least = least;
	return true;
}

static void turn(struct worker *w)
{
	if (!(w->turns++ % CLOCK_TURNS)) {
		read_clock(w);
		if (w->now - w->listened > LISTEN_NS) {
			w->listened = w->now;
			hear(w, 0);
		}
	}
	if (!look_at_all(w))
		ptn_relax();
}

static void *run(void *arg)
{
	struct worker *w = arg;

	current = w;
	watch_join(w->watch, &w->watched);
	os_thread_register();
	while (!w->stopping) {
		take_inbox(w);
		if (ptn_load_acquire(w->commanded))
			run_command(w);
		else if (TAILQ_EMPTY(&w->active))
			nap(w);
		else
			turn(w);
		os_quiescent();
	}
	os_thread_unregister();
	watch_leave(w->watch, &w->watched);
	return NULL;
}

/* The control thread's side. */

static void call(struct worker *w, void (*command)(struct worker *, void *),
		 void *arg, bool pause)
{
	pthread_mutex_lock(&w->lock);
	w->command = command;
	w->arg = arg;
	w->paused = pause;
	ptn_store_release(w->commanded, 1);
	ptn_mb(); /* pairs with the one in nap() */
	if (ptn_load(w->sleeping))
		ring(w);
	while (w->command)
		pthread_cond_wait(&w->answered, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void do_nothing(struct worker *w, void *arg)
{
	(void)w;
	(void)arg;
}

static void do_stop(struct worker *w, void *arg)
{
	(void)arg;
	w->stopping = true;
}

struct span {
	struct queue *queues;
	uint32_t n;
};

/* A program may hand over frames and leave at once: these still go. */
static void send_last(struct worker *w, struct queue *q)
{
	ptn_work_limit(w->work, PTN_BATCH);
	for (int turn = 0; turn <= PTN_SLOTS_MAX / PTN_BATCH; turn++)
		if (!sync_queue(w, q))
			return;
}

static void do_remove(struct worker *w, void *arg)
{
	const struct span *s = arg;

	for (uint32_t i = 0; i < s->n; i++) {
		watch_off(w, &s->queues[i]);
		send_last(w, &s->queues[i]);
		s->queues[i].gone = true;
		deactivate(w, &s->queues[i]);
	}
}

static void do_flush(struct worker *w, void *arg)
{
	(void)arg;
	take_inbox(w);
}

void queue_init(struct queue *q, struct worker *w, struct ptn_port *port,
		uint32_t index, int tx_fd, int rx_fd)
{
	*q = (struct queue){.port = port,
			    .index = index,
			    .tx_fd = tx_fd,
			    .rx_fd = rx_fd,
			    .device_fd = -1,
			    .worker = w,
			    .most = PTN_BATCH,
			    .budget = PTN_PATIENCE_START};
}

int worker_add(struct worker *w, struct queue *queues, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int err = watch_on(w, &queues[i]);

		if (err) {
			w->load += n;
			worker_remove(w, queues, n);
			return err;
		}
	}
	w->load += n;
	for (uint32_t i = 0; i < n; i++)
		queue_wake(&queues[i]);
	return 0;
}

void worker_remove(struct worker *w, struct queue *queues, uint32_t n)
{
	struct span s = {queues, n};

	call(w, do_remove, &s, false);
	w->load -= n;
}

void worker_flush(struct worker *w)
{
	call(w, do_flush, NULL, false);
}

void worker_pause(struct worker *w)
{
	call(w, do_nothing, NULL, true);
}

void worker_resume(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->paused = false;
	pthread_cond_signal(&w->resumed);
	pthread_mutex_unlock(&w->lock);
}

uint32_t worker_number(const struct worker *w)
{
	return w->number;
}

uint32_t worker_load(const struct worker *w)
{
	return w->load;
}

static void destroy(struct worker *w)
{
	if (w->epoll >= 0)
		close(w->epoll);
	if (w->bell >= 0)
		close(w->bell);
	ptn_work_free(w->work);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->answered);
	pthread_cond_destroy(&w->resumed);
	free(w);
}

static int open_files(struct worker *w)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};

	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->bell < 0 ||
	    epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->bell, &e))
		return -errno;
	return 0;
}

/* Signals for the program are the control thread's. */
static int start(struct worker *w)
{
	char name[16];
	sigset_t all, before;
	int err;

	sigfillset(&all);
	sigdelset(&all, SIGUSR1);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	snprintf(name, sizeof(name), "ptn-worker/%u", w->number % 1000);
	pthread_setname_np(w->thread, name);
	return 0;
}

int worker_new(struct worker **out, uint32_t number, struct watch *watch)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->number = number;
	w->watch = watch;
	w->epoll = w->bell = -1;
	TAILQ_INIT(&w->active);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->answered, NULL);
	pthread_cond_init(&w->resumed, NULL);
	w->work = ptn_work_new();
	err = w->work ? open_files(w) : -ENOMEM;
	if (!err)
		err = start(w);
	if (err) {
		destroy(w);
		return err;
	}
	*out = w;
	return 0;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	call(w, do_stop, NULL, false);
	pthread_join(w->thread, NULL);
	destroy(w);
}
