// SPDX-License-Identifier: BSD-2-Clause
/*
 * REGISTER, PORT_INFO_GET and POOLS_INFO_GET: which rings, how many, whose;
 * what the memory then looks like.
 */
#include "abi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_SLOTS = 1024, SLOTS_MAX = 4096, RINGS_MAX = 16 };

static const struct nmreq_register nothing;

static void test_what_there_is_is_told(void **state)
{
	struct abi_port p;

	(void)state;
	abi_open(&p, "vale0:a");
	assert_int_equal(p.reg.nr_tx_slots, DEFAULT_SLOTS);
	assert_int_equal(p.reg.nr_rx_slots, DEFAULT_SLOTS);
	assert_int_equal(p.reg.nr_tx_rings, 1);
	assert_int_equal(p.reg.nr_rx_rings, 1);
	assert_int_equal(p.reg.nr_mode, NR_REG_DEFAULT);
	assert_int_equal(p.reg.nr_ringid, 0);
	assert_int_equal(p.reg.nr_flags, 0);
	assert_int_equal(p.reg.nr_extra_bufs, 0);
	assert_int_not_equal(p.reg.nr_mem_id, 0);
	assert_true(p.reg.nr_offset < p.reg.nr_memsize);
	assert_int_equal(p.reg.nr_offset % 8, 0);
	abi_shut(&p);
}

static void test_one_port_for_a_descriptor(void **state)
{
	struct nmreq_register body = nothing;
	struct abi_port p;

	(void)state;
	abi_open(&p, "vale0:a");
	assert_error(abi_register(p.fd, "vale0:a", &body), EBUSY);
	assert_error(abi_register(p.fd, "vale0:b", &body), EBUSY);
	abi_shut(&p);
}

static void test_the_interface_object(void **state)
{
	struct abi_port p;

	(void)state;
	abi_open(&p, "vale0:a");
	assert_string_equal(p.nifp->ni_name, "vale0:a");
	assert_int_equal(p.nifp->ni_version, NETMAP_API);
	assert_int_equal(p.nifp->ni_flags, NI_PRIV_MEM);
	assert_int_equal(p.nifp->ni_tx_rings, 1);
	assert_int_equal(p.nifp->ni_rx_rings, 1);
	assert_int_equal(p.nifp->ni_bufs_head, 0);
	assert_int_equal(p.nifp->ni_host_tx_rings, 0);
	assert_int_equal(p.nifp->ni_host_rx_rings, 0);
	abi_shut(&p);
	/* as much of the name as there is room for */
	abi_open(&p, "vale0123:port_number_9");
	assert_string_equal(p.nifp->ni_name, "vale0123:port_n");
	abi_shut(&p);
}

/* Every buffer of every slot is another one, and lies in the memory. */
static void check_slots(const struct abi_port *p, struct netmap_ring *r,
			char *seen, uint32_t buffers)
{
	for (uint32_t i = 0; i < r->num_slots; i++) {
		uint32_t idx = r->slot[i].buf_idx;
		const char *at = abi_buf(r, idx);

		assert_in_range(idx, 2, buffers - 1);
		assert_int_equal(seen[idx]++, 0);
		assert_true(at >= p->mem &&
			    at + r->nr_buf_size <= p->mem + p->reg.nr_memsize);
		/* and can be written */
		memset(abi_buf(r, idx), 1, r->nr_buf_size);
	}
}

static void check_ring(struct netmap_ring *r, unsigned dir, unsigned i,
		       uint32_t slots)
{
	assert_non_null(r);
	assert_int_equal((uintptr_t)r % 128, 0); /* sem is aligned */
	assert_int_equal(r->dir, dir);
	assert_int_equal(r->ringid, i);
	assert_int_equal(r->num_slots, slots);
	assert_int_equal(r->head, 0);
	assert_int_equal(r->cur, 0);
	assert_int_equal(r->tail, dir ? 0 : slots - 1);
	assert_true(r->nr_buf_size >= 2048);
}

static struct nmreq_pools_info pools_of(const struct abi_port *p)
{
	struct nmreq_pools_info info = {0};

	assert_int_equal(abi_ctrl(p->fd, p->name, NETMAP_REQ_POOLS_INFO_GET,
				  &info, NULL),
			 0);
	return info;
}

