// SPDX-License-Identifier: BSD-2-Clause
/*
 * CSB mode: a program's arrays take the place of its rings' headers. What the
 * option wants, what the arrays say at first, what is refused from then on.
 */
#include "csb.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static const struct nmreq_register alone = {.nr_flags = NR_EXCLUSIVE};

static int setup(void **state)
{
	static struct csb csb;

	csb_map(&csb);
	*state = &csb;
	return 0;
}

static int teardown(void **state)
{
	csb_unmap(*state);
	abi_census(NULL);
	return 0;
}

static int try_with(struct abi_port *p, struct nmreq_register reg,
		    struct nmreq_opt_csb o)
{
	int err = abi_try_open_with(p, "vale0:c", &reg, &o);

	assert_int_equal(o.nro_opt.nro_status, -err);
	return err;
}

static int enable(const struct abi_port *p, struct nmreq_opt_csb o)
{
	return abi_ctrl(p->fd, p->name, NETMAP_REQ_CSB_ENABLE, NULL, &o);
}

static void assert_fresh(const struct csb *c, unsigned tx, unsigned rx,
			 uint32_t slots)
{
	for (unsigned i = 0; i < tx + rx; i++) {
		assert_int_equal(c->atok[i].head, 0);
		assert_int_equal(c->atok[i].cur, 0);
		assert_int_equal(c->ktoa[i].hwcur, 0);
		assert_int_equal(c->ktoa[i].hwtail, i < tx ? slots - 1 : 0);
		assert_in_range(c->atok[i].appl_need_kick, 0, 1);
		assert_in_range(c->ktoa[i].kern_need_kick, 0, 1);
	}
	/* and no more than these */
	for (unsigned i = tx + rx; i < CSB_ENTRIES; i++) {
		assert_int_equal(c->atok[i].head, UINT32_MAX);
		assert_int_equal(c->ktoa[i].hwtail, UINT32_MAX);
	}
}

static void test_entries_of_the_rings_bound(void **state)
{
	static const struct {
		struct nmreq_register reg;
		unsigned tx, rx;
	} cases[] = {
		{{.nr_flags = NR_EXCLUSIVE}, 1, 1},
		{{.nr_flags = NR_EXCLUSIVE, .nr_tx_rings = 4, .nr_rx_rings = 3},
		 4,
		 3},
		{{.nr_flags = NR_EXCLUSIVE | NR_TX_RINGS_ONLY,
		  .nr_tx_rings = 2,
		  .nr_rx_rings = 2},
		 2,
		 0},
		{{.nr_flags = NR_EXCLUSIVE | NR_RX_RINGS_ONLY,
		  .nr_tx_rings = 2,
		  .nr_rx_rings = 2},
		 0,
		 2},
		{{.nr_flags = NR_EXCLUSIVE,
		  .nr_mode = NR_REG_ONE_NIC,
		  .nr_ringid = 1,
		  .nr_tx_rings = 2,
		  .nr_rx_rings = 2},
		 1,
		 1},
	};
	struct csb *c = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct abi_port p;

		memset(c->atok, 0xff, PAGE);
		memset(c->ktoa, 0xff, PAGE);
		assert_int_equal(try_with(&p, cases[i].reg, csb_option(c)), 0);
		assert_fresh(c, cases[i].tx, cases[i].rx, 1024);
		abi_shut(&p);
	}
}

static void test_only_for_who_is_alone(void **state)
{
	struct csb *c = *state;
	struct abi_port p, q;

	assert_error(try_with(&p, (struct nmreq_register){0}, csb_option(c)),
		     EINVAL);
	assert_int_equal(c->atok[0].head, UINT32_MAX);
	abi_open(&q, "vale0:c");
	assert_error(abi_try_open_with(&p, "vale0:c", &alone,
				       &(struct nmreq_opt_csb){
					       .nro_opt.nro_reqtype =
						       NETMAP_REQ_OPT_CSB,
					       .csb_atok = (uintptr_t)c->atok,
					       .csb_ktoa = (uintptr_t)c->ktoa,
				       }),
		     EBUSY);
	assert_int_equal(c->atok[0].head, UINT32_MAX);
	abi_shut(&q);
	assert_int_equal(try_with(&p, alone, csb_option(c)), 0);
	assert_error(abi_try_open(&q, "vale0:c", NULL), EBUSY);
	abi_shut(&p);
}

