/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PTNET_PORT_ATTACH_H
#define PTNET_PORT_ATTACH_H

#include <stdint.h>

#include <ptnet/region.h>

/* What the host gives over the attach socket. -1: not there (yet). */
struct attach {
	int sock; /* the attachment lasts as long as this connection */
	int mem;
	unsigned id;
	unsigned vectors; /* how many of the following are there */
	int host[PTN_VECTORS_MAX]; /* eventfds that wake the host */
	int own[PTN_VECTORS_MAX]; /* eventfds that wake the program */
};

/**
 * attach_open - connect and get the ID and the memory file
 *
 * Returns 0 or -errno; in both cases attach_close() is due.
 */
int attach_open(struct attach *a, const char *path, int64_t deadline);

/** attach_vectors - get the eventfds; @vectors is what the config page says */
int attach_vectors(struct attach *a, unsigned vectors, int64_t deadline);

/** attach_close - end the attachment, close all descriptors */
void attach_close(struct attach *a);

/**
 * attach_alive - whether the host still holds its end
 *
 * Does not block. Throws away what the host may have sent. 0 or -ECONNRESET.
 */
int attach_alive(const struct attach *a);

#endif
