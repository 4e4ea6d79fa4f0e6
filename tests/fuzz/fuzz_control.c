/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's control server, without sockets. The first byte says what the
 * rest is: bytes of a datagram, or a script of changes that are well-formed
 * but as foolish as can be. A transaction that fails must leave everything as
 * it was, and what is there must always fit together.
 */
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/txn.h"
#include "unit/party.h"

enum { STEPS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *at;
	size_t left;
};

static uint8_t next(struct script *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->at++;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void check_port(const struct objects *o, const struct port_spec *p)
{
	const struct pipe_spec *pipe;

	if (p->on_switch[0] && !objects_find_switch(o, p->on_switch))
		fail("a port is on a switch that is not there");
	if (!p->on_pipe[0])
		return;
	pipe = objects_find_pipe(o, p->on_pipe);
	if (!pipe)
		fail("a port is on a pipe that is not there");
	for (size_t i = 0; i < o->n_ports; i++)
		if (&o->ports[i] != p && o->ports[i].end == p->end &&
		    !strcmp(o->ports[i].on_pipe, p->on_pipe))
			fail("two ports are one end of a pipe");
}

static void check_switch(const struct objects *o, size_t at)
{
	const struct switch_spec *s = &o->switches[at];
	uint32_t ports = 0;

	for (size_t i = 0; i < o->n_ports; i++)
		ports += !strcmp(o->ports[i].on_switch, s->name);
	if (ports != o->switch_status[at].ports)
		fail("a switch has lost count of its ports");
	if (o->switch_status[at].fdb_used != s->n_statics)
		fail("a switch has lost static entries");
	for (size_t i = 0; i < s->n_statics; i++) {
		const struct port_spec *p =
			objects_find_port(o, s->statics[i].port);

		if (!p || strcmp(p->on_switch, s->name) != 0)
			fail("a static entry is for a port elsewhere");
	}
}

static void check_objects(const struct objects *o)
{
	for (size_t i = 0; i < o->n_ports; i++)
		check_port(o, &o->ports[i]);
	for (size_t i = 0; i < o->n_switches; i++)
		check_switch(o, i);
}

static void check_same(const struct objects *a, const struct objects *b)
{
	bool same = a->n_switches == b->n_switches &&
		    a->n_pipes == b->n_pipes && a->n_ports == b->n_ports;

	for (size_t i = 0; same && i < a->n_switches; i++)
		same = switch_spec_equal(&a->switches[i], &b->switches[i]);
	for (size_t i = 0; same && i < a->n_pipes; i++)
		same = pipe_spec_equal(&a->pipes[i], &b->pipes[i]);
	for (size_t i = 0; same && i < a->n_ports; i++)
		same = port_spec_equal(&a->ports[i], &b->ports[i]);
	if (!same)
		fail("a failed transaction has changed something");
}

static void name(char *out, char first, uint8_t n)
{
	snprintf(out, PTN_NAME_MAX, "%c%u", first, n % 4);
}

static void say_switch(struct party *p, struct script *s, uint8_t cmd)
{
	struct static_mac statics[3] = {0};
	struct switch_spec spec = {.statics = statics};

	name(spec.name, 's', next(s));
	spec.n_statics = next(s) % 4;
	spec.fdb_size = 32u << next(s) % 4;
	for (size_t i = 0; i < spec.n_statics; i++) {
		statics[i].mac[5] = (uint8_t)(i + next(s) % 2);
		name(statics[i].port, 'p', next(s));
	}
	party_switch(p, cmd, &spec);
}

static void say_pipe(struct party *p, struct script *s, uint8_t cmd)
{
	struct pipe_spec spec = {0};

	name(spec.name, 'q', next(s));
	name(spec.domain, 'd', next(s) % 2);
	party_pipe(p, cmd, &spec);
}

static void say_port(struct party *p, struct script *s, uint8_t cmd)
{
	struct port_spec spec = {.kind = PTN_PORT_HOST,
				 .queues = 1,
				 .slots = 16,
				 .buf_size = 64};
	uint8_t where = next(s);

	name(spec.name, 'p', next(s));
	spec.end = where / 4 % 2;
	switch (where % 4) {
	case 0:
		spec.kind = where / 8 % 4;
		break;
	case 1:
		spec.slots = where / 8;
		/* fall through */
	case 2:
		name(spec.on_switch, 's', next(s));
		break;
	case 3:
		name(spec.on_pipe, 'q', next(s));
		name(spec.domain, 'd', next(s) % 2);
		break;
	}
	party_port(p, cmd, &spec);
}

static void commit(struct party *p)
{
	struct objects before, after;
	bool open = p->session.txn;
	int err;

	party_dump(p, &before);
	err = party_commit(p);
	party_dump(p, &after);
	check_objects(&after);
	if (err)
		check_same(&before, &after);
	if (err && open && !strstr(p->text, " "))
		fail("a refusal without a sentence");
	objects_fini(&before);
	objects_fini(&after);
}

static void run_script(struct party *p, struct script *s)
{
	for (int n = 0; s->left && n < STEPS_MAX; n++) {
		uint8_t cmd = next(s) % PTN_CMD_MAX;

		switch (cmd) {
		case PTN_CMD_SWITCH_NEW:
		case PTN_CMD_SWITCH_SET:
		case PTN_CMD_SWITCH_DEL:
			say_switch(p, s, cmd);
			break;
		case PTN_CMD_PIPE_NEW:
		case PTN_CMD_PIPE_DEL:
			say_pipe(p, s, cmd);
			break;
		case PTN_CMD_PORT_NEW:
		case PTN_CMD_PORT_SET:
		case PTN_CMD_PORT_DEL:
			say_port(p, s, cmd);
			break;
		case PTN_CMD_TXN_COMMIT:
			commit(p);
			break;
		default:
			party_begin(p, next(s));
		}
	}
	commit(p);
}

static void run_bytes(struct party *p, struct script *s)
{
	/* as malloc would align it, and no byte more than there is */
	uint8_t *copy = malloc(s->left ? s->left : 1);

	memcpy(copy, s->at, s->left);
	if (session_hear(&p->session, copy, s->left))
		abort();
	free(copy);
	p->session.out.len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engine *engine;
	const struct engine_config config = {.workers = 1};
	struct script s = {data, size};
	struct party p;
	char text[256];

	if (!engine) {
		log_set_level(LOG_LEVEL_ERR);
		if (engine_new(&engine, &config, text, sizeof(text)))
			fail(text);
	}
	party_init(&p, engine);
	if (next(&s) & 1)
		run_script(&p, &s);
	else
		run_bytes(&p, &s);
	party_fini(&p);
	txn_clear(engine);
	return 0;
}