static void test_rings_and_buffers(void **state)
{
	struct abi_port p;
	uint32_t buffers;
	char *seen;

	(void)state;
	abi_open_as(&p, "vale0:a",
		    (struct nmreq_register){.nr_tx_rings = 2,
					    .nr_rx_rings = 3,
					    .nr_tx_slots = 64,
					    .nr_rx_slots = 128});
	assert_int_equal(p.reg.nr_tx_rings, 2);
	assert_int_equal(p.reg.nr_rx_rings, 3);
	assert_int_equal(p.reg.nr_tx_slots, 64);
	assert_int_equal(p.reg.nr_rx_slots, 128);
	buffers = pools_of(&p).nr_buf_pool_objtotal;
	seen = calloc(buffers, 1);
	for (unsigned i = 0; i < 2; i++) {
		check_ring(abi_tx(&p, i), 0, i, 64);
		check_slots(&p, abi_tx(&p, i), seen, buffers);
	}
	for (unsigned i = 0; i < 3; i++) {
		check_ring(abi_rx(&p, i), 1, i, 128);
		check_slots(&p, abi_rx(&p, i), seen, buffers);
	}
	free(seen);
	abi_shut(&p);
}

static void test_more_than_there_can_be(void **state)
{
	static const struct nmreq_register wishes[] = {
		{.nr_tx_slots = SLOTS_MAX, .nr_rx_slots = SLOTS_MAX},
		{.nr_tx_rings = RINGS_MAX, .nr_rx_rings = RINGS_MAX},
		{.nr_tx_slots = SLOTS_MAX + 1},
		{.nr_rx_slots = UINT32_MAX},
		{.nr_tx_rings = RINGS_MAX + 1},
		{.nr_rx_rings = UINT16_MAX},
		{.nr_tx_slots = 1, .nr_rx_slots = 1},
		{.nr_tx_slots = 1000, .nr_rx_slots = 333},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wishes); i++) {
		struct abi_port p;
		int err = abi_try_open(&p, "vale0:a", &wishes[i]);

		if (i < 2)
			assert_int_equal(err, 0);
		if (err)
			continue;
		assert_in_range(p.reg.nr_tx_slots, 2, SLOTS_MAX);
		assert_in_range(p.reg.nr_rx_slots, 2, SLOTS_MAX);
		assert_in_range(p.reg.nr_tx_rings, 1, RINGS_MAX);
		assert_in_range(p.reg.nr_rx_rings, 1, RINGS_MAX);
		assert_int_equal(abi_tx(&p, 0)->num_slots, p.reg.nr_tx_slots);
		assert_int_equal(abi_rx(&p, 0)->num_slots, p.reg.nr_rx_slots);
		abi_shut(&p);
	}
}

/* Who comes second is told what there is, whatever he wished. */
static void test_a_second_program(void **state)
{
	struct abi_port a, b;

	(void)state;
	abi_open_as(&a, "vale0:a", (struct nmreq_register){.nr_tx_rings = 2});
	abi_open(&b, "vale0:a");
	assert_int_equal(b.reg.nr_tx_rings, 2);
	assert_int_equal(b.reg.nr_mem_id, a.reg.nr_mem_id);
	assert_int_equal(b.reg.nr_memsize, a.reg.nr_memsize);
	assert_int_equal(abi_tx(&b, 1)->slot[3].buf_idx,
			 abi_tx(&a, 1)->slot[3].buf_idx);
	abi_shut(&a);
	/* the rings stay for the one that is left */
	abi_send(&b, FRAME_MIN, 2, 1, 0);
	abi_shut(&b);
}

