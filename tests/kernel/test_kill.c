// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program dies, by SIGKILL, at every step of what it does and at moments of
 * no one's choosing. Whatever it was about, everything that it had is back
 * afterwards: each buffer is in one place, its ports are gone, and nobody
 * holds the module.
 *
 * seconds: 300
 */
#include "abi.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include <ptnet/control.h>

#include "world.h"

enum { SLOTS = 64, ROUNDS = 4, LATEST_US = 20000, LOOPS = 3, PAGE = 4096 };

/* What a program does with its life, and what its parent has to do with it. */
struct life {
	void (*live)(void);
	void (*prepare)(void); /* NULL */
	void (*after)(void); /* NULL: what is meant to stay goes now */
};

/* The child's side: steps. */

static int line = -1; /* to the parent */
static unsigned steps, stop_at; /* 0: nowhere */

static void tell(char what)
{
	if (write(line, &what, 1) != 1)
		_exit(1);
}

static void wait_for_death(void)
{
	for (;;)
		pause();
}

static void step(void)
{
	if (++steps != stop_at)
		return;
	tell('s');
	wait_for_death();
}

/* The child's lives. */

static struct abi_port ports[4];

static void open_port(struct abi_port *p, const char *name,
		      struct nmreq_register reg)
{
	reg.nr_tx_slots = reg.nr_rx_slots = SLOTS;
	abi_open_as(p, name, reg);
	step();
}

static void put_frames(const struct abi_port *p, unsigned n)
{
	struct netmap_ring *r = abi_tx(p, 0);

	for (; n && abi_space(r); n--)
		abi_put(r, FRAME_MIN, TO_ALL, 1, n);
}

/* Frames are given back as they came. */
static void take_frames(const struct abi_port *p)
{
	struct netmap_ring *r = abi_rx(p, 0);

	r->head = r->cur = r->tail;
	abi_rxsync(p);
}

static void exchange(const struct abi_port *from, const struct abi_port *to)
{
	put_frames(from, 20);
	step();
	abi_txsync(from);
	step();
	abi_rxsync(to);
	step();
	take_frames(to);
	step();
}

static void live_plainly(void)
{
	struct nmreq_register reg = {.nr_tx_slots = SLOTS, .nr_tx_rings = 2};
	const int fd = abi_device();

	step();
	assert_int_equal(abi_register(fd, "vale0:a", &reg), 0);
	step();
	ports[0] = (struct abi_port){.fd = fd, .reg = reg};
	ports[0].mem = mmap(NULL, reg.nr_memsize, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
	ports[0].nifp = (void *)(ports[0].mem + reg.nr_offset);
	step();
	open_port(&ports[1], "vale0:b", (struct nmreq_register){0});
	for (int i = 0; i < LOOPS; i++)
		exchange(&ports[0], &ports[1]);
}

static void *send_for_ever(void *arg)
{
	for (;;) {
		put_frames(arg, SLOTS);
		abi_txsync(arg);
	}
	return NULL;
}

static void *receive_for_ever(void *arg)
{
	for (;;) {
		abi_poll(arg, POLLIN, 10);
		take_frames(arg);
	}
	return NULL;
}

static void thread(void *(*run)(void *), void *arg)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, run, arg), 0);
}

static void live_in_threads(void)
{
	open_port(&ports[0], "vale0:a", (struct nmreq_register){0});
	open_port(&ports[1], "vale0:b", (struct nmreq_register){0});
	thread(send_for_ever, &ports[0]);
	thread(receive_for_ever, &ports[1]);
	thread(send_for_ever, &ports[1]);
	step();
}

static void live_at_a_full_pipe(void)
{
	open_port(&ports[0], "p{1", (struct nmreq_register){0});
	open_port(&ports[1], "p}1", (struct nmreq_register){0});
	put_frames(&ports[0], SLOTS);
	abi_txsync(&ports[0]);
	step();
	thread(receive_for_ever, &ports[0]); /* nothing comes */
	abi_poll(&ports[0], POLLOUT, 20);
	step();
	exchange(&ports[1], &ports[0]);
}

/* What was received goes out elsewhere in its own buffer; half way in between
 * a buffer is in two slots, or in none. */
