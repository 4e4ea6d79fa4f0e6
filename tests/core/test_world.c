/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only a made-up world can show: hours pass at once, memory runs out at
 * every allocation, a sender stalls in the middle of a copy.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/nif.h"
#include "unit/rig.h"

enum { LEN = 60 };

static const struct rig_params small = {1, 64, 2048, 0};
static const u64 BROADCAST = 0xffffffffffffULL;

static u64 mac_of(u32 port)
{
	return 0x0200 + ((u64)port << 24);
}

static struct ptn_vale *new_vale(u32 fdb_size, u32 ageing_ms)
{
	const struct ptn_vale_params p = {"vale0", fdb_size, ageing_ms};
	struct ptn_vale *v;

	assert_int_equal(ptn_vale_new(&v, &p), 0);
	return v;
}

static void send_mark(struct rig *g, u64 dst, u64 src, u8 mark)
{
	char frame[LEN];

	rig_frame(frame, LEN, dst, src, mark);
	assert_true(rig_send(g, frame, LEN, 2048));
}

static int mark_at(struct rig *g)
{
	unsigned char frame[4096];
	int len = rig_recv(g, 0, frame, sizeof(frame));

	return len < 0 ? -1 : frame[len - 1];
}

/* Time */

static void addresses_age_unless_seen_or_static(void **state)
{
	struct ptn_vale *v = new_vale(64, 300000);
	struct ptn_work *w = ptn_work_new();
	const u64 pinned = mac_of(7);
	struct rig a, b;
	u8 mac[6];

	(void)state;
	rig_open(&a, "a", &small);
	rig_open(&b, "b", &small);
	ptn_vale_attach(v, a.port);
	ptn_vale_attach(v, b.port);
	memcpy(mac, &pinned, 6);
	ptn_vale_static(v, mac, b.port);
	send_mark(&a, BROADCAST, mac_of(0), 0);
	send_mark(&a, BROADCAST, mac_of(1), 0);
	ptn_port_sync(a.port, 0, w);
	assert_int_equal(ptn_vale_fdb_used(v), 3);
	for (int i = 0; i < 3600; i++) {
		test_now_ms += 1000;
		ptn_vale_age(v);
		if (i % 60 == 0) {
			send_mark(&a, BROADCAST, mac_of(0), 0);
			ptn_port_sync(a.port, 0, w);
			mark_at(&b);
		}
		if (i < 298 || i > 301)
			assert_int_equal(ptn_vale_fdb_used(v), i < 300 ? 3 : 2);
	}
	rig_close(&a, ptn_vale_detach);
	rig_close(&b, ptn_vale_detach);
	assert_int_equal(ptn_vale_fdb_used(v), 0);
	ptn_vale_free(v);
	ptn_work_free(w);
}

/* A set of eight: the oldest gives way, and comes back when it is seen. */
static void collisions_evict_the_oldest_and_relearn(void **state)
{
	struct ptn_vale *v = new_vale(64, 0);
	struct ptn_work *w = ptn_work_new();
	u64 count[PTN_SWC_MAX + 1];
	struct rig a, b;

	(void)state;
	rig_open(&a, "a", &small);
	rig_open(&b, "b", &small);
	ptn_vale_attach(v, a.port);
	ptn_vale_attach(v, b.port);
	for (u32 i = 0; i < 1000; i++) {
		test_now_ms += 1000;
		ptn_vale_age(v);
		send_mark(&a, BROADCAST, mac_of(i), 1);
		ptn_port_sync(a.port, 0, w);
		while (mark_at(&b) >= 0)
			;
		/* whatever was evicted, the newest is known */
		send_mark(&b, mac_of(i), mac_of(2000), 2);
		ptn_port_sync(b.port, 0, w);
		assert_int_equal(mark_at(&a), 2);
	}
	ptn_vale_counters(v, count);
	assert_int_equal(ptn_vale_fdb_used(v), 64);
	assert_true(count[PTN_SWC_EVICTED] >= 1000 - 64);

	rig_close(&a, ptn_vale_detach);
	rig_close(&b, ptn_vale_detach);
	ptn_vale_free(v);
	ptn_work_free(w);
}

/* Memory */

static const struct ptn_port_ops no_ops = {0};

/* The life of a switch with a port; stops at the first failure. */
static int one_life(void *mem, const struct ptn_shape *shape)
{
	static struct nm_csb_atok atok[4];
	static struct nm_csb_ktoa ktoa[4];
	const struct ptn_vale_params vp = {"vale0", 64, 0};
	const struct ptn_port_params pp = {
		.name = "p",
		.queues = 2,
		.slots = 64,
		.extra_bufs = 8,
	};
	struct ptn_region *region = NULL;
	struct ptn_vale *vale = NULL;
	struct ptn_port *port = NULL;
	struct ptn_work *work = NULL;
	struct ptn_nif *nif = NULL;
	const struct ptn_nif_params np = {"second", 1, 1, 4, true};
	int err;

	err = ptn_region_new(&region, mem, shape);
	if (!err)
		err = ptn_vale_new(&vale, &vp);
	if (!err)
		err = ptn_port_new(&port, &pp, &no_ops, NULL);
	if (!err)
		err = ptn_vale_attach(vale, port);
	if (!err)
		err = ptn_port_open(port, region, atok, ktoa);
	if (!err)
		err = ptn_nif_new(&nif, port, &np);
	if (!err)
		err = (work = ptn_work_new()) ? 0 : -ENOMEM;
	ptn_nif_free(nif);
	if (port) {
		ptn_port_close(port);
		ptn_vale_detach(port);
	}
	ptn_port_free(port);
	ptn_vale_free(vale);
	ptn_region_free(region);
	ptn_work_free(work);
	return err;
}

