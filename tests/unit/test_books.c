/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs of one region exchange buffers between all that they have open:
 * ports of a switch, ends of a pipe, extra lists. Whoever closes takes along
 * what he shows, and nothing that another one does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/nif.h"
#include "core/ring.h"
#include "unit/rig.h"

enum { PORTS = 6, PIPE_A = 4, SLOTS = 16, EXTRA = 5, LEN = 60 };
enum { TX = PTN_VECTOR_TX(0), RX = PTN_VECTOR_RX(0), BUFS = 2000 };

static struct rig all, rig[PORTS];
static bool open_[PORTS];
static u32 extra[PORTS][EXTRA];
static u32 n_extra[PORTS];
static struct ptn_vale *vale;
static struct ptn_pipe *pipe_;
static struct ptn_work *work;
static unsigned seed;

static const struct ptn_port_params params = {
	.name = "p",
	.queues = 1,
	.slots = SLOTS,
	.extra_bufs = EXTRA,
};

static bool on_pipe(u32 i)
{
	return i >= PIPE_A;
}

static void read_list(struct rig *g, const struct netmap_if *nif, u32 *list)
{
	u32 at = nif->ni_bufs_head;

	for (u32 i = 0; at && i < EXTRA; i++) {
		list[i] = at;
		memcpy(&at, rig_buf(rig_tx(g, 0), at), 4);
	}
	assert_int_equal(at, 0);
}

/* As a program leaves it at the end. */
static void write_list(struct rig *g, struct netmap_if *nif, const u32 *list)
{
	if (!nif->ni_bufs_head)
		return;
	nif->ni_bufs_head = list[0];
	for (u32 i = 0; i < EXTRA; i++) {
		const u32 next = i + 1 < EXTRA ? list[i + 1] : 0;

		memcpy(rig_buf(rig_tx(g, 0), list[i]), &next, 4);
	}
}

static void open_port(u32 i)
{
	struct ptn_port_params p = params;
	struct rig *g = &rig[i];

	n_extra[i] = p.extra_bufs = i % 2 ? 0 : EXTRA;
	rig_open_port(g, &p, 256, &all);
	if (on_pipe(i))
		ptn_pipe_attach(pipe_, i - PIPE_A, g->port);
	else
		ptn_vale_attach(vale, g->port);
	read_list(g, g->nifp, extra[i]);
	open_[i] = true;
}

static void close_port(u32 i)
{
	write_list(&rig[i], rig[i].nifp, extra[i]);
	rig_close(&rig[i], on_pipe(i) ? ptn_pipe_detach : ptn_vale_detach);
	open_[i] = false;
}

static int setup(void **state)
{
	const struct ptn_vale_params v = {"vale0", 64, 0};
	struct ptn_shape shape;

	(void)state;
	seed = 7;
	work = ptn_work_new();
	ptn_shape_for_params(&shape, &params, 256);
	shape.if_count = PORTS + 1;
	shape.ring_count *= PORTS;
	shape.buf_count = BUFS;
	rig_open_region(&all, &shape);
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	assert_int_equal(ptn_pipe_new(&pipe_, "p"), 0);
	for (u32 i = 0; i < PORTS; i++)
		open_port(i);
	return 0;
}

static int teardown(void **state)
{
	struct ptn_census c;

	(void)state;
	for (u32 i = 0; i < PORTS; i++)
		if (open_[i])
			close_port(i);
	ptn_region_census(all.region, &c);
	assert_int_equal(c.free, c.buffers);
	assert_int_equal(c.lost + c.twice, 0);
	ptn_vale_free(vale);
	ptn_pipe_free(pipe_);
	rig_close_region(&all);
	ptn_work_free(work);
	return 0;
}

/* Where a program may find a buffer of its own, and put another instead. */

static u32 *place_in_ring(struct netmap_ring *r)
{
	u32 at;

	if (!rig_space(r))
		return NULL;
	at = r->head + (u32)rand_r(&seed) % rig_space(r);
	return &r->slot[at % r->num_slots].buf_idx;
}

static u32 *any_place(void)
{
	const u32 i = (u32)rand_r(&seed) % PORTS;

	if (!open_[i])
		return NULL;
	switch (rand_r(&seed) % 3) {
	case 0:
		return n_extra[i] ? &extra[i][(u32)rand_r(&seed) % EXTRA]
				  : NULL;
	case 1:
		return place_in_ring(rig_tx(&rig[i], 0));
	}
	return place_in_ring(rig_rx(&rig[i], 0));
}

static void exchange(void)
{
	u32 *a = any_place(), *b = any_place(), was;

	if (!a || !b)
		return;
	was = *a;
	*a = *b;
	*b = was;
}

