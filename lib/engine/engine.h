/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: the core's home in user space. One control thread, which runs
 * in engine_run(), and worker threads.
 */
#ifndef PTNET_ENGINE_ENGINE_H
#define PTNET_ENGINE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

struct engine;

struct engine_config {
	/* Sockets are made here, in it and in its directory ports. NULL: no
	 * sockets at all, for tests of what is behind them. */
	const char *run_dir;
	uint32_t workers; /* 0: one a CPU, less one, at least one */
	int keeper; /* a socket to it (keeper.h), taken over; 0: none */
};

enum { ENGINE_WORKERS_MAX = 256 };

/**
 * engine_new - open the directory, start the workers, listen
 * @text: the sentence of a failure, @size bytes
 *
 * To be called in the thread that calls engine_run(); takes over SIGTERM,
 * SIGINT, SIGUSR1 and SIGPIPE when there is a run_dir. Returns 0, -EBUSY when
 * another engine serves the directory, -errno.
 */
int engine_new(struct engine **out, const struct engine_config *config,
	       char *text, size_t size);

/** engine_run - serve until SIGTERM or SIGINT. 0 or -errno. */
int engine_run(struct engine *e);

/** engine_free - cut clients off, remove all sockets. Takes NULL. */
void engine_free(struct engine *e);

#endif
