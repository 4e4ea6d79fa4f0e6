/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings as programs that sync by calling see them: indices in the header,
 * interface objects of a program's own, host queues, other pairs of indices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/nif.h"
#include "unit/rig.h"

enum { LEN = 60, TX = PTN_VECTOR_TX(0), RX = PTN_VECTOR_RX(0) };

static const u64 MAC_A = 0x0a00000002ULL, MAC_B = 0x0b00000002ULL;

static const struct ptn_port_params plain = {
	.name = "p",
	.queues = 1,
	.slots = 16,
	.extra_bufs = 3,
};

static struct rig a, b;
static struct ptn_vale *vale;
static struct ptn_work *work;

static int setup_vale(void **state)
{
	const struct ptn_vale_params v = {"vale0", 64, 0};

	(void)state;
	work = ptn_work_new();
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	rig_open_port(&a, &plain, 2048, NULL);
	rig_open_port(&b, &plain, 2048, NULL);
	assert_int_equal(ptn_vale_attach(vale, a.port), 0);
	assert_int_equal(ptn_vale_attach(vale, b.port), 0);
	return 0;
}

static void assert_census(const struct rig *g)
{
	struct ptn_census c;

	ptn_region_census(g->region, &c);
	assert_int_equal(c.lost + c.twice, 0);
	assert_int_equal(c.free + c.slots + c.extra, c.buffers);
}

static int teardown_vale(void **state)
{
	(void)state;
	assert_census(&a);
	rig_close(&a, ptn_vale_detach);
	rig_close(&b, ptn_vale_detach);
	ptn_vale_free(vale);
	ptn_work_free(work);
	return 0;
}

static void put(struct rig *g, u32 mark)
{
	struct netmap_ring *r = rig_tx(g, 0);
	struct netmap_slot *s = &r->slot[r->head];

	rig_frame(rig_buf(r, s->buf_idx), LEN, 0xffffffffffffULL,
		  g == &a ? MAC_A : MAC_B, (u8)mark);
	s->len = LEN;
	s->flags = 0;
	r->head = r->cur = rig_next(r, r->head);
}

static int get(struct rig *g)
{
	struct netmap_ring *r = rig_rx(g, 0);
	int mark;

	if (r->cur == r->tail)
		return -1;
	mark = (u8)rig_buf(r, r->slot[r->cur].buf_idx)[LEN - 1];
	r->head = r->cur = rig_next(r, r->cur);
	return mark;
}

static void a_call_moves_all_and_shows_it(void **state)
{
	struct netmap_ring *tx = rig_tx(&a, 0);
	u32 next = 0;

	(void)state;
	assert_int_equal(rig_space(tx), 15);
	for (u32 i = 0; i < 100; i++) {
		put(&a, i);
		if (i % 3)
			continue;
		assert_int_equal(rig_call(&a, TX, work), 0);
		assert_int_equal(rig_space(tx), 15);
		assert_int_equal(ptn_header_pending(a.port, 0), 0);
		assert_int_equal(rig_call(&b, RX, work), 0);
		for (int mark; (mark = get(&b)) >= 0; next++)
			assert_int_equal(mark, next);
	}
	assert_int_equal(next, 100);
	assert_int_equal(a.faults + b.faults, 0);
}

/* head and cur may part: what lies between is kept. */
static void slots_that_are_kept_stay(void **state)
{
	struct netmap_ring *rx = rig_rx(&b, 0);

	(void)state;
	for (u32 i = 0; i < 5; i++)
		put(&a, i);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_int_equal(rx->tail, 5);
	assert_true(ptn_header_ready(b.port, RX));
	rx->cur = 5;
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_false(ptn_header_ready(b.port, RX));
	for (u32 i = 0; i < 20; i++)
		put(&a, i);
	assert_int_equal(rx->head, 0);
	rx->head = 5;
	assert_int_equal(rig_call(&b, RX, work), 0);
}