static void move_frames(u32 i)
{
	struct rig *g = &rig[i];
	struct netmap_ring *tx = rig_tx(g, 0), *rx = rig_rx(g, 0);

	for (u32 n = (u32)rand_r(&seed) % 6; n && rig_space(tx); n--) {
		struct netmap_slot *s = &tx->slot[tx->head];

		rig_frame(rig_buf(tx, s->buf_idx), LEN, 0xffffffffffffULL,
			  0x02 + ((u64)i << 40), (u8)i);
		s->len = LEN;
		s->flags = NS_BUF_CHANGED;
		tx->head = tx->cur = rig_next(tx, tx->head);
	}
	assert_int_equal(rig_call(g, TX, work), 0);
	for (u32 n = (u32)rand_r(&seed) % 6; n && rig_space(rx); n--)
		rx->head = rx->cur = rig_next(rx, rx->head);
	assert_int_equal(rig_call(g, RX, work), 0);
}

/* Once each, and none of them is free. */
static void see(u8 *seen, u32 idx)
{
	assert_in_range(idx, NM_BUF_RESERVED, BUFS - 1);
	assert_int_equal(seen[idx]++, 0);
	assert_int_not_equal(ptn_region_homes(all.region)[idx], PTN_HOME_FREE);
}

static void assert_nothing_is_shared(void)
{
	u8 seen[BUFS] = {0};
	struct ptn_census c;
	u64 n = 0;

	for (u32 i = 0; i < PORTS; i++) {
		if (!open_[i])
			continue;
		for (u32 s = 0; s < SLOTS; s++) {
			see(seen, rig_tx(&rig[i], 0)->slot[s].buf_idx);
			see(seen, rig_rx(&rig[i], 0)->slot[s].buf_idx);
		}
		for (u32 e = 0; e < n_extra[i]; e++)
			see(seen, extra[i][e]);
		n += 2 * SLOTS + n_extra[i];
	}
	ptn_region_census(all.region, &c);
	assert_int_equal(c.lost + c.twice, 0);
	assert_int_equal(c.slots + c.extra, n);
	assert_int_equal(c.free, c.buffers - n);
}

static void exchanged_buffers_survive_who_closes(void **state)
{
	(void)state;
	for (u32 round = 0; round < 20000; round++) {
		const u32 i = (u32)rand_r(&seed) % PORTS;

		for (u32 n = (u32)rand_r(&seed) % 8; n; n--)
			exchange();
		if (open_[i])
			move_frames(i);
		if (rand_r(&seed) % 8)
			continue;
		if (!open_[i]) {
			open_port(i);
		} else if (rand_r(&seed) % 4) {
			close_port(i);
		} else {
			write_list(&rig[i], rig[i].nifp, extra[i]);
			ptn_port_stop(rig[i].port);
			ptn_port_reset(rig[i].port);
			read_list(&rig[i], rig[i].nifp, extra[i]);
			ptn_port_start(rig[i].port);
		}
		assert_nothing_is_shared();
	}
	for (u32 i = 0; i < PORTS; i++)
		assert_int_equal(rig[i].faults, 0);
}

/* A second program of a port, with a list of its own, comes and goes. */
static void a_program_takes_its_list_along(void **state)
{
	const struct ptn_nif_params with = {"second", 1, 1, EXTRA, true};

	(void)state;
	close_port(5);
	for (u32 round = 0; round < 2000; round++) {
		struct netmap_if *nif;
		struct ptn_nif *n;

		assert_int_equal(ptn_nif_new(&n, rig[0].port, &with), 0);
		/* a place in the test's own books, as if it were a port */
		open_[5] = true;
		n_extra[5] = EXTRA;
		rig[5] = rig[4];
		nif = (void *)((char *)all.region_mem + ptn_nif_ofs(n));
		read_list(&rig[0], nif, extra[5]);
		for (u32 i = 0; i < 30; i++)
			exchange();
		write_list(&rig[0], nif, extra[5]);
		ptn_nif_free(n);
		open_[5] = false;
		assert_nothing_is_shared();
		move_frames(0);
		move_frames(1);
	}
}

/* Two slots that show one buffer: it is one's, and the other keeps his own. */
static void a_buffer_that_two_show_is_one_s(void **state)
{
	struct netmap_ring *a = rig_tx(&rig[0], 0), *b = rig_tx(&rig[1], 0);
	struct ptn_census c;

	(void)state;
	a->slot[3].buf_idx = b->slot[4].buf_idx;
	a->slot[5].buf_idx = 1;
	a->slot[6].buf_idx = BUFS - 1; /* free */
	a->slot[7].buf_idx = ~0u;
	close_port(0);
	ptn_region_census(all.region, &c);
	assert_int_equal(c.lost + c.twice, 0);
	close_port(1);
	ptn_region_census(all.region, &c);
	assert_int_equal(c.lost + c.twice, 0);
	assert_int_equal(c.slots + c.extra,
			 (PORTS - 2) * 2 * SLOTS + 2 * EXTRA);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exchanged_buffers_survive_who_closes),
		TEST(a_program_takes_its_list_along),
		TEST(a_buffer_that_two_show_is_one_s),
	};

	return cmocka_run_group_tests_name("books", tests, NULL, NULL);
}
