/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Engines that die, and the ones that follow: VMs stay attached. Real engines
 * are killed; a stand-in for QEMU has the other end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/backend.h"
#include "unit/qemu.h"

enum { VECTORS = 3, PATIENCE_MS = 10000 };

static char engine_path[4096];

struct world {
	char dir[64];
	struct backend *backend;
};

static void opened(struct world *w)
{
	const struct backend_config config = {
		.run_dir = w->dir, .engine_path = engine_path, .workers = 1};
	struct backend_error error = {0};

	if (backend_engine.open(&w->backend, &config, &error))
		fail_msg("%s", error.message);
}

static struct port_spec a_vm(const char *name, const char *domain, uint8_t end)
{
	struct port_spec p = {.owner = "t",
			      .kind = PTN_PORT_VM,
			      .queues = 1,
			      .slots = 64,
			      .buf_size = 2048,
			      .end = end};

	strcpy(p.name, name);
	strcpy(p.domain, domain);
	strcpy(*domain ? p.on_pipe : p.on_switch, *domain ? "q" : "s");
	return p;
}

/* One VM on a switch, two of a domain on a pipe; @slots of the first. */
static void applied(struct world *w, uint32_t slots)
{
	static const struct switch_spec s = {
		.name = "s", .owner = "t", .fdb_size = 64};
	static const struct pipe_spec pipe = {"q", "t", "d"};
	struct port_spec p[] = {a_vm("v.a", "", 0), a_vm("x.a", "d", 0),
				a_vm("y.a", "d", 1)};
	struct objects want = {0}, have;
	struct backend_error error = {0};
	struct plan plan;

	p[0].slots = slots;
	objects_add_switch(&want, &s, NULL);
	objects_add_pipe(&want, &pipe, NULL);
	for (int i = 0; i < 3; i++)
		objects_add_port(&want, &p[i], NULL);
	objects_sort(&want);
	assert_int_equal(backend_engine.dump(w->backend, &have, &error), 0);
	assert_int_equal(plan_make(&plan, &want, &have), 0);
	if (backend_engine.apply(w->backend, &plan, 1, &error))
		fail_msg("%s", error.message);
	plan_fini(&plan);
	objects_fini(&have);
	objects_fini(&want);
}

static void killed(struct world *w)
{
	struct pollfd p = {.fd = backend_engine.death_fd(w->backend),
			   .events = POLLIN};

	syscall(SYS_pidfd_send_signal, p.fd, SIGKILL, NULL, 0);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	backend_engine.close(w->backend);
}

/* The next engine, with the same ports. */
static void followed(struct world *w)
{
	killed(w);
	opened(w);
	applied(w, 64);
}

static enum ptn_port_state state_of(struct world *w, const char *name)
{
	struct backend_error error;
	enum ptn_port_state state;
	struct objects o;

	assert_int_equal(backend_engine.dump(w->backend, &o, &error), 0);
	state = o.port_status[objects_find_port(&o, name) - o.ports].state;
	objects_fini(&o);
	return state;
}

static void assert_state(struct world *w, const char *name,
			 enum ptn_port_state state)
{
	for (int ms = 0; ms < PATIENCE_MS && state_of(w, name) != state; ms++)
		poll(NULL, 0, 1);
	assert_int_equal(state_of(w, name), state);
}

static void attached(struct qemu *q, const struct world *w, const char *port)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/ports/%s.sock", w->dir, port);
	if (!qemu_start_whole(q, path, VECTORS))
		fail_msg("%s", q->why);
}

static void ready(struct qemu *q)
{
	assert_int_equal(qemu_command(q, PTN_REGION_RESET), 0);
	assert_int_equal(qemu_command(q, PTN_REGION_START), 0);
}

static int world_open(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/ptnet-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	opened(w);
	applied(w, 64);
	*state = w;
	return 0;
}

/* The keeper has ended, too, a moment later: its socket is gone. */
static int world_close(void **state)
{
	struct world *w = *state;
	char path[128], command[128];
	int ms = 0;

	backend_engine.teardown(w->backend);
	backend_engine.close(w->backend);
	snprintf(path, sizeof(path), "%s/keeper.sock", w->dir);
	while (!access(path, F_OK) && ms++ < PATIENCE_MS)
		poll(NULL, 0, 1);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	free(w);
	return system(command); // NOLINT(cert-env33-c)
}

static void a_vm_stays_attached(void **state)
{
	struct world *w = *state;
	uint32_t generation;
	struct qemu q;

	attached(&q, w, "v.a");
	for (int i = 0; i < 3; i++) {
		ready(&q);
		generation = qemu_config(&q)->generation;
		followed(w);
		/* the guest is told, and finds its rings reset */
		assert_true(
			qemu_interrupt(&q, PTN_VECTOR_CONTROL, PATIENCE_MS));
		assert_int_not_equal(qemu_config(&q)->generation, generation);
		assert_int_equal(qemu_config(&q)->state, PTN_STATE_READY);
		assert_int_equal(state_of(w, "v.a"), PTN_PORT_ATTACHED);
	}
	ready(&q);
	assert_state(w, "v.a", PTN_PORT_UP);
	qemu_end(&q);
	assert_state(w, "v.a", PTN_PORT_DOWN);
}

static void members_of_a_domain_keep_their_memory(void **state)
{
	struct world *w = *state;
	struct backend_error error;
	struct census census;
	struct qemu x, y;

	attached(&x, w, "x.a");
	attached(&y, w, "y.a");
	ready(&x);
	ready(&y);
	followed(w);
	assert_state(w, "x.a", PTN_PORT_ATTACHED);
	assert_state(w, "y.a", PTN_PORT_ATTACHED);
	ready(&x);
	ready(&y);
	assert_int_equal(backend_engine.census(w->backend, &census, &error), 0);
	assert_int_equal(census.regions, 1);
	assert_int_equal(census.lost + census.twice, 0);
	qemu_end(&x);
	qemu_end(&y);
}

static void who_dies_meanwhile_is_not_kept(void **state)
{
	struct world *w = *state;
	struct qemu q;

	attached(&q, w, "v.a");
	ready(&q);
	killed(w);
	qemu_end(&q);
	opened(w);
	applied(w, 64);
	assert_state(w, "v.a", PTN_PORT_DOWN);
	attached(&q, w, "v.a");
	ready(&q);
	qemu_end(&q);
}

/* The memory that the guest has mapped is not what the port needs now. */
static void a_port_that_changed_is_attached_anew(void **state)
{
	struct pollfd p = {.events = POLLIN | POLLRDHUP};
	struct world *w = *state;
	struct qemu q;

	attached(&q, w, "v.a");
	ready(&q);
	killed(w);
	opened(w);
	applied(w, 128);
	p.fd = q.sock;
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_state(w, "v.a", PTN_PORT_DOWN);
	qemu_end(&q);
}

static void find_engine(void)
{
	ssize_t n = readlink("/proc/self/exe", engine_path,
			     sizeof(engine_path) - 40);

	/* BUILD/tests/backend/test_keeper */
	for (int up = 0; up < 3 && n > 0; up++) {
		engine_path[n] = 0;
		n = strrchr(engine_path, '/') - engine_path;
	}
	strcpy(engine_path + n, "/ptnet-engine");
}

#define KEEPER_TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEEPER_TEST(a_vm_stays_attached),
		KEEPER_TEST(members_of_a_domain_keep_their_memory),
		KEEPER_TEST(who_dies_meanwhile_is_not_kept),
		KEEPER_TEST(a_port_that_changed_is_attached_anew),
	};

	find_engine();
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
