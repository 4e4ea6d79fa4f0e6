/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll and the time until something is due. Knows nothing of what it calls;
 * called by the daemon.
 */
#include "loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { WATCHES_MAX = 16 };

struct watch {
	int fd;
	void (*ready)(void *context);
	int (*timeout_ms)(void *context);
	void *context;
};

struct loop {
	int epoll;
	struct watch watches[WATCHES_MAX];
	int count;
	void (*after)(void *context);
	void *after_context;
	bool stopped;
};

int loop_new(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		free(l);
		return -errno;
	}
	*out = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->epoll);
	free(l);
}

static int watch_fd(struct loop *l, int number, int fd)
{
	struct epoll_event e = {.events = EPOLLIN,
				.data.u32 = (unsigned)number};

	l->watches[number].fd = fd;
	if (fd < 0)
		return 0;
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int loop_add(struct loop *l, int fd, void (*ready)(void *context),
	     int (*timeout_ms)(void *context), void *context)
{
	int number = l->count, err;

	if (number == WATCHES_MAX)
		return -ENOSPC;
	l->watches[number] = (struct watch){-1, ready, timeout_ms, context};
	err = watch_fd(l, number, fd);
	if (err)
		return err;
	l->count++;
	return number;
}

int loop_move(struct loop *l, int number, int fd)
{
	/* a closed descriptor has left the epoll set by itself; one of the
	 * same number that is another file now was never in it */
	if (l->watches[number].fd >= 0)
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->watches[number].fd, NULL);
	return watch_fd(l, number, fd);
}

void loop_after(struct loop *l, void (*after)(void *context), void *context)
{
	l->after = after;
	l->after_context = context;
}

static int first_timeout(const struct loop *l)
{
	int first = -1;

	for (int i = 0; i < l->count; i++) {
		const struct watch *w = &l->watches[i];
		int ms = w->timeout_ms ? w->timeout_ms(w->context) : -1;

		if (ms >= 0 && (first < 0 || ms < first))
			first = ms;
	}
	return first;
}

/* Each watch is called once a round, however many reasons there are. */
static void call_ready(struct loop *l, const struct epoll_event *events, int n)
{
	bool ready[WATCHES_MAX] = {false};

	for (int i = 0; i < n; i++)
		ready[events[i].data.u32] = true;
	for (int i = 0; i < l->count; i++) {
		struct watch *w = &l->watches[i];

		if (ready[i] ||
		    (w->timeout_ms && w->timeout_ms(w->context) == 0))
			w->ready(w->context);
	}
}

int loop_run(struct loop *l)
{
	struct epoll_event events[WATCHES_MAX];
	int n;

	while (!l->stopped) {
		if (l->after)
			l->after(l->after_context);
		n = epoll_wait(l->epoll, events, WATCHES_MAX, first_timeout(l));
		if (n < 0 && errno != EINTR)
			return -errno;
		call_ready(l, events, n > 0 ? n : 0);
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}
