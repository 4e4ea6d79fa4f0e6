/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control server: sessions on a SOCK_SEQPACKET socket, RUN_DIR/engine.sock.
 */
#ifndef PTNET_ENGINE_CONTROL_H
#define PTNET_ENGINE_CONTROL_H

struct control;
struct engine;

/**
 * control_new - listen; only the engine's own user and root are let in
 *
 * The caller has made sure that no other engine serves the directory.
 * Returns 0 or -errno.
 */
int control_new(struct control **out, struct engine *e);

/** control_free - close all connections and remove the socket. Takes NULL. */
void control_free(struct control *c);

#endif
