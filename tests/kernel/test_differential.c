// SPDX-License-Identifier: BSD-2-Clause
/*
 * One trace, two homes of the core: in this process, and in the kernel through
 * /dev/netmap. Frames of all sizes, fragments, broadcasts, frames for nobody,
 * buffers handed on, and slots and indices that are wrong. After each step
 * both answer the same, show the same in their rings, and have received the
 * same bytes in the same order; at the end they have counted the same.
 */
#include "abi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit/rig.h"
#include "world.h"

enum { PORTS = 4, QUEUES = 2, SLOTS = 64, BUF = 2048, STEPS = 6000 };

/* The trace */

enum what { PUT, SEND, RECEIVE, TAKE, FORWARD, STRAY, KINDS };

struct step {
	enum what what;
	unsigned port, queue;
	uint64_t seed; /* of all else */
};

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 8;
}

static uint32_t below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)(next(seed) % n);
}

static void record(struct step *trace, unsigned ports, uint64_t seed)
{
	static const enum what often[] = {PUT,	   PUT,	    PUT,  SEND, SEND,
					  SEND,	   RECEIVE, TAKE, TAKE, RECEIVE,
					  FORWARD, RECEIVE, TAKE, SEND};

	for (unsigned i = 0; i < STEPS; i++)
		trace[i] = (struct step){
			.what = below(&seed, 200)
					? often[below(&seed, COUNT(often))]
					: STRAY,
			.port = below(&seed, ports),
			.queue = below(&seed, QUEUES),
			.seed = next(&seed) | 1,
		};
}

/* The homes */

struct home {
	const char *name;
	struct netmap_ring *(*ring)(unsigned port, unsigned queue, bool tx);
	int (*sync)(unsigned port, unsigned queue, bool tx);
	void (*counters)(unsigned port, uint64_t out[PTN_C_MAX + 1]);
	/* buffers that slots with a wrong one had */
	uint32_t had[PORTS][QUEUES][SLOTS];
};

static struct rig rigs[PORTS];
static struct ptn_work *work;

static struct netmap_ring *core_ring(unsigned port, unsigned queue, bool tx)
{
	return tx ? rig_tx(&rigs[port], queue) : rig_rx(&rigs[port], queue);
}

static int core_sync(unsigned port, unsigned queue, bool tx)
{
	return rig_call(&rigs[port],
			tx ? PTN_VECTOR_TX(queue) : PTN_VECTOR_RX(queue), work);
}

static void core_counters(unsigned port, uint64_t out[PTN_C_MAX + 1])
{
	ptn_port_counters(rigs[port].port, out);
}

/* A descriptor for each pair of rings: a sync is of that one. */
static struct abi_port programs[PORTS][QUEUES];

static struct netmap_ring *kernel_ring(unsigned port, unsigned queue, bool tx)
{
	return tx ? abi_tx(&programs[port][queue], queue)
		  : abi_rx(&programs[port][queue], queue);
}

static int kernel_sync(unsigned port, unsigned queue, bool tx)
{
	const struct abi_port *p = &programs[port][queue];

	return tx ? abi_txsync(p) : abi_rxsync(p);
}

static void kernel_counters(unsigned port, uint64_t out[PTN_C_MAX + 1])
{
	world_port(programs[port][0].name, out);
}

static struct home homes[2];

/* Steps */

/* The slot has a buffer that it may have. */
static struct netmap_slot *good_slot(struct home *h, const struct step *s,
				     struct netmap_ring *r, uint32_t i)
{
	uint32_t *had = &h->had[s->port][s->queue][i];

	if (*had)
		r->slot[i].buf_idx = *had;
	*had = 0;
	return &r->slot[i];
}

/*
 * What is wrong with this slot, if anything. Not NS_INDIRECT: only the kernel
 * can fetch, and where it cannot, the buffer has been cleared.
 */
