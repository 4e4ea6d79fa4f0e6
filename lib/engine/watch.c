/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ptn_os_impl.h"

enum { WATCH_MS = 250 };

struct watch {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool on, ending;
	LIST_HEAD(, watched) threads;
};

static __thread struct watched *current;

bool watch_kick(int fd)
{
	const uint64_t one = 1;
	struct watched *self = current;
	ssize_t n;

	ptn_store(self->writes, self->writes + 1);
	ptn_store_release(self->writing, 1);
	n = write(fd, &one, sizeof(one));
	ptn_store_release(self->writing, 0);
	return n == sizeof(one);
}

/* In the same write as the last time: an eventfd with room takes it at once. */
static void look(struct watched *t)
{
	uint32_t writes = ptn_load(t->writes);

	if (ptn_load_acquire(t->writing) && writes == t->seen)
		pthread_kill(t->thread, SIGUSR1);
	t->seen = writes;
}

static void wait_a_while(struct watch *w)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WATCH_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&w->changed, &w->lock, &until);
}

static void *run(void *arg)
{
	struct watch *w = arg;
	struct watched *t;

	pthread_mutex_lock(&w->lock);
	while (!w->ending) {
		if (!w->on) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		wait_a_while(w);
		LIST_FOREACH(t, &w->threads, link)
		look(t);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* It only has to interrupt a system call. */
static void on_signal(int sig)
{
	(void)sig;
}

static int start(struct watch *w)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigset_t all, before;
	int err;

	sigaction(SIGUSR1, &action, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(w->thread, "ptn-watch");
	return -err;
}

static void destroy(struct watch *w)
{
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	free(w);
}

int watch_new(struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int err;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &attr);
	pthread_condattr_destroy(&attr);
	err = start(w);
	if (err) {
		destroy(w);
		return err;
	}
	*out = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	destroy(w);
}

void watch_join(struct watch *w, struct watched *self)
{
	*self = (struct watched){.thread = pthread_self()};
	current = self;
	pthread_mutex_lock(&w->lock);
	LIST_INSERT_HEAD(&w->threads, self, link);
	pthread_mutex_unlock(&w->lock);
}

void watch_leave(struct watch *w, struct watched *self)
{
	pthread_mutex_lock(&w->lock);
	LIST_REMOVE(self, link);
	pthread_mutex_unlock(&w->lock);
	current = NULL;
}

void watch_enable(struct watch *w, bool on)
{
	pthread_mutex_lock(&w->lock);
	if (w->on != on)
		pthread_cond_signal(&w->changed);
	w->on = on;
	pthread_mutex_unlock(&w->lock);
}
