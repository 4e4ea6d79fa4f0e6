// SPDX-License-Identifier: BSD-2-Clause
/*
 * VMs' ports in the module: who may bind one, with what, and who may die.
 * tests/unit/test_vm.c has what a guest gets of it.
 *
 * seconds: 240
 */
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <ptnet/bind.h>

#include "port/ptnet.h"
#include "unit/guest.h"

enum {
	PATIENCE_MS = 5000,
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void assert_state(struct host *h, const char *port,
			 enum ptn_port_state state)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (host_port(h, port).state == state)
			return;
		poll(NULL, 0, 1);
	}
	assert_int_equal(host_port(h, port).state, state);
}

/* What is asked by hand, as no server of ours does. */

struct asked {
	struct ptn_bind request;
	int ends[2]; /* of the connection */
	int32_t host[PTN_VECTORS_MAX], client[PTN_VECTORS_MAX];
};

static void prepare(struct asked *a)
{
	memset(a, 0, sizeof(*a));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a->ends), 0);
	for (int i = 0; i < PTN_VECTORS_MAX; i++) {
		a->host[i] = eventfd(0, EFD_NONBLOCK);
		a->client[i] = eventfd(0, EFD_NONBLOCK);
	}
	strcpy(a->request.name, "v.a");
	a->request.connection = a->ends[0];
	a->request.vectors = GUEST_VECTORS;
	a->request.host_fds = (uintptr_t)a->host;
	a->request.client_fds = (uintptr_t)a->client;
}

static void forget(struct asked *a)
{
	close(a->ends[0]);
	close(a->ends[1]);
	for (int i = 0; i < PTN_VECTORS_MAX; i++) {
		close(a->host[i]);
		close(a->client[i]);
	}
}

static int ask(struct asked *a)
{
	const int fd = abi_device();
	int err = ioctl(fd, PTN_IOCBIND, &a->request) ? -errno : 0;

	close(fd);
	return err;
}

static void name_is(struct asked *a, const char *name)
{
	memset(a->request.name, 0, sizeof(a->request.name));
	strcpy(a->request.name, name);
}

#define REFUSED(error, what)                                                   \
	do {                                                                   \
		prepare(&a);                                                   \
		what;                                                          \
		assert_error(ask(&a), error);                                  \
		forget(&a);                                                    \
	} while (0)

/* And nothing is left of it: afterwards the port can be bound. */
static void what_is_wrong_is_refused(void **state)
{
	struct asked a;
	struct qemu q;

	REFUSED(ENOENT, name_is(&a, "nobody"));
	REFUSED(ENOENT, name_is(&a, "prog"));
	REFUSED(ENOENT, name_is(&a, "s:v.a"));
	REFUSED(EINVAL, memset(a.request.name, 'v', sizeof(a.request.name)));
	REFUSED(EINVAL, a.request.vectors = 0);
	REFUSED(EINVAL, a.request.vectors = GUEST_VECTORS - 1);
	REFUSED(EINVAL, a.request.vectors = GUEST_VECTORS + 1);
	REFUSED(EINVAL, a.request.vectors = UINT32_MAX);
	REFUSED(EBADF, a.request.connection = -1);
	REFUSED(EBADF, a.request.connection = a.host[0]);
	REFUSED(EFAULT, a.request.host_fds = 8);
	REFUSED(EFAULT, a.request.client_fds = UINT64_MAX - 64);
	for (int i = 0; i < GUEST_VECTORS; i++) {
		const int32_t stdout_fd = 1;

		REFUSED(EBADF, (close(a.host[i]), a.host[i] = -1));
		REFUSED(EBADF, (close(a.client[i]), a.client[i] = -1));
		REFUSED(EBADF, (close(a.host[i]), a.host[i] = dup(stdout_fd)));
		REFUSED(EBADF,
			(close(a.client[i]), a.client[i] = dup(stdout_fd)));
	}
	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	REFUSED(EBUSY, (void)0);
	qemu_end(&q);
}

