/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every backend must do, run on each of them. What a backend cannot do
 * (enum ptn_feature) it must refuse by name; nothing else is excused. The
 * kernel is tried where its module is loaded and holds nothing: in guests.
 *
 *	test_backend [BACKEND]...
 *
 * Those that are named must be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/fake.h"
#include "base/strbuf.h"

static const struct backend_ops *ops;
static struct backend *backend;
static struct backend_error error;
static struct backend_config config;
static char run_dir[128], engine_path[4096];
static struct objects want;

/* Build rooms. */

static void open_backend(void)
{
	if (ops->open(&backend, &config, &error))
		fail_msg("%s", error.message);
}

static void find_engine(void)
{
	ssize_t n = readlink("/proc/self/exe", engine_path,
			     sizeof(engine_path) - 40);

	assert_true(n > 0);
	/* BUILD/tests/backend/test_backend */
	for (int i = 0; i < 3; i++) {
		engine_path[n] = 0;
		n = strrchr(engine_path, '/') - engine_path;
	}
	strcpy(engine_path + n, "/ptnet-engine");
}

static int setup(void **state)
{
	ops = *state;
	snprintf(run_dir, sizeof(run_dir), "%s/ptnet-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(run_dir))
		return -1;
	find_engine();
	config = (struct backend_config){
		.run_dir = run_dir, .engine_path = engine_path, .workers = 1};
	want = (struct objects){0};
	open_backend();
	return 0;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	if (!backend)
		ops->open(&backend, &config, &error);
	ops->teardown(backend);
	ops->close(backend);
	backend = NULL;
	objects_fini(&want);
	fake_forget();
	snprintf(command, sizeof(command), "rm -rf %s", run_dir);
	return system(command);
}

/* Objects. */

static struct switch_spec *want_switch(const char *name)
{
	struct switch_spec s = {.fdb_size = 8192, .ageing_ms = 300000};

	copy_string(s.name, sizeof(s.name), name);
	copy_string(s.owner, sizeof(s.owner), "edge");
	assert_int_equal(objects_add_switch(&want, &s, NULL), 0);
	return &want.switches[want.n_switches - 1];
}

static struct pipe_spec *want_pipe(const char *name)
{
	struct pipe_spec p = {.owner = "edge"};

	copy_string(p.name, sizeof(p.name), name);
	snprintf(p.domain, sizeof(p.domain), "pipe:%.50s", name);
	assert_int_equal(objects_add_pipe(&want, &p, NULL), 0);
	return &want.pipes[want.n_pipes - 1];
}

static struct port_spec *want_port(const char *name)
{
	static uint8_t last;
	struct port_spec p = {.owner = "edge",
			      .kind = PTN_PORT_HOST,
			      .has_mac = true,
			      .mac = {2, 0, 0, 0, 7, ++last},
			      .queues = 1,
			      .slots = 64,
			      .buf_size = 2048};

	copy_string(p.name, sizeof(p.name), name);
	assert_int_equal(objects_add_port(&want, &p, NULL), 0);
	return &want.ports[want.n_ports - 1];
}

static struct port_spec *want_on_switch(const char *name, const char *sw)
{
	struct port_spec *p = want_port(name);

	copy_string(p->on_switch, sizeof(p->on_switch), sw);
	return p;
}

static struct port_spec *want_on_pipe(const char *name, const char *pipe,
				      uint8_t end)
{
	struct port_spec *p = want_port(name);

	copy_string(p->on_pipe, sizeof(p->on_pipe), pipe);
	snprintf(p->domain, sizeof(p->domain), "pipe:%.50s", pipe);
	p->end = end;
	return p;
}

static void clear(void)
{
	objects_fini(&want);
}

static void dump(struct objects *out)
{
	if (ops->dump(backend, out, &error))
		fail_msg("%s", error.message);
}

static uint64_t revision(void)
{
	struct backend_info info;

	if (ops->info(backend, &info, &error))
		fail_msg("%s", error.message);
	return info.revision;
}

static uint64_t instance(void)
{
	struct backend_info info;

	if (ops->info(backend, &info, &error))
		fail_msg("%s", error.message);
	return info.instance;
}

/* Make what is there what is wanted; returns the backend's answer. */
static int try_apply(uint64_t to)
{
	struct objects have;
	struct plan plan;
	int err;

	objects_sort(&want);
	dump(&have);
	assert_int_equal(plan_make(&plan, &want, &have), 0);
	memset(&error, 0, sizeof(error));
	err = ops->apply(backend, &plan, to, &error);
	plan_fini(&plan);
	objects_fini(&have);
	return err;
}

/* What is there must be what is wanted, in every word of it. */
static void assert_in_step(void)
{
	struct objects have;
	struct plan plan;

	objects_sort(&want);
	dump(&have);
	assert_int_equal(plan_make(&plan, &want, &have), 0);
	if (plan.count)
		fail_msg("%s %s: %s", plan_action_name(plan.steps[0].action),
			 (const char *)(plan.steps[0].want
						? plan.steps[0].want
						: plan.steps[0].have),
			 plan.steps[0].why);
	assert_int_equal(have.n_switches, want.n_switches);
	assert_int_equal(have.n_pipes, want.n_pipes);
	assert_int_equal(have.n_ports, want.n_ports);
	for (size_t i = 0; i < want.n_ports; i++)
		assert_true(port_spec_equal(&want.ports[i], &have.ports[i]));
	plan_fini(&plan);
	objects_fini(&have);
}

static void apply(uint64_t to)
{
	if (try_apply(to))
		fail_msg("%s", error.message);
	assert_in_step();
	assert_int_equal(revision(), to);
}

/* The tests. */

static void begins_empty(void **state)
{
	struct backend_info info;

	(void)state;
	assert_int_equal(ops->info(backend, &info, &error), 0);
	assert_string_equal(info.name, ops->name);
	assert_string_equal(info.version, PTNET_VERSION);
	assert_int_equal(info.revision, 0);
	assert_int_not_equal(info.instance, 0);
	assert_int_equal(info.features & 7, PTN_FEATURE_SWITCH |
						    PTN_FEATURE_PIPE |
						    PTN_FEATURE_PORT);
	assert_in_step();
}

static void holds_every_word(void **state)
{
	struct static_mac fixed[] = {{{2, 0, 0, 0, 0, 1}, "b"},
				     {{2, 0, 0, 0, 0, 2}, "a"}};
	struct switch_spec sw = {.name = "vale9",
				 .owner = "other",
				 .ageing_ms = 0,
				 .fdb_size = 64,
				 .statics = fixed,
				 .n_statics = 2};
	struct port_spec *p;

	(void)state;
	want_switch("vale0");
	assert_int_equal(objects_add_switch(&want, &sw, NULL), 0);
	want_pipe("p0");
	want_on_switch("a", "vale9");
	want_on_switch("b", "vale9");
	want_on_pipe("left", "p0", 0);
	want_on_pipe("right", "p0", 1);
	p = want_on_switch("big", "vale0");
	p->queues = 3;
	p->slots = 128;
	p->buf_size = 9216;
	p->extra_bufs = 17;
	p->offload = true;
	p->mac[0] = 0x06;
	strcpy(p->owner, "other");
	p = want_on_switch("in-domain", "vale0");
	strcpy(p->domain, "trusted");
	apply(7);
}

static void tells_status(void **state)
{
	struct objects have;
	char path[160];

	(void)state;
	want_switch("vale0");
	want_on_switch("a", "vale0");
	want_on_switch("b", "vale0");
	apply(1);
	dump(&have);
	assert_int_equal(have.switch_status[0].ports, 2);
	assert_int_equal(have.port_status[0].state, PTN_PORT_DOWN);
	assert_int_equal(have.port_status[0].pid, 0);
	assert_int_equal(have.port_status[0].counters[PTN_C_TX_FRAMES], 0);
	if (ops == &backend_kernel)
		strcpy(path, "vale0:a");
	else
		snprintf(path, sizeof(path), "%s/ports/a.sock", run_dir);
	assert_string_equal(have.port_status[0].socket, path);
	objects_fini(&have);
}

static void changes_in_place(void **state)
{
	struct static_mac fixed = {{2, 0, 0, 0, 0, 1}, "a"};
	struct switch_spec *sw;
	struct port_spec *p;

	(void)state;
	want_switch("vale0");
	want_on_switch("a", "vale0");
	apply(1);
	sw = want.switches;
	sw->ageing_ms = 1000;
	sw->statics = malloc(sizeof(fixed));
	memcpy(sw->statics, &fixed, sizeof(fixed));
	sw->n_statics = 1;
	apply(2);
	free(sw->statics);
	sw->statics = NULL;
	sw->n_statics = 0;
	sw->ageing_ms = 0;
	apply(3);
	/* another topology takes them over */
	p = want.ports;
	strcpy(sw->owner, "other");
	strcpy(p->owner, "other");
	apply(4);
}

static void replaces_and_deletes(void **state)
{
	(void)state;
	want_switch("vale0");
	want_switch("vale1");
	want_pipe("p0");
	want_on_switch("a", "vale0");
	want_on_switch("b", "vale1");
	want_on_pipe("left", "p0", 0);
	apply(1);
	want.switches[0].fdb_size = 64; /* takes its port along */
	objects_find_port(&want, "b")->slots = 256;
	objects_find_port(&want, "left")->end = 1;
	apply(2);
	clear();
	want_switch("vale1");
	want_on_switch("a", "vale1");
	apply(3);
	clear();
	apply(4);
}

/* Two ports that change places on a pipe's ends, and on two switches. */
static void swaps_places(void **state)
{
	(void)state;
	want_switch("vale0");
	want_switch("vale1");
	want_pipe("p0");
	want_on_pipe("x", "p0", 0);
	want_on_pipe("y", "p0", 1);
	want_on_switch("z", "vale0");
	apply(1);
	objects_find_port(&want, "x")->end = 1;
	objects_find_port(&want, "y")->end = 0;
	strcpy(objects_find_port(&want, "z")->on_switch, "vale1");
	apply(2);
}

/* A step in the middle that cannot be done undoes all of the plan. */
static void does_all_or_nothing(void **state)
{
	struct objects before = {0}, refused;

	(void)state;
	want_switch("vale0");
	want_on_switch("a", "vale0");
	apply(1);
	before = want;
	want = (struct objects){0};
	want_switch("vale1");
	want_pipe("p0");
	want_on_switch("c", "vale1");
	want_on_switch("d", "nowhere");
	want_on_switch("e", "vale1");
	assert_int_not_equal(try_apply(2), 0);
	assert_non_null(strstr(error.message, "nowhere"));
	assert_string_equal(error.object, "d");
	refused = want;
	want = before;
	assert_in_step();
	assert_int_equal(revision(), 1);
	objects_fini(&refused);
}

static void refuses_what_is_there(void **state)
{
	struct plan_step step = {.action = PLAN_CREATE, .kind = OBJECT_SWITCH};
	struct plan plan = {.steps = &step, .count = 1, .creates = 1};

	(void)state;
	want_switch("vale0");
	apply(1);
	step.want = &want.switches[0];
	assert_int_equal(ops->apply(backend, &plan, 2, &error), -EEXIST);
	assert_non_null(strstr(error.message, "vale0"));
	assert_in_step();
	assert_int_equal(revision(), 1);
}

static void refuses_by_name_what_it_cannot(void **state)
{
	struct backend_info info;
	struct port_spec *p;
	int err;

	(void)state;
	assert_int_equal(ops->info(backend, &info, &error), 0);
	want_switch("vale0");
	p = want_on_switch("ptnet-no-such", "vale0");
	p->kind = PTN_PORT_NIC;
	strcpy(p->device, "ptnet-no-such");
	err = try_apply(1);
	if (ops == &backend_fake) {
		assert_int_equal(err, 0);
		return;
	}
	assert_int_equal(err, info.features & PTN_FEATURE_NIC ? -ENODEV
							      : -EOPNOTSUPP);
	assert_non_null(strstr(error.message, "ptnet-no-such"));
	clear();
	assert_in_step();
}

static void outlives_its_user(void **state)
{
	uint64_t was = instance();

	(void)state;
	want_switch("vale0");
	want_on_switch("a", "vale0");
	apply(5);
	ops->close(backend);
	open_backend();
	assert_int_equal(instance(), was);
	assert_int_equal(revision(), 5);
	assert_in_step();
}

static void ends_with_all_it_holds(void **state)
{
	uint64_t was = instance();
	struct pollfd death;
	struct objects have;

	(void)state;
	want_switch("vale0");
	want_on_switch("a", "vale0");
	apply(1);
	death = (struct pollfd){ops->death_fd(backend), POLLIN, 0};
	assert_int_equal(poll(&death, 1, 0), 0);
	ops->teardown(backend);
	assert_int_equal(poll(&death, 1, 5000), 1);
	/* a sentence and an error that says what to do: open it again */
	assert_int_equal(ops->dump(backend, &have, &error), -ECONNRESET);
	assert_true(strlen(error.message) > 0);
	ops->close(backend);
	open_backend();
	assert_int_not_equal(instance(), was);
	assert_int_equal(revision(), 0);
	clear();
	assert_in_step();
}

static void shows_forwarding_tables(void **state)
{
	struct static_mac fixed = {{2, 0, 0, 0, 0, 9}, "a"};
	struct switch_spec sw = {.name = "vale1",
				 .owner = "edge",
				 .ageing_ms = 1000,
				 .fdb_size = 64,
				 .statics = &fixed,
				 .n_statics = 1};
	struct fdb_entry *entries = NULL;
	size_t count = 99;

	(void)state;
	want_switch("vale0");
	assert_int_equal(objects_add_switch(&want, &sw, NULL), 0);
	want_on_switch("a", "vale1");
	apply(1);
	assert_int_equal(ops->fdb(backend, "vale0", &entries, &count, &error),
			 0);
	assert_int_equal(count, 0);
	free(entries);
	assert_int_equal(ops->fdb(backend, "vale1", &entries, &count, &error),
			 0);
	assert_int_equal(count, 1);
	assert_memory_equal(entries[0].mac, fixed.mac, 6);
	assert_string_equal(entries[0].port, "a");
	assert_true(entries[0].is_static);
	free(entries);
	assert_int_equal(ops->fdb(backend, "vale7", &entries, &count, &error),
			 -ENOENT);
	assert_non_null(strstr(error.message, "vale7"));
}

static void counts_buffers(void **state)
{
	struct census c = {.lost = 1, .twice = 1};
	int err = ops->census(backend, &c, &error);

	(void)state;
	if (err == -EOPNOTSUPP)
		return;
	assert_int_equal(err, 0);
	assert_int_equal(c.lost + c.twice, 0);
	assert_int_equal(c.free + c.slots + c.extra, c.buffers);
}

/* More than one message, datagram or socket buffer can carry. */
static void holds_many(void **state)
{
	char name[32];

	(void)state;
	want_switch("vale0");
	for (int i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "port-%04d", i);
		want_on_switch(name, "vale0")->mac[4] = (uint8_t)(i >> 8);
	}
	apply(1);
	clear();
	apply(2);
}