static void live_swapping(void)
{
	struct netmap_slot *in, *out;

	open_port(&ports[0], "vale0:a{1", (struct nmreq_register){0});
	open_port(&ports[1], "vale0:a}1", (struct nmreq_register){0});
	open_port(&ports[2], "vale0:a", (struct nmreq_register){0});
	for (int i = 0; i < LOOPS; i++) {
		uint32_t idx;

		put_frames(&ports[1], 8);
		abi_txsync(&ports[1]);
		abi_rxsync(&ports[0]);
		in = &abi_rx(&ports[0], 0)->slot[abi_rx(&ports[0], 0)->head];
		out = &abi_tx(&ports[2], 0)->slot[abi_tx(&ports[2], 0)->head];
		idx = out->buf_idx;
		out->buf_idx = in->buf_idx;
		out->len = in->len;
		out->flags = NS_BUF_CHANGED;
		step();
		abi_tx(&ports[2], 0)->head = abi_tx(&ports[2], 0)->cur =
			abi_next(abi_tx(&ports[2], 0),
				 abi_tx(&ports[2], 0)->head);
		abi_txsync(&ports[2]);
		step();
		in->buf_idx = idx;
		in->flags = NS_BUF_CHANGED;
		step();
		take_frames(&ports[0]);
		step();
	}
}

/* Out of the list, into slots, and what was there nowhere. */
static void live_on_extra_buffers(void)
{
	struct netmap_ring *r;
	uint32_t idx;

	open_port(&ports[0], "vale0:a",
		  (struct nmreq_register){.nr_extra_bufs = 32});
	r = abi_tx(&ports[0], 0);
	idx = ports[0].nifp->ni_bufs_head;
	for (int i = 0; i < 16 && idx; i++) {
		const uint32_t next = *(uint32_t *)(void *)abi_buf(r, idx);

		r->slot[i].buf_idx = idx;
		r->slot[i].len = FRAME_MIN;
		r->slot[i].flags = NS_BUF_CHANGED;
		idx = next;
		if (i % 4 == 0)
			step();
	}
	ports[0].nifp->ni_bufs_head = idx;
	step();
	r->head = r->cur = 16;
	abi_txsync(&ports[0]);
	step();
	ports[0].nifp->ni_bufs_head = 0;
	step();
}

/* A CSB, and the kernel's loop in a thread. */

static struct {
	struct nm_csb_atok atok[2];
	struct nm_csb_ktoa ktoa[2];
} csb __attribute__((aligned(PAGE)));
static int kicks[4];

static void *loop_for_ever(void *arg)
{
	struct nmreq_sync_kloop_start start = {.sleep_us = 100};
	/* struct nmreq_opt_sync_kloop_eventfds, of two rings */
	struct {
		struct nmreq_option o;
		int32_t fds[4];
	} events = {.o.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
		    .o.nro_size = sizeof(events)};
	const struct abi_port *p = arg;

	for (int i = 0; i < 4; i++)
		events.fds[i] = kicks[i];
	abi_ctrl(p->fd, p->name, NETMAP_REQ_SYNC_KLOOP_START, &start, &events);
	return NULL;
}

static void kick(void)
{
	const uint64_t one = 1;

	if (write(kicks[0], &one, 8) != 8)
		abort();
}

static void live_in_the_kernels_loop(void)
{
	struct nmreq_opt_csb o = {.nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB,
				  .csb_atok = (uintptr_t)csb.atok,
				  .csb_ktoa = (uintptr_t)csb.ktoa};
	struct nmreq_register reg = {.nr_flags = NR_EXCLUSIVE};
	struct abi_port *p = &ports[0];

	*p = (struct abi_port){.fd = abi_device(), .name = "vale0:a"};
	assert_int_equal(
		abi_ctrl(p->fd, p->name, NETMAP_REQ_REGISTER, &reg, &o), 0);
	p->reg = reg;
	step();
	for (int i = 0; i < 4; i++)
		kicks[i] = eventfd(0, EFD_NONBLOCK);
	thread(loop_for_ever, p);
	open_port(&ports[1], "vale0:b", (struct nmreq_register){0});
	thread(send_for_ever, &ports[1]);
	for (uint32_t head = 1; head < 40; head++) {
		csb.atok[0].cur = head;
		__atomic_store_n(&csb.atok[0].head, head, __ATOMIC_RELEASE);
		kick();
		if (head % 8 == 0)
			step();
	}
}

