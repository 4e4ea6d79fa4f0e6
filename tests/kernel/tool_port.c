/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A netmap program for tests that have it in a guest:
 *
 *	tool_port PORT[-RING] COMMAND [COUNT]
 *
 *	exchange	with another exchange: COUNT frames each way, in order,
 *			every byte looked at; both at once, by poll(); prints
 *			"swapped" when buffers of others came for those that
 *			went, else "copied"
 *	ping, pong	COUNT round trips, no sleep of which has a time-out
 *	answer		prints "open"; frames go back until it is killed, and
 *			none is copied: the rings' buffers change places
 *	hold		prints "open" and has the port until it is killed
 *	error		the same until poll() says POLLERR and syncs fail
 *	check		what the interface promises of a VM's port
 *
 * Succeeds with 0. Two of them find each other: the first frame is repeated
 * until there is an answer.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/abi.h"

enum {
	LEN = 60,
	WINDOW = 256, /* frames under way: no ring is that short */
	HELLO_MS = 300,
	NOT_DATA = 0, /* data frames count from 1 */
};

/* In each frame of an exchange, so that none is 0. */
#define SAID (1ULL << 63)

/* What an exchange knows; a frame has its number, and how many came. */
struct talk {
	struct abi_port p;
	uint32_t count;
	uint32_t sent, taken; /* data frames */
	uint32_t acked; /* that the other has taken */
	bool heard; /* from the other */
	uint32_t low, high; /* the sending ring's buffers, at first */
	bool swapped; /* a buffer of others came into it */
};

static uint32_t first(uint64_t rings)
{
	return (uint32_t)__builtin_ctzll(rings);
}

/* The rings that this descriptor has. */
static uint64_t shown(const struct abi_port *p, bool rx)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < p->nifp->ni_tx_rings; i++)
		if (rx ? abi_rx(p, i) : abi_tx(p, i))
			bits |= 1ULL << i;
	return bits;
}

static struct netmap_ring *tx_of(const struct abi_port *p)
{
	return abi_tx(p, first(shown(p, false)));
}

static void open_port(struct abi_port *p, const char *name)
{
	struct nmreq_register reg = {.nr_mode = NR_REG_ALL_NIC};
	char port[64];
	char *dash;

	snprintf(port, sizeof(port), "%s", name);
	dash = strchr(port, '-');
	if (dash) {
		*dash = 0;
		reg.nr_mode = NR_REG_ONE_NIC;
		reg.nr_ringid = (uint16_t)strtoul(dash + 1, NULL, 10);
	}
	abi_open_as(p, port, reg);
}

/* For who waits for that. */
static void announce(struct abi_port *p, const char *name)
{
	open_port(p, name);
	puts("open");
	fflush(stdout);
}

/* What was put in is the other's before the port is closed. */
static void close_port(struct abi_port *p)
{
	const struct netmap_ring *r = tx_of(p);

	while (abi_space(r) + 1 != r->num_slots) {
		usleep(1000);
		assert_int_equal(abi_txsync(p), 0);
	}
	abi_shut(p);
}

static void begin_talk(struct talk *t, const char *port)
{
	const struct netmap_ring *r;

	open_port(&t->p, port);
	r = tx_of(&t->p);
	t->low = t->high = r->slot[0].buf_idx;
	for (uint32_t i = 1; i < r->num_slots; i++) {
		const uint32_t buffer = r->slot[i].buf_idx;

		t->low = buffer < t->low ? buffer : t->low;
		t->high = buffer > t->high ? buffer : t->high;
	}
}

static void put(struct talk *t, uint32_t number)
{
	const struct netmap_ring *r = tx_of(&t->p);
	const uint32_t buffer = r->slot[r->head].buf_idx;

	t->swapped |= buffer < t->low || buffer > t->high;
	abi_put(tx_of(&t->p), LEN, TO_ALL, 1,
		SAID | number | (uint64_t)t->taken << 32);
}

static void take(struct talk *t, uint64_t frame)
{
	const uint32_t number = (uint32_t)frame;

	t->heard = true;
	t->acked = (uint32_t)(frame >> 32);
	if (number == NOT_DATA)
		return;
	assert_int_equal(number, t->taken + 1);
	t->taken = number;
}

/* Of the other guest's network stack, before its program came. */
static bool is_foreign(struct netmap_ring *r)
{
	const char *data = abi_buf(r, r->slot[r->head].buf_idx);

	return data[12] != (char)0x88 || data[13] != (char)0xb5;
}

