/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VALE switch as its ports' programs see it: who gets which frame, what
 * is counted, and what no program can break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "unit/rig.h"

#include "core/ring.h"
#include "core/work.h"

enum { MAX_PORTS = 6, LEN = 60 };

static const u64 BROADCAST = 0xffffffffffffULL;

static struct ptn_vale *vale;
static struct rig rig[MAX_PORTS];
static struct ptn_work *work;
static u32 n_ports;

static u64 mac_of(u32 port)
{
	return 0x0200 + ((u64)port << 40); /* 00:02:.. little-endian */
}

static void open_ports(u32 n, const struct rig_params *params)
{
	const struct ptn_vale_params v = {
		.name = "vale0", .fdb_size = 64, .ageing_ms = 300000};
	char name[16];

	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	work = ptn_work_new();
	for (u32 i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		rig_open(&rig[i], name, params);
		assert_int_equal(ptn_vale_attach(vale, rig[i].port), 0);
	}
	n_ports = n;
}

static int teardown(void **state)
{
	(void)state;
	for (u32 i = 0; i < n_ports; i++)
		rig_close(&rig[i], ptn_vale_detach);
	ptn_vale_free(vale);
	ptn_work_free(work);
	return 0;
}

static int three_ports(void **state)
{
	(void)state;
	open_ports(3, &(struct rig_params){1, 64, 2048, 0});
	return 0;
}

static int two_large_rings(void **state)
{
	(void)state;
	open_ports(2, &(struct rig_params){1, 1024, 2048, 0});
	return 0;
}

static void sync_all(void)
{
	bool moved;

	do {
		moved = false;
		for (u32 i = 0; i < n_ports; i++)
			moved |= ptn_port_sync(rig[i].port, 0, work) > 0;
	} while (moved);
	/* as before a sleep: all progress is shown */
	for (u32 i = 0; i < n_ports; i++) {
		ptn_port_arm(rig[i].port, 0);
		ptn_port_disarm(rig[i].port, 0);
	}
}

static void send_to(u32 from, u64 dst, u8 mark)
{
	char frame[LEN];

	rig_frame(frame, LEN, dst, mac_of(from), mark);
	assert_true(rig_send(&rig[from], frame, LEN, 2048));
	sync_all();
}

/* The mark of the next frame at a port, or -1. */
static int mark_at(u32 port)
{
	unsigned char frame[4096];
	int len = rig_recv(&rig[port], 0, frame, sizeof(frame));

	return len < 0 ? -1 : frame[len - 1];
}

static void learn_all(void)
{
	for (u32 i = 0; i < n_ports; i++)
		send_to(i, BROADCAST, 0);
	for (u32 i = 0; i < n_ports; i++)
		while (mark_at(i) >= 0)
			;
}

static void unknown_floods_known_goes_to_one(void **state)
{
	(void)state;
	send_to(0, mac_of(1), 1);
	assert_int_equal(mark_at(1), 1);
	assert_int_equal(mark_at(2), 1);
	assert_int_equal(mark_at(0), -1);
	send_to(1, mac_of(0), 2);
	assert_int_equal(mark_at(0), 2);
	assert_int_equal(mark_at(2), -1);
	send_to(0, mac_of(1), 3);
	assert_int_equal(mark_at(1), 3);
	assert_int_equal(mark_at(2), -1);
}

static void an_address_moves_with_its_frames(void **state)
{
	char frame[LEN];

	(void)state;
	learn_all();
	rig_frame(frame, LEN, mac_of(0), mac_of(1), 7);
	assert_true(rig_send(&rig[2], frame, LEN, 2048));
	sync_all();
	assert_int_equal(mark_at(0), 7);
	send_to(0, mac_of(1), 8);
	assert_int_equal(mark_at(2), 8);
	assert_int_equal(mark_at(1), -1);
	/* and back, although port 1 sent with this address before */
	send_to(1, mac_of(0), 9);
	assert_int_equal(mark_at(0), 9);
	send_to(0, mac_of(1), 10);
	assert_int_equal(mark_at(1), 10);
	assert_int_equal(mark_at(2), -1);
}

