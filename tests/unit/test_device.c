/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices back to back with a port, and devices that are a port's program:
 * every frame passes once, whole and in order, or is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/device.h"
#include "unit/rig.h"

enum { LEN = 60, TX = PTN_VECTOR_TX(0), RX = PTN_VECTOR_RX(0), LOG = 4096 };

static const u64 MAC = 0x0a00000002ULL, BROADCAST = 0xffffffffffffULL;

/* A device that writes down what it sent. */
struct device {
	u32 room;
	u32 drops; /* of each call */
	u32 calls, frames;
	u32 len[LOG];
	u8 mark[LOG];
};

static u32 dev_room(void *home, u32 queue)
{
	struct device *d = home;

	assert_int_equal(queue, 0);
	return d->room;
}

static u32 dev_xmit(void *home, u32 queue, struct ptn_work *w)
{
	struct device *d = home;

	assert_int_equal(queue, 0);
	assert_true(w->n_frames <= d->room);
	d->room -= w->n_frames;
	d->calls++;
	for (u32 i = 0; i < w->n_frames; i++) {
		const struct ptn_frag *f = ptn_work_frame(w, i);

		d->len[d->frames] = ptn_work_bytes(w, i);
		d->mark[d->frames++] = (u8)f->addr[f->len - 1];
	}
	return d->drops;
}

/* Of a frame that waits: a header whose flags cannot be, or none. */
static bool dev_brings_nonsense;

static void dev_fetch(void *home, u32 queue, struct ptn_work *w)
{
	static const u8 nonsense[12 + LEN] = {[0] = 0xff, [18] = 2};

	(void)home;
	assert_int_equal(queue, 0);
	if (!dev_brings_nonsense)
		return;
	w->hdr_len = 12;
	ptn_device_add(w, nonsense, sizeof(nonsense), false, 0);
	dev_brings_nonsense = false;
}

static const struct ptn_device_ops ops = {
	.room = dev_room,
	.xmit = dev_xmit,
	.fetch = dev_fetch,
};

static struct rig a;
static struct device dev;
static struct ptn_work *work;
static struct ptn_work *batch;

static int setup(void **state)
{
	const struct rig_params p = {1, 64, 256, 0};

	(void)state;
	memset(&dev, 0, sizeof(dev));
	work = ptn_work_new();
	batch = ptn_work_new();
	rig_open(&a, "a", &p);
	assert_int_equal(ptn_device_attach(a.port, &ops, &dev), 0);
	assert_int_equal(ptn_device_attach(a.port, &ops, &dev), -EBUSY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&a, ptn_device_detach);
	ptn_work_free(work);
	ptn_work_free(batch);
	return 0;
}

static bool send_mark(u32 mark, u32 len)
{
	char frame[4096];

	rig_frame(frame, len, BROADCAST, MAC, (u8)mark);
	return rig_send(&a, frame, len, 256);
}

/* A program is told apart from what others send to it. */
static void a_devices_nonsense_is_not_the_programs(void **state)
{
	(void)state;
	dev_brings_nonsense = true;
	ptn_port_sync(a.port, 0, work);
	assert_false(dev_brings_nonsense);
	assert_int_equal(rig_count(&a, PTN_C_DROP_OFFLOAD), 1);
	assert_int_equal(a.abuses, 0);
}

/* Whatever room there is now and then: in order, and none is lost. */
static void frames_go_out_as_there_is_room(void **state)
{
	u32 sent = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 2000 && sent < LOG - 100; i++) {
		while (random() % 8 && send_mark(sent, sent % 5 ? LEN : 700))
			sent++;
		dev.room += (u32)random() % 6;
		ptn_port_sync(a.port, 0, work);
	}
	dev.room = LOG;
	while (ptn_port_sync(a.port, 0, work))
		;
	assert_true(sent > 3000);
	assert_int_equal(dev.frames, sent);
	for (u32 i = 0; i < sent; i++) {
		assert_int_equal(dev.mark[i], (u8)i);
		assert_int_equal(dev.len[i], i % 5 ? LEN : 700);
	}
	assert_int_equal(rig_count(&a, PTN_C_TX_FRAMES), sent);
	assert_int_equal(rig_drops(&a), 0);
}