static void live_monitoring(uint64_t flags)
{
	const struct nmreq_register all = {.nr_flags = flags | NR_MONITOR_TX |
						       NR_MONITOR_RX};

	open_port(&ports[0], "vale0:a", (struct nmreq_register){0});
	open_port(&ports[1], "vale0:b", (struct nmreq_register){0});
	open_port(&ports[2], "vale0:a", all);
	for (int i = 0; i < LOOPS; i++) {
		exchange(&ports[0], &ports[1]);
		take_frames(&ports[2]);
		step();
	}
}

static void live_watching(void)
{
	live_monitoring(0);
}

static void live_watching_in_place(void)
{
	live_monitoring(NR_ZCOPY_MON);
}

/* The port is the parent's, and what is monitored goes on. */
static struct abi_port parents[2];

static void open_parents_port(void)
{
	abi_open(&parents[0], "vale0:a");
}

static void close_parents_port(void)
{
	abi_send(&parents[0], FRAME_MIN, TO_ALL, 1, 1);
	abi_rxsync(&parents[0]);
	abi_shut(&parents[0]);
}

static void live_watching_another(void)
{
	const struct nmreq_register all = {
		.nr_flags = NR_ZCOPY_MON | NR_MONITOR_TX | NR_MONITOR_RX};

	open_port(&ports[1], "vale0:b", (struct nmreq_register){0});
	open_port(&ports[2], "vale0:a", all);
	exchange(&ports[1], &ports[1]);
	abi_rxsync(&ports[2]);
	step();
}

/* The other end of a pipe stays. */

static void open_parents_end(void)
{
	abi_open_as(&parents[0], "p{9",
		    (struct nmreq_register){.nr_tx_slots = SLOTS,
					    .nr_rx_slots = SLOTS});
	put_frames(&parents[0], 10);
	abi_txsync(&parents[0]);
}

static void close_parents_end(void)
{
	put_frames(&parents[0], 10);
	assert_int_equal(abi_txsync(&parents[0]), 0);
	take_frames(&parents[0]);
	abi_shut(&parents[0]);
}

static void live_at_one_end(void)
{
	open_port(&ports[0], "p}9", (struct nmreq_register){0});
	for (int i = 0; i < LOOPS; i++)
		exchange(&ports[0], &ports[0]);
	thread(send_for_ever, &ports[0]);
	step();
}

static void live_in_own_memory(void)
{
	enum { BYTES = 8 << 20 };
	void *mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct nmreq_opt_extmem o = {
		.nro_opt.nro_reqtype = NETMAP_REQ_OPT_EXTMEM,
		.nro_usrptr = (uintptr_t)mem,
		.nro_info.nr_memsize = BYTES,
	};
	struct abi_port *p = &ports[0];
	struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC};

	assert_ptr_not_equal(mem, MAP_FAILED);
	*p = (struct abi_port){.fd = abi_device(), .name = "vale0:a"};
	assert_int_equal(
		abi_ctrl(p->fd, p->name, NETMAP_REQ_REGISTER, &reg, &o), 0);
	p->reg = reg;
	p->mem = mem;
	p->nifp = (void *)(p->mem + reg.nr_offset);
	step();
	open_port(&ports[1], "vale0:b", (struct nmreq_register){0});
	exchange(p, &ports[1]);
	exchange(&ports[1], p);
	munmap(mem, BYTES);
	step();
}

/* The descriptor is closed, the mapping is not. */
static void live_on_a_mapping(void)
{
	open_port(&ports[0], "vale0:a", (struct nmreq_register){0});
	close(ports[0].fd);
	step();
	put_frames(&ports[0], 10);
	step();
}

