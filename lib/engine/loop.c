/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/loop.h"

#include <errno.h>
#include <unistd.h>

int loop_init(struct loop *l)
{
	*l = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
	return l->epoll < 0 ? -errno : 0;
}

void loop_fini(struct loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	l->epoll = -1;
}

static int control(struct loop *l, int op, struct loop_source *source,
		   uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = source};

	return epoll_ctl(l->epoll, op, source->fd, &e) ? -errno : 0;
}

int loop_add(struct loop *l, struct loop_source *source, uint32_t events)
{
	return control(l, EPOLL_CTL_ADD, source, events);
}

int loop_change(struct loop *l, struct loop_source *source, uint32_t events)
{
	return control(l, EPOLL_CTL_MOD, source, events);
}

void loop_remove(struct loop *l, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	control(l, EPOLL_CTL_DEL, source, 0);
	for (int i = l->at; i < l->n; i++)
		if (l->events[i].data.ptr == source)
			l->events[i].data.ptr = NULL;
}

int loop_turn(struct loop *l)
{
	int n = epoll_wait(l->epoll, l->events,
			   sizeof(l->events) / sizeof(l->events[0]), -1);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->n = n;
	for (l->at = 0; l->at < l->n; l->at++) {
		struct loop_source *source = l->events[l->at].data.ptr;

		if (source)
			source->heard(source, l->events[l->at].events);
	}
	l->n = 0;
	return 0;
}
