/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One party that speaks the control family with the engine: messages in,
 * messages out, and the transaction that it has opened. Sans I/O.
 */
#ifndef PTNET_ENGINE_SESSION_H
#define PTNET_ENGINE_SESSION_H

#include "engine/state.h"
#include "nl/message.h"

struct txn;

struct session {
	struct engine *engine;
	struct message_buf out; /* answers, in order */
	struct txn *txn; /* NULL: none is open */
	int spoilt; /* why the open transaction cannot be committed */
	char why[MESSAGE_TEXT];
	bool listens; /* wants to be told what happens */
};

/**
 * session_hear - take a datagram; answers are appended to @s->out
 *
 * Returns 0, or -ENOMEM when an answer could not be made: the other side
 * cannot know where it stands, the connection must end.
 */
int session_hear(struct session *s, const uint8_t *data, size_t len);

/** session_fini - drop what was not committed */
void session_fini(struct session *s);

#endif
