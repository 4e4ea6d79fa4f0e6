/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host's side with attach sockets, and what makes it do: an engine in a
 * thread of the test, or the kernel's module; and a thread that hears what
 * happens, and serves the module's sockets, as ptnetd does.
 */
#ifndef TESTS_UNIT_HOST_H
#define TESTS_UNIT_HOST_H

#include <pthread.h>
#include <stdbool.h>

#include "backend/backend.h"

struct host {
	char dir[64];
	pthread_t thread; /* the engine's */
	pthread_t ear;
	pthread_barrier_t ready;
	struct backend *backend;
	/* calls come from one thread at a time */
	pthread_mutex_t lock;
	bool ending;
	bool changed; /* so it was told: a daemon would plan anew */
};

/* backend_engine, until a test's main says backend_kernel */
extern const struct backend_ops *host_ops;

/** host_open - a cmocka setup: *state is a struct host */
int host_open(void **state);

/**
 * host_close - the teardown
 *
 * Nothing is left: the directories are empty, or cannot be removed.
 */
int host_close(void **state);

/** host_apply - make it as wanted, by a plan */
void host_apply(struct host *h, const struct objects *want);

/** host_stop, host_go_on - of the kernel's: the daemon ends, another starts */
void host_stop(struct host *h);
void host_go_on(struct host *h);

/** host_changed - whether it has been told so since it was asked last */
bool host_changed(struct host *h);

/** host_port - the status of a port, with its socket */
struct port_status host_port(struct host *h, const char *name);

/** host_census - where all buffers are */
struct census host_census(struct host *h);

#endif
