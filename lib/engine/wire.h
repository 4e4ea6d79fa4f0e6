/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of the attach protocol, and the traps of its descriptors. Knows
 * sockets and eventfds, nothing else.
 */
#ifndef PTNET_ENGINE_WIRE_H
#define PTNET_ENGINE_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** wire_greet - all messages of a handshake, without waiting. 0 or -errno. */
int wire_greet(int fd, uint32_t id, int memory, uint32_t vectors,
	       const int *host_fds, const int *client_fds);

/** wire_refuse - a negative errno instead of the version */
void wire_refuse(int fd, int err);

/** wire_peer_pid - who connected */
pid_t wire_peer_pid(int fd);

/** wire_accept_spare - accept with the descriptor kept for it. -1: no. */
int wire_accept_spare(int listener, int *spare);
void wire_keep_spare(int *spare);

#endif