static void a_static_address_does_not_move(void **state)
{
	const u64 pinned = mac_of(9);
	u8 mac[6];
	char frame[LEN];

	(void)state;
	memcpy(mac, &pinned, 6);
	assert_int_equal(ptn_vale_static(vale, mac, rig[1].port), 0);
	rig_frame(frame, LEN, mac_of(0), pinned, 1);
	assert_true(rig_send(&rig[2], frame, LEN, 2048));
	sync_all();
	mark_at(0);
	mark_at(1);
	send_to(0, pinned, 5);
	assert_int_equal(mark_at(1), 5);
	assert_int_equal(mark_at(2), -1);
	assert_int_equal(ptn_vale_static(vale, mac, NULL), 0);
	assert_int_equal(ptn_vale_static(vale, mac, NULL), -ENOENT);
}

static void a_stopped_port_is_forgotten(void **state)
{
	(void)state;
	learn_all();
	ptn_port_stop(rig[1].port);
	send_to(0, mac_of(1), 4);
	assert_int_equal(mark_at(2), 4); /* unknown again: flooded */
	ptn_port_stop(rig[2].port);
	send_to(0, BROADCAST, 5);
	assert_int_equal(rig_count(&rig[0], PTN_C_DROP_NO_DEST), 1);
}

static void frames_to_oneself_and_too_short_are_counted(void **state)
{
	char frame[LEN];

	(void)state;
	learn_all();
	send_to(0, mac_of(0), 1);
	assert_int_equal(rig_count(&rig[0], PTN_C_DROP_SAME_PORT), 1);
	rig_frame(frame, 13, mac_of(1), mac_of(0), 1);
	assert_true(rig_send(&rig[0], frame, 13, 2048));
	sync_all();
	assert_int_equal(rig_count(&rig[0], PTN_C_DROP_TOO_SHORT), 1);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(mark_at(i), -1);
}

static void a_full_receiver_drops_and_order_holds(void **state)
{
	u32 got = 0;
	int mark;

	(void)state;
	learn_all();
	for (u32 i = 0; i < 100; i++)
		send_to(0, mac_of(1), (u8)i);
	while ((mark = mark_at(1)) >= 0)
		assert_int_equal(mark, got++);
	assert_int_equal(got, 63);
	assert_int_equal(rig_count(&rig[1], PTN_C_DROP_RX_FULL), 100 - 63);
	send_to(0, mac_of(1), 200);
	assert_int_equal(mark_at(1), 200);
}

static void fragments_arrive_whole(void **state)
{
	unsigned char frame[4000], got[4000];

	(void)state;
	learn_all();
	for (u32 frag = 64; frag <= 1024; frag *= 2) {
		rig_frame(frame, 3000, mac_of(1), mac_of(0), 0);
		for (u32 i = 14; i < 3000; i++)
			frame[i] = (u8)(i * 7 + frag);
		assert_true(rig_send(&rig[0], frame, 3000, frag));
		sync_all();
		assert_int_equal(rig_recv(&rig[1], 0, got, sizeof(got)), 3000);
		assert_memory_equal(frame, got, 3000);
	}
}

static void a_frame_waits_for_its_last_fragment(void **state)
{
	struct netmap_ring *r = rig_tx(&rig[0], 0);

	(void)state;
	learn_all();
	for (int i = 0; i < 3; i++) {
		struct netmap_slot *s = &r->slot[r->head];

		rig_frame(rig_buf(r, s->buf_idx), LEN, mac_of(1), mac_of(0), 5);
		s->len = LEN;
		s->flags = i < 2 ? NS_MOREFRAG : 0;
		assert_int_equal(mark_at(1), -1);
		r->head = r->cur = rig_next(r, r->head);
		rig_sync_tx(&rig[0], 0);
		sync_all();
		assert_true(i == 2 || ptn_port_arm(rig[0].port, 0));
	}
	assert_int_equal(mark_at(1), 5);
}

/* A chain without end: dropped as one frame, each turn of it is abuse, and the
 * port goes on. */
static void endless_chains_are_dropped(void **state)
{
	struct netmap_ring *r = rig_tx(&rig[0], 0);

	(void)state;
	learn_all();
	for (int round = 0; round < 20; round++) {
		rig_sync_tx(&rig[0], 0);
		while (rig_space(r)) {
			r->slot[r->head].len = LEN;
			r->slot[r->head].flags = NS_MOREFRAG;
			r->head = rig_next(r, r->head);
		}
		r->cur = r->head;
		rig_sync_tx(&rig[0], 0);
		sync_all();
	}
	assert_int_equal(rig_count(&rig[0], PTN_C_DROP_BAD_CHAIN), 1);
	assert_in_range(rig[0].abuses, 20, 40);
	r->slot[r->head].flags = 0;
	r->slot[r->head].len = LEN;
	rig_sync_tx(&rig[0], 0);
	r->head = r->cur = rig_next(r, r->head);
	rig_sync_tx(&rig[0], 0);
	sync_all();
	send_to(0, mac_of(1), 9);
	assert_int_equal(mark_at(1), 9);
}

