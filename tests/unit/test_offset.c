/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that begin somewhere in their buffers: sent from there, received
 * there, passed on with their buffers; and what no slot's word can break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/device.h"
#include "core/header.h"
#include "core/monitor.h"
#include "core/offset.h"
#include "core/ring.h"
#include "unit/rig.h"

enum { SLOTS = 16, BUF = 2048, LEN = 60, FILLER = 0x55 };

static const struct rig_params params = {1, SLOTS, BUF, 0};
static const struct ptn_offsets wide = {
	.mask = 0xffff, .max = 512, .initial = 128, .gap = 32, .align = 64};
static const u64 UPPER = 0xabcdef0123450000ULL;

static struct rig a, b;
static struct ptn_vale *vale;
static struct ptn_pipe *pipe_;
static struct ptn_work *work;

/* a sends, b receives: with these offsets each, or NULL. */
static void set_both(const struct ptn_offsets *of_a,
		     const struct ptn_offsets *of_b)
{
	if (of_a)
		ptn_port_set_offsets(a.port, PTN_VECTOR_TX(0), of_a);
	if (of_b)
		ptn_port_set_offsets(b.port, PTN_VECTOR_RX(0), of_b);
}

static int on_a_switch(void **state)
{
	const struct ptn_vale_params v = {
		.name = "vale0", .fdb_size = 64, .ageing_ms = 300000};

	(void)state;
	work = ptn_work_new();
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	rig_open(&a, "a", &params);
	rig_open(&b, "b", &params);
	assert_int_equal(ptn_vale_attach(vale, a.port), 0);
	assert_int_equal(ptn_vale_attach(vale, b.port), 0);
	return 0;
}

static int off_the_switch(void **state)
{
	(void)state;
	rig_close(&b, ptn_vale_detach);
	rig_close(&a, ptn_vale_detach);
	ptn_vale_free(vale);
	ptn_work_free(work);
	return 0;
}

static int on_a_pipe(void **state)
{
	(void)state;
	work = ptn_work_new();
	rig_open_pair(&a, &b, &params);
	assert_int_equal(ptn_pipe_new(&pipe_, "p0"), 0);
	assert_int_equal(ptn_pipe_attach(pipe_, 0, a.port), 0);
	assert_int_equal(ptn_pipe_attach(pipe_, 1, b.port), 0);
	return 0;
}

static void assert_whole(void)
{
	struct ptn_census c;

	ptn_region_census(a.region, &c);
	assert_int_equal(c.lost, 0);
	assert_int_equal(c.twice, 0);
}

static int off_the_pipe(void **state)
{
	(void)state;
	assert_whole();
	rig_close(&b, ptn_pipe_detach);
	rig_close(&a, ptn_pipe_detach);
	ptn_pipe_free(pipe_);
	ptn_work_free(work);
	return 0;
}

/* Put a frame of @len bytes at @ofs of the next buffer; others are filler. */
static void put(u64 ptr, u64 ofs, u32 len, u8 mark, u16 flags)
{
	struct netmap_ring *r = rig_tx(&a, 0);
	struct netmap_slot *s;
	char *buf;

	rig_sync_tx(&a, 0);
	assert_true(rig_space(r) > 0);
	s = &r->slot[r->head];
	buf = rig_buf(r, s->buf_idx);
	memset(buf, FILLER, BUF);
	if (ofs + len <= BUF)
		rig_frame(buf + ofs, len, 2, 4, mark);
	s->len = (u16)len;
	s->flags = flags;
	s->ptr = ptr | ofs;
	r->head = r->cur = rig_next(r, r->head);
	rig_sync_tx(&a, 0);
}

static void sync_both(void)
{
	while (ptn_port_sync(a.port, 0, work) + ptn_port_sync(b.port, 0, work))
		;
	ptn_port_arm(a.port, 0);
	ptn_port_arm(b.port, 0);
}

