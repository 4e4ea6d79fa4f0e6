/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attach sockets of the VMs' ports that the kernel has:
 * RUN_DIR/ports/NAME.sock. A client that connects is handed to the module with
 * all that belongs to it (ptnet/bind.h), and nothing of it stays here. Called
 * by kernel.c.
 */
#ifndef PTNETD_BACKEND_SOCKETS_H
#define PTNETD_BACKEND_SOCKETS_H

#include "backend/backend.h"

struct sockets;

/** sockets_new - none yet; without a @run_dir none ever. 0 or -errno. */
int sockets_new(struct sockets **out, const char *run_dir);

/** sockets_free - and remove them: nobody answers any more. Takes NULL. */
void sockets_free(struct sockets *s);

/** sockets_fd - readable when somebody connects */
int sockets_fd(const struct sockets *s);

/** sockets_hear - serve who connected */
void sockets_hear(struct sockets *s);

/**
 * sockets_prepare - open those of a plan that is about to be done
 *
 * Then sockets_settle() tells whether it was. Returns 0, or -errno with a
 * sentence and nothing opened.
 */
int sockets_prepare(struct sockets *s, const struct plan *plan,
		    struct backend_error *error);
void sockets_settle(struct sockets *s, const struct plan *plan, bool done);

/** sockets_for - those of all ports that are there; 0 or -errno, a sentence */
int sockets_for(struct sockets *s, const struct objects *have,
		struct backend_error *error);

/** sockets_tell - the paths, in the status of the ports */
void sockets_tell(const struct sockets *s, struct objects *have);

#endif