/* The next frame of ours; 0: there is none. */
static uint64_t next_frame(struct netmap_ring *r)
{
	while (abi_space(r) && is_foreign(r))
		r->head = r->cur = abi_next(r, r->head);
	return abi_space(r) ? abi_take(r) : 0;
}

static uint32_t take_all(struct talk *t)
{
	const uint32_t before = t->taken;

	for (uint64_t q = shown(&t->p, true); q; q &= q - 1) {
		struct netmap_ring *r = abi_rx(&t->p, first(q));
		uint64_t frame;

		while ((frame = next_frame(r)))
			take(t, frame & ~SAID);
	}
	return t->taken - before;
}

/* As many as the other has room for; at least a word when it waits for one. */
static void put_all(struct talk *t, bool answer)
{
	const struct netmap_ring *r = tx_of(&t->p);
	const uint32_t before = t->sent;

	while (t->heard && t->sent < t->count && t->sent - t->acked < WINDOW &&
	       abi_space(r))
		put(t, ++t->sent);
	if (answer && t->sent == before && abi_space(r))
		put(t, NOT_DATA);
}

static bool is_done(const struct talk *t)
{
	return t->sent == t->count && t->acked == t->count &&
	       t->taken == t->count;
}

static int exchange(const char *port, uint32_t count)
{
	struct talk t = {.count = count};

	begin_talk(&t, port);
	while (!is_done(&t)) {
		const bool waited =
			!abi_poll(&t.p, POLLIN, t.heard ? -1 : HELLO_MS);
		const bool first_word = !t.heard;

		put_all(&t, take_all(&t) || waited || (first_word && t.heard));
		assert_int_equal(abi_txsync(&t.p), 0);
	}
	close_port(&t.p);
	puts(t.swapped ? "swapped" : "copied");
	return 0;
}

/* Round trips */

static uint64_t wait_for_frame(struct abi_port *p, int ms)
{
	uint64_t number = 0;

	do {
		const short got = abi_poll(p, POLLIN, ms);

		if (!got)
			return 0;
		assert_int_equal(got, POLLIN);
		for (uint64_t q = shown(p, true); q; q &= q - 1) {
			struct netmap_ring *r = abi_rx(p, first(q));
			uint64_t frame;

			while ((frame = next_frame(r)))
				number = frame;
		}
	} while (!number);
	return number;
}

static void say(struct abi_port *p, uint64_t number)
{
	abi_put(tx_of(p), LEN, TO_ALL, 1, number);
	assert_int_equal(abi_txsync(p), 0);
}

/* The first one may be repeated, so may its answer. */
static int ping(const char *port, uint32_t count)
{
	struct abi_port p;

	open_port(&p, port);
	do
		say(&p, 1);
	while (!wait_for_frame(&p, HELLO_MS));
	for (uint64_t i = 2; i <= count; i++) {
		say(&p, i);
		while (wait_for_frame(&p, -1) != i)
			assert_int_equal(i, 2);
	}
	close_port(&p);
	return 0;
}

static int pong(const char *port, uint32_t count)
{
	struct abi_port p;
	uint64_t number;

	open_port(&p, port);
	do {
		number = wait_for_frame(&p, -1);
		say(&p, number);
	} while (number < count);
	close_port(&p);
	return 0;
}

static int answer(const char *port, uint32_t count)
{
	struct abi_port p;

	(void)count;
	announce(&p, port);
	while (abi_poll(&p, POLLIN, -1) == POLLIN) {
		for (uint64_t q = shown(&p, true); q; q &= q - 1) {
			struct netmap_ring *rx = abi_rx(&p, first(q));

			while (abi_space(rx) && abi_space(tx_of(&p)))
				abi_pass(rx, tx_of(&p));
		}
		assert_int_equal(abi_txsync(&p), 0);
	}
	return 1;
}

/* Having it */

static int hold(const char *port, uint32_t count)
{
	struct abi_port p;

	(void)count;
	announce(&p, port);
	while (abi_poll(&p, POLLIN, -1) == POLLIN)
		for (uint64_t q = shown(&p, true); q; q &= q - 1) {
			struct netmap_ring *r = abi_rx(&p, first(q));

			r->head = r->cur = r->tail;
		}
	return 1;
}

static int error(const char *port, uint32_t count)
{
	struct abi_port p;
	short got;

	(void)count;
	announce(&p, port);
	do
		got = abi_poll(&p, POLLIN, -1);
	while (!(got & POLLERR));
	assert_fails(abi_txsync(&p));
	assert_fails(abi_rxsync(&p));
	abi_shut(&p);
	return 0;
}

/* Promises */