/* The next slot of b's, which is taken; NULL when nothing came. */
static struct netmap_slot *next_slot(void)
{
	struct netmap_ring *r = rig_rx(&b, 0);
	struct netmap_slot *s = &r->slot[r->head];

	sync_both();
	rig_sync_rx(&b, 0);
	if (!rig_space(r))
		return NULL;
	r->head = r->cur = rig_next(r, r->head);
	rig_sync_rx(&b, 0);
	return s;
}

/* A whole frame with this mark begins at @ofs of the next slot of b's. */
static struct netmap_slot *assert_next(u64 ofs, u32 len, u8 mark)
{
	struct netmap_slot *s = next_slot();
	u8 frame[BUF];

	assert_non_null(s);
	rig_frame(frame, len, 2, 4, mark);
	assert_int_equal(s->len, len);
	assert_memory_equal(rig_buf(rig_rx(&b, 0), s->buf_idx) + ofs, frame,
			    len);
	return s;
}

static void assert_nothing(void)
{
	assert_null(next_slot());
}

/* What can be */

static void offsets_that_fit(void **state)
{
	static const struct {
		struct ptn_offsets o;
		bool possible;
	} cases[] = {
		{{~0ULL, 128, 0, 0, 0}, true},
		{{0xff, 255, 255, 0, 0}, true},
		{{0xff, 256, 0, 0, 0}, false}, /* no bits for it */
		{{0xfe, 128, 0, 0, 0}, false}, /* not the low bits */
		{{~0ULL, 128, 129, 0, 0}, false},
		{{~0ULL, BUF - PTN_OFFSET_ROOM, 0, 0, 0}, true},
		{{~0ULL, BUF - PTN_OFFSET_ROOM + 1, 0, 0, 0}, false},
		{{~0ULL, BUF - PTN_OFFSET_ROOM, 0, 1, 0}, false},
		{{~0ULL, UINT32_MAX, 0, UINT32_MAX, 0}, false},
		{{~0ULL, 128, 0, 0, 64}, true},
		{{~0ULL, 128, 0, 0, 48}, false},
		{{~0ULL, 128, 0, 0, 1u << 31}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(ptn_offsets_possible(&cases[i].o, BUF),
				 cases[i].possible);
}

static void the_ring_tells_and_slots_begin_so(void **state)
{
	const struct netmap_ring *tx = rig_tx(&a, 0), *rx = rig_rx(&b, 0);

	(void)state;
	set_both(&wide, &wide);
	assert_int_equal(tx->offset_mask, 0xffff);
	assert_int_equal(tx->buf_align, 64);
	assert_int_equal(rx->offset_mask, 0xffff);
	for (u32 i = 0; i < SLOTS; i++) {
		assert_int_equal(tx->slot[i].ptr, 128);
		assert_int_equal(rx->slot[i].ptr, 128);
	}
	set_both(&(struct ptn_offsets){0}, &(struct ptn_offsets){0});
	assert_int_equal(tx->offset_mask, 0);
	assert_int_equal(rx->slot[3].ptr, 0);
}

/* Switches */

static void each_slot_has_its_own_offset(void **state)
{
	static const u64 from[] = {0, 1, 128, 511, 512};
	struct netmap_ring *rx = rig_rx(&b, 0);

	(void)state;
	set_both(&wide, &wide);
	for (u32 i = 0; i < 5; i++)
		rx->slot[i].ptr = UPPER | (512 - from[i]);
	for (u32 i = 0; i < 5; i++)
		put(UPPER, from[i], LEN, (u8)i, 0);
	for (u32 i = 0; i < 5; i++) {
		const struct netmap_slot *s =
			assert_next(512 - from[i], LEN, (u8)i);

		assert_int_equal(s->ptr, UPPER | (512 - from[i]));
	}
}

static void only_one_side_has_them(void **state)
{
	(void)state;
	set_both(&wide, NULL);
	put(0, 77, LEN, 1, 0);
	assert_next(0, LEN, 1);
	set_both(&(struct ptn_offsets){0}, &wide);
	put(0, 0, LEN, 2, 0);
	assert_next(128, LEN, 2);
}

static void what_is_before_a_frame_stays(void **state)
{
	struct netmap_ring *rx = rig_rx(&b, 0);
	char *buf = rig_buf(rx, rx->slot[0].buf_idx);

	(void)state;
	memset(buf, FILLER, BUF);
	set_both(NULL, &wide);
	put(0, 0, BUF - 128 - 32, 9, 0);
	assert_next(128, BUF - 128 - 32, 9);
	for (u32 i = 0; i < 128; i++)
		assert_int_equal(buf[i], FILLER);
	for (u32 i = BUF - 32; i < BUF; i++)
		assert_int_equal(buf[i], FILLER);
}

static void too_long_for_the_rest_of_a_buffer(void **state)
{
	const u32 first = BUF - 128 - 32, len = BUF - 1;
	struct netmap_ring *rx = rig_rx(&b, 0);
	const struct netmap_slot *s;
	u8 frame[BUF];

	(void)state;
	set_both(NULL, &wide);
	rig_frame(frame, len, 2, 4, 9);
	put(0, 0, len, 9, 0);
	s = next_slot();
	assert_non_null(s);
	assert_int_equal(s->len, first);
	assert_true(s->flags & NS_MOREFRAG);
	assert_memory_equal(rig_buf(rx, s->buf_idx) + 128, frame, first);
	s = next_slot();
	assert_non_null(s);
	assert_int_equal(s->len, len - first);
	assert_memory_equal(rig_buf(rx, s->buf_idx) + 128, frame + first,
			    len - first);
}

static void chains_and_offsets(void **state)
{
	struct netmap_ring *rx = rig_rx(&b, 0);
	u8 frame[LEN];

	(void)state;
	set_both(&wide, &wide);
	rx->slot[1].ptr = 3;
	put(0, 10, LEN, 1, NS_MOREFRAG);
	put(0, 20, LEN, 2, NS_MOREFRAG);
	put(0, 30, LEN, 3, 0);
	for (u32 i = 0; i < 3; i++) {
		const struct netmap_slot *s = next_slot();

		assert_non_null(s);
		assert_int_equal(NS_RFRAGS(s), 3);
		rig_frame(frame, LEN, 2, 4, (u8)(i + 1));
		assert_memory_equal(rig_buf(rx, s->buf_idx) +
					    (i == 1 ? 3 : 128),
				    frame, LEN);
	}
}

static void a_sender_that_lies(void **state)
{
	(void)state;
	set_both(&wide, &wide);
	put(0, 513, LEN, 1, 0);
	put(0, 0xffff, LEN, 2, 0);
	put(0, 512, BUF - 511, 3, 0); /* beyond the buffer's end */
	put(0, 512, BUF - 512, 4, 0);
	assert_next(128, BUF - 512, 4);
	assert_int_equal(rig_count(&a, PTN_C_DROP_BAD_BUFFER), 2);
	assert_int_equal(rig_count(&a, PTN_C_DROP_TOO_LONG), 1);
	assert_int_equal(a.faults, 2);
}

static void a_receiver_that_lies(void **state)
{
	struct netmap_ring *rx = rig_rx(&b, 0);

	(void)state;
	set_both(&wide, &wide);
	rx->slot[0].ptr = UPPER | 513;
	rx->slot[1].ptr = ~0ULL;
	put(0, 0, LEN, 1, 0);
	put(0, 0, LEN, 2, 0);
	assert_int_equal(assert_next(128, LEN, 1)->ptr, UPPER | 128);
	assert_int_equal(assert_next(128, LEN, 2)->ptr & 0xffff, 128);
	assert_int_equal(b.faults, 2);
}

/* The frames of one that leaves are the next one's, who knows no offsets. */
static void frames_that_wait_when_offsets_end(void **state)
{
	(void)state;
	set_both(&wide, &wide);
	put(0, 44, LEN, 1, 0);
	put(0, 45, LEN, 2, 0);
	sync_both();
	put(0, 300, LEN, 3, 0); /* not sent yet */
	set_both(&(struct ptn_offsets){0}, &(struct ptn_offsets){0});
	assert_next(0, LEN, 1);
	assert_next(0, LEN, 2);
	assert_next(0, LEN, 3);
	assert_nothing();
}

static void frames_that_wait_when_offsets_begin(void **state)
{
	const struct netmap_ring *rx = rig_rx(&b, 0);

	(void)state;
	put(0, 0, LEN, 1, 0);
	sync_both();
	set_both(&wide, &wide);
	assert_int_equal(rx->slot[1].ptr, 128);
	assert_int_equal(assert_next(0, LEN, 1)->ptr, 0);
}

/* Pipes */

static void a_pipe_carries_the_word(void **state)
{
	struct netmap_ring *tx = rig_tx(&a, 0), *rx = rig_rx(&b, 0);

	(void)state;
	rx->slot[0].ptr = 99;
	rx->slot[1].ptr = 98;
	put(UPPER, 0, LEN, 1, 0);
	put(UPPER, 0x1234, LEN / 2, 2, NS_MOREFRAG);
	put(UPPER, 0, LEN, 3, 0);
	tx->slot[1].ptr = 0x5678;
	assert_int_equal(next_slot()->ptr, UPPER);
	assert_int_equal(next_slot()->ptr, 0x5678);
	assert_int_equal(tx->slot[0].ptr, 99);
	assert_int_equal(tx->slot[1].ptr, 98);
}

static void a_frame_stays_in_its_buffer(void **state)
{
	struct netmap_ring *tx = rig_tx(&a, 0);
	const u32 sent = tx->slot[0].buf_idx;
	const struct netmap_slot *s;

	(void)state;
	set_both(&wide, &wide);
	put(UPPER, 200, LEN, 1, 0);
	s = assert_next(200, LEN, 1);
	assert_int_equal(s->buf_idx, sent);
	assert_int_equal(s->ptr, UPPER | 200);
	assert_int_equal(tx->slot[0].ptr, 128); /* that of the other slot */
}

/* Who knows no such offset gets the frame where he looks for it. */
static void a_pipe_of_unlike_ends(void **state)
{
	static const struct ptn_offsets narrow = {
		.mask = 0xff, .max = 64, .initial = 16};

	(void)state;
	set_both(&wide, NULL);
	put(0, 200, LEN, 1, 0);
	assert_next(0, LEN, 1);
	set_both(NULL, &narrow);
	put(0, 200, LEN, 2, 0);
	assert_int_equal(assert_next(16, LEN, 2)->ptr, 16);
	put(0, 64, LEN, 3, 0);
	assert_int_equal(assert_next(64, LEN, 3)->ptr, 64);
	set_both(&(struct ptn_offsets){0}, NULL);
	put(UPPER, 0, LEN, 4, 0);
	assert_int_equal(assert_next(0, LEN, 4)->ptr, UPPER);
}

static void liars_on_a_pipe(void **state)
{
	struct netmap_ring *tx = rig_tx(&a, 0);

	(void)state;
	set_both(&wide, &wide);
	rig_rx(&b, 0)->slot[0].ptr = 0xffff;
	put(0, 513, LEN, 1, 0);
	put(0, 512, BUF - 511, 2, 0);
	put(0, 512, BUF - 512, 3, 0);
	assert_next(512, BUF - 512, 3);
	assert_int_equal(rig_count(&a, PTN_C_DROP_BAD_BUFFER), 1);
	assert_int_equal(rig_count(&a, PTN_C_DROP_TOO_LONG), 1);
	assert_int_equal(tx->slot[2].ptr, 128); /* not what b wrote */
}

/* Monitors and devices */

/* b monitors a's transmit ring. */
static void send_past_a_monitor(u64 ofs, u8 mark, bool copy)
{
	const struct netmap_ring *tx = rig_tx(&a, 0);
	const u32 at = tx->head;

	put(UPPER, ofs, LEN, mark, 0);
	if (copy)
		ptn_monitor_copy(b.port, 0, a.port, PTN_VECTOR_TX(0), at,
				 tx->head, work);
	else
		ptn_monitor_swap(b.port, 0, a.port, PTN_VECTOR_TX(0), at,
				 tx->head);
}

static void monitors_that_copy(void **state)
{
	(void)state;
	set_both(&wide, NULL);
	send_past_a_monitor(50, 1, true);
	assert_next(0, LEN, 1);
	set_both(NULL, &wide);
	send_past_a_monitor(50, 2, true);
	assert_next(128, LEN, 2);
	send_past_a_monitor(513, 3, true);
	assert_nothing();
}

static void monitors_that_take_over(void **state)
{
	const struct netmap_ring *tx = rig_tx(&a, 0);

	(void)state;
	set_both(&wide, NULL);
	send_past_a_monitor(50, 1, false);
	assert_next(0, LEN, 1);
	set_both(NULL, &wide);
	send_past_a_monitor(50, 2, false);
	assert_int_equal(assert_next(50, LEN, 2)->ptr, UPPER | 50);
	assert_int_equal(tx->slot[1].ptr, UPPER | 50);
	assert_whole();
}

static int off_alone(void **state)
{
	(void)state;
	rig_close(&b, NULL);
	rig_close(&a, NULL);
	ptn_work_free(work);
	return 0;
}

static int on_nothing(void **state)
{
	(void)state;
	work = ptn_work_new();
	rig_open_pair(&a, &b, &params);
	return 0;
}

static u8 device_got[LEN];

static u32 room(void *home, u32 queue)
{
	(void)home;
	(void)queue;
	return 8;
}

static u32 xmit(void *home, u32 queue, struct ptn_work *w)
{
	(void)home;
	(void)queue;
	memcpy(device_got, ptn_work_frame(w, 0)->addr, LEN);
	return 0;
}

static void devices(void **state)
{
	static const struct ptn_device_ops ops = {.room = room, .xmit = xmit};
	u8 frame[LEN];

	(void)state;
	assert_int_equal(ptn_device_attach(a.port, &ops, NULL), 0);
	set_both(&wide, &wide);
	put(0, 60, LEN, 7, 0);
	sync_both();
	rig_frame(frame, LEN, 2, 4, 7);
	assert_memory_equal(device_got, frame, LEN);
	ptn_device_clear(work);
	ptn_device_add(work, frame, LEN, false, 0);
	assert_int_equal(ptn_device_receive(b.port, 0, work), 1);
	assert_next(128, LEN, 7);
	ptn_device_detach(a.port);
}

int main(void)
{
#define SWITCH(test)                                                           \
	cmocka_unit_test_setup_teardown(test, on_a_switch, off_the_switch)
#define PIPE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, on_a_pipe, off_the_pipe)
#define ALONE(test) cmocka_unit_test_setup_teardown(test, on_nothing, off_alone)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_that_fit),
		SWITCH(the_ring_tells_and_slots_begin_so),
		SWITCH(each_slot_has_its_own_offset),
		SWITCH(only_one_side_has_them),
		SWITCH(what_is_before_a_frame_stays),
		SWITCH(too_long_for_the_rest_of_a_buffer),
		SWITCH(chains_and_offsets),
		SWITCH(a_sender_that_lies),
		SWITCH(a_receiver_that_lies),
		SWITCH(frames_that_wait_when_offsets_end),
		SWITCH(frames_that_wait_when_offsets_begin),
		PIPE(a_pipe_carries_the_word),
		PIPE(a_frame_stays_in_its_buffer),
		PIPE(a_pipe_of_unlike_ends),
		PIPE(liars_on_a_pipe),
		ALONE(monitors_that_copy),
		ALONE(monitors_that_take_over),
		ALONE(devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
