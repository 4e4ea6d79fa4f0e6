/* SPDX-License-Identifier: BSD-2-Clause */
#include "party.h"

#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

void party_init(struct party *p, struct engine *e)
{
	*p = (struct party){.session.engine = e};
}

void party_fini(struct party *p)
{
	session_fini(&p->session);
}

/* Let each answer be heard; returns the last error. */
static int say(struct party *p, struct message *m,
	       void (*heard)(void *arg, struct message *m), void *arg)
{
	struct message_buf out = {0};
	struct session *s = &p->session;
	const uint8_t *at;
	size_t left;
	int err = 0;

	m->type = PTN_ENGINE_FAMILY;
	m->flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (message_put(&out, m) || session_hear(s, out.data, out.len))
		abort();
	message_buf_fini(&out);
	at = s->out.data;
	left = s->out.len;
	for (;;) {
		struct message reply;
		int got = message_next(&at, &left, &reply);

		if (got < 0)
			abort();
		if (!got)
			break;
		if (reply.type == NLMSG_ERROR && reply.error) {
			err = reply.error;
			strcpy(p->text, reply.text);
		} else if (reply.type == PTN_ENGINE_FAMILY && heard) {
			heard(arg, &reply);
		}
		message_fini(&reply);
	}
	s->out.len = 0;
	return err;
}

int party_say(struct party *p, struct message *m)
{
	return say(p, m, NULL, NULL);
}

int party_begin(struct party *p, uint64_t revision)
{
	struct message m = {.cmd = PTN_CMD_TXN_BEGIN,
			    .has = MESSAGE_HAS(PTN_A_REVISION),
			    .revision = revision};

	return party_say(p, &m);
}

int party_commit(struct party *p)
{
	struct message m = {.cmd = PTN_CMD_TXN_COMMIT};

	return party_say(p, &m);
}

int party_switch(struct party *p, uint8_t cmd, const struct switch_spec *s)
{
	struct message m = {
		.cmd = cmd, .has = MESSAGE_HAS(PTN_A_SWITCH), .sw = *s};

	return party_say(p, &m);
}

int party_pipe(struct party *p, uint8_t cmd, const struct pipe_spec *s)
{
	struct message m = {
		.cmd = cmd, .has = MESSAGE_HAS(PTN_A_PIPE), .pipe = *s};

	return party_say(p, &m);
}

int party_port(struct party *p, uint8_t cmd, const struct port_spec *s)
{
	struct message m = {
		.cmd = cmd, .has = MESSAGE_HAS(PTN_A_PORT), .port = *s};

	return party_say(p, &m);
}

static void heard_object(void *arg, struct message *m)
{
	struct objects *o = arg;
	int err = m->cmd == PTN_CMD_SWITCH_NEW
			  ? objects_add_switch(o, &m->sw, &m->sw_status)
		  : m->cmd == PTN_CMD_PIPE_NEW
			  ? objects_add_pipe(o, &m->pipe, &m->pipe_status)
			  : objects_add_port(o, &m->port, &m->port_status);

	if (err)
		abort();
}

void party_dump(struct party *p, struct objects *out)
{
	static const uint8_t kinds[] = {PTN_CMD_SWITCH_GET, PTN_CMD_PIPE_GET,
					PTN_CMD_PORT_GET};

	*out = (struct objects){0};
	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct message m = {.cmd = kinds[i], .flags = NLM_F_DUMP};

		if (say(p, &m, heard_object, out))
			abort();
	}
	objects_sort(out);
}

static void keep(void *arg, struct message *m)
{
	*(struct message *)arg = *m;
}

void party_info(struct party *p, struct message *out)
{
	struct message m = {.cmd = PTN_CMD_INFO_GET};

	if (say(p, &m, keep, out))
		abort();
}

void party_census(struct party *p, struct census *out)
{
	struct message reply, m = {.cmd = PTN_CMD_CENSUS_GET};

	if (say(p, &m, keep, &reply))
		abort();
	*out = reply.census;
}
