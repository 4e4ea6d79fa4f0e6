/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control thread's event loop: descriptors and who wants to hear of them.
 */
#ifndef PTNET_ENGINE_LOOP_H
#define PTNET_ENGINE_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

struct loop_source {
	int fd;
	void (*heard)(struct loop_source *source, uint32_t events);
};

struct loop {
	int epoll;
	int n, at; /* of the batch being handled */
	struct epoll_event events[64];
};

/** loop_init - 0 or -errno; loop_fini() also takes what failed */
int loop_init(struct loop *l);
void loop_fini(struct loop *l);

/**
 * loop_add, loop_change, loop_remove - a source with EPOLL* bits
 *
 * A removed source is not heard of again, even if something has happened
 * already. loop_remove() ignores what is not there. 0 or -errno.
 */
int loop_add(struct loop *l, struct loop_source *source, uint32_t events);
int loop_change(struct loop *l, struct loop_source *source, uint32_t events);
void loop_remove(struct loop *l, struct loop_source *source);

/** loop_turn - sleep until something happens, and tell; 0 or -errno */
int loop_turn(struct loop *l);

/* container_of for sources. */
#define loop_owner(source, type, member)                                       \
	((type *)(void *)((char *)(source)-offsetof(type, member)))

#endif
