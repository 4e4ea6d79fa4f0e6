/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the control family (ptnet/control.h), between bytes and
 * structs. Sans I/O: who sends and receives the bytes is another's business.
 *
 * Called by the engine's control server and by the backends. Whatever is
 * read here came from outside: types, lengths and strings are checked; ranges
 * and meaning are the receiver's to check.
 */
#ifndef PTNET_NL_MESSAGE_H
#define PTNET_NL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/objects.h"

enum {
	MESSAGE_DATAGRAM = 64 * 1024, /* what senders fill, at most */
	MESSAGE_DATAGRAM_MAX = 128 * 1024, /* what receivers must take */
	MESSAGE_TEXT = 512,
};

/* Bits of message.has: attributes (1 << enum ptn_attr), and */
enum { MESSAGE_STATUS = 1 << 30 }; /* the object's status is filled in */

#define MESSAGE_HAS(attr) (UINT32_C(1) << (attr))

/* Something that happened; what it is not about is empty. */
struct message_event {
	uint32_t type; /* enum ptn_event */
	object_name port, sw;
	uint32_t pid;
	uint32_t rate;
};

struct message {
	uint16_t type; /* the family, NLMSG_ERROR or NLMSG_DONE */
	uint16_t flags; /* NLM_F_* */
	uint32_t seq;
	uint8_t cmd; /* enum ptn_cmd; of a family's message */
	uint32_t has; /* which of these are filled in */

	uint64_t revision;
	uint64_t instance;
	uint32_t features;
	uint32_t workers;
	char version[64];

	struct switch_spec sw; /* statics are the message's own */
	struct switch_status sw_status;
	struct pipe_spec pipe;
	struct pipe_status pipe_status;
	struct port_spec port;
	struct port_status port_status;
	struct fdb_entry fdb;
	struct census census;
	struct message_event event;

	int error; /* NLMSG_ERROR and NLMSG_DONE: 0 or a negative errno */
	char text[MESSAGE_TEXT]; /* what is wrong, for people */
};

/* A growing buffer of whole messages. Zero-initialised is empty. */
struct message_buf {
	uint8_t *data;
	size_t len, size;
	struct nl_msg *scratch;
};

/**
 * message_put - append a message
 *
 * Writes what @m->has names; for an error the number, the sentence, and the
 * sequence number that it answers. Returns 0, -ENOMEM, -EMSGSIZE when an
 * object is too big for a message (a switch with thousands of static
 * entries); nothing was appended then.
 */
int message_put(struct message_buf *b, const struct message *m);

/** message_buf_fini - free; the buffer is empty then */
void message_buf_fini(struct message_buf *b);

/**
 * message_next - take the next message of a datagram
 * @at, @left: what remains of it; advanced
 * @out: filled in; the caller ends with message_fini()
 *
 * Returns 1 with a message, 0 at the end, -EINVAL for a message that is
 * refused: @out->text says why, and @out->seq is the message's when there was
 * a header (else @left is 0 afterwards). -ENOMEM.
 */
int message_next(const uint8_t **at, size_t *left, struct message *out);

/**
 * message_datagram - how much of @len bytes of whole messages to send at once
 *
 * As many messages as MESSAGE_DATAGRAM takes, at least one.
 */
size_t message_datagram(const uint8_t *data, size_t len);

/** message_fini - free what a message holds */
void message_fini(struct message *m);

/** message_cmd_name - "PORT_NEW", ... or NULL */
const char *message_cmd_name(unsigned cmd);

#endif