static void test_arrays_that_are_none(void **state)
{
	struct csb *c = *state;
	char *fixed =
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uint64_t good = (uintptr_t)c->atok;
	const struct {
		uint64_t atok, ktoa;
		int error;
	} cases[] = {
		{good + 4, (uintptr_t)c->ktoa, EINVAL},
		{good, (uintptr_t)c->ktoa + 32, EINVAL},
		{good + 1, (uintptr_t)c->ktoa + 1, EINVAL},
		{0, 0, EFAULT},
		{good, 0, EFAULT},
		{0, good, EFAULT},
		{good, 0x10000000000000, EFAULT},
		{0xffff800000000000, good, EFAULT},
		{good, 0xffffffffffffffc0, EFAULT},
		{(uintptr_t)fixed, good, EFAULT},
		{good, (uintptr_t)fixed, EFAULT},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct csb wrong = {(void *)(uintptr_t)cases[i].atok,
					  (void *)(uintptr_t)cases[i].ktoa};
		struct abi_port p;

		assert_error(try_with(&p, alone, csb_option(&wrong)),
			     cases[i].error);
		abi_open(&p, "vale0:c");
		abi_shut(&p);
	}
	munmap(fixed, PAGE);
}

/* As many entries as rings are bound must be there. */
static void test_arrays_that_end_too_soon(void **state)
{
	const struct nmreq_register two = {
		.nr_flags = NR_EXCLUSIVE, .nr_tx_rings = 2, .nr_rx_rings = 2};
	char *mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct csb short_one = *(struct csb *)*state;
	struct abi_port p;

	assert_int_equal(munmap(mem + PAGE, PAGE), 0);
	short_one.atok = (void *)(mem + PAGE - 3 * 64);
	assert_error(try_with(&p, two, csb_option(&short_one)), EFAULT);
	short_one.atok = (void *)(mem + PAGE - 4 * 64);
	assert_int_equal(try_with(&p, two, csb_option(&short_one)), 0);
	abi_shut(&p);
	munmap(mem, PAGE);
}

static void test_syncs_by_call_are_refused(void **state)
{
	struct abi_port p;

	assert_int_equal(try_with(&p, alone, csb_option(*state)), 0);
	assert_error(abi_txsync(&p), EBUSY);
	assert_error(abi_rxsync(&p), EBUSY);
	assert_int_equal(abi_poll(&p, POLLIN | POLLOUT, 1000), POLLERR);
	assert_int_equal(abi_poll(&p, 0, 1000), POLLERR);
	abi_shut(&p);
	abi_open(&p, "vale0:c");
	assert_int_equal(abi_txsync(&p), 0);
	assert_int_equal(abi_poll(&p, POLLIN | POLLOUT, 1000), POLLOUT);
	abi_shut(&p);
}

static void test_enabling_later(void **state)
{
	struct csb *c = *state;
	struct nmreq_opt_csb crooked = csb_option(c);
	struct abi_port p;
	char body[8];

	abi_open(&p, "vale0:c"); /* not alone */
	assert_error(enable(&p, csb_option(c)), EINVAL);
	assert_int_equal(abi_txsync(&p), 0);
	abi_shut(&p);
	abi_open_as(&p, "vale0:c", alone);
	assert_error(abi_ctrl(p.fd, p.name, NETMAP_REQ_CSB_ENABLE, NULL, NULL),
		     EINVAL);
	assert_error(abi_ctrl(p.fd, p.name, NETMAP_REQ_CSB_ENABLE, body, NULL),
		     EINVAL);
	crooked.csb_ktoa += 8;
	assert_error(enable(&p, crooked), EINVAL);
	assert_int_equal(abi_txsync(&p), 0);
	assert_int_equal(enable(&p, csb_option(c)), 0);
	assert_fresh(c, 1, 1, 1024);
	assert_error(abi_txsync(&p), EBUSY);
	assert_error(enable(&p, csb_option(c)), EBUSY);
	abi_shut(&p);
}

