/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No wake-up is ever lost: a program and a switching thread that both go to
 * sleep at once when they find nothing, and no safety timeout. The program's
 * side is libptnet's own, with and without its barrier left to the host's
 * membarrier(). PTNET_WAKEUPS=N plays N rounds instead of some.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/os/os.h"
#include "port/port.h"
#include "unit/rig.h"

enum { ROUNDS = 200000, LEN = 60, PATIENCE_S = 600 };

static const struct rig_params params = {1, 64, 2048, 0};
static struct rig from, to;
static int host_bell, program_bell;
static u32 ending;

static long rounds(void)
{
	const char *n = getenv("PTNET_WAKEUPS");

	return n ? atol(n) : ROUNDS;
}

static void ring_bell(int fd)
{
	assert_int_equal(eventfd_write(fd, 1), 0);
}

static void hear_bell(int fd)
{
	eventfd_t n;

	assert_int_equal(eventfd_read(fd, &n), 0);
}

static void on_notify(void *home, u32 vector)
{
	(void)home;
	(void)vector;
	ring_bell(program_bell);
}

static const struct ptn_port_ops ops = {.notify = on_notify};

/* Sleeps whenever there is nothing to do, without a moment's patience. */
static void *host(void *arg)
{
	struct ptn_work *w = ptn_work_new();

	(void)arg;
	os_thread_register();
	while (!ptn_load_acquire(ending)) {
		os_quiescent();
		if (ptn_port_sync(from.port, 0, w) ||
		    !ptn_port_arm(from.port, 0))
			continue;
		os_offline();
		hear_bell(host_bell);
		os_online();
		ptn_port_disarm(from.port, 0);
	}
	os_thread_unregister();
	ptn_work_free(w);
	return NULL;
}

static void program_side(struct port_ring *r, struct rig *g, bool rx,
			 bool light)
{
	*r = (struct port_ring){
		.ring = rx ? rig_rx(g, 0) : rig_tx(g, 0),
		.atok = &g->atok[rx],
		.ktoa = &g->ktoa[rx],
		.slots = params.slots,
		.light = light,
		.ask = 1,
		.doorbell = host_bell,
		.tail = rx ? 0 : params.slots - 1,
	};
}

/* Some nanoseconds more or less, to meet the other at every point. */
static void dither(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	for (volatile u32 i = *seed >> 24; i; i--)
		;
}

static void send_one(struct ptnet_port *p, struct port_ring *tx)
{
	struct netmap_ring *r = tx->ring;
	struct netmap_slot *s = &r->slot[r->head];

	while (!rig_space(r))
		assert_true(ring_sync(p, tx) >= 0);
	rig_frame(rig_buf(r, s->buf_idx), LEN, 0xffffffffffffULL, 2, 1);
	s->len = LEN;
	s->flags = 0;
	r->head = r->cur = rig_next(r, r->head);
	assert_true(ring_sync(p, tx) >= 0);
}

/*
 * Rounds of polling let the next frame meet the host while it goes to sleep;
 * rounds of sleeping let the host's frame meet the program.
 */
static void wait_for_frame(struct ptnet_port *p, struct port_ring *rx,
			   bool sleeps)
{
	while (ring_sync(p, rx) == 0) {
		if (!sleeps)
			continue;
		if (++rx->ask < 2)
			rx->ask = 2;
		port_store(rx->atok->appl_need_kick, rx->ask);
		port_mb();
		if (ring_sync(p, rx) == 0)
			hear_bell(program_bell);
		port_store(rx->atok->appl_need_kick, 0);
	}
	rx->ring->head = rx->ring->cur = rig_next(rx->ring, rx->ring->head);
	assert_true(ring_sync(p, rx) >= 0);
}

static void play(bool light)
{
	const struct ptn_vale_params v = {"vale0", 64, 0};
	struct ptn_config config = {.state = PTN_STATE_RUNNING};
	struct ptnet_port program = {.memory.live = &config};
	int connection[2];
	static struct port_ring tx, rx; /* aligned, whatever the stack is */
	struct ptn_vale *vale;
	pthread_t thread;
	u32 seed = 1;

	/* what a program that polls looks at now and then */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, connection), 0);
	program.attach.sock = connection[0];
	host_bell = eventfd(0, 0);
	program_bell = eventfd(0, 0);
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	rig_open_with(&from, "from", &params, &ops);
	rig_open_with(&to, "to", &params, &ops);
	ptn_vale_attach(vale, from.port);
	ptn_vale_attach(vale, to.port);
	program_side(&tx, &from, false, light);
	program_side(&rx, &to, true, light);
	ending = 0;
	alarm(PATIENCE_S);
	assert_int_equal(pthread_create(&thread, NULL, host, NULL), 0);
	for (long i = rounds(); i > 0; i--) {
		dither(&seed);
		send_one(&program, &tx);
		dither(&seed);
		wait_for_frame(&program, &rx, i % 64 == 0);
	}
	ptn_store_release(ending, 1);
	ring_bell(host_bell);
	pthread_join(thread, NULL);
	alarm(0);
	assert_int_equal(rig_drops(&from) + rig_drops(&to), 0);
	rig_close(&from, ptn_vale_detach);
	rig_close(&to, ptn_vale_detach);
	ptn_vale_free(vale);
	close(connection[0]);
	close(connection[1]);
	close(host_bell);
	close(program_bell);
}

static void none_is_lost_with_full_barriers(void **state)
{
	(void)state;
	play(false);
}

static void none_is_lost_with_the_hosts_barrier(void **state)
{
	(void)state;
	if (!os_heavy() ||
	    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0,
		    0))
		skip();
	play(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_lost_with_full_barriers),
		cmocka_unit_test(none_is_lost_with_the_hosts_barrier),
	};

	return cmocka_run_group_tests_name("wakeup", tests, NULL, NULL);
}