static void test_modes(void **state)
{
	static const struct {
		uint32_t mode;
		uint16_t ringid;
		bool works;
	} modes[] = {
		{NR_REG_DEFAULT, 0, true},
		{NR_REG_ALL_NIC, 0, true},
		{NR_REG_ONE_NIC, 0, true},
		{NR_REG_ONE_NIC, 1, true},
		{NR_REG_ONE_NIC, 2, false},
		{NR_REG_ONE_NIC, 0xffff, false},
		{NR_REG_NULL, 0, true},
		{9, 0, false},
		{0xf, 0, false},
		{0xffffffff, 0, false},
		{NR_REG_ONE_SW, 100, false},
		{NR_REG_ONE_SW, 0, false}, /* there is no host's ring */
		{NR_REG_SW, 0, false},
		{NR_REG_NIC_SW, 0, false},
	};
	struct abi_port holder;

	(void)state;
	abi_open_as(&holder, "vale0:a",
		    (struct nmreq_register){.nr_tx_rings = 2,
					    .nr_rx_rings = 2});
	for (size_t i = 0; i < COUNT(modes); i++) {
		const struct nmreq_register wish = {
			.nr_mode = modes[i].mode, .nr_ringid = modes[i].ringid};
		struct abi_port p;
		int err = abi_try_open(&p, "vale0:a", &wish);

		if (!modes[i].works) {
			assert_error(err, EINVAL);
			continue;
		}
		assert_int_equal(err, 0);
		assert_int_equal(p.reg.nr_mode, modes[i].mode);
		assert_int_equal(p.reg.nr_ringid, modes[i].ringid);
		abi_shut(&p);
	}
	abi_shut(&holder);
}

static void test_flags_that_are_not_possible(void **state)
{
	static const uint64_t flags[] = {
		0x1,	    0x80,	0x40000,
		1ULL << 32, 1ULL << 63, NR_RX_RINGS_ONLY | NR_TX_RINGS_ONLY,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(flags); i++) {
		const struct nmreq_register wish = {.nr_flags = flags[i]};
		struct abi_port p;

		assert_error(abi_try_open(&p, "vale0:a", &wish), EINVAL);
	}
}

static void test_only_the_rings_that_were_bound_are_shown(void **state)
{
	static const struct {
		struct nmreq_register wish;
		unsigned tx, rx; /* bits */
	} shown[] = {
		{{.nr_mode = NR_REG_ALL_NIC}, 3, 3},
		{{.nr_mode = NR_REG_ONE_NIC}, 1, 1},
		{{.nr_mode = NR_REG_ONE_NIC, .nr_ringid = 1}, 2, 2},
		{{.nr_mode = NR_REG_NULL}, 0, 0},
		{{.nr_flags = NR_RX_RINGS_ONLY}, 0, 3},
		{{.nr_flags = NR_TX_RINGS_ONLY}, 3, 0},
		{{.nr_mode = NR_REG_ONE_NIC,
		  .nr_ringid = 1,
		  .nr_flags = NR_RX_RINGS_ONLY},
		 0,
		 2},
	};
	struct abi_port holder;

	(void)state;
	abi_open_as(&holder, "vale0:a",
		    (struct nmreq_register){.nr_tx_rings = 2,
					    .nr_rx_rings = 2});
	for (size_t i = 0; i < COUNT(shown); i++) {
		struct abi_port p;

		abi_open_as(&p, "vale0:a", shown[i].wish);
		assert_int_equal(p.reg.nr_flags, shown[i].wish.nr_flags);
		if (shown[i].wish.nr_mode == NR_REG_NULL) {
			abi_shut(&p);
			continue;
		}
		for (unsigned r = 0; r < 2; r++) {
			assert_int_equal(!!abi_tx(&p, r), shown[i].tx >> r & 1);
			assert_int_equal(!!abi_rx(&p, r), shown[i].rx >> r & 1);
		}
		abi_shut(&p);
	}
	abi_shut(&holder);
}

