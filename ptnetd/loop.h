/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: descriptors, times, one thread. */
#ifndef PTNETD_LOOP_H
#define PTNETD_LOOP_H

struct loop;

/** loop_new - 0 or -errno */
int loop_new(struct loop **out);

/** loop_free - takes NULL */
void loop_free(struct loop *l);

/**
 * loop_add - call @ready whenever @fd is readable, or
 * @timeout_ms: asked before each sleep, calls it after that time; -1: never.
 *	May be NULL.
 * @fd: -1: only the time counts
 *
 * Returns a number for loop_move(), or -errno.
 */
int loop_add(struct loop *l, int fd, void (*ready)(void *context),
	     int (*timeout_ms)(void *context), void *context);

/** loop_move - look at another descriptor; the old one may be closed already */
int loop_move(struct loop *l, int number, int fd);

/** loop_after - call @after when a round's work is done, before each sleep */
void loop_after(struct loop *l, void (*after)(void *context), void *context);

/** loop_run - until loop_stop(); 0 or -errno */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
