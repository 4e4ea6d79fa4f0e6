/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on one world, from several threads at once: ports start,
 * stop, reset, close, open, join and leave a switch and a pipe while frames
 * flow between them and addresses are pinned and age. Afterwards every frame
 * is received or counted, and every buffer is in one place. Made for
 * ThreadSanitizer. PTNET_RANDOM=N does N operations instead of some.
 *
 * A port is moved by one mover; whoever wants to change it takes it from the
 * mover first, as the engine does.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/os/os.h"
#include "unit/rig.h"

enum { PORTS = 7, MOVERS = 2, OPERATIONS = 1000, LEN = 64, FRAME_MAX = 4096 };

/* Ports 0 to 3 are alone; 4 to 6 share a region: 4 and 5 are a pipe, and 6 is
 * on the switch, too. */
enum { DOMAIN_FIRST = 4, PIPE_A = 4, PIPE_B = 5, DOMAIN_VALE = 6 };

static const struct rig_params params[PORTS] = {
	{1, 64, 2048, 0},  {2, 128, 2048, 9}, {4, 16, 256, 0},
	{1, 512, 4096, 0}, {2, 64, 2048, 5},  {1, 32, 2048, 0},
	{1, 64, 2048, 3},
};

static struct rig rig[PORTS];
static pthread_mutex_t taken[PORTS]; /* by its mover, or by who changes it */
static u32 wanted[PORTS]; /* by who changes it: movers make way */
static bool on[PORTS]; /* of a link */
static struct ptn_vale *vale;
static struct ptn_pipe *pipe_;
static u32 ending;
static u64 past[PORTS][PTN_C_MAX + 1];

static bool on_pipe(u32 i)
{
	return i == PIPE_A || i == PIPE_B;
}

/* The program's side, and the mover's, of one port. */

static void program_sends(struct rig *g, u32 queue, unsigned *seed)
{
	struct netmap_ring *r = rig_tx(g, queue);

	rig_sync_tx(g, queue);
	for (u32 n = (u32)rand_r(seed) % 40; n && rig_space(r); n--) {
		struct netmap_slot *s = &r->slot[r->head];
		const u32 to = (u32)rand_r(seed) % (PORTS + 1);

		rig_frame(rig_buf(r, s->buf_idx), LEN,
			  to == PORTS ? 0xffffffffffffULL
				      : 0x0200ULL | (u64)to << 24,
			  0x0200ULL | (u64)(g - rig) << 24, 1);
		s->len = rand_r(seed) % 16 ? LEN : (u16)rand_r(seed) % 200;
		s->flags = rand_r(seed) % 8 ? 0 : NS_MOREFRAG;
		r->head = r->cur = rig_next(r, r->head);
	}
	rig_sync_tx(g, queue);
}

static void program_receives(struct rig *g, u32 queue, unsigned *seed)
{
	struct netmap_ring *r = rig_rx(g, queue);

	rig_sync_rx(g, queue);
	for (u32 n = (u32)rand_r(seed) % 60; n && rig_space(r); n--)
		r->head = r->cur = rig_next(r, r->head);
	rig_sync_rx(g, queue);
}

/* Zero-copy: what arrived at one port of the region leaves by another. */
static void program_forwards(struct rig *from, struct rig *to)
{
	struct netmap_ring *rx = rig_rx(from, 0), *tx = rig_tx(to, 0);

	rig_sync_rx(from, 0);
	rig_sync_tx(to, 0);
	while (rig_space(rx) && rig_space(tx)) {
		struct netmap_slot *r = &rx->slot[rx->head];
		struct netmap_slot *t = &tx->slot[tx->head];
		const u32 spare = t->buf_idx;

		t->buf_idx = r->buf_idx;
		t->len = r->len;
		t->flags = NS_BUF_CHANGED;
		r->buf_idx = spare;
		rx->head = rx->cur = rig_next(rx, rx->head);
		tx->head = tx->cur = rig_next(tx, tx->head);
	}
	rig_sync_tx(to, 0);
	rig_sync_rx(from, 0);
}

static void move_port(u32 i, struct ptn_work *w, unsigned *seed)
{
	struct rig *g = &rig[i];

	for (u32 q = 0; q < g->queues; q++) {
		program_sends(g, q, seed);
		ptn_port_sync(g->port, q, w);
		program_receives(g, q, seed);
		if (rand_r(seed) % 16)
			continue;
		ptn_port_arm(g->port, q);
		ptn_port_disarm(g->port, q);
	}
}