static void spoil(struct home *h, const struct step *s, struct netmap_ring *r,
		  uint32_t i, uint64_t *seed)
{
	static const uint32_t wrong[] = {0, 1, 0xffffffff, 0x7fffffff};
	struct netmap_slot *slot = &r->slot[i];
	const uint32_t kind = below(seed, 40);

	switch (kind) {
	case 0:
		slot->len = (uint16_t)below(seed, 14);
		break;
	case 1:
		slot->len = (uint16_t)(BUF + 1 + below(seed, 60000));
		break;
	case 2:
		h->had[s->port][s->queue][i] = slot->buf_idx;
		slot->buf_idx = wrong[below(seed, COUNT(wrong))];
		break;
	case 3:
		slot->flags |= NS_MOREFRAG;
		break;
	case 4:
		slot->flags |= NS_BUF_CHANGED | NS_REPORT;
		break;
	default:
		break;
	}
}

static void put_frame(struct home *h, const struct step *s,
		      struct netmap_ring *r, uint64_t *seed)
{
	uint32_t fragments = below(seed, 4) ? 1 : 2 + below(seed, 5);
	const unsigned to = below(seed, PORTS + 3);

	if (!below(seed, 50))
		fragments = SLOTS; /* has no end, or one too late */
	for (; fragments && abi_space(r); fragments--) {
		const uint32_t i = r->head, len = 26 + below(seed, 1600);
		struct netmap_slot *slot = good_slot(h, s, r, i);

		abi_frame(abi_buf(r, slot->buf_idx), len,
			  to < PORTS + 1 ? to : TO_ALL, s->port, next(seed));
		slot->len = (uint16_t)len;
		slot->flags = fragments > 1 ? NS_MOREFRAG : 0;
		spoil(h, s, r, i, seed);
		r->head = r->cur = abi_next(r, i);
	}
}

static void put(struct home *h, const struct step *s, uint64_t seed)
{
	struct netmap_ring *r = h->ring(s->port, s->queue, true);

	for (uint32_t n = 1 + below(&seed, 12); n; n--)
		put_frame(h, s, r, &seed);
}

static void take(struct home *h, const struct step *s, uint64_t seed)
{
	struct netmap_ring *r = h->ring(s->port, s->queue, false);

	for (uint32_t n = below(&seed, SLOTS); n && abi_space(r); n--)
		r->head = r->cur = abi_next(r, r->head);
}

/* Without copying: what came goes out, and its slot gets the other's buffer. */
static void forward(struct home *h, const struct step *s, uint64_t seed)
{
	struct netmap_ring *rx = h->ring(s->port, s->queue, false);
	struct netmap_ring *tx = h->ring(s->port, s->queue, true);

	for (uint32_t n = below(&seed, 10); n && abi_space(rx) && abi_space(tx);
	     n--) {
		struct netmap_slot *from = &rx->slot[rx->head];
		struct netmap_slot *to = good_slot(h, s, tx, tx->head);
		const uint32_t idx = to->buf_idx;

		to->buf_idx = from->buf_idx;
		to->len = from->len;
		to->flags = NS_BUF_CHANGED | (from->flags & NS_MOREFRAG);
		from->buf_idx = idx;
		from->flags = NS_BUF_CHANGED;
		rx->head = rx->cur = abi_next(rx, rx->head);
		tx->head = tx->cur = abi_next(tx, tx->head);
	}
}

/* Indices that cannot be; the answer is an error, and the ring begins anew. */
static int stray(struct home *h, const struct step *s, uint64_t seed)
{
	const bool tx = below(&seed, 2);
	struct netmap_ring *r = h->ring(s->port, s->queue, tx);

	r->head = below(&seed, 2) ? r->tail + 1 : 0xffffff00;
	r->cur = below(&seed, 2) ? r->cur : (uint32_t)next(&seed);
	return h->sync(s->port, s->queue, tx);
}