static void a_refusal_has_a_sentence(void **state)
{
	struct asked a;

	(void)state;
	prepare(&a);
	a.request.vectors--;
	assert_error(ask(&a), EINVAL);
	assert_string_equal(a.request.text, "v.a has 5 vectors, not 4");
	forget(&a);
}

static void without_capability(void *arg)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	struct asked a;
	const int fd = abi_device();

	(void)arg;
	prepare(&a);
	if (syscall(SYS_capset, &head, none))
		abort();
	if (!ioctl(fd, PTN_IOCBIND, &a.request) || errno != EPERM)
		abort();
}

static void it_takes_a_capability(void **state)
{
	(void)state;
	abi_run(without_capability, NULL);
}

/* One that is at its other end is dead already. */
static void a_connection_that_has_ended_binds_nothing(void **state)
{
	struct asked a;

	prepare(&a);
	close(a.ends[1]);
	a.ends[1] = -1;
	assert_int_equal(ask(&a), 0);
	close(a.request.memory);
	assert_state(*state, "v.a", PTN_PORT_DOWN);
	forget(&a);
}

static void whatever_a_client_says_ends_it(void **state)
{
	struct asked a;

	prepare(&a);
	assert_int_equal(ask(&a), 0);
	assert_state(*state, "v.a", PTN_PORT_ATTACHED);
	assert_int_equal(write(a.ends[1], "x", 1), 1);
	assert_state(*state, "v.a", PTN_PORT_DOWN);
	close(a.request.memory);
	forget(&a);
}

static void programs_do_not_open_a_vms_port(void **state)
{
	static const char *const names[] = {"v.a", "vales:v.a", "vales:v.a{1"};
	struct qemu q;

	for (int bound = 0; bound < 2; bound++) {
		if (bound)
			guest_started(&q, *state, "v.a");
		for (unsigned i = 0; i < COUNT(names); i++) {
			struct abi_port p;

			assert_fails(abi_try_open(&p, names[i], NULL));
		}
	}
	guest_ready(&q);
	qemu_end(&q);
}

/* Nor are their rings laid beside its: what lies there is the VM's alone. */
static void a_vms_port_has_no_pipes(void **state)
{
	static const char *const names[] = {"v.a{1", "v.a}1"};
	struct qemu q;

	for (int bound = 0; bound < 2; bound++) {
		if (bound)
			guest_started(&q, *state, "v.a");
		for (unsigned i = 0; i < COUNT(names); i++) {
			struct abi_port p;

			assert_error(abi_try_open(&p, names[i], NULL), EBUSY);
		}
	}
	guest_ready(&q);
	qemu_end(&q);
	assert_state(*state, "v.a", PTN_PORT_DOWN);
}

/* The memory of a port that is open. */
static uint16_t memory_of(const char *port)
{
	struct nmreq_port_info_get info = {0};
	const int fd = abi_device();

	assert_int_equal(
		abi_ctrl(fd, port, NETMAP_REQ_PORT_INFO_GET, &info, NULL), 0);
	abi_close(fd);
	return info.nr_mem_id;
}

static int new_persistent(const char *name, uint16_t mem_id)
{
	struct nmreq_vale_newif body = {.nr_mem_id = mem_id};
	const int fd = abi_device();
	int err = abi_ctrl(fd, name, NETMAP_REQ_VALE_NEWIF, &body, NULL);

	abi_close(fd);
	return err;
}

static void delete_persistent(const char *name)
{
	const int fd = abi_device();

	assert_int_equal(abi_ctrl(fd, name, NETMAP_REQ_VALE_DELIF, NULL, NULL),
			 0);
	abi_close(fd);
}

