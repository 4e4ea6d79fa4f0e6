/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper: a process that holds what VMs' attachments are made of, so that
 * an engine that died is followed by one that gets it back: the memory, the
 * eventfds, and the connection. QEMU cannot attach twice.
 *
 * It understands nothing of what it keeps; a set whose client hangs up is
 * dropped. It ends when there is no engine and nothing is kept.
 *
 *	engine -> keeper: HELLO once, then PUT and DROP
 *	keeper -> engine: after HELLO what it has as PUTs, then END
 *
 * Each is one datagram of struct keep_record; PUT has descriptors with it.
 */
#ifndef PTNET_ENGINE_KEEPER_H
#define PTNET_ENGINE_KEEPER_H

#include <stdint.h>

#include <ptnet/region.h>

#include "model/objects.h"

enum keep_op { KEEP_HELLO = 1, KEEP_PUT, KEEP_DROP, KEEP_END };

/* Descriptors of a PUT. */
enum {
	KEEP_MEMORY,
	KEEP_CONNECTION,
	KEEP_VECTORS, /* the host's, then the client's */
	KEEP_FDS_MAX = KEEP_VECTORS + 2 * PTN_VECTORS_MAX,
};

struct keep_record {
	uint32_t op; /* enum keep_op */
	uint32_t window;
	uint32_t queues, slots; /* as the client knows them */
	uint32_t shape[6]; /* of the region: a struct ptn_shape */
	uint32_t huge;
	object_name name; /* of the port */
	object_name domain;
};

/** keeper_find - connect to the one of this directory: a socket or -errno */
int keeper_find(const char *run_dir);

/**
 * keeper_serve - be the keeper, in a process that is nothing else
 * @sock: connected to the engine; all other descriptors are closed
 *
 * Returns when there is nothing to do any more, or -errno.
 */
int keeper_serve(const char *run_dir, int sock);

/** keeper_send - one datagram, without waiting. 0 or -errno. */
int keeper_send(int sock, const struct keep_record *r, const int *fds,
		uint32_t n);

/**
 * keeper_receive - one datagram
 * @fds: KEEP_FDS_MAX of them; @n: how many came
 *
 * Returns 0, -EAGAIN, -ECONNRESET, -EPROTO; no descriptors came then.
 */
int keeper_receive(int sock, struct keep_record *r, int *fds, uint32_t *n);

#endif
