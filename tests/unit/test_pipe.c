/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap pipes as both programs see them: every frame arrives, in order, once,
 * and every buffer stays in exactly one place, whatever programs write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/ring.h"
#include "unit/rig.h"

enum { LEN = 60 };

static struct ptn_pipe *pipe_;
static struct rig a, b;
static struct ptn_work *work;

static int open_ends(const struct rig_params *of_a,
		     const struct rig_params *of_b)
{
	work = ptn_work_new();
	rig_open_domain((struct rig *[]){&a, &b}, 2,
			(struct rig_params[]){*of_a, *of_b});
	assert_int_equal(ptn_pipe_new(&pipe_, "p0"), 0);
	assert_int_equal(ptn_pipe_attach(pipe_, 0, a.port), 0);
	assert_int_equal(ptn_pipe_attach(pipe_, 0, b.port), -EBUSY);
	assert_int_equal(ptn_pipe_attach(pipe_, 1, b.port), 0);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return open_ends(&(struct rig_params){1, 64, 2048, 4},
			 &(struct rig_params){1, 64, 2048, 4});
}

static int setup_sizes(void **state)
{
	(void)state;
	return open_ends(&(struct rig_params){3, 256, 2048, 0},
			 &(struct rig_params){2, 16, 1024, 7});
}

static void assert_census(void)
{
	struct ptn_census c;

	ptn_region_census(a.region, &c);
	assert_int_equal(c.lost, 0);
	assert_int_equal(c.twice, 0);
	assert_int_equal(c.free + c.slots + c.extra, c.buffers);
}

static int teardown(void **state)
{
	(void)state;
	assert_census();
	rig_close(&b, ptn_pipe_detach);
	assert_census();
	rig_close(&a, ptn_pipe_detach);
	ptn_pipe_free(pipe_);
	ptn_work_free(work);
	return 0;
}

static void sync_both(void)
{
	while (ptn_port_sync(a.port, 0, work) + ptn_port_sync(b.port, 0, work))
		;
	/* as before a sleep: all progress is shown */
	ptn_port_arm(a.port, 0);
	ptn_port_arm(b.port, 0);
	ptn_port_disarm(a.port, 0);
	ptn_port_disarm(b.port, 0);
}

static bool send_mark(struct rig *g, u32 mark)
{
	char frame[LEN];

	rig_frame(frame, LEN, 1, 2, 0);
	memcpy(frame + 20, &mark, sizeof(mark));
	return rig_send(g, frame, LEN, 2048);
}

static int64_t recv_mark(struct rig *g)
{
	char frame[4096];
	u32 mark;

	if (rig_recv(g, 0, frame, sizeof(frame)) != LEN)
		return -1;
	memcpy(&mark, frame + 20, sizeof(mark));
	return mark;
}

static void frames_pass_both_ways_without_a_copy(void **state)
{
	struct netmap_ring *tx = rig_tx(&a, 0), *rx = rig_rx(&b, 0);
	const u32 sent = tx->slot[0].buf_idx;

	(void)state;
	assert_true(send_mark(&a, 7));
	assert_true(send_mark(&b, 8));
	sync_both();
	assert_int_equal(rx->slot[0].buf_idx, sent);
	assert_int_equal(recv_mark(&b), 7);
	assert_int_equal(recv_mark(&a), 8);
	assert_int_equal(recv_mark(&a), -1);
}

static void a_full_pipe_makes_the_sender_wait(void **state)
{
	u32 sent = 0, got = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		sent += send_mark(&a, sent);
		sync_both();
	}
	assert_int_equal(sent, 2 * 63);
	while (got < sent) {
		int64_t mark = recv_mark(&b);

		if (mark < 0)
			sync_both();
		else
			assert_int_equal(mark, got++);
	}
	assert_int_equal(rig_drops(&a) + rig_drops(&b), 0);
	assert_int_equal(rig_count(&a, PTN_C_TX_FRAMES), sent);
	assert_int_equal(rig_count(&b, PTN_C_RX_FRAMES), sent);
}

static void a_receiver_is_asked_for_kicks_while_frames_wait(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		send_mark(&a, 1);
		sync_both();
	}
	assert_true(ptn_port_arm(a.port, 0));
	assert_int_equal(a.ktoa[0].kern_need_kick, 1);
	assert_int_equal(b.ktoa[1].kern_need_kick, 1);
	assert_true(recv_mark(&b) >= 0);
	assert_false(ptn_port_arm(a.port, 0));
	ptn_port_disarm(b.port, 0);
	assert_int_equal(b.ktoa[1].kern_need_kick, 0);
}

