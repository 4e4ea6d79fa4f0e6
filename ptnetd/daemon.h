/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon: everything wired to the loop. */
#ifndef PTNETD_DAEMON_H
#define PTNETD_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

enum { LISTEN_MAX = 4 };

struct daemon_config {
	const char *backend; /* name of the ops */
	const char *state_dir, *run_dir;
	const char *engine; /* path of the program */
	unsigned workers;
	const char *listen[LISTEN_MAX]; /* TCP addresses */
	size_t n_listen;
	unsigned timeout_s; /* for a request to come in */
};

/** daemon_run - serve until a signal ends it; 0 or -errno, and says why */
int daemon_run(const struct daemon_config *config);

/** daemon_teardown - end the backend and all it holds; 0 or -errno */
int daemon_teardown(const struct daemon_config *config);

#endif
