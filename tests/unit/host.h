/* SPDX-License-Identifier: BSD-2-Clause */
/* An engine in a thread of the test, with sockets, and what makes it do. */
#ifndef TESTS_UNIT_HOST_H
#define TESTS_UNIT_HOST_H

#include <pthread.h>

#include "backend/backend.h"

struct host {
	char dir[64];
	pthread_t thread;
	pthread_barrier_t ready;
	struct backend *backend;
};

/** host_open - a cmocka setup: *state is a struct host */
int host_open(void **state);

/**
 * host_close - the teardown
 *
 * Nothing is left: the directories are empty, or cannot be removed.
 */
int host_close(void **state);

/** host_apply - make the engine as wanted, by a plan */
void host_apply(struct host *h, const struct objects *want);

#endif