static void bad_slots_are_dropped_by_reason(void **state)
{
	static const struct {
		u32 idx;
		u16 len, flags;
		enum ptn_counter why;
	} bad[] = {
		{0, LEN, 0, PTN_C_DROP_BAD_BUFFER},
		{1, LEN, 0, PTN_C_DROP_BAD_BUFFER},
		{2 + 128, LEN, 0, PTN_C_DROP_BAD_BUFFER},
		{0xffffffff, LEN, 0, PTN_C_DROP_BAD_BUFFER},
		{2, 2049, 0, PTN_C_DROP_TOO_LONG},
		{2, 0xffff, 0, PTN_C_DROP_TOO_LONG},
		{2, LEN, NS_INDIRECT, PTN_C_DROP_INDIRECT},
	};
	struct netmap_ring *r = rig_tx(&rig[0], 0);

	(void)state;
	learn_all();
	for (u32 i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct netmap_slot *s = &r->slot[r->head];
		const u64 before = rig_count(&rig[0], bad[i].why);
		const u32 idx = s->buf_idx;

		s->buf_idx = bad[i].idx;
		s->len = bad[i].len;
		s->flags = bad[i].flags;
		r->head = r->cur = rig_next(r, r->head);
		rig_sync_tx(&rig[0], 0);
		sync_all();
		assert_int_equal(rig_count(&rig[0], bad[i].why), before + 1);
		s->buf_idx = idx;
		s->flags = 0;
	}
	send_to(0, mac_of(1), 9);
	assert_int_equal(mark_at(1), 9);
}

static void a_head_outside_the_window_is_a_fault(void **state)
{
	(void)state;
	learn_all();
	rig[0].atok[0].head = 64;
	assert_int_equal(ptn_port_sync(rig[0].port, 0, work), 0);
	rig[0].atok[0].head = 0xffffffff;
	assert_int_equal(ptn_port_sync(rig[0].port, 0, work), 0);
	assert_int_equal(rig_count(&rig[0], PTN_C_FAULTS), 2);
	assert_int_equal(rig[0].faults, 2);
	rig_sync_tx(&rig[0], 0);
	send_to(0, mac_of(1), 1);
	assert_int_equal(mark_at(1), 1);
}

static void a_sleeping_receiver_is_notified_once(void **state)
{
	const u32 vector = PTN_VECTOR_RX(0);

	(void)state;
	learn_all();
	memset(rig[1].notified, 0, sizeof(rig[1].notified));
	send_to(0, mac_of(1), 1);
	assert_int_equal(rig[1].notified[vector], 0);
	rig[1].atok[1].appl_need_kick = 17;
	send_to(0, mac_of(1), 2);
	send_to(0, mac_of(1), 3);
	assert_int_equal(rig[1].notified[vector], 1);
	rig[1].atok[1].appl_need_kick = 18;
	send_to(0, mac_of(1), 4);
	assert_int_equal(rig[1].notified[vector], 2);
	rig[1].atok[1].appl_need_kick = 1; /* netmap's way: every time */
	send_to(0, mac_of(1), 4);
	send_to(0, mac_of(1), 4);
	assert_int_equal(rig[1].notified[vector], 4);
}

/* @n frames from port 0 to port 1, by syncs whose notifications are held. */
static void send_held(u32 n)
{
	char frame[LEN];

	rig_frame(frame, LEN, mac_of(1), mac_of(0), 1);
	for (u32 i = 0; i < n; i++)
		assert_true(rig_send(&rig[0], frame, LEN, 2048));
	for (u32 done = 0; done < n;) {
		work->hold = true;
		done += ptn_port_sync_tx(rig[0].port, 0, work);
	}
}

static void held_notifications_come_with_the_release(void **state)
{
	const u32 vector = PTN_VECTOR_RX(0);

	(void)state;
	learn_all();
	memset(rig[1].notified, 0, sizeof(rig[1].notified));
	rig[1].atok[1].appl_need_kick = 1;
	send_held(2 * PTN_BATCH);
	assert_int_equal(rig[1].notified[vector], 0);
	ptn_port_release(rig[0].port, 0, work);
	assert_int_equal(rig[1].notified[vector], 1);
	assert_false(work->hold);
	/* and nobody is told twice */
	memset(rig[1].notified, 0, sizeof(rig[1].notified));
	ptn_port_release(rig[0].port, 0, work);
	assert_int_equal(rig[1].notified[vector], 0);
}

