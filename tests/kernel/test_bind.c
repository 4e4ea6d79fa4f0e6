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

/* Of a domain's memory that a program has open, made before it had VMs. */
static void a_program_of_the_domain_can_be_in_the_way(void **state)
{
	struct host *h = *state;
	static const struct pipe_spec pipe = {"q", "t", "d"};
	struct port_spec p[2] = {{.name = "x",
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
		BIND_TEST(programs_do_not_set_a_vms_header),
		BIND_TEST(a_monitor_sees_what_a_vm_sends),
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