static void *mover(void *arg)
{
	const u32 mine = (u32)(uintptr_t)arg;
	unsigned seed = mine + 1;
	struct ptn_work *w = ptn_work_new();

	os_thread_register();
	while (!ptn_load_acquire(ending)) {
		for (u32 i = mine; i < PORTS; i += MOVERS) {
			if (ptn_load(wanted[i]) ||
			    pthread_mutex_trylock(&taken[i]))
				continue;
			if (ptn_port_running(rig[i].port))
				move_port(i, w, &seed);
			os_quiescent();
			pthread_mutex_unlock(&taken[i]);
		}
		os_quiescent();
	}
	os_thread_unregister();
	ptn_work_free(w);
	return NULL;
}

/* Changes, by the control thread. */

static void link_port(u32 i)
{
	if (on_pipe(i))
		assert_int_equal(
			ptn_pipe_attach(pipe_, i - PIPE_A, rig[i].port), 0);
	else
		assert_int_equal(ptn_vale_attach(vale, rig[i].port), 0);
	on[i] = true;
}

static void unlink_port(u32 i)
{
	(on_pipe(i) ? ptn_pipe_detach : ptn_vale_detach)(rig[i].port);
	on[i] = false;
}

static void open_again(u32 i)
{
	struct rig *g = &rig[i];
	u64 count[PTN_C_MAX + 1];

	ptn_port_stop(g->port);
	ptn_port_counters(g->port, count);
	for (int c = 0; c <= PTN_C_MAX; c++)
		past[i][c] += count[c];
	ptn_port_close(g->port);
	assert_int_equal(ptn_port_open(g->port, g->region, g->atok, g->ktoa),
			 0);
	g->nifp = (struct netmap_if *)((char *)g->region_mem +
				       ptn_port_nifp_ofs(g->port));
}

static void change(u32 i, u32 how)
{
	struct rig *g = &rig[i];
	u8 mac[6] = {0, 2, 0, 0x99, (u8)i, 0};

	switch (how) {
	case 0:
		ptn_port_stop(g->port);
		break;
	case 1:
		ptn_port_stop(g->port);
		ptn_port_reset(g->port);
		break;
	case 2:
		open_again(i);
		break;
	case 3:
		if (on[i])
			unlink_port(i);
		else
			link_port(i);
		break;
	case 4:
		if (!on_pipe(i) && on[i])
			ptn_vale_static(vale, mac, g->port);
		break;
	case 5:
		ptn_vale_static(vale, mac, NULL);
		break;
	}
	if (how < 3)
		assert_int_equal(ptn_port_start(g->port), 0);
}

static void operate(long n)
{
	unsigned seed = 5;

	for (; n > 0; n--) {
		const u32 i = (u32)rand_r(&seed) % PORTS;

		if (rand_r(&seed) % 8 == 0)
			ptn_vale_age(vale);
		ptn_store(wanted[i], 1);
		pthread_mutex_lock(&taken[i]);
		ptn_store(wanted[i], 0);
		change(i, (u32)rand_r(&seed) % 6);
		pthread_mutex_unlock(&taken[i]);
		if (rand_r(&seed) % 4 == 0)
			sched_yield();
	}
}

/* Afterwards. */

static u64 total(enum ptn_counter from, enum ptn_counter to, bool of_pipe)
{
	u64 sum = 0;

	for (u32 i = 0; i < PORTS; i++) {
		u64 count[PTN_C_MAX + 1];

		ptn_port_counters(rig[i].port, count);
		for (int c = from; on_pipe(i) == of_pipe && c <= (int)to; c++)
			sum += count[c] + past[i][c];
	}
	return sum;
}

static void assert_conserved(void)
{
	u64 sw[PTN_SWC_MAX + 1];

	ptn_vale_counters(vale, sw);
	assert_true(total(PTN_C_RX_FRAMES, PTN_C_RX_FRAMES, false) > 0);
	assert_true(total(PTN_C_RX_FRAMES, PTN_C_RX_FRAMES, true) > 0);
	assert_int_equal(total(PTN_C_TX_FRAMES, PTN_C_TX_FRAMES, false) +
				 sw[PTN_SWC_COPIES] - sw[PTN_SWC_FLOODED],
			 total(PTN_C_RX_FRAMES, PTN_C_RX_FRAMES, false) +
				 total(PTN_C_DROP_RX_FULL, PTN_C_DROP_LAST,
				       false));
	assert_int_equal(total(PTN_C_TX_FRAMES, PTN_C_TX_FRAMES, true),
			 total(PTN_C_RX_FRAMES, PTN_C_RX_FRAMES, true) +
				 total(PTN_C_DROP_RX_FULL, PTN_C_DROP_LAST,
				       true));
	assert_int_equal(total(PTN_C_FAULTS, PTN_C_FAULTS, false), 0);
	assert_int_equal(total(PTN_C_FAULTS, PTN_C_FAULTS, true), 0);
}