static void check_refused(const char *port)
{
	struct abi_port p;

	assert_error(
		abi_try_open(&p, port,
			     &(struct nmreq_register){.nr_mode = NR_REG_SW}),
		EINVAL);
	assert_error(abi_try_open(&p, port,
				  &(struct nmreq_register){
					  .nr_mode = NR_REG_NIC_SW}),
		     EINVAL);
	assert_error(
		abi_try_open(&p, port,
			     &(struct nmreq_register){.nr_mode = NR_REG_ONE_NIC,
						      .nr_ringid = 999}),
		EINVAL);
	assert_error(abi_try_open(&p, port,
				  &(struct nmreq_register){
					  .nr_flags = NR_MONITOR_RX}),
		     EINVAL);
	assert_error(abi_try_open(&p, port,
				  &(struct nmreq_register){.nr_mem_id = 1}),
		     EINVAL);
}

static void check_information(const char *port)
{
	struct nmreq_port_info_get info = {0};
	struct nmreq_pools_info pools = {0};
	struct nmreq old = {.nr_version = NETMAP_API};
	struct abi_port p;

	abi_open(&p, port);
	assert_int_equal(
		abi_ctrl(p.fd, "", NETMAP_REQ_PORT_INFO_GET, &info, NULL), 0);
	assert_int_equal(info.nr_memsize, p.reg.nr_memsize);
	assert_int_equal(info.nr_tx_rings, p.nifp->ni_tx_rings);
	assert_int_equal(info.nr_rx_slots, abi_rx(&p, 0)->num_slots);
	assert_int_equal(info.nr_mem_id, p.reg.nr_mem_id);
	assert_true(info.nr_mem_id > 1);
	assert_int_equal(abi_ctrl(p.fd, port, NETMAP_REQ_POOLS_INFO_GET, &pools,
				  NULL),
			 0);
	assert_ptr_equal(p.mem + pools.nr_buf_pool_offset,
			 abi_buf(abi_tx(&p, 0), 0));
	assert_int_equal(pools.nr_buf_pool_objsize, abi_tx(&p, 0)->nr_buf_size);
	strncpy(old.nr_name, port, sizeof(old.nr_name) - 1);
	assert_int_equal(ioctl(p.fd, NIOCGINFO, &old), 0);
	assert_int_equal(old.nr_memsize, p.reg.nr_memsize);
	assert_int_equal(old.nr_arg2, p.reg.nr_mem_id);
	abi_shut(&p);
}

static void check_old_register(const char *port)
{
	struct nmreq old = {.nr_version = NETMAP_API};
	const int fd = abi_device();
	struct netmap_if *nifp;
	char *mem;

	strncpy(old.nr_name, port, sizeof(old.nr_name) - 1);
	assert_int_equal(ioctl(fd, NIOCREGIF, &old), 0);
	mem = mmap(NULL, old.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	nifp = (void *)(mem + old.nr_offset);
	assert_string_equal(nifp->ni_name, port);
	assert_int_equal(nifp->ni_version, NETMAP_API);
	assert_int_equal(nifp->ni_tx_rings, old.nr_tx_rings);
	assert_int_equal(munmap(mem, old.nr_memsize), 0);
	abi_close(fd);
}

static void check_mapping(const char *port)
{
	const int fd = abi_device();
	struct abi_port p;

	assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	abi_close(fd);
	abi_open(&p, port);
	assert_ptr_equal(mmap(NULL, p.reg.nr_memsize + 4096, PROT_READ,
			      MAP_SHARED, p.fd, 0),
			 MAP_FAILED);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p.fd, 0),
			 MAP_FAILED);
	/* a part of it: what is written there is seen in the whole */
	{
		char *part = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED, p.fd,
				  (off_t)p.reg.nr_memsize - 4096);

		assert_ptr_not_equal(part, MAP_FAILED);
		part[0] = 0x5a;
		assert_int_equal(p.mem[p.reg.nr_memsize - 4096], 0x5a);
		munmap(part, 4096);
	}
	abi_shut(&p);
}

static void check_broken(const char *port)
{
	struct netmap_ring *r;
	uint32_t begin;
	struct abi_port p;

	abi_open(&p, port);
	r = abi_tx(&p, 0);
	begin = r->head; /* where the ring is depends on the host */
	for (uint32_t bad = r->num_slots; bad; bad *= 2) {
		r->head = r->cur = bad;
		assert_error(abi_txsync(&p), EINVAL);
		assert_int_equal(r->head, begin);
		assert_int_equal(r->cur, begin);
	}
	r->cur = abi_next(r, abi_next(r, begin));
	r->head = abi_next(r, r->cur); /* behind it */
	assert_error(abi_txsync(&p), EINVAL);
	r = abi_rx(&p, 0);
	r->head = r->cur = abi_next(r, r->tail);
	assert_error(abi_rxsync(&p), EINVAL);
	r->tail = 77;
	assert_int_equal(abi_rxsync(&p), 0);
	assert_int_not_equal(r->tail, 77);
	r->head = r->num_slots;
	assert_true(abi_poll(&p, POLLIN, 0) & POLLERR);
	assert_false(abi_poll(&p, POLLIN, 0) & POLLERR);
	abi_shut(&p);
}