/* Frames that could pass the other way make no room for these. */
static void room_is_asked_for_in_one_direction(void **state)
{
	(void)state;
	assert_true(ptn_pipe_ask_for_room(a.port, 0)); /* nothing waits */
	for (int i = 0; i < 200; i++) {
		send_mark(&a, 1);
		sync_both();
	}
	assert_true(send_mark(&b, 2));
	assert_true(ptn_pipe_ask_for_room(a.port, 0));
	assert_int_equal(b.ktoa[1].kern_need_kick, 1);
	assert_true(recv_mark(&b) >= 0);
	assert_false(ptn_pipe_ask_for_room(a.port, 0));
}

/* Who makes room is asked again each time his queue goes to sleep. */
static void a_slow_receiver_gets_all_that_waits(void **state)
{
	u32 sent = 0, got = 0;

	(void)state;
	while (send_mark(&a, sent)) {
		sent++;
		sync_both();
	}
	assert_true(ptn_port_arm(a.port, 0));
	assert_true(ptn_port_arm(b.port, 0));
	while (got < sent) {
		assert_int_equal(recv_mark(&b), got++);
		if (sent - got < 63)
			continue;
		/* as the worker does with a kick: b's queue, not a's */
		assert_int_equal(b.ktoa[1].kern_need_kick, 1);
		ptn_port_disarm(b.port, 0);
		assert_int_equal(ptn_port_sync(b.port, 0, work), 1);
		assert_true(ptn_port_arm(b.port, 0));
	}
}

/* Moved by the receiver's queue, while the sender's sleeps: shown as well. */
static void all_room_is_shown_before_the_pipe_sleeps(void **state)
{
	u32 sent = 0;

	(void)state;
	while (send_mark(&a, sent)) {
		sent++;
		sync_both();
	}
	assert_true(ptn_port_arm(a.port, 0));
	for (u32 i = 0; i < 5; i++)
		assert_int_equal(recv_mark(&b), i);
	ptn_port_disarm(b.port, 0);
	assert_int_equal(ptn_port_sync(b.port, 0, work), 5);
	assert_true(ptn_port_arm(b.port, 0));
	rig_sync_tx(&a, 0);
	assert_int_equal(rig_space(rig_tx(&a, 0)), 5);
}

static void only_whole_frames_become_visible(void **state)
{
	unsigned char frame[3000], got[4096];
	struct netmap_ring *tx = rig_tx(&a, 0);

	(void)state;
	for (u32 i = 0; i < sizeof(frame); i++)
		frame[i] = (u8)(i * 7);
	assert_true(rig_send(&a, frame, sizeof(frame), 1000));
	tx->slot[2].flags = NS_MOREFRAG;
	sync_both();
	assert_int_equal(rig_recv(&b, 0, got, sizeof(got)), -1);
	assert_true(ptn_port_arm(a.port, 0));
	assert_true(rig_send(&a, frame, 500, 1000));
	sync_both();
	assert_int_equal(rig_recv(&b, 0, got, sizeof(got)), 3500);
	assert_memory_equal(frame, got, sizeof(frame));
}

static void an_end_that_comes_later_gets_what_waited(void **state)
{
	(void)state;
	ptn_port_stop(b.port);
	ptn_port_reset(b.port);
	assert_true(send_mark(&a, 1));
	sync_both();
	assert_int_equal(rig_count(&a, PTN_C_TX_FRAMES), 0);
	assert_int_equal(ptn_port_start(b.port), 0);
	assert_int_equal(a.woken, 2); /* when b was attached, and now */
	sync_both();
	rig_rx(&b, 0)->head = rig_rx(&b, 0)->cur = 0;
	assert_int_equal(recv_mark(&b), 1);
}

static void pending_frames_of_a_stopped_end_are_counted(void **state)
{
	(void)state;
	ptn_port_stop(b.port);
	for (int i = 0; i < 5; i++)
		send_mark(&a, 1);
	ptn_port_stop(a.port);
	assert_int_equal(rig_count(&a, PTN_C_TX_FRAMES), 5);
	assert_int_equal(rig_count(&a, PTN_C_DROP_DETACHED), 5);
}