static int perform(struct home *h, const struct step *s)
{
	switch (s->what) {
	case PUT:
		put(h, s, s->seed);
		return 0;
	case SEND:
		return h->sync(s->port, s->queue, true);
	case RECEIVE:
		return h->sync(s->port, s->queue, false);
	case TAKE:
		take(h, s, s->seed);
		return 0;
	case FORWARD:
		forward(h, s, s->seed);
		return 0;
	case STRAY:
		return stray(h, s, s->seed);
	case KINDS:
		break;
	}
	return -EINVAL;
}

/* Comparing */

static void same_ring(const struct step *s, bool tx)
{
	const struct netmap_ring *a = homes[0].ring(s->port, s->queue, tx);
	const struct netmap_ring *b = homes[1].ring(s->port, s->queue, tx);

	assert_int_equal(a->head, b->head);
	assert_int_equal(a->cur, b->cur);
	assert_int_equal(a->tail, b->tail);
	assert_int_equal(a->flags, b->flags);
}

/* Returns bytes compared. */
static uint64_t same_frames(const struct step *s)
{
	struct netmap_ring *a = homes[0].ring(s->port, s->queue, false);
	struct netmap_ring *b = homes[1].ring(s->port, s->queue, false);
	uint64_t bytes = 0;

	for (uint32_t i = a->head; i != a->tail; i = abi_next(a, i)) {
		assert_int_equal(a->slot[i].len, b->slot[i].len);
		assert_int_equal(a->slot[i].flags, b->slot[i].flags);
		assert_memory_equal(abi_buf(a, a->slot[i].buf_idx),
				    abi_buf(b, b->slot[i].buf_idx),
				    a->slot[i].len);
		bytes += a->slot[i].len;
	}
	return bytes;
}

static bool is_of_home(int counter)
{
	/* who is told, and when, is each home's own business */
	return counter == PTN_C_TX_KICKS || counter == PTN_C_RX_KICKS;
}

/* Returns how many frames were dropped. */
static uint64_t same_counters(unsigned port)
{
	uint64_t a[PTN_C_MAX + 1] = {0}, b[PTN_C_MAX + 1] = {0}, drops = 0;

	homes[0].counters(port, a);
	homes[1].counters(port, b);
	for (int i = 1; i <= PTN_C_MAX; i++) {
		if (!is_of_home(i) && a[i] != b[i])
			fail_msg("port %u, %s: %llu and %llu", port,
				 counter_name(i), (unsigned long long)a[i],
				 (unsigned long long)b[i]);
		if (counter_is_drop(i))
			drops += a[i];
	}
	assert_true(a[PTN_C_TX_FRAMES] > 0);
	assert_true(a[PTN_C_RX_FRAMES] > 0);
	return drops;
}

static void play(unsigned ports, uint64_t seed)
{
	static struct step trace[STEPS];
	uint64_t bytes = 0;

	record(trace, ports, seed);
	for (unsigned i = 0; i < STEPS; i++) {
		struct step *s = &trace[i];

		if (ports == 2)
			s->queue = 0;
		assert_int_equal(perform(&homes[0], s), perform(&homes[1], s));
		same_ring(s, true);
		same_ring(s, false);
		bytes += same_frames(s);
	}
	/* a trace without traffic compares nothing */
	assert_true(bytes > 1000000);
}

/* Rooms */

static int setup(void **state)
{
	(void)state;
	memset(homes, 0, sizeof(homes));
	homes[0] = (struct home){
		.name = "core",
		.ring = core_ring,
		.sync = core_sync,
		.counters = core_counters,
	};
	homes[1] = (struct home){
		.name = "kernel",
		.ring = kernel_ring,
		.sync = kernel_sync,
		.counters = kernel_counters,
	};
	work = ptn_work_new();
	return !work;
}

static int teardown(void **state)
{
	(void)state;
	ptn_work_free(work);
	world_forget();
	return 0;
}