/* EXCLUSIVE counts ring by ring. */
static void test_exclusive(void **state)
{
	static const struct nmreq_register first = {
		.nr_mode = NR_REG_ONE_NIC,
		.nr_flags = NR_EXCLUSIVE,
		.nr_tx_rings = 2,
		.nr_rx_rings = 2,
	};
	static const struct {
		struct nmreq_register wish;
		int error;
	} others[] = {
		{{.nr_mode = NR_REG_ONE_NIC}, EBUSY},
		{{.nr_mode = NR_REG_ALL_NIC}, EBUSY},
		{{.nr_flags = NR_EXCLUSIVE}, EBUSY},
		{{.nr_mode = NR_REG_ONE_NIC, .nr_ringid = 1}, 0},
		{{.nr_mode = NR_REG_ONE_NIC,
		  .nr_ringid = 1,
		  .nr_flags = NR_EXCLUSIVE},
		 0},
	};
	struct abi_port a, b;

	(void)state;
	abi_open_as(&a, "vale0:a", first);
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_error(abi_try_open(&b, "vale0:a", &others[i].wish),
			     others[i].error);
		abi_shut(&b);
	}
	abi_shut(&a);

	abi_open(&a, "vale0:a");
	assert_error(abi_try_open(&b, "vale0:a",
				  &(struct nmreq_register){
					  .nr_flags = NR_EXCLUSIVE}),
		     EBUSY);
	abi_shut(&a);
	assert_int_equal(abi_try_open(&b, "vale0:a",
				      &(struct nmreq_register){
					      .nr_flags = NR_EXCLUSIVE}),
			 0);
	abi_shut(&b);
}

static void test_extra_buffers(void **state)
{
	enum { MANY = 100 };
	struct abi_port p;
	uint32_t idx, n = 0, buffers;
	struct netmap_ring *tx;
	char *seen;

	(void)state;
	abi_open_as(&p, "vale0:x",
		    (struct nmreq_register){.nr_extra_bufs = MANY});
	assert_int_equal(p.reg.nr_extra_bufs, MANY);
	tx = abi_tx(&p, 0);
	buffers = pools_of(&p).nr_buf_pool_objtotal;
	seen = calloc(buffers, 1);
	check_slots(&p, tx, seen, buffers);
	check_slots(&p, abi_rx(&p, 0), seen, buffers);
	for (idx = p.nifp->ni_bufs_head; idx;
	     idx = *(uint32_t *)(void *)abi_buf(tx, idx)) {
		assert_in_range(idx, 2, buffers - 1);
		assert_int_equal(seen[idx]++, 0);
		n++;
		assert_true(n <= MANY);
	}
	assert_int_equal(n, MANY);
	free(seen);
	abi_shut(&p);
}

/* Granted in part, or refused; and given back. */
static void test_more_extra_buffers_than_there_can_be(void **state)
{
	static const uint32_t wishes[] = {UINT32_MAX, 1U << 30, 1U << 24};

	(void)state;
	for (size_t i = 0; i < COUNT(wishes); i++) {
		const struct nmreq_register wish = {.nr_extra_bufs = wishes[i]};
		struct abi_port p;

		if (!abi_try_open(&p, "vale0:x", &wish))
			assert_true(p.reg.nr_extra_bufs < wishes[i]);
		abi_shut(&p);
	}
	for (int i = 0; i < 20; i++) {
		const struct nmreq_register wish = {.nr_extra_bufs = 1000};
		struct abi_port p;

		abi_open_as(&p, "vale0:x", wish);
		assert_int_equal(p.reg.nr_extra_bufs, 1000);
		abi_shut(&p);
	}
}

/* A list that the program leaves, and what is wrong with it. */
enum { EXTRA = 40 };

static void leave_all(struct abi_port *p, uint32_t *list)
{
	(void)p;
	(void)list;
}

static void leave_none(struct abi_port *p, uint32_t *list)
{
	(void)list;
	p->nifp->ni_bufs_head = 0;
}

static uint32_t *link_of(struct abi_port *p, uint32_t idx)
{
	return (uint32_t *)(void *)abi_buf(abi_tx(p, 0), idx);
}

static void leave_half(struct abi_port *p, uint32_t *list)
{
	*link_of(p, list[EXTRA / 2]) = 0;
}

static void leave_a_circle(struct abi_port *p, uint32_t *list)
{
	*link_of(p, list[EXTRA - 1]) = list[3];
}

static void leave_one_twice(struct abi_port *p, uint32_t *list)
{
	*link_of(p, list[4]) = list[2];
}

static void leave_a_rings_own(struct abi_port *p, uint32_t *list)
{
	*link_of(p, list[4]) = abi_rx(p, 0)->slot[5].buf_idx;
}

static void leave_none_of_it(struct abi_port *p, uint32_t *list)
{
	(void)list;
	p->nifp->ni_bufs_head = UINT32_MAX;
}