static void assert_census(const struct rig *g)
{
	struct ptn_census c;

	ptn_region_census(g->region, &c);
	assert_int_equal(c.lost + c.twice, 0);
	assert_int_equal(c.free + c.slots + c.extra, c.buffers);
}

static int setup(void **state)
{
	const struct ptn_vale_params v = {"vale0", 64, 300000};
	struct rig *domain[PORTS - DOMAIN_FIRST];

	(void)state;
	ending = 0;
	memset(past, 0, sizeof(past));
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	assert_int_equal(ptn_pipe_new(&pipe_, "p"), 0);
	for (u32 i = 0; i < DOMAIN_FIRST; i++)
		rig_open(&rig[i], "alone", &params[i]);
	for (u32 i = DOMAIN_FIRST; i < PORTS; i++)
		domain[i - DOMAIN_FIRST] = &rig[i];
	rig_open_domain(domain, PORTS - DOMAIN_FIRST, &params[DOMAIN_FIRST]);
	for (u32 i = 0; i < PORTS; i++) {
		pthread_mutex_init(&taken[i], NULL);
		link_port(i);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (u32 i = PORTS; i-- > 0;) {
		assert_census(&rig[i]);
		rig_close(&rig[i],
			  on_pipe(i) ? ptn_pipe_detach : ptn_vale_detach);
		pthread_mutex_destroy(&taken[i]);
	}
	assert_int_equal(ptn_vale_fdb_used(vale), 0);
	ptn_vale_free(vale);
	ptn_pipe_free(pipe_);
	return 0;
}

static void whatever_happens_frames_and_buffers_are_kept(void **state)
{
	const char *n = getenv("PTNET_RANDOM");
	pthread_t thread[MOVERS];

	(void)state;
	for (u32 i = 0; i < MOVERS; i++)
		pthread_create(&thread[i], NULL, mover, (void *)(uintptr_t)i);
	operate(n ? atol(n) : OPERATIONS);
	ptn_store_release(ending, 1);
	for (u32 i = 0; i < MOVERS; i++)
		pthread_join(thread[i], NULL);
	for (u32 i = 0; i < PORTS; i++)
		ptn_port_stop(rig[i].port);
	assert_conserved();
}

/*
 * A trust domain: what the switch brings goes on through the pipe without a
 * copy, and back, while other threads send to the same switch port.
 */
static void *crowd(void *arg)
{
	struct rig *g = arg;
	struct ptn_work *w = ptn_work_new();
	char frame[LEN];

	os_thread_register();
	for (u32 i = 0; !ptn_load_acquire(ending); i++) {
		rig_frame(frame, LEN, 0x0200ULL | (u64)DOMAIN_VALE << 24,
			  0x0200ULL | (u64)(g - rig) << 24, (u8)(i % 251));
		memcpy(frame + 20, &i, 4);
		if (!rig_send(g, frame, LEN, 2048))
			i--;
		ptn_port_sync(g->port, 0, w);
		os_quiescent();
	}
	os_thread_unregister();
	ptn_work_free(w);
	return NULL;
}

/* Every byte of a frame's body is its number's. */
static void assert_whole(const unsigned char *frame)
{
	u32 i;

	memcpy(&i, frame + 20, 4);
	for (u32 at = 24; at < LEN; at++)
		assert_int_equal(frame[at], i % 251);
}

static void a_domain_forwards_without_a_copy(void **state)
{
	static const u8 mac[6] = {0, 2, 0, DOMAIN_VALE, 0, 0};
	struct ptn_work *w = ptn_work_new();
	unsigned char frame[FRAME_MAX];
	pthread_t thread[2];
	u64 got = 0;

	(void)state;
	ptn_vale_static(vale, mac, rig[DOMAIN_VALE].port);
	pthread_create(&thread[0], NULL, crowd, &rig[0]);
	pthread_create(&thread[1], NULL, crowd, &rig[3]);
	while (got < 5000) {
		program_forwards(&rig[DOMAIN_VALE], &rig[PIPE_A]);
		ptn_port_sync(rig[PIPE_A].port, 0, w);
		while (rig_recv(&rig[PIPE_B], 0, frame, sizeof(frame)) == LEN) {
			assert_whole(frame);
			got++;
		}
		ptn_port_arm(rig[PIPE_A].port, 0);
	}
	ptn_store_release(ending, 1);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	for (u32 i = 0; i < PORTS; i++)
		ptn_port_stop(rig[i].port);
	assert_conserved();
	ptn_work_free(w);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whatever_happens_frames_and_buffers_are_kept),
		TEST(a_domain_forwards_without_a_copy),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