/* Nobody's topologies are there to be lost. */
static bool may_try_kernel(void)
{
	struct backend_info info;
	bool may;

	if (backend_kernel.open(&backend, &config, &error))
		return false;
	may = !backend_kernel.info(backend, &info, &error) && !info.revision;
	backend_kernel.close(backend);
	backend = NULL;
	return may;
}

enum { BACKENDS = 3 };

static const struct backend_ops *const backends[BACKENDS] = {
	&backend_fake, &backend_engine, &backend_kernel};

/* Which are to be tried; false when one that was asked for is not there. */
static bool choose(bool *chosen, int n, char **names)
{
	const bool kernel = may_try_kernel();

	for (int b = 0; b < BACKENDS; b++)
		chosen[b] = !n && (backends[b] != &backend_kernel || kernel);
	for (int i = 0; i < n; i++) {
		int b = 0;

		while (b < BACKENDS && strcmp(backends[b]->name, names[i]))
			b++;
		if (b == BACKENDS ||
		    (backends[b] == &backend_kernel && !kernel)) {
			fprintf(stderr, "%s cannot be tried: %s\n", names[i],
				b == BACKENDS	   ? "no such backend"
				: error.message[0] ? error.message
						   : "it holds something");
			return false;
		}
		chosen[b] = true;
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		CMUnitTestFunction f;
	} tests[] = {
#define TEST(f) {#f, f}
		TEST(begins_empty),
		TEST(holds_every_word),
		TEST(tells_status),
		TEST(changes_in_place),
		TEST(replaces_and_deletes),
		TEST(swaps_places),
		TEST(does_all_or_nothing),
		TEST(refuses_what_is_there),
		TEST(refuses_by_name_what_it_cannot),
		TEST(outlives_its_user),
		TEST(ends_with_all_it_holds),
		TEST(shows_forwarding_tables),
		TEST(counts_buffers),
		TEST(holds_many),
	};
	enum { TESTS = sizeof(tests) / sizeof(tests[0]) };
	struct CMUnitTest all[BACKENDS * TESTS] = {0};
	char names[BACKENDS * TESTS][64];
	bool chosen[BACKENDS];
	size_t n = 0;

	if (!choose(chosen, argc - 1, argv + 1))
		return 1;
	for (size_t b = 0; b < BACKENDS; b++)
		for (size_t i = 0; chosen[b] && i < TESTS; i++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s %s",
				 backends[b]->name, tests[i].name);
			all[n] = (struct CMUnitTest){names[n], tests[i].f,
						     setup, teardown,
						     (void *)backends[b]};
		}
	return _cmocka_run_group_tests("backends", all, n, NULL, NULL);
}
