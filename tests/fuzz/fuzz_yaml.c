/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes at the door for topologies. What is refused has findings and
 * leaves nothing; what is taken is whole, and says the same when it is
 * written out and read again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "model/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "broken: %s\n", #condition);           \
			abort();                                               \
		}                                                              \
	} while (0)

static void check_findings(const struct diags *d)
{
	for (size_t i = 0; i < d->count; i++) {
		char *line = diag_format(&d->list[i]);
		json_t *utf8 = line ? json_string(line) : NULL;

		MUST(utf8 && *d->list[i].message);
		json_decref(utf8);
		MUST(d->list[i].line >= 1 && d->list[i].column >= 1);
		free(line);
	}
}

static void check_ports(const struct topology *t)
{
	const struct objects *o = &t->objects;

	for (size_t i = 0; i < o->n_ports; i++) {
		const struct port_spec *p = &o->ports[i];

		MUST(!i || strcmp(p[-1].name, p->name) < 0);
		MUST(topology_declared(t, OBJECT_PORT, p->name));
		MUST(!*p->on_switch || objects_find_switch(o, p->on_switch));
		MUST(!*p->on_pipe || objects_find_pipe(o, p->on_pipe));
		MUST(!*p->on_pipe || *p->domain);
		MUST(strcmp(p->owner, t->name) == 0);
		if (p->kind == PTN_PORT_NIC)
			continue;
		MUST(p->queues >= 1 && p->queues <= 16);
		MUST(p->slots >= 16 && p->slots <= 4096);
		MUST(p->buf_size % 64 == 0 && p->buf_size);
	}
}

static void check_equal(const struct objects *a, const struct objects *b)
{
	MUST(a->n_switches == b->n_switches);
	for (size_t i = 0; i < a->n_switches; i++)
		MUST(switch_spec_equal(&a->switches[i], &b->switches[i]));
	MUST(a->n_pipes == b->n_pipes);
	for (size_t i = 0; i < a->n_pipes; i++)
		MUST(pipe_spec_equal(&a->pipes[i], &b->pipes[i]));
	MUST(a->n_ports == b->n_ports);
	for (size_t i = 0; i < a->n_ports; i++)
		MUST(port_spec_equal(&a->ports[i], &b->ports[i]));
}

static void check_again(const struct topology *t, char *text)
{
	struct topologies again = {0};
	struct diags d = {0};

	MUST(text);
	MUST(topologies_parse(&again, text, strlen(text), NULL, &d) == 0);
	MUST(again.count == 1);
	MUST(json_equal(t->document, again.list[0].document));
	check_equal(&t->objects, &again.list[0].objects);
	topologies_fini(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct topologies set = {0};
	struct diags d = {0};
	int err = topologies_parse(&set, (const char *)data, size, NULL, &d);

	MUST(err == 0 || err == -EINVAL);
	MUST((err != 0) == diags_any(&d));
	MUST((err == 0) == (set.count > 0));
	check_findings(&d);
	for (size_t i = 0; i < set.count; i++) {
		check_ports(&set.list[i]);
		check_again(&set.list[i],
			    topology_to_yaml(set.list[i].document));
		check_again(&set.list[i], json_write(set.list[i].document));
	}
	MUST(topologies_check(&set, &d) == (diags_any(&d) ? -EINVAL : 0) ||
	     err);
	check_findings(&d);
	diags_fini(&d);
	topologies_fini(&set);
	return 0;
}