/* A program that stops with a full ring and goes on has the ring again. */
static void a_stop_with_a_full_ring_is_no_end(void **state)
{
	u32 sent = 0;

	(void)state;
	ptn_port_stop(b.port);
	while (send_mark(&a, sent))
		sent++;
	assert_int_equal(sent, 63);
	ptn_port_stop(a.port);
	assert_int_equal(rig_count(&a, PTN_C_DROP_DETACHED), 63);
	assert_int_equal(ptn_port_start(a.port), 0);
	assert_int_equal(ptn_port_start(b.port), 0);
	assert_true(send_mark(&a, 7));
	sync_both();
	assert_int_equal(recv_mark(&b), 7);
}

/* Ends of different sizes: what can never fit is no stopper. */
static void a_chain_too_long_for_the_other_end_is_dropped(void **state)
{
	char frame[2000], got[4096];

	(void)state;
	rig_frame(frame, sizeof(frame), 1, 2, 0);
	assert_true(rig_send(&a, frame, 2000, 100)); /* 20 slots into 15 */
	assert_true(rig_send(&a, frame, 1500, 100));
	sync_both();
	assert_int_equal(rig_recv(&b, 0, got, sizeof(got)), 1500);
	assert_true(rig_send(&a, frame, 2000, 100));
	assert_false(ptn_port_arm(a.port, 0));
	sync_both();
	assert_true(ptn_port_arm(a.port, 0));
	assert_int_equal(rig_recv(&b, 0, got, sizeof(got)), -1);
	assert_int_equal(rig_count(&a, PTN_C_TX_FRAMES), 3);
	assert_int_equal(rig_count(&b, PTN_C_RX_FRAMES), 1);
	assert_int_equal(rig_count(&b, PTN_C_DROP_TOO_BIG), 2);
}

static void ends_of_different_sizes_pass_all(void **state)
{
	u32 sent = 0, got = 0, back = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		int64_t mark;

		for (int n = i % 40; n && send_mark(&a, sent); n--)
			sent++;
		send_mark(&b, (u32)i);
		sync_both();
		for (int n = i % 41; n && (mark = recv_mark(&b)) >= 0; n--)
			assert_int_equal(mark, got++);
		back += recv_mark(&a) >= 0;
	}
	sync_both();
	for (int64_t mark; (mark = recv_mark(&b)) >= 0; sync_both())
		assert_int_equal(mark, got++);
	assert_int_equal(got, sent);
	assert_int_equal(back, 3000);
	assert_int_equal(rig_drops(&a) + rig_drops(&b), 0);
	/* a queue that the other end lacks waits, and sleeps */
	assert_true(ptn_port_arm(a.port, 2));
}

/* Zero-copy forwarding: a program exchanges buffers of its slots. */
static void exchanged_buffers_are_followed(void **state)
{
	struct netmap_ring *rx = rig_rx(&b, 0), *tx = rig_tx(&b, 0);

	(void)state;
	for (u32 i = 0; i < 1000; i++) {
		u32 spare;

		assert_true(send_mark(&a, i));
		sync_both();
		rig_sync_rx(&b, 0);
		rig_sync_tx(&b, 0);
		assert_int_equal(rig_space(rx), 1);
		spare = tx->slot[tx->head].buf_idx;
		tx->slot[tx->head].buf_idx = rx->slot[rx->head].buf_idx;
		tx->slot[tx->head].len = rx->slot[rx->head].len;
		tx->slot[tx->head].flags = NS_BUF_CHANGED;
		rx->slot[rx->head].buf_idx = spare;
		rx->slot[rx->head].flags = NS_BUF_CHANGED;
		rx->head = rx->cur = rig_next(rx, rx->head);
		tx->head = tx->cur = rig_next(tx, tx->head);
		rig_sync_rx(&b, 0);
		rig_sync_tx(&b, 0);
		sync_both();
		assert_int_equal(recv_mark(&a), i);
		assert_census();
	}
	assert_int_equal(a.faults + b.faults, 0);
}

static void extra_buffers_are_traded(void **state)
{
	struct netmap_ring *tx = rig_tx(&a, 0);
	u32 extra = a.nifp->ni_bufs_head;

	(void)state;
	assert_true(extra >= NM_BUF_RESERVED);
	memcpy(rig_buf(tx, extra), "extra buffer", 13);
	tx->slot[0].buf_idx = extra;
	tx->slot[0].len = LEN;
	tx->head = tx->cur = 1;
	rig_sync_tx(&a, 0);
	sync_both();
	rig_sync_rx(&b, 0);
	assert_string_equal(rig_buf(rig_rx(&b, 0),
				    rig_rx(&b, 0)->slot[0].buf_idx),
			    "extra buffer");
	assert_int_equal(a.faults, 0);
}

