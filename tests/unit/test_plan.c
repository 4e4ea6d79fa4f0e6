/* SPDX-License-Identifier: BSD-2-Clause */
/* The planner: tables of what is wanted, what is there, and the steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "plan/plan.h"

static struct objects want, have;

static int setup(void **state)
{
	(void)state;
	want = have = (struct objects){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	objects_fini(&want);
	objects_fini(&have);
	return 0;
}

static struct switch_spec *add_switch(struct objects *o, const char *name)
{
	struct switch_spec s = {.fdb_size = 8192, .ageing_ms = 300000};

	copy_string(s.name, sizeof(s.name), name);
	copy_string(s.owner, sizeof(s.owner), "edge");
	assert_int_equal(objects_add_switch(o, &s, NULL), 0);
	return &o->switches[o->n_switches - 1];
}

static struct pipe_spec *add_pipe(struct objects *o, const char *name)
{
	struct pipe_spec p = {.domain = "trusted"};

	copy_string(p.name, sizeof(p.name), name);
	copy_string(p.owner, sizeof(p.owner), "edge");
	assert_int_equal(objects_add_pipe(o, &p, NULL), 0);
	return &o->pipes[o->n_pipes - 1];
}

static struct port_spec *add_port(struct objects *o, const char *name)
{
	struct port_spec p = {.kind = PTN_PORT_HOST,
			      .on_switch = "vale0",
			      .has_mac = true,
			      .mac = {2, 0, 0, 0, 0, 1},
			      .queues = 1,
			      .slots = 1024,
			      .buf_size = 2048};

	copy_string(p.name, sizeof(p.name), name);
	copy_string(p.owner, sizeof(p.owner), "edge");
	assert_int_equal(objects_add_port(o, &p, NULL), 0);
	return &o->ports[o->n_ports - 1];
}

static const char *step_name(const struct plan_step *s)
{
	/* a spec's first member is its name */
	return s->want ? s->want : s->have;
}

/* Compare with "create switch vale0; delete port a; ". */
static void assert_plan(const char *expected)
{
	static const char *const kinds[] = {"switch", "pipe", "port"};
	_cleanup_strbuf_ struct strbuf text = {0};
	struct plan p;

	objects_sort(&want);
	objects_sort(&have);
	assert_int_equal(plan_make(&p, &want, &have), 0);
	strbuf_add(&text, "");
	for (size_t i = 0; i < p.count; i++)
		strbuf_addf(&text, "%s %s %s; ",
			    plan_action_name(p.steps[i].action),
			    kinds[p.steps[i].kind], step_name(&p.steps[i]));
	assert_string_equal(text.data ? text.data : "", expected);
	assert_int_equal(p.count,
			 p.creates + p.changes + p.replaces + p.deletes);
	plan_fini(&p);
}

static void assert_why(const char *expected)
{
	struct plan p;

	assert_int_equal(plan_make(&p, &want, &have), 0);
	assert_int_equal(p.count, 1);
	assert_string_equal(p.steps[0].why, expected);
	plan_fini(&p);
}

static void nothing_to_do(void **state)
{
	(void)state;
	assert_plan("");
	for (int i = 0; i < 2; i++) {
		add_switch(i ? &want : &have, "vale0");
		add_pipe(i ? &want : &have, "p0");
		add_port(i ? &want : &have, "a");
	}
	assert_plan("");
}

static void order_of_steps(void **state)
{
	(void)state;
	add_switch(&want, "s-new");
	add_pipe(&want, "p-new");
	add_port(&want, "b");
	add_port(&want, "a");
	add_switch(&have, "s-old");
	add_pipe(&have, "p-old");
	add_port(&have, "old");
	assert_plan("delete port old; delete pipe p-old; delete switch s-old; "
		    "create switch s-new; create pipe p-new; create port a; "
		    "create port b; ");
}

static void foreign_objects_stay(void **state)
{
	(void)state;
	add_switch(&have, "theirs")->owner[0] = 0;
	add_pipe(&have, "theirs")->owner[0] = 0;
	add_port(&have, "theirs")->owner[0] = 0;
	assert_plan("");
}