/* All that a program may ask to have in a memory that it names. */
static void assert_nothing_gets_into(uint16_t id)
{
	struct {
		const char *name;
		struct nmreq_register reg;
	} asked[] = {
		{"vale9:new", {0}},
		{"vale9:new{1", {0}},
		{"vale9:new", {.nr_mode = NR_REG_PIPE_SLAVE, .nr_ringid = 1}},
		{"vale9:old", {0}},
		{"vale9:old{1", {0}},
		{"vale9:old", {.nr_flags = NR_MONITOR_TX}},
		{"vale9:old", {.nr_flags = NR_MONITOR_TX | NR_ZCOPY_MON}},
		{"lo", {0}},
		{"anything", {.nr_mode = NR_REG_NULL}},
	};
	struct abi_port old, p;

	abi_open(&old, "vale9:old");
	for (unsigned i = 0; i < COUNT(asked); i++) {
		asked[i].reg.nr_mem_id = id;
		assert_error(abi_try_open(&p, asked[i].name, &asked[i].reg),
			     EINVAL);
	}
	assert_error(new_persistent("lone0", id), EINVAL);
	abi_shut(&old);
}

/* Who is there sees all of it: a VM's own, and that of a domain. */
static void programs_are_in_no_vms_memory(void **state)
{
	static const char *const names[] = {"v.a", "x.a"};

	for (unsigned i = 0; i < COUNT(names); i++) {
		struct qemu q;

		guest_started(&q, *state, names[i]);
		guest_ready(&q);
		assert_true(memory_of(names[i]) > 1);
		assert_nothing_gets_into(memory_of(names[i]));
		assert_int_equal(qemu_command(&q, PTN_REGION_STOP), 0);
		guest_ready(&q);
		qemu_end(&q);
		assert_state(*state, names[i], PTN_PORT_DOWN);
	}
}

static void why_they_are_not_is_said(void **state)
{
	const int log = abi_log(), fd = abi_device();
	const int64_t end = now_ms() + 4 * PATIENCE_MS;
	struct nmreq_register reg = {0};
	struct qemu q;

	guest_started(&q, *state, "v.a");
	reg.nr_mem_id = memory_of("v.a");
	for (;;) {
		assert_error(abi_register(fd, "vale9:new", &reg), EINVAL);
		if (abi_log_says(log, " is mapped by VMs: nothing is put"))
			break;
		assert_true(now_ms() < end); /* few are said in a while */
		poll(NULL, 0, 100);
	}
	abi_close(fd);
	close(log);
	qemu_end(&q);
}

/* What it is like may be asked: netmap's programs ask so of any memory. */
static void a_vms_memory_is_described(void **state)
{
	struct nmreq_pools_info info = {0};
	const int fd = abi_device();
	struct qemu q;

	guest_started(&q, *state, "v.a");
	info.nr_mem_id = memory_of("v.a");
	assert_int_equal(
		abi_ctrl(fd, "", NETMAP_REQ_POOLS_INFO_GET, &info, NULL), 0);
	assert_int_equal(info.nr_mem_id, memory_of("v.a"));
	assert_true(info.nr_memsize > 0);
	abi_close(fd);
	qemu_end(&q);
}

/* Ids come again, and a port remembers the one that it was made with. */
static void an_id_that_became_a_vms_is_no_way_in(void **state)
{
	struct abi_port p;
	struct qemu q;
	uint16_t id;

	abi_open(&p, "vale9:old");
	id = p.reg.nr_mem_id;
	assert_int_equal(new_persistent("lone0", id), 0);
	abi_shut(&p);
	guest_started(&q, *state, "v.a");
	assert_int_equal(memory_of("v.a"), id);
	assert_error(abi_try_open(&p, "lone0", NULL), ENOENT);
	guest_ready(&q);
	qemu_end(&q);
	delete_persistent("lone0");
}

/* Its driver asks for headers, and nobody else. */
static void programs_do_not_set_a_vms_header(void **state)
{
	struct nmreq_port_hdr hdr = {.nr_hdr_len = 12};
	const int fd = abi_device();
	struct qemu q;

	for (int bound = 0; bound < 2; bound++) {
		if (bound)
			guest_started(&q, *state, "v.a");
		assert_error(abi_ctrl(fd, "v.a", NETMAP_REQ_PORT_HDR_SET, &hdr,
				      NULL),
			     EPERM);
	}
	guest_ready(&q);
	qemu_end(&q);
	abi_close(fd);
}

