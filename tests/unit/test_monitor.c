/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Monitors: what passes through a port's rings, copied before or taken over
 * after. The parent's frames are sent with one byte as their mark.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/device.h"
#include "core/header.h"
#include "core/monitor.h"
#include "unit/rig.h"

enum { SLOTS = 16, LEN = 60 };

static const struct rig_params params = {1, SLOTS, 2048, 0};

static struct rig parent, monitor;
static struct ptn_work *work;

static int open_both(void **state)
{
	(void)state;
	work = ptn_work_new();
	rig_open_pair(&parent, &monitor, &params);
	return work ? 0 : -1;
}

static int close_both(void **state)
{
	(void)state;
	rig_close(&monitor, NULL);
	rig_close(&parent, NULL);
	ptn_work_free(work);
	return 0;
}

/* Write marked frames into slots [0, n) of the parent's transmit ring. */
static void write_frames(u32 n, u8 mark)
{
	struct netmap_ring *r = rig_tx(&parent, 0);

	for (u32 i = 0; i < n; i++) {
		rig_frame(rig_buf(r, r->slot[i].buf_idx), LEN, 2, 4,
			  (u8)(mark + i));
		r->slot[i].len = LEN;
	}
}

static void assert_next(u8 mark)
{
	u8 frame[2048];

	assert_int_equal(rig_recv(&monitor, 0, frame, sizeof(frame)), LEN);
	assert_int_equal(frame[LEN - 1], mark);
}

static void assert_whole(void)
{
	struct ptn_census census;

	ptn_region_census(parent.region, &census);
	assert_int_equal(census.lost, 0);
	assert_int_equal(census.twice, 0);
}

static void copies_leave_the_ring_as_it_is(void **state)
{
	const struct netmap_ring *r = rig_tx(&parent, 0);
	u32 before;

	(void)state;
	write_frames(3, 10);
	before = r->slot[1].buf_idx;
	ptn_monitor_copy(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 3,
			 work);
	for (u8 i = 0; i < 3; i++)
		assert_next((u8)(10 + i));
	assert_int_equal(r->slot[1].buf_idx, before);
	assert_int_equal(rig_count(&monitor, PTN_C_RX_FRAMES), 3);
}

static void copies_leave_out_what_is_no_frame(void **state)
{
	struct netmap_ring *r = rig_tx(&parent, 0);

	(void)state;
	write_frames(4, 10);
	r->slot[0].buf_idx = 1 << 30;
	r->slot[1].len = 5000;
	r->slot[2].flags = NS_INDIRECT;
	ptn_monitor_copy(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 4,
			 work);
	assert_next(13);
	assert_int_equal(rig_count(&monitor, PTN_C_RX_FRAMES), 1);
}

static void swaps_take_the_buffers(void **state)
{
	const struct netmap_ring *r = rig_tx(&parent, 0);
	u32 before;

	(void)state;
	write_frames(3, 20);
	before = r->slot[0].buf_idx;
	ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 3);
	assert_int_equal(rig_rx(&monitor, 0)->slot[0].buf_idx, before);
	assert_int_not_equal(r->slot[0].buf_idx, before);
	assert_true(r->slot[0].flags & NS_BUF_CHANGED);
	for (u8 i = 0; i < 3; i++)
		assert_next((u8)(20 + i));
	assert_whole();
}

/* Of 100..114 and 200..202, four of which the program was shown in time. */
static void assert_three_were_lost(void)
{
	for (u8 i = 0; i < 4; i++)
		assert_next((u8)(100 + i));
	for (u8 i = 7; i < 15; i++)
		assert_next((u8)(100 + i));
	for (u8 i = 0; i < 3; i++)
		assert_next((u8)(200 + i));
	assert_int_equal(rig_count(&monitor, PTN_C_DROP_RX_FULL), 3);
	assert_whole();
}

/* A program whose ring's header shows up to slot 4 keeps these four. */
static void overflow_loses_the_oldest_that_were_not_shown(void **state)
{
	const u32 rx = PTN_VECTOR_RX(0);

	(void)state;
	write_frames(SLOTS - 1, 100);
	ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 4);
	ptn_header_end(monitor.port, rx);
	ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 4, 15);
	write_frames(3, 200);
	ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 3);
	assert_three_were_lost();
}