/* Buffers that came as extra ones are in slots, those of slots in the list. */
static void leave_others(struct abi_port *p, uint32_t *list)
{
	struct netmap_ring *tx = abi_tx(p, 0);

	for (uint32_t i = 0; i < EXTRA; i++) {
		uint32_t own = tx->slot[i].buf_idx;

		tx->slot[i].buf_idx = list[i];
		*link_of(p, own) = i ? list[i - 1] : 0;
		list[i] = own;
	}
	p->nifp->ni_bufs_head = list[EXTRA - 1];
}

/* Whatever it is, all go back, and once: their number stays as it was. */
static void test_extra_buffers_as_they_are_left(void **state)
{
	static void (*const leave[])(struct abi_port * p, uint32_t * list) = {
		leave_all,	  leave_none,	   leave_half,
		leave_a_circle,	  leave_one_twice, leave_a_rings_own,
		leave_none_of_it, leave_others,
	};
	const struct nmreq_register wish = {.nr_extra_bufs = EXTRA};
	uint64_t before, after;
	struct abi_port keeper;

	(void)state;
	abi_open(&keeper, "vale0:x");
	for (size_t i = 0; i < COUNT(leave); i++) {
		uint32_t list[EXTRA] = {0}, n = 0;
		struct abi_port p;

		abi_open_as(&p, "vale0:x", wish);
		abi_census(&before);
		for (uint32_t at = p.nifp->ni_bufs_head; at && n < EXTRA;
		     at = *link_of(&p, at))
			list[n++] = at;
		assert_int_equal(n, EXTRA);
		leave[i](&p, list);
		abi_shut(&p);
		abi_census(&after);
		assert_int_equal(before, after);
	}
	abi_send(&keeper, FRAME_MIN, 2, 1, 0);
	abi_shut(&keeper);
}

static void test_memory_ids(void **state)
{
	struct abi_port a, b, c;

	(void)state;
	abi_open(&a, "vale0:a");
	abi_open(&b, "vale0:b");
	assert_int_not_equal(a.reg.nr_mem_id, b.reg.nr_mem_id);
	assert_int_not_equal(a.reg.nr_mem_id, 1);
	abi_open_as(&c, "vale0:c",
		    (struct nmreq_register){.nr_mem_id = a.reg.nr_mem_id});
	assert_int_equal(c.reg.nr_mem_id, a.reg.nr_mem_id);
	assert_int_equal(c.reg.nr_memsize, a.reg.nr_memsize);
	/* one mapping shows both ports */
	assert_int_not_equal(c.reg.nr_offset, a.reg.nr_offset);
	assert_memory_equal(a.mem + c.reg.nr_offset, "vale0:c", 8);
	abi_shut(&b);
	abi_shut(&a);
	abi_send(&c, FRAME_MIN, 2, 1, 0);
	abi_shut(&c);
	assert_fails(abi_try_open(
		&a, "vale0:a", &(struct nmreq_register){.nr_mem_id = 60000}));
}

/* That of network devices, which a port of a switch may be in. */
static void test_the_global_memory(void **state)
{
	const struct nmreq_register wish = {.nr_mem_id = 1};
	struct abi_port a, b;

	(void)state;
	abi_open_as(&a, "vale0:a", wish);
	abi_open_as(&b, "vale0:b", wish);
	assert_int_equal(a.reg.nr_mem_id, 1);
	assert_int_equal(a.reg.nr_memsize, b.reg.nr_memsize);
	assert_false(a.nifp->ni_flags & NI_PRIV_MEM);
	assert_memory_equal(a.mem + b.reg.nr_offset, "vale0:b", 8);
	abi_send(&a, FRAME_MIN, 2, 1, 0);
	assert_int_equal(abi_drain(&b), 1);
	abi_shut(&b);
	/* it is in memory 1, and in no other */
	assert_error(abi_try_open(&b, "vale0:a",
				  &(struct nmreq_register){.nr_mem_id = 2}),
		     EINVAL);
	abi_shut(&a);
}