/* Two descriptors of one port have one memory, and each its rings. */
static void check_sharing(const char *port)
{
	struct abi_port a, b, c;
	const struct nmreq_register only = {.nr_flags = NR_EXCLUSIVE};
	struct netmap_if *seen;
	char buf[16];

	abi_open_as(&a, port,
		    (struct nmreq_register){.nr_mode = NR_REG_ONE_NIC,
					    .nr_flags = NR_EXCLUSIVE});
	assert_error(abi_try_open(&b, port, NULL), EBUSY);
	assert_error(abi_try_open(&b, port, &only), EBUSY);
	assert_int_equal(shown(&a, true), 1);
	if (a.reg.nr_rx_rings > 1) {
		abi_open_as(&b, port,
			    (struct nmreq_register){.nr_mode = NR_REG_ONE_NIC,
						    .nr_ringid = 1});
		assert_int_equal(shown(&b, true), 2);
		assert_int_equal(b.reg.nr_mem_id, a.reg.nr_mem_id);
		/* b's rings by a's mapping, as bridges have them */
		seen = (void *)(a.mem + b.reg.nr_offset);
		assert_int_equal(seen->ring_ofs[1], b.nifp->ring_ofs[1]);
		abi_open_as(&c, port,
			    (struct nmreq_register){.nr_mode = NR_REG_ONE_NIC,
						    .nr_ringid = 1});
		abi_shut(&c);
		abi_shut(&b);
	}
	assert_error(abi_register(a.fd, port, &(struct nmreq_register){0}),
		     EBUSY);
	assert_int_equal(read(a.fd, buf, sizeof(buf)), -1);
	abi_shut(&a);
	abi_open_as(&a, port, only);
	abi_shut(&a);
}

/* A network device of a switch, or a port of programs: not both. */
static void check_one_use(const char *port)
{
	char name[NETMAP_REQ_IFNAMSIZ];
	struct nmreq_vale_attach attach = {.reg.nr_mode = NR_REG_ALL_NIC};
	struct nmreq_vale_detach detach = {0};
	const int fd = abi_device();
	struct abi_port p;

	snprintf(name, sizeof(name), "vale9:%s", port);
	abi_open(&p, port);
	assert_error(abi_ctrl(fd, name, NETMAP_REQ_VALE_ATTACH, &attach, NULL),
		     EBUSY);
	abi_shut(&p);
	assert_int_equal(
		abi_ctrl(fd, name, NETMAP_REQ_VALE_ATTACH, &attach, NULL), 0);
	assert_error(abi_try_open(&p, port, NULL), EBUSY);
	assert_int_equal(
		abi_ctrl(fd, name, NETMAP_REQ_VALE_DETACH, &detach, NULL), 0);
	abi_open(&p, port);
	abi_shut(&p);
	abi_close(fd);
}

static void check_options(const char *port)
{
	struct nmreq_opt_offsets offsets = {
		.nro_opt.nro_reqtype = NETMAP_REQ_OPT_OFFSETS,
		.nro_max_offset = 64,
	};
	struct abi_port p;

	assert_error(abi_try_open_with(&p, port, NULL, &offsets), EOPNOTSUPP);
	assert_int_equal(offsets.nro_opt.nro_status, EOPNOTSUPP);
}

static int check(const char *port, uint32_t count)
{
	(void)count;
	check_refused(port);
	check_information(port);
	check_old_register(port);
	check_mapping(port);
	check_broken(port);
	check_sharing(port);
	check_options(port);
	check_one_use(port);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(const char *port, uint32_t count);
} commands[] = {
	{"exchange", exchange}, {"ping", ping}, {"pong", pong},
	{"answer", answer},	{"hold", hold}, {"error", error},
	{"check", check},
};

int main(int argc, char **argv)
{
	const uint32_t count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10)
					: 0;

	for (size_t i = 0; argc > 2 && i < COUNT(commands); i++)
		if (!strcmp(argv[2], commands[i].name))
			return commands[i].run(argv[1], count);
	fprintf(stderr, "tool_port PORT[-RING] COMMAND [COUNT]\n");
	return 2;
}