static void more_than_a_ring_leaves_the_newest(void **state)
{
	(void)state;
	for (u8 round = 0; round < 3; round++) {
		write_frames(SLOTS - 1, (u8)(50 * round));
		ptn_header_end(monitor.port, PTN_VECTOR_RX(0));
		ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0),
				 0, SLOTS - 1);
	}
	for (u32 i = 0; i < SLOTS - 1; i++)
		assert_next((u8)i); /* shown to the program: not the host's */
	assert_int_equal(rig_count(&monitor, PTN_C_DROP_RX_FULL),
			 2 * (SLOTS - 1));
	assert_whole();
}

/* Programs exchange buffers between slots: the frame is where a slot says. */
static void a_slot_with_another_buffer_hands_that_over(void **state)
{
	struct netmap_ring *r = rig_tx(&parent, 0);
	const u32 other = r->slot[5].buf_idx;

	(void)state;
	write_frames(3, 30);
	rig_frame(rig_buf(r, other), LEN, 2, 4, 77);
	r->slot[5].buf_idx = r->slot[1].buf_idx;
	r->slot[1].buf_idx = other;
	ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 3);
	assert_next(30);
	assert_next(77);
	assert_next(32);
	assert_int_equal(rig_rx(&monitor, 0)->slot[1].buf_idx, other);
	assert_whole();
}

static void a_slot_with_a_buffer_of_nobody_is_left_out(void **state)
{
	struct netmap_ring *r = rig_tx(&parent, 0);

	(void)state;
	write_frames(3, 30);
	r->slot[1].buf_idx = 1 << 30;
	ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 3);
	assert_next(30);
	assert_next(32);
	assert_int_equal(rig_count(&monitor, PTN_C_DROP_BAD_BUFFER), 1);
	assert_whole();
}

/* One that stands in two slots is in the first of them by then. */
static void a_buffer_shown_twice_is_lost_to_nobody(void **state)
{
	struct netmap_ring *r = rig_tx(&parent, 0);

	(void)state;
	write_frames(3, 30);
	r->slot[1].buf_idx = r->slot[0].buf_idx;
	ptn_monitor_swap(monitor.port, 0, parent.port, PTN_VECTOR_TX(0), 0, 3);
	assert_whole();
	assert_int_equal(rig_count(&monitor, PTN_C_RX_FRAMES) +
				 rig_count(&monitor, PTN_C_DROP_BAD_BUFFER),
			 3);
}

/* Frames of a device: in no ring, perhaps of several fragments. */

static u8 brought[SLOTS * LEN];

static void bring(u32 n, u8 mark)
{
	ptn_device_clear(work);
	for (u32 i = 0; i < n; i++) {
		rig_frame((char *)brought + i * LEN, LEN, 2, 4, (u8)(mark + i));
		ptn_device_add(work, brought + i * LEN, LEN, false, 0);
	}
	ptn_monitor_keep(monitor.port, 0, work);
}

static void a_devices_newest_frames_are_kept(void **state)
{
	(void)state;
	bring(4, 100);
	ptn_header_end(monitor.port, PTN_VECTOR_RX(0));
	bring(11, 104);
	bring(3, 200);
	assert_three_were_lost();
}

static void a_devices_fragments_stay_together(void **state)
{
	static u8 long_one[3000];
	u8 frame[2048];

	(void)state;
	memset(brought, 7, sizeof(brought));
	ptn_device_clear(work);
	ptn_device_add(work, long_one, sizeof(long_one), false, 0);
	ptn_device_add(work, brought, 50, true, 0);
	ptn_device_add(work, brought, 30, false, 0);
	ptn_device_add(work, brought, 60, false, 0);
	ptn_monitor_keep(monitor.port, 0, work);
	assert_int_equal(rig_recv(&monitor, 0, frame, sizeof(frame)), 80);
	assert_memory_equal(frame, brought, 80);
	assert_int_equal(rig_recv(&monitor, 0, frame, sizeof(frame)), 60);
	assert_int_equal(rig_count(&monitor, PTN_C_DROP_TOO_BIG), 1);
	assert_int_equal(rig_count(&monitor, PTN_C_RX_FRAMES), 2);
	assert_whole();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)
		test(copies_leave_the_ring_as_it_is),
		test(copies_leave_out_what_is_no_frame),
		test(swaps_take_the_buffers),
		test(overflow_loses_the_oldest_that_were_not_shown),
		test(more_than_a_ring_leaves_the_newest),
		test(a_slot_with_another_buffer_hands_that_over),
		test(a_slot_with_a_buffer_of_nobody_is_left_out),
		test(a_buffer_shown_twice_is_lost_to_nobody),
		test(a_devices_newest_frames_are_kept),
		test(a_devices_fragments_stay_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
