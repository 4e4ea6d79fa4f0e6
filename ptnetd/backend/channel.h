/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control family spoken over a socket: what the engine's backend and the
 * kernel's have in common. Knows messages, plans and objects; whose socket it
 * is, and what to do when it is lost, is the backend's business.
 */
#ifndef PTNETD_BACKEND_CHANNEL_H
#define PTNETD_BACKEND_CHANNEL_H

#include "backend/backend.h"

struct channel {
	/* set by the backend */
	const char *peer; /* for sentences: "the engine" */
	const char *gone; /* "has ended" */
	uint16_t type; /* of messages: the family's number */
	/* open a socket, or -errno */
	int (*connect)(struct channel *c);

	int sock; /* -1: lost; the next call connects again */
	uint32_t seq;
	uint8_t *datagram; /* MESSAGE_DATAGRAM_MAX */
};

/** channel_init - no socket yet; 0 or -ENOMEM */
int channel_init(struct channel *c);
void channel_fini(struct channel *c);

/** channel_close - the socket, if there is one */
void channel_close(struct channel *c);

/*
 * As struct backend_ops says; -ECONNRESET when the other side is gone. Info
 * leaves the name to the backend.
 */
int channel_info(struct channel *c, struct backend_info *out,
		 struct backend_error *error);
int channel_dump(struct channel *c, struct objects *out,
		 struct backend_error *error);
int channel_apply(struct channel *c, const struct plan *plan, uint64_t revision,
		  struct backend_error *error);
int channel_fdb(struct channel *c, const char *name, struct fdb_entry **out,
		size_t *count, struct backend_error *error);
int channel_census(struct channel *c, struct census *out,
		   struct backend_error *error);

/**
 * channel_clear - delete every object that is not foreign, in one transaction
 *	that makes revision 0
 */
int channel_clear(struct channel *c, struct backend_error *error);

/** backend_fail - write a sentence; returns @err */
__attribute__((format(printf, 3, 4))) int
backend_fail(struct backend_error *error, int err, const char *format, ...);

#endif