static void live_again_and_again(void)
{
	static const char *const names[] = {"vale0:a", "vale0:b",   "p{1",
					    "p}1",     "vale0:a{2", "vale1:c"};
	unsigned seed = (unsigned)getpid();

	for (;;) {
		struct nmreq_register reg = {
			.nr_extra_bufs = (uint32_t)rand_r(&seed) % 32,
			.nr_tx_rings = (uint16_t)(rand_r(&seed) % 3),
			.nr_tx_slots = SLOTS,
		};
		struct abi_port *p = &ports[rand_r(&seed) % 4];

		if (p->mem) {
			abi_shut(p);
			p->mem = NULL;
		} else if (!abi_try_open(p, names[rand_r(&seed) % 6], &reg)) {
			put_frames(p, 10);
			abi_txsync(p);
		}
		step();
	}
}

static void live_by_the_old_call(void)
{
	struct nmreq r = {
		.nr_name = "vale0:a", .nr_version = NETMAP_API, .nr_arg3 = 16};
	const int fd = abi_device();

	assert_int_equal(ioctl(fd, NIOCREGIF, &r), 0);
	step();
	assert_int_equal(ioctl(fd, NIOCTXSYNC, NULL), 0);
	step();
}

/* Persistent ports stay, as they are meant to; NICs on switches, too. */

static void live_making_ports(void)
{
	struct nmreq_vale_newif body = {.nr_tx_slots = SLOTS};
	const int fd = abi_device();

	assert_int_equal(
		abi_ctrl(fd, "kill0", NETMAP_REQ_VALE_NEWIF, &body, NULL), 0);
	step();
	abi_open_as(&ports[0], "vale0:kill0",
		    (struct nmreq_register){.nr_mode = NR_REG_ALL_NIC});
	step();
	put_frames(&ports[0], 8);
	abi_txsync(&ports[0]);
	step();
}

static void remove_port(void)
{
	const int fd = abi_device();

	/* it may not have come so far */
	abi_ctrl(fd, "kill0", NETMAP_REQ_VALE_DELIF, NULL, NULL);
	abi_close(fd);
}

static void run(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

static void make_devices(void)
{
	run("ip link add kill1 type veth peer name kill2 && "
	    "ip link set kill1 up && ip link set kill2 up");
}

static void remove_devices(void)
{
	run("ip link del kill1");
}

static void live_on_a_device(void)
{
	const struct nmreq_register both = {.nr_mode = NR_REG_NIC_SW};

	abi_open_as(&ports[0], "kill1", both);
	step();
	abi_open(&ports[1], "kill2");
	step();
	for (int i = 0; i < LOOPS; i++)
		exchange(&ports[0], &ports[1]);
	thread(send_for_ever, &ports[0]);
	thread(receive_for_ever, &ports[1]);
	step();
}

static void live_attaching(void)
{
	struct nmreq_vale_attach body = {.reg.nr_mode = NR_REG_ALL_NIC};
	struct nmreq_vale_polling poll = {
		.nr_mode = NETMAP_POLLING_MODE_SINGLE_CPU,
		.nr_num_polling_cpus = 1};
	const int fd = abi_device();

	assert_int_equal(abi_ctrl(fd, "vale0:kill1", NETMAP_REQ_VALE_ATTACH,
				  &body, NULL),
			 0);
	step();
	open_port(&ports[0], "vale0:a", (struct nmreq_register){0});
	thread(send_for_ever, &ports[0]);
	step();
	/* one CPU must be left to others */
	assert_int_equal(abi_ctrl(fd, "vale0:kill1",
				  NETMAP_REQ_VALE_POLLING_ENABLE, &poll, NULL),
			 sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 0 : -EINVAL);
	step();
}

static void detach_devices(void)
{
	struct nmreq_vale_detach body = {0};
	struct nmreq_vale_polling poll = {.nr_mode = 0};
	const int fd = abi_device();

	/* it may not have come so far */
	abi_ctrl(fd, "vale0:kill1", NETMAP_REQ_VALE_POLLING_DISABLE, &poll,
		 NULL);
	abi_ctrl(fd, "vale0:kill1", NETMAP_REQ_VALE_DETACH, &body, NULL);
	abi_close(fd);
	remove_devices();
}

/* A transaction that nobody commits. */

static void send_message(struct nl_sock *s, int family, uint8_t cmd)
{
	struct nl_msg *m = nlmsg_alloc();
	struct nlattr *nest;

	genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_ACK, cmd,
		    PTN_FAMILY_VERSION);
	if (cmd == PTN_CMD_TXN_BEGIN) {
		nla_put_u64(m, PTN_A_REVISION, 77);
	} else {
		nest = nla_nest_start(m, PTN_A_SWITCH);
		nla_put_string(m, PTN_SW_NAME, "half");
		nla_put_u32(m, PTN_SW_FDB_SIZE, 1024);
		nla_put_u32(m, PTN_SW_AGEING_MS, 0);
		nla_nest_end(m, nest);
	}
	assert_true(nl_send_auto(s, m) > 0);
	assert_int_equal(nl_wait_for_ack(s), 0);
	nlmsg_free(m);
	step();
}