static void without_room_frames_wait_until_it_is_made(void **state)
{
	(void)state;
	for (u32 i = 0; i < 63; i++)
		assert_true(send_mark(i, LEN));
	assert_int_equal(ptn_port_sync(a.port, 0, work), 0);
	assert_true(ptn_port_arm(a.port, 0)); /* nothing can be done */
	assert_int_equal(dev.calls, 0);
	assert_int_equal(ptn_header_pending(a.port, 0), 63);
	a.atok[0].appl_need_kick = 1;
	a.atok[0].cur = 63; /* waits for a slot */
	dev.room = 10;
	ptn_device_room_made(a.port, 0);
	assert_int_equal(a.woken, 1);
	assert_false(ptn_port_arm(a.port, 0));
	assert_int_equal(ptn_port_sync(a.port, 0, work), 10);
	assert_int_equal(a.notified[TX], 1);
	assert_int_equal(a.ktoa[0].hwtail, 9);
	assert_int_equal(ptn_port_sync(a.port, 0, work), 0);
	assert_int_equal(rig_drops(&a), 0);
}

static void what_the_device_drops_is_counted(void **state)
{
	(void)state;
	dev.room = 10;
	dev.drops = 3;
	for (u32 i = 0; i < 5; i++)
		send_mark(i, LEN);
	while (ptn_port_sync(a.port, 0, work))
		;
	assert_int_equal(rig_count(&a, PTN_C_TX_FRAMES), 5);
	assert_int_equal(rig_count(&a, PTN_C_DROP_DEVICE), 3);
}

static void a_frame_that_is_bad_reaches_no_device(void **state)
{
	struct netmap_ring *r = rig_tx(&a, 0);

	(void)state;
	dev.room = 1;
	for (u32 i = 0; i < 3; i++)
		send_mark(i, LEN);
	r->slot[0].len = 300;
	assert_int_equal(ptn_port_sync(a.port, 0, work), 1);
	assert_int_equal(dev.frames, 0);
	assert_int_equal(ptn_port_sync(a.port, 0, work), 1);
	assert_int_equal(dev.frames, 1);
	assert_int_equal(dev.mark[0], 1);
	assert_int_equal(rig_count(&a, PTN_C_DROP_TOO_LONG), 1);
}

static char bytes[70000];

static void add(u32 len, u32 frag, u8 mark)
{
	rig_frame(bytes, len, BROADCAST, MAC, mark);
	for (u32 at = 0; at < len; at += frag)
		assert_true(ptn_device_add(batch, bytes + at,
					   len - at < frag ? len - at : frag,
					   len - at > frag, 0));
}

static void a_program_gets_what_the_device_received(void **state)
{
	unsigned char got[8192];

	(void)state;
	ptn_device_clear(batch);
	add(LEN, LEN, 1);
	add(LEN, 25, 1);
	add(3000, 3000, 1); /* larger than the program's buffers */
	add(100, 100, 1);
	assert_int_equal(ptn_device_receive(a.port, 0, batch), 4);
	assert_int_equal(rig_recv(&a, 0, got, sizeof(got)), LEN);
	assert_int_equal(rig_recv(&a, 0, got, sizeof(got)), LEN);
	assert_int_equal(rig_recv(&a, 0, got, sizeof(got)), 3000);
	rig_frame(bytes, 3000, BROADCAST, MAC, 1);
	assert_memory_equal(got, bytes, 3000);
	assert_int_equal(rig_recv(&a, 0, got, sizeof(got)), 100);
	assert_int_equal(rig_recv(&a, 0, got, sizeof(got)), -1);
}

static void what_does_not_fit_is_counted_and_who_sleeps_is_told(void **state)
{
	(void)state;
	a.atok[1].appl_need_kick = 1;
	ptn_device_clear(batch);
	for (u32 i = 0; i < 100; i++)
		add(LEN, LEN, (u8)i);
	assert_int_equal(ptn_device_receive(a.port, 0, batch), 63);
	assert_int_equal(a.notified[RX], 1);
	assert_int_equal(rig_count(&a, PTN_C_DROP_RX_FULL), 37);
	ptn_device_clear(batch);
	add(65000, 65000, 0);
	assert_int_equal(ptn_device_receive(a.port, 0, batch), 0);
	assert_int_equal(rig_count(&a, PTN_C_DROP_TOO_BIG), 1);
	ptn_port_stop(a.port);
	assert_int_equal(ptn_device_receive(a.port, 0, batch), 0);
}