/* The prologue: every way to be wrong, and nothing is lost by it. */
static void what_is_no_window_is_refused(void **state)
{
	static const struct {
		u32 head, cur;
	} bad[] = {
		{3, 3},	  {9, 9}, {16, 16}, {5, 16}, {~0u, 5},
		{5, ~0u}, {6, 5}, {5, 4},   {15, 0}, {8, 9},
	};
	struct netmap_ring *tx = rig_tx(&a, 0), *rx = rig_rx(&b, 0);

	(void)state;
	for (u32 i = 0; i < 4; i++)
		put(&a, i);
	assert_int_equal(rig_call(&a, TX, work), 0); /* tx: 4 <= .. <= 3 */
	assert_int_equal(rig_call(&b, RX, work), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(get(&b), i);
	assert_int_equal(rig_call(&b, RX, work), 0);
	for (u32 i = 4; i < 8; i++)
		put(&a, i);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(rig_call(&b, RX, work), 0); /* rx: 4 <= .. <= 8 */
	for (u32 i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		rx->head = bad[i].head;
		rx->cur = bad[i].cur;
		rx->tail = 77;
		assert_int_equal(rig_call(&b, RX, work), -EINVAL);
		assert_int_equal(rx->head, 4);
		assert_int_equal(rx->cur, 4);
		assert_int_equal(rx->tail, 8);
	}
	assert_int_equal(b.faults, sizeof(bad) / sizeof(*bad));
	rx->tail = 2; /* of no meaning, and put right */
	assert_int_equal(rig_call(&b, RX, work), 0);
	for (int i = 4; i < 8; i++)
		assert_int_equal(get(&b), i);
	assert_int_equal(rig_call(&b, RX, work), 0);
	tx->head = 9;
	tx->cur = 8;
	assert_int_equal(rig_call(&a, TX, work), -EINVAL);
	assert_int_equal(tx->head, 8);
	assert_int_equal(tx->cur, 8);
	assert_int_equal(tx->tail, 7);
	put(&a, 8);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_int_equal(get(&b), 8);
}

/* Only what a program was shown is its own, though more has come. */
static void what_was_not_shown_cannot_be_taken(void **state)
{
	struct netmap_ring *rx = rig_rx(&b, 0);

	(void)state;
	put(&a, 1);
	assert_int_equal(rig_call(&a, TX, work), 0);
	rx->head = rx->cur = 1;
	assert_int_equal(rig_call(&b, RX, work), -EINVAL);
	assert_int_equal(get(&b), 1);
}

static void who_sleeps_is_told_once_it_is_worth_it(void **state)
{
	(void)state;
	put(&a, 1);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(b.notified[RX], 0);
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_int_equal(get(&b), 1);
	assert_int_equal(rig_call(&b, RX, work), 0);
	ptn_header_sleep(b.port, RX, true);
	ptn_header_end(b.port, RX);
	assert_false(ptn_header_ready(b.port, RX));
	put(&a, 2);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(b.notified[RX], 1);
	ptn_header_sleep(b.port, RX, false);
	put(&a, 3);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(b.notified[RX], 1);
}

/* A pipe that is full: the frames wait, and nothing pretends otherwise. */
static void a_full_pipe_waits_in_the_header(void **state)
{
	struct ptn_shape shape, one;
	struct ptn_pipe *pipe;
	struct rig all;

	(void)state;
	ptn_shape_for_params(&one, &plain, 2048);
	shape = one;
	shape.if_count = 2;
	shape.ring_count *= 2;
	shape.buf_count = 2 * one.buf_count - NM_BUF_RESERVED;
	rig_open_region(&all, &shape);
	work = ptn_work_new();
	rig_open_port(&a, &plain, 2048, &all);
	rig_open_port(&b, &plain, 2048, &all);
	assert_int_equal(ptn_pipe_new(&pipe, "p"), 0);
	assert_int_equal(ptn_pipe_attach(pipe, 0, a.port), 0);
	assert_int_equal(ptn_pipe_attach(pipe, 1, b.port), 0);
	for (u32 i = 0; i < 30; i++) {
		put(&a, i);
		assert_int_equal(rig_call(&a, TX, work), 0);
	}
	assert_int_equal(ptn_header_pending(a.port, 0), 15);
	assert_int_equal(rig_space(rig_tx(&a, 0)), 0);
	assert_false(ptn_header_ready(a.port, TX));
	ptn_header_sleep(a.port, TX, true);
	/* a wrong index takes back none of what was handed over */
	rig_tx(&a, 0)->head = 3;
	assert_int_equal(rig_call(&a, TX, work), -EINVAL);
	assert_int_equal(ptn_header_pending(a.port, 0), 15);

	assert_int_equal(rig_call(&b, RX, work), 0);
	for (int i = 0; i < 15; i++)
		assert_int_equal(get(&b), i);
	assert_int_equal(a.notified[TX], 0);
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_int_equal(a.notified[TX], 1);
	assert_true(ptn_header_ready(a.port, TX));
	for (int i = 15; i < 30; i++)
		assert_int_equal(get(&b), i);
	rig_close(&a, ptn_pipe_detach);
	rig_close(&b, ptn_pipe_detach);
	ptn_pipe_free(pipe);
	assert_census(&all);
	rig_close_region(&all);
	ptn_work_free(work);
}

/* Counts of rings and slots that differ, and rings of the host's stack. */
static void directions_and_host_queues_have_their_own_counts(void **state)
{
	const struct ptn_port_params odd = {
		.name = "odd",
		.queues = 2,
		.slots = 16,
		.rx_queues = 3,
		.rx_slots = 64,
		.host_queues = 1,
	};
	struct netmap_if *nif;
	struct rig g;

	(void)state;
	rig_open_port(&g, &odd, 2048, NULL);
	nif = g.nifp;
	assert_int_equal(nif->ni_tx_rings, 2);
	assert_int_equal(nif->ni_rx_rings, 3);
	assert_int_equal(nif->ni_host_tx_rings, 1);
	assert_int_equal(nif->ni_host_rx_rings, 1);
	for (u32 i = 0; i < 7; i++) {
		struct netmap_ring *r =
			(void *)((char *)nif + nif->ring_ofs[i]);

		assert_int_equal(r->dir, i >= 3);
		assert_int_equal(r->ringid, i >= 3 ? i - 3 : i);
		assert_int_equal(r->num_slots, i >= 3 ? 64 : 16);
		assert_ptr_equal(
			r, ptn_header_ring(g.port, i >= 3 ? PTN_VECTOR_RX(i - 3)
							  : PTN_VECTOR_TX(i)));
	}
	assert_null(ptn_header_ring(g.port, PTN_VECTOR_TX(3)));
	assert_null(ptn_header_ring(g.port, PTN_VECTOR_RX(4)));
	assert_null(ptn_header_ring(g.port, PTN_VECTOR_CONTROL));

	/* to a switch the host's queues are no receivers */
	assert_int_equal(ptn_vale_attach(vale, g.port), 0);
	for (u32 i = 0; i < 10; i++) {
		put(&a, i);
		assert_int_equal(rig_call(&a, TX, work), 0);
	}
	assert_int_equal(rig_call(&g, PTN_VECTOR_RX(0), work), 0);
	assert_int_equal(rig_space(rig_rx(&g, 0)), 10);
	assert_int_equal(rig_call(&g, PTN_VECTOR_RX(3), work), 0);
	assert_int_equal(rig_space(rig_rx(&g, 3)), 0);
	rig_close(&g, ptn_vale_detach);
}

static struct netmap_if *shown(struct ptn_nif *n, struct rig *g)
{
	return (struct netmap_if *)((char *)g->region_mem + ptn_nif_ofs(n));
}

static u32 list_length(struct rig *g, u32 head)
{
	u32 n = 0;

	for (; head; n++)
		memcpy(&head, rig_buf(rig_tx(g, 0), head), 4);
	return n;
}

static void programs_see_what_they_bound(void **state)
{
	const struct ptn_port_params two = {
		.name = "a-name-that-is-too-long",
		.queues = 2,
		.slots = 16,
	};
	struct ptn_nif_params only = {"vale0:odd-and-long", 2, 1, 4, true};
	struct ptn_nif *n[2];
	struct ptn_shape shape;
	struct ptn_census c;
	struct rig all, g;

	(void)state;
	ptn_shape_for_params(&shape, &two, 2048);
	shape.if_count = 3;
	shape.buf_count += 7;
	rig_open_region(&all, &shape);
	rig_open_port(&g, &two, 2048, &all);
	assert_int_equal(ptn_nif_new(&n[0], g.port, &only), 0);
	assert_string_equal(shown(n[0], &g)->ni_name, "vale0:odd-and-l");
	assert_int_equal(shown(n[0], &g)->ni_flags, 0);
	assert_int_equal(shown(n[0], &g)->ring_ofs[0], 0);
	assert_int_not_equal(shown(n[0], &g)->ring_ofs[1], 0);
	assert_int_not_equal(shown(n[0], &g)->ring_ofs[2], 0);
	assert_int_equal(shown(n[0], &g)->ring_ofs[3], 0);
	assert_int_equal(list_length(&g, shown(n[0], &g)->ni_bufs_head), 4);

	assert_int_equal(ptn_nif_new(&n[1], g.port, &only), -ENOMEM);
	only.extra_bufs = 3;
	assert_int_equal(ptn_nif_new(&n[1], g.port, &only), 0);
	assert_int_equal(list_length(&g, shown(n[1], &g)->ni_bufs_head), 3);
	ptn_region_census(g.region, &c);
	assert_int_equal(c.extra, 7);
	ptn_nif_free(n[0]);
	ptn_region_census(g.region, &c);
	assert_int_equal(c.extra, 3);
	assert_int_equal(c.free, 4);
	ptn_nif_free(n[1]);
	ptn_nif_free(NULL);
	rig_close(&g, NULL);
	assert_census(&all);
	rig_close_region(&all);
}

/* From the header to a program's own pair and back, with frames on the way. */
static void indices_move_to_another_pair(void **state)
{
	struct nm_csb_atok atok[2];
	struct nm_csb_ktoa ktoa[2];
	struct netmap_ring *rx = rig_rx(&b, 0);

	(void)state;
	memset(atok, 0xee, sizeof(atok));
	memset(ktoa, 0xee, sizeof(ktoa));
	for (u32 i = 0; i < 5; i++)
		put(&a, i);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_int_equal(get(&b), 0);
	assert_int_equal(get(&b), 1);
	assert_int_equal(rig_call(&b, RX, work), 0);
	ptn_port_set_csb(b.port, RX, &atok[1], &ktoa[1]);
	assert_int_equal(atok[1].head, 2);
	assert_int_equal(atok[1].cur, 2);
	assert_int_equal(atok[1].appl_need_kick, 0);
	assert_int_equal(ktoa[1].hwcur, 2);
	assert_int_equal(ktoa[1].hwtail, 5);
	assert_int_equal(ktoa[1].kern_need_kick, 0);
	put(&a, 5);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(ktoa[1].hwtail, 6);
	atok[1].head = 4;
	atok[1].cur = 99;
	ptn_port_set_csb(b.port, RX, &b.atok[1], &b.ktoa[1]);
	ptn_header_anew(b.port, RX);
	assert_int_equal(rx->head, 4);
	assert_int_equal(rx->cur, 4);
	assert_int_equal(rx->tail, 6);
	assert_int_equal(get(&b), 4);
	assert_int_equal(rig_call(&b, RX, work), 0);

	ptn_port_set_csb(a.port, TX, &atok[0], &ktoa[0]);
	assert_int_equal(ktoa[0].hwcur, 6);
	assert_int_equal(ktoa[0].hwtail, 5);
	assert_int_equal(ktoa[0].kern_need_kick, 1);
	ptn_port_set_csb(a.port, TX, &a.atok[0], &a.ktoa[0]);
	put(&a, 6);
	assert_int_equal(rig_call(&a, TX, work), 0);
	assert_int_equal(rig_call(&b, RX, work), 0);
	assert_int_equal(get(&b), 5);
	assert_int_equal(get(&b), 6);
	assert_int_equal(a.faults + b.faults, 0);
}

static void what_is_no_port_is_refused(void **state)
{
	static const struct ptn_port_params bad[] = {
		{.name = "p", .queues = 17, .slots = 16},
		{.name = "p", .queues = 1, .slots = 15},
		{.name = "p", .queues = 1, .slots = 16, .rx_queues = 17},
		{.name = "p", .queues = 1, .slots = 16, .rx_slots = 8},
		{.name = "p", .queues = 1, .slots = 16, .rx_slots = 5000},
		{.name = "p", .queues = 1, .slots = 16, .host_queues = 17},
		{.name = "p", .queues = 1, .slots = 16, .hdr_len = 11},
	};
	struct ptn_port *p;

	(void)state;
	for (u32 i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ptn_port_new(&p, &bad[i], NULL, NULL),
				 -EINVAL);
	assert_int_equal(ptn_port_set_hdr_len(a.port, 4), -EINVAL);
	assert_int_equal(ptn_port_set_hdr_len(a.port, 12), 0);
	assert_int_equal(ptn_port_set_hdr_len(a.port, 0), 0);
}

#define VALE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup_vale, teardown_vale)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VALE(a_call_moves_all_and_shows_it),
		VALE(slots_that_are_kept_stay),
		VALE(what_is_no_window_is_refused),
		VALE(what_was_not_shown_cannot_be_taken),
		VALE(who_sleeps_is_told_once_it_is_worth_it),
		cmocka_unit_test(a_full_pipe_waits_in_the_header),
		VALE(directions_and_host_queues_have_their_own_counts),
		cmocka_unit_test(programs_see_what_they_bound),
		VALE(indices_move_to_another_pair),
		VALE(what_is_no_port_is_refused),
	};

	return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
