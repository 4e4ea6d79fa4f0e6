/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Pipes: two ports of one region back to back. Frames move by swapping buffer
 * indices between the sender's and the receiver's slot: never copied, never
 * dropped. A full pipe makes the sender wait.
 */
#ifndef PTN_PIPE_H
#define PTN_PIPE_H

#include "ptn_os.h"

struct ptn_pipe;
struct ptn_port;

/** ptn_pipe_new - a pipe without ends; @name is copied. 0, -ENOMEM. */
int ptn_pipe_new(struct ptn_pipe **out, const char *name);

/** ptn_pipe_free - a pipe without ends attached. Takes NULL. */
void ptn_pipe_free(struct ptn_pipe *pipe);

/**
 * ptn_pipe_attach - make a port one end (0 or 1)
 *
 * Returns 0, -EBUSY when the end or the port is taken. Frames pass once both
 * ends are running in the same region; queue i is joined to queue i, queues
 * that the other end lacks wait.
 */
int ptn_pipe_attach(struct ptn_pipe *pipe, unsigned end, struct ptn_port *p);

/**
 * ptn_pipe_ask_for_room - the other end's program is to kick once it makes
 *	room for what waits in a transmit ring
 *
 * Of an end, inside ptn_rcu_read_lock(). Returns false when there is room
 * already; the asking holds nevertheless.
 */
bool ptn_pipe_ask_for_room(struct ptn_port *p, u32 queue);

/** ptn_pipe_detach - free the end that a port is. The port is not syncing. */
void ptn_pipe_detach(struct ptn_port *p);

#endif