static void open_program(const char *name, unsigned port, unsigned queue)
{
	abi_open_as(&programs[port][queue], name,
		    (struct nmreq_register){.nr_mode = NR_REG_ONE_NIC,
					    .nr_ringid = (uint16_t)queue,
					    .nr_tx_slots = SLOTS,
					    .nr_rx_slots = SLOTS,
					    .nr_tx_rings = QUEUES,
					    .nr_rx_rings = QUEUES});
}

static void open_ports(struct ptn_vale *vale)
{
	const struct rig_params params = {QUEUES, SLOTS, BUF, 0};

	for (unsigned i = 0; i < PORTS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "vale8:p%u", i);
		rig_open(&rigs[i], name, &params);
		assert_int_equal(ptn_vale_attach(vale, rigs[i].port), 0);
		for (unsigned q = 0; q < QUEUES; q++)
			open_program(name, i, q);
	}
}

static void same_switch(const struct ptn_vale *vale)
{
	uint64_t mine[PTN_SWC_MAX + 1];
	const struct switch_spec *sw;
	struct objects all;

	ptn_vale_counters(vale, mine);
	world_objects(&all);
	sw = objects_find_switch(&all, "vale8");
	assert_non_null(sw);
	assert_memory_equal(&mine[1],
			    &all.switch_status[sw - all.switches].counters[1],
			    PTN_SWC_MAX * sizeof(*mine));
	assert_true(mine[PTN_SWC_FLOODED] > 0);
	objects_fini(&all);
}

static void on_a_switch(void **state)
{
	const struct ptn_vale_params params = {"vale8", 8192, 300000};
	const uint64_t seed = *(const uint64_t *)*state;
	struct ptn_vale *vale;
	uint64_t drops = 0;

	setup(NULL);
	assert_int_equal(ptn_vale_new(&vale, &params), 0);
	open_ports(vale);
	play(PORTS, seed);
	for (unsigned i = 0; i < PORTS; i++)
		drops += same_counters(i);
	assert_true(drops > 0);
	same_switch(vale);
	for (unsigned i = 0; i < PORTS; i++) {
		for (unsigned q = 0; q < QUEUES; q++)
			abi_shut(&programs[i][q]);
		rig_close(&rigs[i], ptn_vale_detach);
	}
	ptn_vale_free(vale);
	teardown(NULL);
}

static void on_a_pipe(void **state)
{
	const struct rig_params params = {1, SLOTS, BUF, 0};
	const uint64_t seed = *(const uint64_t *)*state;
	static const char *const names[] = {"p{8", "p}8"};
	struct ptn_pipe *p;

	setup(NULL);
	assert_int_equal(ptn_pipe_new(&p, "p8"), 0);
	rig_open_pair(&rigs[0], &rigs[1], &params);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ptn_pipe_attach(p, i, rigs[i].port), 0);
		abi_open_as(&programs[i][0], names[i],
			    (struct nmreq_register){.nr_tx_slots = SLOTS,
						    .nr_rx_slots = SLOTS});
	}
	play(2, seed);
	for (unsigned i = 0; i < 2; i++)
		same_counters(i);
	for (unsigned i = 0; i < 2; i++)
		abi_shut(&programs[i][0]);
	rig_close(&rigs[1], ptn_pipe_detach);
	rig_close(&rigs[0], ptn_pipe_detach);
	ptn_pipe_free(p);
	teardown(NULL);
}

#define TRACE(test, seed)                                                      \
	{                                                                      \
		.name = #test " " #seed, .test_func = test,                    \
		.initial_state = &(uint64_t)                                   \
		{                                                              \
			seed                                                   \
		}                                                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRACE(on_a_switch, 1),	 TRACE(on_a_switch, 20260),
		TRACE(on_a_switch, 777), TRACE(on_a_pipe, 2),
		TRACE(on_a_pipe, 4711),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
