/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets that the API is served on. */
#ifndef PTNETD_REST_LISTEN_H
#define PTNETD_REST_LISTEN_H

#include <stddef.h>

/**
 * listen_unix - a UNIX socket for owner and group
 * @path: a socket there that nobody answers on is removed first
 * @reason: of @size bytes, a sentence when it fails
 *
 * Returns the descriptor or -errno; -EADDRINUSE: somebody answers there.
 */
int listen_unix(const char *path, char *reason, size_t size);

/**
 * listen_tcp - a TCP socket on this host's loopback
 * @address: "127.0.0.1:PORT" or "[::1]:PORT"; others are refused
 */
int listen_tcp(const char *address, char *reason, size_t size);

#endif
