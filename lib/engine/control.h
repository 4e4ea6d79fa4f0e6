/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control server: sessions on a SOCK_SEQPACKET socket, RUN_DIR/engine.sock.
 */
#ifndef PTNET_ENGINE_CONTROL_H
#define PTNET_ENGINE_CONTROL_H

struct control;
struct engine;
struct message_event;

/**
 * control_new - listen; only the engine's own user and root are let in
 *
 * The caller has made sure that no other engine serves the directory.
 * Returns 0 or -errno.
 */
int control_new(struct control **out, struct engine *e);

/**
 * control_tell - something happened: for all sessions that want to know
 *
 * Nobody waits for them: who does not read in time loses some. @c may be NULL.
 */
void control_tell(struct control *c, const struct message_event *event);

/** control_free - close all connections and remove the socket. Takes NULL. */
void control_free(struct control *c);

#endif