/* A third ring whose lock another thread holds: the frame waits, unharmed. */
static void a_trade_with_a_busy_ring_is_tried_again(void **state)
{
	const struct rig_params size = {1, 64, 2048, 0};
	struct netmap_ring *tx, *third;
	struct rig x, y, z;
	struct ptn_pipe *other;
	u32 theirs;

	(void)state;
	rig_open_domain((struct rig *[]){&x, &y, &z}, 3,
			(struct rig_params[]){size, size, size});
	assert_int_equal(ptn_pipe_new(&other, "p1"), 0);
	assert_int_equal(ptn_pipe_attach(other, 0, x.port), 0);
	assert_int_equal(ptn_pipe_attach(other, 1, y.port), 0);
	tx = rig_tx(&x, 0);
	third = rig_rx(&z, 0);
	theirs = third->slot[0].buf_idx;
	third->slot[0].buf_idx = tx->slot[0].buf_idx;
	tx->slot[0].buf_idx = theirs;
	tx->slot[0].len = LEN;
	tx->head = tx->cur = 1;
	rig_sync_tx(&x, 0);
	ptn_spin_lock(&z.port->rx[0].lock);
	assert_int_equal(ptn_port_sync(x.port, 0, work), 0);
	assert_false(ptn_port_arm(x.port, 0));
	ptn_spin_unlock(&z.port->rx[0].lock);
	assert_int_equal(ptn_port_sync(x.port, 0, work), 1);
	assert_int_equal(rig_rx(&y, 0)->slot[0].buf_idx, theirs);
	assert_int_equal(x.faults + y.faults + z.faults, 0);
	rig_close(&z, NULL);
	rig_close(&y, ptn_pipe_detach);
	rig_close(&x, ptn_pipe_detach);
	ptn_pipe_free(other);
}

static void scribble(struct netmap_ring *r)
{
	const u32 s = (u32)random() % r->num_slots;

	switch (random() % 4) {
	case 0:
		r->slot[s].buf_idx = (u32)random() % 300;
		break;
	case 1:
		r->slot[s].buf_idx = (u32)random() << 8;
		break;
	case 2:
		r->slot[s].len = (u16)random();
		break;
	case 3:
		r->slot[s].flags = (u16)random();
		break;
	}
}

static void random_scribbles_lose_no_buffer(void **state)
{
	struct rig *ends[] = {&a, &b};

	(void)state;
	srandom(3);
	for (int i = 0; i < 20000; i++) {
		struct rig *g = ends[random() % 2];
		struct netmap_ring *r = random() % 2 ? rig_tx(g, 0)
						     : rig_rx(g, 0);

		scribble(r);
		g->atok[random() % 2].head =
			(u32)random() % (random() % 8 ? 64 : 100);
		g->atok[random() % 2].appl_need_kick = (u32)random() % 3;
		sync_both();
		ptn_port_arm(g->port, 0);
		if (!(i % 100))
			assert_census();
	}
	assert_true(a.faults + b.faults > 0);
	for (int i = 0; i < 2; i++) {
		ptn_port_stop(ends[i]->port);
		ptn_port_reset(ends[i]->port);
		ptn_port_start(ends[i]->port);
		rig_tx(ends[i], 0)->cur = 0;
	}
	assert_true(send_mark(&a, 77));
	sync_both();
	assert_int_equal(recv_mark(&b), 77);
}

#define SIZES(test) cmocka_unit_test_setup_teardown(test, setup_sizes, teardown)
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_pass_both_ways_without_a_copy),
		TEST(a_full_pipe_makes_the_sender_wait),
		TEST(a_receiver_is_asked_for_kicks_while_frames_wait),
		TEST(room_is_asked_for_in_one_direction),
		TEST(a_slow_receiver_gets_all_that_waits),
		TEST(all_room_is_shown_before_the_pipe_sleeps),
		TEST(only_whole_frames_become_visible),
		TEST(an_end_that_comes_later_gets_what_waited),
		TEST(pending_frames_of_a_stopped_end_are_counted),
		TEST(a_stop_with_a_full_ring_is_no_end),
		SIZES(a_chain_too_long_for_the_other_end_is_dropped),
		SIZES(ends_of_different_sizes_pass_all),
		TEST(exchanged_buffers_are_followed),
		TEST(extra_buffers_are_traded),
		TEST(a_trade_with_a_busy_ring_is_tried_again),
		TEST(random_scribbles_lose_no_buffer),
	};

	return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
