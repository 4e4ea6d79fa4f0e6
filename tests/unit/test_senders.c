/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four senders, each synced by a thread of its own, into one receiver that
 * cannot keep up: nothing is lost but what is counted, each sender's frames
 * stay in order, and ports come and go meanwhile. Made for ThreadSanitizer.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/os/os.h"
#include "unit/rig.h"

enum { SENDERS = 4, FRAMES = 20000, LEN = 64 };

static const struct rig_params params = {1, 256, 2048, 0};
static struct ptn_vale *vale;
static struct rig sender[SENDERS], receiver;
static const u64 DST = 0x990000000002ULL;
static u32 done;

static void *send_all(void *arg)
{
	struct rig *g = arg;
	const u32 id = (u32)(g - sender);
	struct ptn_work *w = ptn_work_new();
	char frame[LEN];

	os_thread_register();
	for (u32 i = 0; i < FRAMES;) {
		rig_frame(frame, LEN, DST, 0x020000000002ULL + id, 0);
		memcpy(frame + 20, &id, 4);
		memcpy(frame + 24, &i, 4);
		i += rig_send(g, frame, LEN, 2048);
		if (i % 7 == 0 || i == FRAMES)
			ptn_port_sync(g->port, 0, w);
		os_quiescent();
	}
	while (ptn_port_sync(g->port, 0, w))
		;
	os_thread_unregister();
	ptn_work_free(w);
	__atomic_add_fetch(&done, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

static u64 receive_all(void)
{
	u32 next[SENDERS] = {0};
	u64 got = 0;
	char frame[2048];

	for (;;) {
		const bool last = ptn_load_acquire(done) == SENDERS;
		u32 id, i;

		if (rig_recv(&receiver, 0, frame, sizeof(frame)) < 0) {
			if (last)
				return got;
			sched_yield();
			continue;
		}
		memcpy(&id, frame + 20, 4);
		memcpy(&i, frame + 24, 4);
		assert_true(id < SENDERS && i >= next[id]);
		next[id] = i + 1;
		got++;
	}
}

/* Ports that start, stop and join while frames flow. */
static void *disturb(void *arg)
{
	(void)arg;
	while (ptn_load_acquire(done) < SENDERS) {
		struct rig g;

		rig_open(&g, "guest", &params);
		ptn_vale_attach(vale, g.port);
		ptn_vale_age(vale);
		rig_close(&g, ptn_vale_detach);
	}
	return NULL;
}

static void overload_is_conserved_and_in_order(void **state)
{
	const struct ptn_vale_params v = {"vale0", 64, 300000};
	static const u8 mac[6] = {2, 0, 0, 0, 0, 0x99};
	pthread_t thread[SENDERS + 1];
	u64 got, sent = 0, drops = 0;

	(void)state;
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	rig_open(&receiver, "rx", &params);
	ptn_vale_attach(vale, receiver.port);
	ptn_vale_static(vale, mac, receiver.port);
	for (int i = 0; i < SENDERS; i++) {
		rig_open(&sender[i], "tx", &params);
		ptn_vale_attach(vale, sender[i].port);
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_create(&thread[i], NULL, send_all, &sender[i]);
	pthread_create(&thread[SENDERS], NULL, disturb, NULL);
	got = receive_all();
	for (int i = 0; i <= SENDERS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < SENDERS; i++) {
		sent += rig_count(&sender[i], PTN_C_TX_FRAMES);
		drops += rig_drops(&sender[i]);
	}
	drops += rig_drops(&receiver);
	assert_int_equal(sent, (u64)SENDERS * FRAMES);
	assert_int_equal(sent, got + drops);
	assert_true(got > 0);
	for (int i = 0; i < SENDERS; i++)
		rig_close(&sender[i], ptn_vale_detach);
	rig_close(&receiver, ptn_vale_detach);
	ptn_vale_free(vale);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overload_is_conserved_and_in_order),
	};

	return cmocka_run_group_tests_name("senders", tests, NULL, NULL);
}