static void test_enabling_what_is_not_bound(void **state)
{
	struct nmreq_opt_csb o = csb_option(*state);
	int fd = abi_device();

	assert_fails(abi_ctrl(fd, "", NETMAP_REQ_CSB_ENABLE, NULL, &o));
	abi_close(fd);
}

/* The arrays go on where the headers were. */
static void test_indices_are_carried_over(void **state)
{
	struct csb *c = *state;
	struct abi_port p, other;

	abi_open_as(&p, "vale0:c", alone);
	abi_open(&other, "vale0:d");
	for (unsigned i = 0; i < 5; i++)
		abi_send(&p, FRAME_MIN, TO_ALL, 1, i);
	for (unsigned i = 0; i < 7; i++)
		abi_send(&other, FRAME_MIN, TO_ALL, 2, i);
	assert_int_equal(abi_rxsync(&p), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(abi_take(abi_rx(&p, 0)), i);
	assert_int_equal(abi_rxsync(&p), 0);
	assert_int_equal(enable(&p, csb_option(c)), 0);
	assert_int_equal(c->atok[0].head, 5);
	assert_int_equal(c->atok[0].cur, 5);
	assert_int_equal(c->ktoa[0].hwcur, 5);
	assert_int_equal(c->ktoa[0].hwtail, 4);
	assert_int_equal(c->atok[1].head, 3);
	assert_int_equal(c->ktoa[1].hwcur, 3);
	assert_int_equal(c->ktoa[1].hwtail, 7);
	abi_shut(&other);
	abi_shut(&p);
}

/* Who comes later finds the headers in order, whatever the arrays said. */
static void test_who_comes_after(void **state)
{
	struct csb *c = *state;
	const struct nmreq_register one = {.nr_flags = NR_EXCLUSIVE,
					   .nr_mode = NR_REG_ONE_NIC,
					   .nr_tx_rings = 2,
					   .nr_rx_rings = 2};
	struct nmreq_register keep = one;
	struct abi_port keeper, p;

	keep.nr_ringid = 1;
	abi_open_as(&keeper, "vale0:c", keep);
	srand(3);
	for (int i = 0; i < 50; i++) {
		struct netmap_ring *tx;

		assert_int_equal(try_with(&p, one, csb_option(c)), 0);
		memset(c->atok, rand(), PAGE);
		memset(c->ktoa, rand(), PAGE);
		abi_shut(&p);
		abi_open_as(&p, "vale0:c", one);
		tx = abi_tx(&p, 0);
		assert_true(tx->head == tx->cur && tx->head < tx->num_slots);
		assert_int_equal(abi_space(tx), tx->num_slots - 1);
		abi_put(tx, FRAME_MIN, TO_ALL, 1, 1);
		assert_int_equal(abi_txsync(&p), 0);
		assert_int_equal(abi_rxsync(&p), 0);
		abi_shut(&p);
	}
	abi_shut(&keeper);
}

/* The program's view may go; both arrays may lie in one page. */
static void test_pages_are_held(void **state)
{
	char *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct csb one = {(void *)mem, (void *)(mem + 2048)};
	struct abi_port p;

	(void)state;
	assert_int_equal(try_with(&p, alone, csb_option(&one)), 0);
	assert_int_equal(one.ktoa[0].hwtail, 1023);
	assert_int_equal(munmap(mem, PAGE), 0);
	assert_error(abi_txsync(&p), EBUSY);
	abi_shut(&p);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_entries_of_the_rings_bound),
		TEST(test_only_for_who_is_alone),
		TEST(test_arrays_that_are_none),
		TEST(test_arrays_that_end_too_soon),
		TEST(test_syncs_by_call_are_refused),
		TEST(test_enabling_later),
		TEST(test_enabling_what_is_not_bound),
		TEST(test_indices_are_carried_over),
		TEST(test_who_comes_after),
		TEST(test_pages_are_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
