/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A party that speaks with an engine's session, without sockets: for tests of
 * transactions.
 */
#ifndef TESTS_UNIT_PARTY_H
#define TESTS_UNIT_PARTY_H

#include "engine/session.h"

struct party {
	struct session session;
	char text[MESSAGE_TEXT]; /* of the last refusal */
};

void party_init(struct party *p, struct engine *e);
void party_fini(struct party *p);

/** party_say - one message and its answer: 0 or what it was refused with */
int party_say(struct party *p, struct message *m);

/** party_begin, party_switch, party_pipe, party_port, party_commit */
int party_begin(struct party *p, uint64_t revision);
int party_switch(struct party *p, uint8_t cmd, const struct switch_spec *s);
int party_pipe(struct party *p, uint8_t cmd, const struct pipe_spec *s);
int party_port(struct party *p, uint8_t cmd, const struct port_spec *s);
int party_commit(struct party *p);

/** party_dump - all objects, sorted; the caller ends with objects_fini() */
void party_dump(struct party *p, struct objects *out);

/** party_info, party_census */
void party_info(struct party *p, struct message *out);
void party_census(struct party *p, struct census *out);

#endif