static void a_monitor_sees_what_a_vm_sends(void **state)
{
	struct nmreq_register reg = {.nr_flags = NR_MONITOR_TX,
				     .nr_rx_slots = 128};
	struct abi_port monitor;
	struct qemu q, other;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	guest_ready(&q);
	guest_ready(&other);
	abi_open_as(&monitor, "v.a", reg);
	for (uint32_t i = 0; i < 10; i++)
		guest_send(&q, i, 2, 1);
	guest_receive(&other, 9);
	assert_int_equal(abi_rxsync(&monitor), 0);
	assert_int_equal(abi_space(abi_rx(&monitor, 0)), 10);
	qemu_end(&q);
	/* its port is closed, and that says so */
	assert_state(*state, "v.a", PTN_PORT_DOWN);
	assert_error(abi_rxsync(&monitor), EIO);
	abi_shut(&monitor);
	qemu_end(&other);
}

/* It takes frames before anybody else could look at them. */
static void what_a_vm_receives_is_not_monitored(void **state)
{
	static const struct nmreq_register reg = {.nr_flags = NR_MONITOR_RX};
	struct abi_port monitor;
	struct qemu q;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	assert_error(abi_try_open(&monitor, "v.a", &reg), EOPNOTSUPP);
	qemu_end(&q);
}

/* Its rings would lie beside the VM's. */
static void a_monitor_of_a_vm_has_copies(void **state)
{
	struct nmreq_register reg = {.nr_flags = NR_MONITOR_TX | NR_ZCOPY_MON};
	struct abi_port monitor;
	struct qemu q;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	assert_error(abi_try_open(&monitor, "v.a", &reg), EBUSY);
	reg.nr_flags = NR_MONITOR_RX | NR_ZCOPY_MON;
	assert_error(abi_try_open(&monitor, "vales:v.a", &reg), EBUSY);
	reg.nr_flags = NR_MONITOR_TX;
	abi_open_as(&monitor, "v.a", reg);
	assert_int_not_equal(monitor.reg.nr_mem_id, memory_of("v.a"));
	abi_shut(&monitor);
	qemu_end(&q);
}

/* What was declared to be in a VM's memory, and what belongs to that. */
static void a_member_may_say_where_it_is(void)
{
	static const char *const names[] = {"x", "m", "m{1"};
	const struct nmreq_register reg = {.nr_mem_id = memory_of("y.a"),
					   .nr_tx_slots = 64,
					   .nr_rx_slots = 64};

	for (unsigned i = 0; i < COUNT(names); i++) {
		struct abi_port p;

		abi_open_as(&p, names[i], reg);
		assert_int_equal(p.reg.nr_mem_id, reg.nr_mem_id);
		abi_shut(&p);
	}
	assert_nothing_gets_into(reg.nr_mem_id);
}

/* Of a domain's memory that a program has open, made before it had VMs. */
static void a_program_of_the_domain_can_be_in_the_way(void **state)
{
	struct host *h = *state;
	static const struct pipe_spec pipe = {"q", "t", "d"};
	static const struct switch_spec s = {
		.name = "s", .owner = "t", .fdb_size = 64};
	struct port_spec p[3] = {{.name = "x",
				  .owner = "t",
				  .kind = PTN_PORT_HOST,
				  .on_pipe = "q",
				  .domain = "d",
				  .queues = 1,
				  .slots = 64,
				  .buf_size = 2048}};
	struct objects want = {0};
	struct ptnet_port *open;
	struct qemu q;

	objects_add_pipe(&want, &pipe, NULL);
	objects_add_port(&want, &p[0], NULL);
	host_apply(h, &want);
	assert_int_equal(ptnet_open(&open, guest_path(h, "x"), NULL), 0);
	p[1] = p[0];
	strcpy(p[1].name, "y.a");
	p[1].kind = PTN_PORT_VM;
	p[1].end = 1;
	objects_add_port(&want, &p[1], NULL);
	p[2] = p[0];
	strcpy(p[2].name, "m");
	strcpy(p[2].on_pipe, "");
	strcpy(p[2].on_switch, "s");
	objects_add_switch(&want, &s, NULL);
	objects_add_port(&want, &p[2], NULL);
	objects_sort(&want);
	host_apply(h, &want);
	assert_false(qemu_start(&q, guest_path(h, "y.a"), 3));
	assert_string_equal(q.why, "server sent version -16, expecting 0");
	qemu_end(&q);
	ptnet_close(open);
	assert_true(qemu_start_whole(&q, guest_path(h, "y.a"), 3));
	guest_ready(&q);
	/* and now the program is in the VM's */
	assert_int_equal(ptnet_open(&open, guest_path(h, "x"), NULL), 0);
	guest_send(&q, 0, 1, 2);
	assert_int_equal(ptnet_wait(open, PTNET_RX, PATIENCE_MS), PTNET_RX);
	ptnet_close(open);
	a_member_may_say_where_it_is();
	qemu_end(&q);
	objects_fini(&want);
}