static void every_allocation_may_fail(void **state)
{
	struct ptn_shape shape;
	int failed = 0;
	void *mem;

	(void)state;
	ptn_shape_for_port(&shape, 2, 64, 2048, 12);
	shape.if_count = 2;
	mem = calloc(1, ptn_shape_bytes(&shape) + 4096);
	assert_non_null(mem);
	for (int budget = 0;; budget++) {
		int err;

		test_alloc_budget = budget;
		err = one_life((void *)(((uintptr_t)mem + 4095) & ~4095ul),
			       &shape);
		test_alloc_budget = -1;
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		failed++;
	}
	assert_true(failed >= 12);
	free(mem);
}

static void a_region_too_small_refuses_and_keeps_all(void **state)
{
	static struct nm_csb_atok atok[4];
	static struct nm_csb_ktoa ktoa[4];
	const struct ptn_port_params pp = {
		.name = "p",
		.queues = 2,
		.slots = 64,
		.extra_bufs = 8,
	};
	struct ptn_shape shape;
	struct ptn_region *region;
	struct ptn_census census;
	struct ptn_port *port;
	void *mem;

	(void)state;
	ptn_shape_for_port(&shape, 2, 64, 2048, 7); /* one buffer short */
	mem = calloc(1, ptn_shape_bytes(&shape));
	assert_int_equal(ptn_region_new(&region, mem, &shape), 0);
	assert_int_equal(ptn_port_new(&port, &pp, &no_ops, NULL), 0);
	assert_int_equal(ptn_port_open(port, region, atok, ktoa), -ENOMEM);
	ptn_region_census(region, &census);
	assert_int_equal(census.free, census.buffers);
	assert_int_equal(census.lost + census.twice, 0);
	ptn_port_free(port);
	ptn_region_free(region);
	free(mem);
}

/* Stalls */

static sem_t stalled, go_on;
static __thread bool stalls;

static void stall(void)
{
	if (!stalls)
		return;
	stalls = false;
	sem_post(&stalled);
	sem_wait(&go_on);
}

static void *stalling_sender(void *arg)
{
	struct rig *g = arg;
	struct ptn_work *w = ptn_work_new();

	stalls = true;
	ptn_port_sync(g->port, 0, w);
	ptn_work_free(w);
	return NULL;
}

static void a_stalled_sender_blocks_nobody(void **state)
{
	struct ptn_vale *v = new_vale(64, 0);
	struct ptn_work *w = ptn_work_new();
	struct rig a, b, to;
	pthread_t thread;
	const u64 dst = mac_of(9);
	u8 mac[6];

	(void)state;
	sem_init(&stalled, 0, 0);
	sem_init(&go_on, 0, 0);
	rig_open(&a, "a", &small);
	rig_open(&b, "b", &small);
	rig_open(&to, "to", &small);
	ptn_vale_attach(v, a.port);
	ptn_vale_attach(v, b.port);
	ptn_vale_attach(v, to.port);
	memcpy(mac, &dst, 6);
	ptn_vale_static(v, mac, to.port);
	for (u8 i = 0; i < 5; i++)
		send_mark(&a, dst, mac_of(0), (u8)(100 + i));
	ptn_store(test_in_copy, stall);
	pthread_create(&thread, NULL, stalling_sender, &a);
	sem_wait(&stalled);

	/* more than the ring holds, many times over, while a is stuck */
	for (u32 i = 0; i < 1000; i++) {
		send_mark(&b, dst, mac_of(1), (u8)(i % 100));
		ptn_port_sync(b.port, 0, w);
		assert_int_equal(mark_at(&to), i % 100);
	}
	sem_post(&go_on);
	pthread_join(thread, NULL);
	ptn_store(test_in_copy, NULL);
	for (u8 i = 0; i < 5; i++)
		assert_int_equal(mark_at(&to), 100 + i);
	assert_int_equal(mark_at(&to), -1);
	assert_int_equal(rig_drops(&to), 0);
	rig_close(&a, ptn_vale_detach);
	rig_close(&b, ptn_vale_detach);
	rig_close(&to, ptn_vale_detach);
	ptn_vale_free(v);
	ptn_work_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_age_unless_seen_or_static),
		cmocka_unit_test(collisions_evict_the_oldest_and_relearn),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(a_region_too_small_refuses_and_keeps_all),
		cmocka_unit_test(a_stalled_sender_blocks_nobody),
	};

	return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