/* No rings, but the memory of a port, and buffers of it. */
static void test_memory_without_rings(void **state)
{
	struct nmreq_register wish = {.nr_mode = NR_REG_NULL,
				      .nr_extra_bufs = 20};
	struct abi_port a, p;
	uint32_t n = 0;

	(void)state;
	abi_open(&a, "vale0:a");
	wish.nr_mem_id = a.reg.nr_mem_id;
	abi_open_as(&p, "vale0:a", wish);
	assert_int_equal(p.reg.nr_mode, NR_REG_NULL);
	assert_int_equal(p.reg.nr_mem_id, a.reg.nr_mem_id);
	assert_int_equal(p.reg.nr_memsize, a.reg.nr_memsize);
	assert_memory_equal(p.mem + a.reg.nr_offset, "vale0:a", 8);
	assert_int_equal(p.reg.nr_extra_bufs, 20);
	for (uint32_t at = p.nifp->ni_bufs_head; at && n < 21; n++)
		at = *link_of(&a, at);
	assert_int_equal(n, 20);
	assert_int_equal(abi_txsync(&p), 0);
	assert_int_equal(abi_rxsync(&p), 0);
	abi_shut(&p);
	abi_shut(&a);
	/* or one of its own */
	wish.nr_mem_id = 0;
	abi_open_as(&p, "nothing", wish);
	assert_true(p.reg.nr_mem_id > 1);
	abi_shut(&p);
}

static bool is_listed(const char *name)
{
	struct nmreq_vale_list body = {0};
	int fd = abi_device();
	int err = abi_ctrl(fd, name, NETMAP_REQ_VALE_LIST, &body, NULL);

	abi_close(fd);
	return !err;
}

/* What it would be like; asking makes no port. */
static void test_what_nobody_has_opened_yet(void **state)
{
	struct nmreq_port_info_get info = {0};
	struct nmreq_pools_info pools = {0}, own;
	struct abi_port p;
	int fd = abi_device();

	(void)state;
	assert_int_equal(abi_ctrl(fd, "vale0:n", NETMAP_REQ_PORT_INFO_GET,
				  &info, NULL),
			 0);
	assert_int_equal(abi_ctrl(fd, "vale0:n", NETMAP_REQ_POOLS_INFO_GET,
				  &pools, NULL),
			 0);
	assert_false(is_listed("vale0:n"));
	abi_open(&p, "vale0:n");
	assert_int_equal(info.nr_tx_slots, p.reg.nr_tx_slots);
	assert_int_equal(info.nr_rx_slots, p.reg.nr_rx_slots);
	assert_int_equal(info.nr_tx_rings, p.reg.nr_tx_rings);
	assert_int_equal(info.nr_rx_rings, p.reg.nr_rx_rings);
	assert_int_equal(info.nr_memsize, p.reg.nr_memsize);
	own = pools_of(&p);
	assert_int_equal(pools.nr_memsize, own.nr_memsize);
	assert_int_equal(pools.nr_buf_pool_offset, own.nr_buf_pool_offset);
	assert_int_equal(pools.nr_buf_pool_objtotal, own.nr_buf_pool_objtotal);
	/* and of what is open, to who has not opened it */
	assert_int_equal(abi_ctrl(fd, "vale0:n", NETMAP_REQ_POOLS_INFO_GET,
				  &pools, NULL),
			 0);
	assert_memory_equal(&pools, &own, sizeof(own));
	abi_shut(&p);
	abi_close(fd);
}

static void test_port_info(void **state)
{
	struct nmreq_port_info_get info = {0}, again = {0};
	struct abi_port p;
	int fd = abi_device();

	(void)state;
	abi_open_as(&p, "vale0:a",
		    (struct nmreq_register){.nr_tx_slots = 256,
					    .nr_rx_rings = 2});
	assert_int_equal(abi_ctrl(fd, "vale0:a", NETMAP_REQ_PORT_INFO_GET,
				  &info, NULL),
			 0);
	assert_int_equal(info.nr_tx_slots, 256);
	assert_int_equal(info.nr_rx_slots, DEFAULT_SLOTS);
	assert_int_equal(info.nr_tx_rings, 1);
	assert_int_equal(info.nr_rx_rings, 2);
	assert_int_equal(info.nr_mem_id, p.reg.nr_mem_id);
	assert_int_equal(info.nr_memsize, p.reg.nr_memsize);
	assert_int_equal(abi_ctrl(p.fd, "vale0:a", NETMAP_REQ_PORT_INFO_GET,
				  &again, NULL),
			 0);
	assert_memory_equal(&info, &again, sizeof(info));
	assert_fails(abi_ctrl(fd, "nosuchdev", NETMAP_REQ_PORT_INFO_GET, &info,
			      NULL));
	abi_shut(&p);
	abi_close(fd);
}