static void a_receiver_that_fills_up_is_not_kept_waiting(void **state)
{
	const u32 vector = PTN_VECTOR_RX(0);

	(void)state;
	learn_all();
	memset(rig[1].notified, 0, sizeof(rig[1].notified));
	rig[1].atok[1].appl_need_kick = 1;
	send_held(3 * PTN_BATCH);
	assert_true(rig[1].notified[vector] > 0);
	ptn_port_release(rig[0].port, 0, work);
}

static void arming_sees_what_came_meanwhile(void **state)
{
	char frame[LEN];

	(void)state;
	assert_true(ptn_port_arm(rig[0].port, 0));
	assert_int_equal(rig[0].ktoa[0].kern_need_kick, 1);
	rig_frame(frame, LEN, BROADCAST, mac_of(0), 1);
	rig_send(&rig[0], frame, LEN, 2048);
	assert_false(ptn_port_arm(rig[0].port, 0));
	assert_int_equal(rig[0].ktoa[0].kern_need_kick, 0);
}

static int mixed_buffers(void **state)
{
	(void)state;
	open_ports(1, &(struct rig_params){1, 64, 2048, 0});
	rig_open(&rig[1], "small", &(struct rig_params){1, 64, 256, 0});
	assert_int_equal(ptn_vale_attach(vale, rig[1].port), 0);
	n_ports = 2;
	return 0;
}

static void smaller_buffers_get_more_fragments(void **state)
{
	unsigned char frame[6000], got[6000];

	(void)state;
	learn_all();
	for (u32 len = 14; len < 6000; len += 211) {
		rig_frame(frame, len, mac_of(1), mac_of(0), 0);
		for (u32 i = 12; i < len; i++)
			frame[i] = (u8)(i * 3 + len);
		assert_true(rig_send(&rig[0], frame, len, 2048));
		sync_all();
		assert_int_equal(rig_recv(&rig[1], 0, got, sizeof(got)), len);
		assert_memory_equal(frame, got, len);
	}
}

static int short_ring(void **state)
{
	(void)state;
	open_ports(1, &(struct rig_params){1, 128, 64, 0});
	rig_open(&rig[1], "short", &(struct rig_params){1, 16, 65536, 0});
	assert_int_equal(ptn_vale_attach(vale, rig[1].port), 0);
	n_ports = 2;
	return 0;
}

static void many_fragments_fit_into_few_large_buffers(void **state)
{
	unsigned char frame[4096], got[4096];

	(void)state;
	learn_all();
	for (u32 len = 64; len <= 4096; len += 448) {
		rig_frame(frame, len, mac_of(1), mac_of(0), 0);
		for (u32 i = 12; i < len; i++)
			frame[i] = (u8)(i * 3 + len);
		assert_true(rig_send(&rig[0], frame, len, 64));
		sync_all();
		assert_int_equal(rig_recv(&rig[1], 0, got, sizeof(got)), len);
		assert_memory_equal(frame, got, len);
	}
}

static void random_traffic_is_conserved(void **state)
{
	unsigned char frame[1500], got[4096];
	u64 sent = 0, rx = 0, drops = 0, sw[PTN_SWC_MAX + 1];

	(void)state;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		const u32 from = (u32)random() % n_ports;
		const u32 to = (u32)random() % (n_ports + 2);
		const u32 len = 1 + (u32)random() % sizeof(frame);

		rig_frame(frame, len, to < n_ports ? mac_of(to) : BROADCAST,
			  mac_of(from), (u8)i);
		sent += rig_send(&rig[from], frame, len,
				 64 + (u32)random() % 600);
		if (random() % 3)
			ptn_port_sync(rig[from].port, 0, work);
		if (!(random() % 4))
			rx += rig_recv(&rig[(u32)random() % n_ports], 0, got,
				       sizeof(got)) >= 0;
	}
	sync_all();
	for (u32 i = 0; i < n_ports; i++) {
		while (rig_recv(&rig[i], 0, got, sizeof(got)) >= 0)
			rx++;
		drops += rig_drops(&rig[i]);
	}
	ptn_vale_counters(vale, sw);
	assert_int_equal(sent + sw[PTN_SWC_COPIES] - sw[PTN_SWC_FLOODED],
			 rx + drops);
	assert_true(drops > 0 && rx > 1000);
}

