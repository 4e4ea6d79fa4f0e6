/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kicking clients whose eventfds cannot be trusted: a client has the same open
 * file, can fill it and make it blocking. A thread watches those that kick and
 * interrupts the one that hangs in its write. It sleeps while nobody is
 * attached.
 */
#ifndef PTNET_ENGINE_WATCH_H
#define PTNET_ENGINE_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct watch;

/* A thread that kicks; its own until watch_leave(). */
struct watched {
	LIST_ENTRY(watched) link;
	pthread_t thread;
	uint32_t writing, writes; /* atomic */
	uint32_t seen; /* the watch's */
};

/** watch_new - start the thread; SIGUSR1 is taken over. 0 or -errno. */
int watch_new(struct watch **out);

/** watch_free - everybody has left. Takes NULL. */
void watch_free(struct watch *w);

/** watch_join, watch_leave - the calling thread, before and after it kicks */
void watch_join(struct watch *w, struct watched *self);
void watch_leave(struct watch *w, struct watched *self);

/** watch_enable - whether there are clients at all */
void watch_enable(struct watch *w, bool on);

/**
 * watch_kick - write to a client's eventfd, from a thread that joined
 *
 * Returns false when the client has spoilt it: it was full.
 */
bool watch_kick(int fd);

#endif