static void a_batch_that_is_full_keeps_whole_frames(void **state)
{
	(void)state;
	ptn_device_clear(batch);
	for (u32 i = 0; i < PTN_BATCH - 2; i++)
		add(LEN, LEN, 0);
	assert_true(ptn_device_add(batch, bytes, 20, true, 0));
	assert_true(ptn_device_add(batch, bytes, 20, true, 0));
	assert_false(ptn_device_add(batch, bytes, 20, false, 0));
	assert_int_equal(batch->n_frames, PTN_BATCH - 2);
	assert_int_equal(batch->n_frags, PTN_BATCH - 2);
	add(LEN, LEN / 2, 0);
	assert_int_equal(batch->n_frames, PTN_BATCH - 1);
}

/* The other way to join a device: it is the program of a switch's port. */

static struct rig nic, b;
static struct ptn_vale *vale;

static int setup_vale(void **state)
{
	const struct ptn_vale_params v = {"vale0", 64, 0};
	const struct rig_params p = {1, 64, 256, 0};

	(void)state;
	work = ptn_work_new();
	batch = ptn_work_new();
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	rig_open(&nic, "nic", &p);
	rig_open(&b, "b", &p);
	assert_int_equal(ptn_vale_attach(vale, nic.port), 0);
	assert_int_equal(ptn_vale_attach(vale, b.port), 0);
	return 0;
}

static int teardown_vale(void **state)
{
	(void)state;
	rig_close(&nic, ptn_vale_detach);
	rig_close(&b, ptn_vale_detach);
	ptn_vale_free(vale);
	ptn_work_free(work);
	ptn_work_free(batch);
	return 0;
}

static void send_from_b(u32 mark, u32 len)
{
	char frame[4096];

	rig_frame(frame, len, BROADCAST, MAC, (u8)mark);
	assert_true(rig_send(&b, frame, len, 256));
	ptn_port_sync(b.port, 0, work);
}

static void a_device_sends_on_the_switch(void **state)
{
	unsigned char got[8192];

	(void)state;
	b.atok[1].appl_need_kick = 1;
	ptn_device_clear(batch);
	add(LEN, LEN, 7);
	add(10, 10, 8); /* too short for an address */
	add(1500, 400, 9);
	ptn_device_inject(nic.port, 0, batch);
	assert_int_equal(b.notified[RX], 1);
	assert_int_equal(rig_recv(&b, 0, got, sizeof(got)), LEN);
	assert_int_equal(rig_recv(&b, 0, got, sizeof(got)), 1500);
	assert_int_equal(got[1499], 9);
	assert_int_equal(rig_count(&nic, PTN_C_TX_FRAMES), 3);
	assert_int_equal(rig_count(&nic, PTN_C_TX_BYTES), 1570);
	assert_int_equal(rig_count(&nic, PTN_C_DROP_TOO_SHORT), 1);
	assert_int_equal(ptn_vale_fdb_used(vale), 1);
	ptn_vale_detach(nic.port);
	ptn_device_inject(nic.port, 0, batch);
	assert_int_equal(rig_count(&nic, PTN_C_DROP_NO_DEST), 3);
}

static void a_device_takes_what_the_switch_brought(void **state)
{
	u32 next = 0;

	(void)state;
	assert_true(ptn_device_sleep(nic.port, 0));
	for (u32 i = 0; i < 40; i++)
		send_from_b(i, i % 4 ? LEN : 500); /* of two fragments */
	assert_true(nic.notified[RX] > 0);
	assert_false(ptn_device_sleep(nic.port, 0));
	while (ptn_device_take(nic.port, 0, batch, 3)) {
		assert_true(batch->n_frames <= 3);
		for (u32 i = 0; i < batch->n_frames; i++, next++) {
			const struct ptn_frag *f = ptn_work_frame(batch, i);

			assert_int_equal(f->addr[f->len - 1], next);
			assert_int_equal(ptn_work_bytes(batch, i),
					 next % 4 ? LEN : 500);
		}
		ptn_device_give_back(nic.port, 0);
	}
	assert_int_equal(next, 40);
	assert_true(ptn_device_sleep(nic.port, 0));
	for (u32 i = 0; i < 63; i++) /* all room is back */
		send_from_b(i, LEN);
	assert_int_equal(rig_drops(&nic), 0);
	/* taken twice without giving back: the same */
	assert_int_equal(ptn_device_take(nic.port, 0, batch, 5), 5);
	assert_int_equal(ptn_device_take(nic.port, 0, batch, 500), 63);
	assert_int_equal(ptn_device_give_back(nic.port, 0), 63);
	assert_int_equal(ptn_device_give_back(nic.port, 0), 0);
}

