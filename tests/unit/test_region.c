/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions that are there only in part, and grow under the ports that use them
 * to another address.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/os/os.h"
#include "unit/rig.h"

enum { LEN = 60 };

static const struct rig_params params = {1, 64, 2048, 4};
static struct ptn_shape shape;
static struct ptn_region *region;
static char *mem, *shown; /* by the region; as programs see it */
static int file, grown, refusal;
static u32 asked[3];

static void *map(void)
{
	void *m = mmap(NULL, ptn_shape_bytes(&shape), PROT_READ | PROT_WRITE,
		       MAP_SHARED, file, 0);

	assert_ptr_not_equal(m, MAP_FAILED);
	return m;
}

/* The old address is closed at once: a stale pointer does not survive. */
static int grow(void *home, const u32 count[3])
{
	char *old = mem;

	assert_ptr_equal(home, &grown);
	memcpy(asked, count, sizeof(asked));
	if (refusal)
		return refusal;
	mem = map();
	ptn_region_reach(region, mem, count);
	munmap(old, ptn_shape_bytes(&shape));
	grown++;
	return 0;
}

static int setup(void **state)
{
	struct ptn_shape one;
	u32 there[3];

	(void)state;
	ptn_shape_for_port(&one, params.queues, params.slots, params.buf_size,
			   params.extra);
	shape = one;
	shape.if_count = 8;
	shape.ring_count *= 2;
	shape.buf_count = 2 * one.buf_count + 8;
	file = memfd_create("region", 0);
	assert_int_equal(ftruncate(file, (off_t)ptn_shape_bytes(&shape)), 0);
	mem = map();
	shown = map();
	assert_int_equal(ptn_region_new(&region, mem, &shape), 0);
	there[0] = one.if_count;
	there[1] = one.ring_count;
	there[2] = one.buf_count;
	grown = 0;
	refusal = 0;
	ptn_region_grow_by(region, there, grow, &grown);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ptn_region_free(region);
	munmap(mem, ptn_shape_bytes(&shape));
	munmap(shown, ptn_shape_bytes(&shape));
	close(file);
	return 0;
}

static void frames_pass_before_and_after(void **state)
{
	struct ptn_work *work = ptn_work_new();
	struct ptn_pipe *pipe;
	char frame[LEN], got[LEN];
	struct rig a, b;

	(void)state;
	assert_int_equal(ptn_pipe_new(&pipe, "p0"), 0);
	rig_open_in(&a, "a", &params, region, shown);
	assert_int_equal(grown, 0);
	assert_int_equal(ptn_pipe_attach(pipe, 0, a.port), 0);
	rig_frame(frame, LEN, 1, 2, 'x');
	assert_true(rig_send(&a, frame, LEN, LEN));
	rig_open_in(&b, "b", &params, region, shown);
	assert_int_equal(grown, 1);
	assert_int_equal(asked[0], 2);
	assert_int_equal(asked[1], 4);
	assert_int_equal(asked[2], 2 + 2 * (128 + 4));
	assert_int_equal(ptn_pipe_attach(pipe, 1, b.port), 0);
	assert_int_equal(ptn_port_sync(a.port, 0, work), 1);
	assert_int_equal(rig_recv(&b, 0, got, LEN), LEN);
	assert_memory_equal(got, frame, LEN);
	rig_close(&b, ptn_pipe_detach);
	rig_open_in(&b, "b", &params, region, shown);
	assert_int_equal(grown, 1); /* what came back is taken again */
	rig_close(&b, ptn_pipe_detach);
	rig_close(&a, ptn_pipe_detach);
	ptn_pipe_free(pipe);
	ptn_work_free(work);
}