static void switch_changes_in_place(void **state)
{
	struct static_mac fixed = {{2, 0, 0, 0, 0, 9}, "a"};
	struct switch_spec with = {.name = "vale1",
				   .owner = "edge",
				   .fdb_size = 8192,
				   .ageing_ms = 300000,
				   .statics = &fixed,
				   .n_statics = 1};

	(void)state;
	add_switch(&want, "vale0")->ageing_ms = 0;
	add_switch(&have, "vale0");
	assert_int_equal(objects_add_switch(&want, &with, NULL), 0);
	add_switch(&have, "vale1");
	add_switch(&want, "vale2");
	strcpy(add_switch(&have, "vale2")->owner, "other");
	assert_plan("change switch vale0; change switch vale1; "
		    "change switch vale2; ");
}

static void replaced_with_their_ports(void **state)
{
	struct objects *sets[] = {&want, &have};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct port_spec *p;

		add_switch(sets[i], "vale0")->fdb_size = i ? 64 : 128;
		add_switch(sets[i], "vale1");
		strcpy(add_pipe(sets[i], "p0")->domain, i ? "x" : "y");
		add_port(sets[i], "on-vale0");
		strcpy(add_port(sets[i], "on-vale1")->on_switch, "vale1");
		p = add_port(sets[i], "on-p0");
		p->on_switch[0] = 0;
		strcpy(p->on_pipe, "p0");
	}
	assert_plan("replace switch vale0; replace pipe p0; "
		    "replace port on-p0; replace port on-vale0; ");
}

static void port_differences(void **state)
{
	struct port_spec *w = add_port(&want, "a"), *h = add_port(&have, "a");
	const struct port_spec same = *w;

	(void)state;
	(void)h;
#define CASE(set, text)                                                        \
	do {                                                                   \
		*w = same;                                                     \
		set;                                                           \
		assert_plan("replace port a; ");                               \
		assert_why(text);                                              \
	} while (0)
	CASE(w->slots = 512, "slots 1024 -> 512");
	CASE(w->queues = 4, "queues 1 -> 4");
	CASE(w->buf_size = 9216, "bufferSize 2048 -> 9216");
	CASE(w->extra_bufs = 8, "extraBuffers 0 -> 8");
	CASE(w->huge_pages = true, "hugePages false -> true");
	CASE(w->offload = true, "offload false -> true");
	CASE(w->mac[5] = 2, "mac 02:00:00:00:00:01 -> 02:00:00:00:00:02");
	CASE(strcpy(w->on_switch, "vale1"), "switch vale0 -> vale1");
	CASE(strcpy(w->domain, "d"), "domain none -> d");
	CASE(w->kind = PTN_PORT_VM, "another kind of port");
	CASE(w->end = 1, "end a -> b");
#undef CASE
	*w = same;
	strcpy(w->owner, "other");
	assert_plan("change port a; ");
	assert_why("topology edge -> other");
}

/* Replacing outweighs changing, and tells its own reason. */
static void replace_before_change(void **state)
{
	struct switch_spec *w = add_switch(&want, "vale0");

	(void)state;
	add_switch(&have, "vale0");
	w->ageing_ms = 1;
	w->fdb_size = 64;
	assert_plan("replace switch vale0; ");
	assert_why("macTable 8192 -> 64");
}

static void a_device_that_is_there_again(void **state)
{
	struct port_status status = {.state = PTN_PORT_FAULTED};
	struct port_spec nic = {.name = "eth1",
				.owner = "edge",
				.kind = PTN_PORT_NIC,
				.device = "eth1"};

	(void)state;
	assert_int_equal(objects_add_port(&want, &nic, NULL), 0);
	assert_int_equal(objects_add_port(&have, &nic, &status), 0);
	assert_plan("");
	have.port_status[0].state = PTN_PORT_STALE;
	assert_plan("replace port eth1; ");
	assert_why("device eth1 is there again");
}

static void many_objects(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "p%05d", i);
		if (i < 15000)
			add_port(&want, name);
		if (i >= 5000)
			add_port(&have, name);
	}
	objects_sort(&want);
	objects_sort(&have);
	struct plan p;

	assert_int_equal(plan_make(&p, &want, &have), 0);
	assert_int_equal(p.creates, 5000);
	assert_int_equal(p.deletes, 5000);
	assert_int_equal(p.count, 10000);
	plan_fini(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_to_do),
		TEST(order_of_steps),
		TEST(foreign_objects_stay),
		TEST(switch_changes_in_place),
		TEST(replaced_with_their_ports),
		TEST(port_differences),
		TEST(replace_before_change),
		TEST(a_device_that_is_there_again),
		TEST(many_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
