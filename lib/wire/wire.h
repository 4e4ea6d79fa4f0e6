/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of the attach protocol (ptnet/region.h): its words, and
 * the traps of its descriptors. The engine serves its ports by it, ptnetd those
 * of VMs that the kernel has. Knows sockets and eventfds, nothing else.
 */
#ifndef PTNET_WIRE_H
#define PTNET_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { WIRE_PATH_MAX = 108 };

/**
 * wire_listen - make an attach socket, in the place of a stale one
 *
 * Returns a descriptor that does not block; -ENAMETOOLONG, -errno.
 */
int wire_listen(const char *path);

/** wire_open_vectors - eventfds for both sides; 0, or -errno with some of them
 * open and the others -1 */
int wire_open_vectors(uint32_t vectors, int *host_fds, int *client_fds);
void wire_close_vectors(uint32_t vectors, const int *host_fds,
			const int *client_fds);

/** wire_greet - all messages of a handshake, without waiting. 0 or -errno. */
int wire_greet(int fd, uint32_t id, int memory, uint32_t vectors,
	       const int *host_fds, const int *client_fds);

/** wire_refuse - a negative errno instead of the version */
void wire_refuse(int fd, int err);

/**
 * wire_keep_refused - take a refused client, which is told no more, and close
 * the one before
 *
 * QEMU reads the answer when a device is plugged, some time after it connected,
 * and without end if the connection is closed by then.
 */
void wire_keep_refused(int *refused, int fd);

/** wire_peer_pid - who connected */
pid_t wire_peer_pid(int fd);

/** wire_accept_spare - accept with the descriptor kept for it. -1: no. */
int wire_accept_spare(int listener, int *spare);
void wire_keep_spare(int *spare);

#endif