/* Who may die. */

static void traffic_goes_on_without_a_daemon(void **state)
{
	struct qemu q, other;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	guest_ready(&q);
	guest_ready(&other);
	host_stop(*state);
	for (uint32_t i = 0; i < 10; i++)
		guest_send(&q, i, 2, 1);
	guest_receive(&other, 9);
	assert_int_equal(qemu_command(&q, PTN_REGION_STOP), 0);
	guest_ready(&q);
	host_go_on(*state);
	assert_state(*state, "v.a", PTN_PORT_UP);
	assert_int_equal(host_port(*state, "v.a").pid, getpid());
	for (uint32_t i = 0; i < 10; i++)
		guest_send(&q, i, 2, 1);
	guest_receive(&other, 19);
	qemu_end(&q);
	qemu_end(&other);
}

static void a_vm_may_die_while_there_is_no_daemon(void **state)
{
	struct qemu q;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	host_stop(*state);
	qemu_end(&q);
	host_go_on(*state);
	assert_state(*state, "v.a", PTN_PORT_DOWN);
	guest_started(&q, *state, "v.a");
	host_stop(*state);
	host_go_on(*state);
	qemu_end(&q);
	assert_state(*state, "v.a", PTN_PORT_DOWN);
}

static void a_bound_port_keeps_the_module(void **state)
{
	const struct objects nothing = {0};
	struct qemu q;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	assert_int_equal(syscall(SYS_delete_module, "ptnetmap", O_NONBLOCK),
			 -1);
	host_apply(*state, &nothing);
	assert_true(qemu_interrupt(&q, PTN_VECTOR_CONTROL, PATIENCE_MS));
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (qemu_config(&q)->state != PTN_STATE_RUNNING)
			break;
		poll(NULL, 0, 1);
	}
	assert_int_not_equal(qemu_config(&q)->state, PTN_STATE_RUNNING);
	qemu_end(&q);
}

/* What it has of the file is gone; the module holds what it needs. */
static void a_vm_may_punch_holes_into_its_memory(void **state)
{
	struct qemu q, other;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	guest_ready(&q);
	guest_ready(&other);
	assert_int_equal(fallocate(q.mem,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, (off_t)q.size),
			 0);
	for (uint32_t i = 0; i < GUEST_VECTORS; i++)
		qemu_doorbell(&q, i);
	guest_send(&other, 0, 255, 2);
	poll(NULL, 0, 50);
	qemu_end(&q);
	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	guest_send(&other, 1, 1, 2);
	guest_receive(&q, 0);
	qemu_end(&q);
	qemu_end(&other);
}

