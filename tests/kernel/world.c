/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "base/strbuf.h"

static const struct backend_ops *const ops = &backend_kernel;
static struct backend *backend;
static struct backend_error error;
static uint64_t revision;

static struct backend *contact(void)
{
	const struct backend_config config = {.workers = 0};

	if (!backend && ops->open(&backend, &config, &error))
		fail_msg("%s", error.message);
	return backend;
}

void world_forget(void)
{
	ops->close(backend);
	backend = NULL;
}

void world_objects(struct objects *out)
{
	if (ops->dump(contact(), out, &error))
		fail_msg("%s", error.message);
}

int world_try_to_look(void)
{
	struct objects all = {0};
	struct census census;
	int err = ops->dump(contact(), &all, &error);

	objects_fini(&all);
	return err ? err : ops->census(contact(), &census, &error);
}

void world_look(struct world *w)
{
	struct objects all;

	memset(w, 0, sizeof(*w));
	world_objects(&all);
	w->switches = all.n_switches;
	w->pipes = all.n_pipes;
	w->ports = all.n_ports;
	objects_fini(&all);
	if (ops->census(contact(), &w->census, &error))
		fail_msg("%s", error.message);
	assert_int_equal(w->census.lost, 0);
	assert_int_equal(w->census.twice, 0);
	assert_int_equal(w->census.free + w->census.slots + w->census.extra,
			 w->census.buffers);
}

void world_assert_same(const struct world *then, const char *what)
{
	struct world now;

	world_look(&now);
	if (now.switches != then->switches || now.pipes != then->pipes ||
	    now.ports != then->ports ||
	    now.census.regions != then->census.regions ||
	    now.census.buffers != then->census.buffers ||
	    now.census.free != then->census.free)
		fail_msg("after %s: %zu switches, %zu pipes, %zu ports, %u "
			 "regions, %llu buffers, %llu free; before: %zu, %zu, "
			 "%zu, %u, %llu, %llu",
			 what, now.switches, now.pipes, now.ports,
			 now.census.regions,
			 (unsigned long long)now.census.buffers,
			 (unsigned long long)now.census.free, then->switches,
			 then->pipes, then->ports, then->census.regions,
			 (unsigned long long)then->census.buffers,
			 (unsigned long long)then->census.free);
}

void world_port(const char *name, uint64_t out[PTN_C_MAX + 1])
{
	struct objects all;
	const struct port_spec *p;

	world_objects(&all);
	p = objects_find_port(&all, name);
	if (!p)
		fail_msg("there is no port %s", name);
	memcpy(out, all.port_status[p - all.ports].counters,
	       (PTN_C_MAX + 1) * sizeof(*out));
	objects_fini(&all);
}

static int apply_to(const struct objects *want, const struct objects *have)
{
	const bool some = want->n_switches + want->n_pipes + want->n_ports;
	struct plan plan;
	int err = plan_make(&plan, want, have);

	if (err)
		return err;
	err = ops->apply(contact(), &plan, some ? ++revision : 0, &error);
	plan_fini(&plan);
	return err;
}

int world_apply(struct objects *want)
{
	struct objects have = {0};
	int err;

	objects_sort(want);
	err = ops->dump(contact(), &have, &error);
	if (!err)
		err = apply_to(want, &have);
	objects_fini(&have);
	return err;
}

static const char owner[] = "test";

void world_want_switch(struct objects *want, const char *name)
{
	struct switch_spec s = {.fdb_size = 1024, .ageing_ms = 300000};

	copy_string(s.name, sizeof(s.name), name);
	copy_string(s.owner, sizeof(s.owner), owner);
	assert_int_equal(objects_add_switch(want, &s, NULL), 0);
}

void world_want_pipe(struct objects *want, const char *name)
{
	struct pipe_spec p = {.owner = ""};

	copy_string(p.name, sizeof(p.name), name);
	copy_string(p.owner, sizeof(p.owner), owner);
	snprintf(p.domain, sizeof(p.domain), "pipe:%.50s", name);
	assert_int_equal(objects_add_pipe(want, &p, NULL), 0);
}

struct port_spec *world_want_port(struct objects *want, const char *name)
{
	static uint8_t last;
	struct port_spec p = {
		.kind = PTN_PORT_HOST,
		.has_mac = true,
		.mac = {2, 0, 0, 9, 0, ++last},
		.queues = 1,
		.slots = 64,
		.buf_size = 2048,
	};

	copy_string(p.name, sizeof(p.name), name);
	copy_string(p.owner, sizeof(p.owner), owner);
	assert_int_equal(objects_add_port(want, &p, NULL), 0);
	return &want->ports[want->n_ports - 1];
}

int world_module_users(void)
{
	FILE *file = fopen("/sys/module/ptnetmap/refcnt", "re");
	int n = -1;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &n), 1);
	fclose(file);
	return n;
}