/* Another program of the region may write what it wants into the slots. */
/* Slots [0, n) of a's receive ring have these lengths of frames, and flags. */
static void write_slots(const u16 flags[], u32 n)
{
	struct netmap_ring *r = rig_rx(&a, 0);

	for (u32 i = 0; i < n; i++) {
		rig_frame(rig_buf(r, r->slot[i].buf_idx), LEN, BROADCAST, MAC,
			  (u8)i);
		r->slot[i].len = LEN;
		r->slot[i].flags = flags[i];
	}
}

static void assert_marked(u32 i, u32 frags, u8 mark)
{
	const struct ptn_frag *f = ptn_work_frame(work, i);

	assert_int_equal(work->odd ? work->frame[i].frags : 1, frags);
	assert_int_equal(f->addr[LEN - 1], (char)mark);
}

static void frames_that_are_marked(void **state)
{
	static const u16 flags[] = {
		NS_FORWARD, 0,		 NS_FORWARD | NS_MOREFRAG,
		NS_FORWARD, NS_MOREFRAG, 0,
		NS_FORWARD, NS_FORWARD,
	};
	u32 from = 0;

	(void)state;
	write_slots(flags, 8);
	rig_rx(&a, 0)->slot[6].buf_idx = 0; /* none */
	assert_int_equal(ptn_device_marked(a.port, RX, &from, 8, work), 3);
	assert_int_equal(from, 8);
	assert_marked(0, 1, 0);
	assert_marked(1, 2, 2);
	assert_marked(2, 1, 7);
	assert_int_equal(a.faults, 1);
	assert_int_equal(ptn_device_marked(a.port, RX, &from, 8, work), 0);
	ptn_device_lost(a.port, RX, 2);
	assert_int_equal(rig_count(&a, PTN_C_DROP_DEVICE), 2);
}

/* A chain without an end is no frame, whatever is marked in it. */
static void a_marked_chain_without_an_end(void **state)
{
	u16 flags[63];
	u32 from = 0;

	(void)state;
	for (u32 i = 0; i < 63; i++)
		flags[i] = NS_FORWARD | NS_MOREFRAG;
	write_slots(flags, 63);
	assert_int_equal(ptn_device_marked(a.port, RX, &from, 63, work), 0);
	assert_int_equal(from, 63);
}

static void slots_that_make_no_sense_are_left_out(void **state)
{
	struct netmap_ring *r = rig_rx(&nic, 0);

	(void)state;
	for (u32 i = 0; i < 6; i++)
		send_from_b(i, LEN);
	r->slot[0].buf_idx = 999999;
	r->slot[1].len = 300;
	r->slot[3].flags = NS_MOREFRAG;
	r->slot[4].buf_idx = 1;
	assert_int_equal(ptn_device_take(nic.port, 0, batch, 500), 2);
	assert_int_equal(ptn_device_give_back(nic.port, 0), 6);
	assert_int_equal(nic.faults, 3);
	for (u32 i = 0; i < 6; i++)
		send_from_b(i, LEN);
	for (u32 i = 6; i < 12; i++) /* a chain without an end */
		r->slot[i].flags |= NS_MOREFRAG;
	assert_int_equal(ptn_device_take(nic.port, 0, batch, 500), 0);
	send_from_b(9, LEN);
	assert_int_equal(ptn_device_take(nic.port, 0, batch, 500), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define VALE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup_vale, teardown_vale)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_go_out_as_there_is_room),
		TEST(without_room_frames_wait_until_it_is_made),
		TEST(what_the_device_drops_is_counted),
		TEST(a_frame_that_is_bad_reaches_no_device),
		TEST(a_program_gets_what_the_device_received),
		TEST(what_does_not_fit_is_counted_and_who_sleeps_is_told),
		TEST(a_devices_nonsense_is_not_the_programs),
		TEST(a_batch_that_is_full_keeps_whole_frames),
		TEST(frames_that_are_marked),
		TEST(a_marked_chain_without_an_end),
		VALE(a_device_sends_on_the_switch),
		VALE(a_device_takes_what_the_switch_brought),
		VALE(slots_that_make_no_sense_are_left_out),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