static void a_refusal_changes_nothing(void **state)
{
	static struct nm_csb_atok atok[2];
	static struct nm_csb_ktoa ktoa[2];
	const struct ptn_port_params pp = {
		.name = "b",
		.queues = 1,
		.slots = 64,
	};
	static const struct ptn_port_ops ops;
	struct ptn_census census;
	struct ptn_port *port;
	struct rig a;

	(void)state;
	rig_open_in(&a, "a", &params, region, shown);
	assert_int_equal(ptn_port_new(&port, &pp, &ops, NULL), 0);
	refusal = -ENOMEM;
	assert_int_equal(ptn_port_open(port, region, atok, ktoa), -ENOMEM);
	ptn_region_census(region, &census);
	assert_int_equal(census.slots, 128);
	assert_int_equal(census.lost + census.twice, 0);
	refusal = 0;
	assert_int_equal(ptn_port_open(port, region, atok, ktoa), 0);
	ptn_port_close(port);
	ptn_port_free(port);
	rig_close(&a, NULL);
}

/* A buffer that is not there is no buffer, whoever names it. */
static void what_is_not_there_is_not_touched(void **state)
{
	const struct ptn_vale_params vp = {.name = "vale0", .fdb_size = 64};
	struct ptn_work *work = ptn_work_new();
	char frame[LEN];
	struct ptn_vale *v;
	struct rig a;

	(void)state;
	rig_frame(frame, LEN, ~0ull, 2, 'x');
	rig_open_in(&a, "a", &params, region, shown);
	assert_int_equal(ptn_vale_new(&v, &vp), 0);
	assert_int_equal(ptn_vale_attach(v, a.port), 0);
	assert_true(rig_send(&a, frame, LEN, LEN));
	rig_tx(&a, 0)->slot[0].buf_idx = shape.buf_count - 1;
	assert_int_equal(ptn_port_sync(a.port, 0, work), 1);
	assert_int_equal(rig_count(&a, PTN_C_DROP_BAD_BUFFER), 1);
	rig_close(&a, ptn_vale_detach);
	ptn_vale_free(v);
	ptn_work_free(work);
}

/* More than there will ever be is refused without asking. */
static void the_shape_is_the_end(void **state)
{
	(void)state;
	refusal = -EIO;
	assert_int_equal(ptn_region_reserve(region, 9, 0, 0), -ENOMEM);
	assert_int_equal(ptn_region_reserve(region, 0, 0, ~0u), -ENOMEM);
	assert_int_equal(ptn_region_reserve(region, 8, 0, 0), -EIO);
}

/* A worker that holds pointers until it is told to let go, or is patient no
 * longer. */
struct holder {
	pthread_t thread;
	int patience_ms;
	int holds, told; /* atomic */
};

static void *hold(void *arg)
{
	struct holder *h = arg;

	os_thread_register();
	ptn_store_release(h->holds, 1);
	for (int ms = 0; ms < h->patience_ms && !ptn_load(h->told); ms++)
		usleep(1000);
	ptn_store_release(h->holds, 0);
	os_thread_unregister();
	return NULL;
}

/* Whether it held on while a port that needs more memory was opened. */
static bool holds_through_open(int patience_ms)
{
	static struct nm_csb_atok atok[2];
	static struct nm_csb_ktoa ktoa[2];
	const struct ptn_port_params pp = {
		.name = "b",
		.queues = 1,
		.slots = 64,
		.extra_bufs = 8,
	};
	static const struct ptn_port_ops ops;
	struct holder h = {.patience_ms = patience_ms};
	struct ptn_port *port;
	bool held;

	assert_int_equal(ptn_port_new(&port, &pp, &ops, NULL), 0);
	assert_int_equal(pthread_create(&h.thread, NULL, hold, &h), 0);
	while (!ptn_load_acquire(h.holds))
		usleep(100);
	assert_int_equal(ptn_port_open(port, region, atok, ktoa), 0);
	held = ptn_load_acquire(h.holds);
	ptn_store(h.told, 1);
	pthread_join(h.thread, NULL);
	ptn_port_close(port);
	ptn_port_free(port);
	return held;
}

/* Memory that nobody sees yet grows without waiting for anybody. */
static void only_memory_in_use_waits(void **state)
{
	struct rig a;

	(void)state;
	assert_true(holds_through_open(10000));
	assert_int_equal(grown, 1);
	rig_open_in(&a, "a", &params, region, shown);
	assert_false(holds_through_open(200));
	rig_close(&a, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_pass_before_and_after,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_changes_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_there_is_not_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(the_shape_is_the_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_memory_in_use_waits, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