/* Corrupt rings without end, and it is nobody's for the rest of its life. */
static void a_vm_that_goes_on_corrupting_is_stopped(void **state)
{
	const int64_t end = now_ms() + 4 * PATIENCE_MS;
	struct qemu q;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	for (int i = 0; qemu_config(&q)->state == PTN_STATE_RUNNING; i++) {
		assert_true(now_ms() < end);
		guest_atok(&q, 0)->head = 1000000;
		qemu_doorbell(&q, PTN_VECTOR_TX(0));
		if (i % 100 == 0)
			poll(NULL, 0, 1);
	}
	assert_int_equal(qemu_config(&q)->state, PTN_STATE_FAULTED);
	assert_state(*state, "v.a", PTN_PORT_FAULTED);
	assert_error(qemu_command(&q, PTN_REGION_RESET), EIO);
	assert_error(qemu_command(&q, PTN_REGION_START), EIO);
	qemu_end(&q);
	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	assert_state(*state, "v.a", PTN_PORT_UP);
	qemu_end(&q);
}

/* A doorbell of vector 0 without end is not heard; the heart still beats. */
static void a_noisy_vm_is_muted(void **state)
{
	struct qemu q;
	uint32_t beat;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	beat = qemu_config(&q)->heartbeat;
	for (int64_t end = now_ms() + 2500; now_ms() < end;)
		qemu_doorbell(&q, PTN_VECTOR_CONTROL);
	assert_in_range(qemu_config(&q)->heartbeat - beat, 2, 3);
	assert_int_equal(qemu_command(&q, PTN_REGION_STOP), 0);
	qemu_end(&q);
}

/* For a tenth of a second. */
static bool is_never_asked(struct qemu *q)
{
	for (int ms = 0; ms < 100; ms++) {
		if (guest_ktoa(q, 0)->kern_need_kick)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

/*
 * Kicks that nobody asked for: for a while none of its is heard, nor asked for.
 * Its frames go all the same.
 */
static void a_vm_that_kicks_without_end_is_not_heard(void **state)
{
	int64_t end = now_ms() + 4 * PATIENCE_MS;
	struct qemu q, other;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	guest_ready(&q);
	guest_ready(&other);
	do {
		assert_true(now_ms() < end);
		for (int i = 0; i < 10000; i++)
			qemu_doorbell(&q, PTN_VECTOR_TX(0));
	} while (!is_never_asked(&q));
	guest_send(&q, 0, 2, 1);
	guest_receive(&other, 0);
	end = now_ms() + 4 * PATIENCE_MS;
	while (!guest_ktoa(&q, 0)->kern_need_kick) {
		assert_true(now_ms() < end);
		poll(NULL, 0, 10);
	}
	guest_send(&q, 1, 2, 1);
	guest_receive(&other, 1);
	qemu_end(&other);
	qemu_end(&q);
}

#define BIND_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, guest_world, host_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BIND_TEST(what_is_wrong_is_refused),
		BIND_TEST(a_refusal_has_a_sentence),
		BIND_TEST(it_takes_a_capability),
		BIND_TEST(a_connection_that_has_ended_binds_nothing),
		BIND_TEST(whatever_a_client_says_ends_it),
		BIND_TEST(programs_do_not_open_a_vms_port),
		BIND_TEST(a_vms_port_has_no_pipes),
		BIND_TEST(programs_are_in_no_vms_memory),
		BIND_TEST(why_they_are_not_is_said),
		BIND_TEST(a_vms_memory_is_described),
		BIND_TEST(an_id_that_became_a_vms_is_no_way_in),
		BIND_TEST(programs_do_not_set_a_vms_header),
		BIND_TEST(a_monitor_sees_what_a_vm_sends),
		BIND_TEST(what_a_vm_receives_is_not_monitored),
		BIND_TEST(a_monitor_of_a_vm_has_copies),
		BIND_TEST(a_program_of_the_domain_can_be_in_the_way),
		BIND_TEST(traffic_goes_on_without_a_daemon),
		BIND_TEST(a_vm_may_die_while_there_is_no_daemon),
		BIND_TEST(a_bound_port_keeps_the_module),
		BIND_TEST(a_vm_may_punch_holes_into_its_memory),
		BIND_TEST(a_vm_that_goes_on_corrupting_is_stopped),
		BIND_TEST(a_noisy_vm_is_muted),
		BIND_TEST(a_vm_that_kicks_without_end_is_not_heard),
	};

	host_ops = &backend_kernel;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
