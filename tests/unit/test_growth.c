/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions that grow, and move to other addresses while frames arrive.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/nif.h"
#include "engine/os/os.h"
#include "unit/rig.h"

enum { PORTS = 40, LEN = 60 };

static const struct ptn_port_params params = {
	.name = "p",
	.queues = 1,
	.slots = 32,
	.extra_bufs = 2,
};

/* Memory that is mapped anew whenever there is more of it. */
struct memory {
	struct ptn_region *region;
	int fd;
	size_t size;
	char *mem;
	u32 limit; /* buffers */
	u32 moved;
};

/*
 * By the bare call: ThreadSanitizer takes mmap() for a write to all of it, and
 * knows no order of that and of who was shown the address.
 */
static void map_again(struct memory *m)
{
	const long at = syscall(SYS_mmap, NULL, m->size, PROT_READ | PROT_WRITE,
				MAP_SHARED, m->fd, 0);

	assert_int_not_equal(at, -1);
	m->mem = (char *)at;
}

static void move_region(struct memory *m, const u32 count[3])
{
	char *old = m->mem;

	map_again(m);
	ptn_region_reach(m->region, m->mem, count);
	munmap(old, m->size);
	m->moved++;
}

static int grow(void *home, const u32 count[3])
{
	struct memory *m = home;

	if (count[2] > m->limit)
		return -ENOMEM;
	move_region(m, count);
	return 0;
}

static void open_memory(struct memory *m, u32 ports)
{
	static const u32 nothing[3] = {0, 0, NM_BUF_RESERVED};
	struct ptn_shape shape;

	memset(m, 0, sizeof(*m));
	ptn_shape_for_params(&shape, &params, 256);
	shape.if_count = ports;
	shape.ring_count *= ports;
	shape.buf_count =
		(shape.buf_count - NM_BUF_RESERVED) * ports + NM_BUF_RESERVED;
	m->limit = shape.buf_count;
	m->size = ptn_shape_bytes(&shape);
	m->fd = memfd_create("region", 0);
	assert_int_equal(ftruncate(m->fd, (off_t)m->size), 0);
	map_again(m);
	assert_int_equal(ptn_region_new(&m->region, m->mem, &shape), 0);
	ptn_region_grow_by(m->region, nothing, grow, m);
}

static void close_memory(struct memory *m)
{
	ptn_region_free(m->region);
	munmap(m->mem, m->size);
	close(m->fd);
}

static void open_in(struct rig *g, struct memory *m)
{
	struct rig host = {.region = m->region, .region_mem = m->mem};

	rig_open_port(g, &params, 256, &host);
}

/* What a program maps anew as well. */
static void follow(struct rig *g, const struct memory *m)
{
	g->region_mem = m->mem;
	g->nifp = (void *)(m->mem + ptn_port_nifp_ofs(g->port));
}

static void it_grows_with_what_is_taken(void **state)
{
	struct rig rig[PORTS];
	struct ptn_port *one_more;
	struct ptn_census c;
	struct memory m;

	(void)state;
	open_memory(&m, PORTS);
	m.limit = m.limit / 2 + 1;
	for (u32 i = 0; i < PORTS / 2; i++)
		open_in(&rig[i], &m);
	assert_int_equal(m.moved, PORTS / 2);
	assert_int_equal(ptn_port_new(&one_more, &params, NULL, NULL), 0);
	assert_int_equal(ptn_port_open(one_more, m.region, rig[0].atok,
				       rig[0].ktoa),
			 -ENOMEM);
	/* what was given back needs no growing */
	rig_close(&rig[3], NULL);
	open_in(&rig[3], &m);
	assert_int_equal(m.moved, PORTS / 2);
	m.limit *= 2;
	for (u32 i = PORTS / 2; i < PORTS; i++)
		open_in(&rig[i], &m);
	assert_int_equal(ptn_port_open(one_more, m.region, rig[0].atok,
				       rig[0].ktoa),
			 -ENOMEM);
	for (u32 i = 0; i < PORTS; i++) {
		follow(&rig[i], &m);
		assert_int_equal(rig[i].nifp->ni_version, NETMAP_API);
		assert_int_equal(rig_tx(&rig[i], 0)->num_slots, 32);
	}
	for (u32 i = 0; i < PORTS; i++)
		rig_close(&rig[i], NULL);
	ptn_region_census(m.region, &c);
	assert_int_equal(c.free, c.buffers);
	assert_int_equal(c.lost + c.twice, 0);
	ptn_port_free(one_more);
	close_memory(&m);
}

/* A sender of another region, who knows nothing of all that. */

static u32 ending;

static void *sender(void *arg)
{
	struct rig *g = arg;
	struct ptn_work *w = ptn_work_new();
	char frame[LEN];

	os_thread_register();
	for (u32 i = 0; !ptn_load_acquire(ending); i++) {
		rig_frame(frame, LEN, 0xffffffffffffULL, 0x02, (u8)i);
		memcpy(frame + 20, &i, sizeof(i));
		rig_send(g, frame, LEN, 256);
		ptn_port_sync(g->port, 0, w);
		os_quiescent();
	}
	os_thread_unregister();
	ptn_work_free(w);
	return NULL;
}

static void frames_arrive_while_it_moves(void **state)
{
	const struct ptn_vale_params v = {"vale0", 64, 0};
	const u32 all[3] = {2, 4, 134};
	struct rig to, from;
	struct ptn_vale *vale;
	struct memory m;
	pthread_t thread;
	u32 got = 0, last = 0;

	(void)state;
	ending = 0;
	open_memory(&m, 2);
	open_in(&to, &m);
	rig_open_port(&from, &params, 256, NULL);
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	assert_int_equal(ptn_vale_attach(vale, to.port), 0);
	assert_int_equal(ptn_vale_attach(vale, from.port), 0);
	follow(&to, &m);
	pthread_create(&thread, NULL, sender, &from);
	while (m.moved < 200 || got < 20000) {
		unsigned char frame[LEN];
		u32 i;

		if (!(rand() % 32)) {
			move_region(&m, all);
			follow(&to, &m);
		}
		while (rig_recv(&to, 0, frame, sizeof(frame)) == LEN) {
			memcpy(&i, frame + 20, sizeof(i));
			assert_true(!got || i > last);
			for (u32 at = 24; at < LEN; at++)
				assert_int_equal(frame[at], (u8)i);
			last = i;
			got++;
		}
		sched_yield();
	}
	ptn_store_release(ending, 1);
	pthread_join(thread, NULL);
	assert_int_equal(rig_count(&from, PTN_C_TX_FRAMES),
			 rig_count(&to, PTN_C_RX_FRAMES) + rig_drops(&to));
	assert_int_equal(to.faults, 0);
	rig_close(&to, ptn_vale_detach);
	rig_close(&from, ptn_vale_detach);
	ptn_vale_free(vale);
	close_memory(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_with_what_is_taken),
		cmocka_unit_test(frames_arrive_while_it_moves),
	};

	return cmocka_run_group_tests_name("growth", tests, NULL, NULL);
}