static void the_table_shows_and_ages(void **state)
{
	struct ptn_fdb_view view;
	u32 at = 0, n = 0;

	(void)state;
	learn_all();
	while (ptn_vale_fdb(vale, &at, &view)) {
		assert_non_null(view.port);
		assert_false(view.is_static);
		n++;
	}
	assert_int_equal(n, 3);
	ptn_vale_set_ageing(vale, 1);
	for (int i = 0; ptn_vale_fdb_used(vale) && i < 100; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
		ptn_vale_age(vale);
	}
	assert_int_equal(ptn_vale_fdb_used(vale), 0);
}

/* Numbered machines: their addresses differ in one byte only. */
static void neighbouring_addresses_do_not_crowd(void **state)
{
	enum { SEEDS = 16, STATIONS = 64, SIZE = 1024 };
	const struct ptn_vale_params params = {"numbered", SIZE, 0};

	(void)state;
	for (int i = 0; i < SEEDS * 6; i++) {
		struct ptn_vale *v;

		assert_int_equal(ptn_vale_new(&v, &params), 0);
		ptn_vale_detach(rig[0].port);
		assert_int_equal(ptn_vale_attach(v, rig[0].port), 0);
		for (int k = 0; k < STATIONS; k++) {
			u8 mac[6] = {2, 0, 0, 0, 0, 0};

			mac[i % 6] |= (u8)(4 * k);
			assert_int_equal(ptn_vale_static(v, mac, rig[0].port),
					 0);
		}
		ptn_vale_detach(rig[0].port);
		assert_int_equal(ptn_vale_attach(vale, rig[0].port), 0);
		ptn_vale_free(v);
	}
}

static void thousands_of_ports_attach(void **state)
{
	enum { N = 4200 };
	const struct ptn_vale_params params = {"big", 8192, 0};
	const struct ptn_port_params pp = {
		.name = "x", .queues = 1, .slots = 16};
	static struct ptn_port *port[N];
	struct ptn_vale *v;

	(void)state;
	assert_int_equal(ptn_vale_new(&v, &params), 0);
	for (int i = 0; i < N; i++) {
		assert_int_equal(ptn_port_new(&port[i], &pp, NULL, NULL), 0);
		assert_int_equal(ptn_vale_attach(v, port[i]), 0);
		assert_int_equal(ptn_vale_attach(v, port[i]), -EBUSY);
	}
	assert_int_equal(ptn_vale_ports(v), N);
	for (int i = 0; i < N; i++) {
		ptn_vale_detach(port[i]);
		ptn_port_free(port[i]);
	}
	assert_int_equal(ptn_vale_ports(v), 0);
	ptn_vale_free(v);
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(three_ports, unknown_floods_known_goes_to_one),
		WITH(three_ports, an_address_moves_with_its_frames),
		WITH(three_ports, a_static_address_does_not_move),
		WITH(three_ports, a_stopped_port_is_forgotten),
		WITH(three_ports, frames_to_oneself_and_too_short_are_counted),
		WITH(three_ports, a_full_receiver_drops_and_order_holds),
		WITH(three_ports, fragments_arrive_whole),
		WITH(three_ports, a_frame_waits_for_its_last_fragment),
		WITH(three_ports, endless_chains_are_dropped),
		WITH(three_ports, bad_slots_are_dropped_by_reason),
		WITH(three_ports, a_head_outside_the_window_is_a_fault),
		WITH(three_ports, a_sleeping_receiver_is_notified_once),
		WITH(two_large_rings, held_notifications_come_with_the_release),
		WITH(two_large_rings,
		     a_receiver_that_fills_up_is_not_kept_waiting),
		WITH(three_ports, arming_sees_what_came_meanwhile),
		WITH(mixed_buffers, smaller_buffers_get_more_fragments),
		WITH(short_ring, many_fragments_fit_into_few_large_buffers),
		WITH(three_ports, random_traffic_is_conserved),
		WITH(three_ports, the_table_shows_and_ages),
		WITH(three_ports, neighbouring_addresses_do_not_crowd),
		cmocka_unit_test(thousands_of_ports_attach),
	};

	return cmocka_run_group_tests_name("vale", tests, NULL, NULL);
}