static void test_pools_info(void **state)
{
	struct abi_port p;
	struct nmreq_pools_info i;

	(void)state;
	abi_open(&p, "vale0:a");
	i = pools_of(&p);
	assert_int_equal(i.nr_mem_id, p.reg.nr_mem_id);
	assert_int_equal(i.nr_memsize, p.reg.nr_memsize);
	assert_int_equal(i.nr_if_pool_offset, 0);
	assert_true(i.nr_if_pool_objtotal && i.nr_if_pool_objsize);
	assert_true(i.nr_ring_pool_offset >=
		    (uint64_t)i.nr_if_pool_objtotal * i.nr_if_pool_objsize);
	assert_true(i.nr_buf_pool_offset >=
		    i.nr_ring_pool_offset + (uint64_t)i.nr_ring_pool_objtotal *
						    i.nr_ring_pool_objsize);
	assert_true(i.nr_memsize >=
		    i.nr_buf_pool_offset + (uint64_t)i.nr_buf_pool_objtotal *
						   i.nr_buf_pool_objsize);
	assert_int_equal(i.nr_buf_pool_objsize, abi_tx(&p, 0)->nr_buf_size);
	assert_ptr_equal(abi_buf(abi_tx(&p, 0), 0),
			 p.mem + i.nr_buf_pool_offset);
	abi_shut(&p);
}

static void test_frames_with_headers_need_to_be_accepted(void **state)
{
	struct nmreq_port_hdr hdr = {.nr_hdr_len = 12};
	const struct nmreq_register accept = {.nr_flags = NR_ACCEPT_VNET_HDR};
	struct abi_port holder, p;

	(void)state;
	abi_open_as(&holder, "vale0:h", accept);
	assert_int_equal(abi_ctrl(holder.fd, "vale0:h", NETMAP_REQ_PORT_HDR_SET,
				  &hdr, NULL),
			 0);
	assert_error(abi_try_open(&p, "vale0:h", NULL), EIO);
	assert_int_equal(abi_try_open(&p, "vale0:h", &accept), 0);
	abi_shut(&p);
	abi_shut(&holder);
}

static void test_a_crowd(void **state)
{
	enum { CROWD = 64 };
	static struct abi_port p[CROWD];

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		char name[32];

		snprintf(name, sizeof(name), "vale%u:p%u", i % 8, i);
		abi_open_as(&p[i], name,
			    (struct nmreq_register){.nr_tx_slots = 16,
						    .nr_rx_slots = 16});
	}
	for (unsigned i = 0; i < CROWD; i++)
		abi_send(&p[i], FRAME_MIN, TO_ALL, i, i);
	for (unsigned i = 0; i < CROWD; i++) {
		assert_int_equal(abi_drain(&p[i]), CROWD / 8 - 1);
		abi_shut(&p[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_there_is_is_told),
		cmocka_unit_test(test_one_port_for_a_descriptor),
		cmocka_unit_test(test_the_interface_object),
		cmocka_unit_test(test_rings_and_buffers),
		cmocka_unit_test(test_more_than_there_can_be),
		cmocka_unit_test(test_a_second_program),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_flags_that_are_not_possible),
		cmocka_unit_test(test_only_the_rings_that_were_bound_are_shown),
		cmocka_unit_test(test_exclusive),
		cmocka_unit_test(test_extra_buffers),
		cmocka_unit_test(test_more_extra_buffers_than_there_can_be),
		cmocka_unit_test(test_extra_buffers_as_they_are_left),
		cmocka_unit_test(test_memory_ids),
		cmocka_unit_test(test_the_global_memory),
		cmocka_unit_test(test_memory_without_rings),
		cmocka_unit_test(test_what_nobody_has_opened_yet),
		cmocka_unit_test(test_port_info),
		cmocka_unit_test(test_pools_info),
		cmocka_unit_test(test_frames_with_headers_need_to_be_accepted),
		cmocka_unit_test(test_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