static void live_in_a_transaction(void)
{
	struct nl_sock *s = nl_socket_alloc();
	int family;

	assert_int_equal(genl_connect(s), 0);
	family = genl_ctrl_resolve(s, PTN_FAMILY_NAME);
	send_message(s, family, PTN_CMD_TXN_BEGIN);
	send_message(s, family, PTN_CMD_SWITCH_NEW);
}

/* The parent's side. */

static pid_t begin(const struct life *life, unsigned where, int *from)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid) {
		close(ends[1]);
		*from = ends[0];
		return pid;
	}
	/* an assertion must not go on with the parent's tests */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ends[0]);
	line = ends[1];
	stop_at = where;
	if (!where)
		tell('b');
	life->live();
	tell('e');
	wait_for_death();
	_exit(1);
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* it did not fail before */
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Returns what it told: 's' it came to the step, 'e' it has no more. */
static char die_at(const struct life *life, unsigned where, unsigned delay_us)
{
	struct world before;
	char said = 0;
	pid_t pid;
	int from;

	world_look(&before);
	assert_int_equal(world_module_users(), 0);
	if (life->prepare)
		life->prepare();
	pid = begin(life, where, &from);
	if (read(from, &said, 1) != 1)
		fail_msg("step %u is not reached", where);
	usleep(delay_us);
	end(pid);
	close(from);
	if (life->after)
		life->after();
	world_assert_same(&before, "a death");
	assert_int_equal(world_module_users(), 0);
	return said;
}

enum { STEPS_MAX = 64 };

static void die(void **state)
{
	const struct life *life = *state;
	unsigned where = 1;

	while (where < STEPS_MAX && die_at(life, where, 0) == 's')
		where++;
	for (int i = 0; i < ROUNDS; i++)
		die_at(life, 0, (unsigned)rand() % LATEST_US);
}

#define LIFE(live, ...)                                                        \
	{                                                                      \
		.name = #live, .test_func = die,                               \
		.initial_state = &(struct life)                                \
		{                                                              \
			live, __VA_ARGS__                                      \
		}                                                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE(live_plainly, NULL, NULL),
		LIFE(live_in_threads, NULL, NULL),
		LIFE(live_at_a_full_pipe, NULL, NULL),
		LIFE(live_swapping, NULL, NULL),
		LIFE(live_on_extra_buffers, NULL, NULL),
		LIFE(live_in_the_kernels_loop, NULL, NULL),
		LIFE(live_watching, NULL, NULL),
		LIFE(live_watching_in_place, NULL, NULL),
		LIFE(live_watching_another, open_parents_port,
		     close_parents_port),
		LIFE(live_at_one_end, open_parents_end, close_parents_end),
		LIFE(live_in_own_memory, NULL, NULL),
		LIFE(live_on_a_mapping, NULL, NULL),
		LIFE(live_again_and_again, NULL, NULL),
		LIFE(live_by_the_old_call, NULL, NULL),
		LIFE(live_on_a_device, make_devices, remove_devices),
		LIFE(live_in_a_transaction, NULL, NULL),
		LIFE(live_making_ports, NULL, remove_port),
		LIFE(live_attaching, make_devices, detach_devices),
	};

	srand((unsigned)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
