// SPDX-License-Identifier: BSD-2-Clause
/*
 * Several processes do what comes into their minds with the ports of one
 * switch and one pipe: open, send, receive, forward without copying, wait,
 * close; and now and then one is killed. Afterwards every frame that was sent
 * was received or is counted as lost, and every buffer is in one place.
 * PTNET_RANDOM=N goes on for N seconds instead of some, PTNET_SEED=N repeats.
 */
#include "abi.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

enum {
	ON_SWITCH = 4,
	ON_PIPE = 2,
	PORTS = ON_SWITCH + ON_PIPE,
	PROCESSES = 4,
	QUEUES = 2,
	SLOTS = 64,
	SECONDS = 6,
	TURN_US = 150000,
};

static char names[PORTS][128]; /* as programs say them */
static struct objects want;
static unsigned seed;

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand_r(&seed) % n;
}

/* A process's own. */

static struct abi_port ports[PORTS];

static void open_or_close(struct abi_port *p)
{
	struct nmreq_register reg = {
		.nr_mode = below(3) ? NR_REG_ALL_NIC : NR_REG_ONE_NIC,
		.nr_extra_bufs = below(3) ? 0 : below(20),
	};

	if (p->mem) {
		abi_shut(p);
		p->mem = NULL;
		return;
	}
	/* the one that was killed may still be closing it */
	if (abi_try_open(p, names[p - ports], &reg))
		p->mem = NULL;
}

static struct netmap_ring *ring_of(const struct abi_port *p, bool tx)
{
	const unsigned n = tx ? p->nifp->ni_tx_rings : p->nifp->ni_rx_rings;
	const unsigned i = below(n);

	return tx ? abi_tx(p, i) : abi_rx(p, i);
}

static void send_some(const struct abi_port *p)
{
	struct netmap_ring *r = ring_of(p, true);

	for (uint32_t n = below(40); r && n && abi_space(r); n--) {
		struct netmap_slot *s = &r->slot[r->head];
		const uint32_t len = 26 + below(1000);

		abi_frame(abi_buf(r, s->buf_idx), len,
			  below(8) ? 1 + below(ON_SWITCH) : TO_ALL,
			  1 + (unsigned)(p - ports), n);
		s->len = (uint16_t)(below(30) ? len : below(5000));
		s->flags = below(20) ? 0 : NS_MOREFRAG;
		r->head = r->cur = abi_next(r, r->head);
	}
	abi_txsync(p);
}

static void receive_some(const struct abi_port *p)
{
	struct netmap_ring *r = ring_of(p, false);

	abi_rxsync(p);
	for (uint32_t n = below(60); r && n && abi_space(r); n--)
		r->head = r->cur = abi_next(r, r->head);
	abi_rxsync(p);
}

static void forward_some(const struct abi_port *p)
{
	struct netmap_ring *rx = ring_of(p, false), *tx = ring_of(p, true);

	abi_rxsync(p);
	for (uint32_t n = below(20);
	     rx && tx && n && abi_space(rx) && abi_space(tx); n--)
		abi_pass(rx, tx);
	abi_txsync(p);
	abi_rxsync(p);
}

static void wait_some(const struct abi_port *p)
{
	abi_poll(p, below(2) ? POLLIN : POLLIN | POLLOUT, (int)below(5));
}

/* Each has ports of its own: two that write to one ring would have it reset. */
static void live(unsigned process)
{
	static void (*const moves[])(const struct abi_port *) = {
		send_some,    send_some,    send_some, receive_some,
		receive_some, forward_some, wait_some,
	};

	for (;;) {
		struct abi_port *p;
		const unsigned i = below(PORTS);

		if (i % PROCESSES != process)
			continue;
		p = &ports[i];
		if (!p->mem || !below(60))
			open_or_close(p);
		if (p->mem)
			moves[below(COUNT(moves))](p);
	}
}

/* The parent's. */

static pid_t start(unsigned process)
{
	const unsigned its_seed = (unsigned)rand_r(&seed);
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seed = its_seed;
	live(process);
	_exit(1);
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void make_ports(void)
{
	struct objects all;

	world_want_switch(&want, "vale6");
	world_want_pipe(&want, "pipe6");
	for (unsigned i = 0; i < PORTS; i++) {
		const char name[] = {'r', (char)('0' + i), 0};
		struct port_spec *p = world_want_port(&want, name);

		p->slots = SLOTS;
		p->queues = i < ON_SWITCH ? QUEUES : 1;
		strcpy(i < ON_SWITCH ? p->on_switch : p->on_pipe,
		       i < ON_SWITCH ? "vale6" : "pipe6");
		if (i >= ON_SWITCH)
			strcpy(p->domain, "pipe:pipe6");
		p->end = i > ON_SWITCH;
	}
	assert_int_equal(world_apply(&want), 0);
	world_objects(&all);
	for (unsigned i = 0; i < PORTS; i++) {
		const char *name = all.port_status[i].socket;

		/* the prefix is for libraries */
		strcpy(names[i], strncmp(name, "netmap:", 7) ? name : name + 7);
	}
	objects_fini(&all);
}

static uint64_t sum(const struct objects *all, bool pipe, int from, int to)
{
	uint64_t n = 0;

	for (size_t i = 0; i < all->n_ports; i++)
		for (int c = from; c <= to; c++)
			if (pipe == !!*all->ports[i].on_pipe)
				n += all->port_status[i].counters[c];
	return n;
}

static void assert_conserved(void)
{
	struct objects all;

	world_objects(&all);
	assert_int_equal(all.n_switches, 1);
	assert_int_equal(all.n_ports, PORTS);
	for (int pipe = 0; pipe < 2; pipe++) {
		const uint64_t *sw = all.switch_status[0].counters;
		uint64_t sent =
			sum(&all, pipe, PTN_C_TX_FRAMES, PTN_C_TX_FRAMES);
		const uint64_t got =
			sum(&all, pipe, PTN_C_RX_FRAMES, PTN_C_RX_FRAMES);

		assert_true(sent > 100);
		assert_true(got > 0);
		if (!pipe)
			sent += sw[PTN_SWC_COPIES] - sw[PTN_SWC_FLOODED];
		assert_int_equal(sent, got + sum(&all, pipe, PTN_C_DROP_RX_FULL,
						 PTN_C_DROP_LAST));
	}
	objects_fini(&all);
}

static time_t seconds(void)
{
	const char *said = getenv("PTNET_RANDOM");

	return said ? atoi(said) : SECONDS;
}

static void nothing_is_lost(void **state)
{
	const time_t over = time(NULL) + seconds();
	const char *said = getenv("PTNET_SEED");
	struct objects nothing = {0};
	struct world before, now;
	pid_t pids[PROCESSES];

	(void)state;
	seed = said ? (unsigned)atoi(said) : (unsigned)time(NULL);
	print_message("# PTNET_SEED=%u\n", seed);
	world_look(&before);
	make_ports();
	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start(i);
	while (time(NULL) < over) {
		const unsigned victim = below(PROCESSES);

		usleep(below(TURN_US));
		world_look(&now);
		if (below(2))
			continue;
		end(pids[victim]);
		world_look(&now);
		pids[victim] = start(victim);
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		end(pids[i]);
	assert_conserved();
	assert_int_equal(world_apply(&nothing), 0);
	objects_fini(&want);
	world_assert_same(&before, "all that");
	assert_int_equal(world_module_users(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
