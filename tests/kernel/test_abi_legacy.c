// SPDX-License-Identifier: BSD-2-Clause
/*
 * NIOCREGIF and NIOCGINFO, the calls of older programs: one structure for
 * everything, and nr_cmd for what is no registering.
 */
#include "abi.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct nmreq request(const char *name, uint16_t cmd)
{
	struct nmreq r = {.nr_version = NETMAP_API, .nr_cmd = cmd};

	strncpy(r.nr_name, name, sizeof(r.nr_name) - 1);
	return r;
}

static int regif(int fd, struct nmreq *r)
{
	return ioctl(fd, NIOCREGIF, r) ? -errno : 0;
}

static int ginfo(int fd, struct nmreq *r)
{
	return ioctl(fd, NIOCGINFO, r) ? -errno : 0;
}

/* Opens by the older call what the other helpers can work on. */
static void open_as(struct abi_port *p, struct nmreq *r)
{
	*p = (struct abi_port){.fd = abi_device()};
	assert_int_equal(regif(p->fd, r), 0);
	p->reg.nr_memsize = r->nr_memsize;
	p->mem = mmap(NULL, r->nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED,
		      p->fd, 0);
	assert_ptr_not_equal(p->mem, MAP_FAILED);
	p->nifp = (void *)(p->mem + r->nr_offset);
}

static void test_versions(void **state)
{
	static const uint32_t good[] = {14, 15, 16, 1000},
			      bad[] = {0, 1, 11, 13};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct nmreq r = request("vale0:v", 0);
		int fd = abi_device();

		r.nr_version = good[i];
		assert_int_equal(regif(fd, &r), 0);
		assert_int_equal(r.nr_version, NETMAP_API);
		r.nr_version = good[i];
		assert_int_equal(ginfo(fd, &r), 0);
		assert_int_equal(r.nr_version, NETMAP_API);
		abi_close(fd);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct nmreq r = request("vale0:v", 0);
		int fd = abi_device();

		r.nr_version = bad[i];
		assert_error(regif(fd, &r), EINVAL);
		assert_error(ginfo(fd, &r), EINVAL);
		abi_close(fd);
	}
}

static void test_registering(void **state)
{
	struct nmreq r = request("vale0:a", 0), info = request("vale0:a", 0);
	struct abi_port a, b;
	int fd = abi_device();

	(void)state;
	r.nr_flags = NR_REG_ALL_NIC;
	r.nr_tx_slots = 256;
	r.nr_rx_rings = 2;
	r.nr_arg3 = 7;
	open_as(&a, &r);
	assert_int_equal(r.nr_tx_slots, 256);
	assert_int_equal(r.nr_rx_slots, 1024);
	assert_int_equal(r.nr_tx_rings, 1);
	assert_int_equal(r.nr_rx_rings, 2);
	assert_int_equal(r.nr_arg3, 7);
	assert_int_not_equal(r.nr_arg2, 0);
	assert_int_not_equal(a.nifp->ni_bufs_head, 0);
	assert_error(regif(a.fd, &r), EBUSY);

	assert_int_equal(ginfo(fd, &info), 0);
	assert_int_equal(info.nr_tx_slots, 256);
	assert_int_equal(info.nr_rx_rings, 2);
	assert_int_equal(info.nr_memsize, r.nr_memsize);
	assert_int_equal(info.nr_arg2, r.nr_arg2);

	abi_open(&b, "vale0:b");
	abi_send(&a, FRAME_MIN, 2, 1, 3);
	assert_int_equal(abi_poll(&b, POLLIN, 5000), POLLIN);
	assert_int_equal(abi_take(abi_rx(&b, 0)), 3);
	abi_shut(&a);
	abi_shut(&b);
	abi_close(fd);
}

static void test_bad_requests(void **state)
{
	static const struct nmreq bad[] = {
		{.nr_name = ""},
		{.nr_name = "nosuchdev"},
		{.nr_name = "vale0:"},
		{.nr_name = "vale0:x", .nr_flags = 9},
		{.nr_name = "vale0:x",
		 .nr_flags = NR_REG_ONE_NIC,
		 .nr_ringid = 5},
		{.nr_name = "vale0:x", .nr_cmd = 13},
		{.nr_name = "vale0:x", .nr_cmd = 0xffff},
		{.nr_name = "vale0:x", .nr_cmd = NETMAP_BDG_REGOPS},
		{.nr_name = "vale0:x", .nr_arg2 = 60000},
	};
	struct nmreq r;
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		r = bad[i];
		r.nr_version = NETMAP_API;
		assert_fails(regif(fd, &r));
	}
	r = request("", 0);
	memset(r.nr_name, 'a', sizeof(r.nr_name));
	assert_fails(regif(fd, &r));
	assert_error(regif(fd, (void *)0x10), EFAULT);
	assert_error(ginfo(fd, (void *)0x10), EFAULT);
	r = request("vale0:x", 0);
	assert_int_equal(regif(fd, &r), 0);
	abi_close(fd);
}

static void test_memory_ids(void **state)
{
	struct nmreq r = request("vale0:a", 0), same = request("vale0:b", 0);
	struct abi_port a, b;

	(void)state;
	open_as(&a, &r);
	same.nr_arg2 = r.nr_arg2;
	open_as(&b, &same);
	assert_int_equal(same.nr_arg2, r.nr_arg2);
	assert_int_equal(same.nr_memsize, r.nr_memsize);
	assert_memory_equal(a.mem + same.nr_offset, "vale0:b", 8);
	abi_shut(&a);
	abi_shut(&b);
}

/* The answer cannot be given: nothing is done. */
static void test_an_answer_that_cannot_be_given(void **state)
{
	const size_t page = (size_t)getpagesize();
	struct nmreq *r = mmap(NULL, page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = abi_device();

	(void)state;
	assert_ptr_not_equal(r, MAP_FAILED);
	*r = request("vale0:ro", 0);
	assert_int_equal(mprotect(r, page, PROT_READ), 0);
	assert_error(regif(fd, r), EFAULT);
	assert_error(ginfo(fd, r), EFAULT);
	assert_int_equal(mprotect(r, page, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(regif(fd, r), 0);
	abi_close(fd);
	munmap(r, page);
}

/* nr_ringid says which rings to who leaves nr_flags at 0. */
static void test_rings_by_ringid(void **state)
{
	static const struct {
		uint16_t ringid;
		uint32_t flags;
		unsigned tx; /* bits of the rings shown */
	} rings[] = {
		{0, 0, 3},
		{NETMAP_HW_RING, 0, 1},
		{NETMAP_HW_RING | 1, 0, 2},
		{1, NR_REG_ONE_NIC, 2},
		{0, NR_REG_ALL_NIC, 3},
		{NETMAP_NO_TX_POLL, 0, 3},
		{NETMAP_HW_RING | NETMAP_NO_TX_POLL | 1, 0, 2},
	};
	struct abi_port holder;

	(void)state;
	abi_open_as(&holder, "vale0:r",
		    (struct nmreq_register){.nr_tx_rings = 2,
					    .nr_rx_rings = 2});
	for (size_t i = 0; i < COUNT(rings); i++) {
		struct nmreq r = request("vale0:r", 0);
		struct abi_port p;

		r.nr_ringid = rings[i].ringid;
		r.nr_flags = rings[i].flags;
		open_as(&p, &r);
		for (unsigned n = 0; n < 2; n++)
			assert_int_equal(!!abi_tx(&p, n), rings[i].tx >> n & 1);
		abi_shut(&p);
	}
	abi_shut(&holder);
}

/* Beside the mode, nr_flags has the flags of REGISTER. */
static void test_flags(void **state)
{
	struct nmreq alone = request("vale0:f", 0), r = request("vale0:f", 0);
	struct abi_port p, m;

	(void)state;
	alone.nr_flags = NR_REG_ALL_NIC | NR_EXCLUSIVE;
	open_as(&p, &alone);
	m.fd = abi_device();
	assert_error(regif(m.fd, &r), EBUSY);
	abi_close(m.fd);
	r.nr_flags = NR_REG_ALL_NIC | NR_MONITOR_TX;
	open_as(&m, &r);
	abi_send(&p, FRAME_MIN, TO_ALL, 1, 3);
	assert_int_equal(abi_rxsync(&m), 0);
	assert_int_equal(abi_take(abi_rx(&m, 0)), 3);
	assert_error(abi_txsync(&m), EIO);
	abi_shut(&m);
	abi_shut(&p);
}

static void test_poll_flags_of_ringid(void **state)
{
	struct nmreq r = request("vale0:f", 0);
	struct abi_port p, other;

	(void)state;
	r.nr_ringid = NETMAP_NO_TX_POLL | NETMAP_DO_RX_POLL;
	open_as(&p, &r);
	abi_open(&other, "vale0:o");
	abi_put(abi_tx(&p, 0), FRAME_MIN, 2, 1, 1);
	abi_poll(&p, POLLIN, 0);
	assert_int_equal(abi_drain(&other), 0);
	abi_send(&other, FRAME_MIN, 1, 2, 1);
	abi_poll(&p, POLLOUT, 0);
	assert_int_equal(abi_space(abi_rx(&p, 0)), 1);
	abi_shut(&p);
	abi_shut(&other);
}

static void test_pipes_by_mode(void **state)
{
	struct nmreq m = request("vale0:p", 0), s = request("vale0:p", 0);
	struct abi_port a, b, c;

	(void)state;
	m.nr_flags = NR_REG_PIPE_MASTER;
	m.nr_ringid = 3;
	s.nr_flags = NR_REG_PIPE_SLAVE;
	s.nr_ringid = 3;
	open_as(&a, &m);
	open_as(&b, &s);
	abi_send(&a, FRAME_MIN, 2, 1, 1);
	assert_int_equal(abi_drain(&b), 1);
	abi_shut(&b);
	/* the same end by its name */
	abi_open(&c, "vale0:p}3");
	abi_send(&a, FRAME_MIN, 2, 1, 2);
	assert_int_equal(abi_drain(&c), 1);
	abi_shut(&c);
	abi_shut(&a);
}

/* Commands */

static void test_header_lengths(void **state)
{
	struct nmreq set = request("vale0:h", NETMAP_BDG_VNET_HDR);
	struct nmreq get = request("vale0:h", NETMAP_VNET_HDR_GET);
	struct abi_port p;
	int fd = abi_device();

	(void)state;
	abi_open(&p, "vale0:h");
	set.nr_arg1 = 12;
	assert_int_equal(regif(fd, &set), 0);
	assert_int_equal(regif(fd, &get), 0);
	assert_int_equal(get.nr_arg1, 12);
	set.nr_arg1 = 5;
	assert_error(regif(fd, &set), EINVAL);
	abi_shut(&p);
	abi_close(fd);
}

static void test_the_walk(void **state)
{
	unsigned mine = 0, steps = 0;
	struct nmreq r = request("", NETMAP_BDG_LIST);
	struct abi_port a, b;
	int err, fd = abi_device();

	(void)state;
	abi_open(&a, "vale0:a");
	abi_open(&b, "vale5:b");
	while (!(err = ginfo(fd, &r))) {
		assert_true(++steps < 100);
		mine += !strcmp(r.nr_name, "vale0:a") +
			!strcmp(r.nr_name, "vale5:b");
		r.nr_arg2++;
		memset(r.nr_name, 0, sizeof(r.nr_name));
	}
	assert_error(err, ENOENT);
	assert_int_equal(mine, 2);
	r = request("vale5:b", NETMAP_BDG_LIST);
	assert_int_equal(ginfo(fd, &r), 0);
	r = request("vale5:nobody", NETMAP_BDG_LIST);
	assert_fails(ginfo(fd, &r));
	abi_shut(&a);
	abi_shut(&b);
	abi_close(fd);
}

/* Persistent ports */

static int command(const char *name, uint16_t cmd, uint16_t arg1)
{
	struct nmreq r = request(name, cmd);
	int fd = abi_device(), err;

	r.nr_arg1 = arg1;
	err = regif(fd, &r);
	abi_close(fd);
	return err;
}

static bool is_listed(const char *name)
{
	struct nmreq r = request("", NETMAP_BDG_LIST);
	int fd = abi_device();
	bool found = false;

	while (!found && !ginfo(fd, &r)) {
		found = !strcmp(r.nr_name, name);
		r.nr_arg2++;
		memset(r.nr_name, 0, sizeof(r.nr_name));
	}
	abi_close(fd);
	return found;
}

static void test_making_and_attaching(void **state)
{
	struct nmreq made = request("old0", NETMAP_BDG_NEWIF);
	int fd = abi_device();

	(void)state;
	made.nr_tx_slots = 64;
	made.nr_rx_rings = 2;
	assert_int_equal(regif(fd, &made), 0);
	assert_int_equal(made.nr_tx_slots, 64);
	assert_int_equal(made.nr_rx_slots, 1024);
	assert_int_equal(made.nr_rx_rings, 2);
	assert_int_not_equal(if_nametoindex("old0"), 0);
	for (uint16_t host = 0; host <= NETMAP_BDG_HOST; host++) {
		assert_int_equal(command("vale0:old0", NETMAP_BDG_ATTACH, host),
				 0);
		assert_error(command("vale0:old0", NETMAP_BDG_ATTACH, host),
			     EBUSY);
		assert_error(command("old0", NETMAP_BDG_DELIF, 0), EBUSY);
		assert_true(is_listed("vale0:old0"));
		assert_int_equal(is_listed("vale0:old0^"), host);
		assert_int_equal(command("vale0:old0", NETMAP_BDG_DETACH, 0),
				 0);
		assert_error(command("vale0:old0", NETMAP_BDG_DETACH, 0),
			     ENXIO);
		assert_false(is_listed("vale0:old0"));
	}
	assert_int_equal(command("old0", NETMAP_BDG_DELIF, 0), 0);
	assert_error(command("old0", NETMAP_BDG_DELIF, 0), ENXIO);
	assert_int_equal(if_nametoindex("old0"), 0);
	abi_close(fd);
}

/* The host's rings, which such a port has. */
static void test_rings_of_the_host(void **state)
{
	static const struct {
		uint16_t ringid;
		uint32_t flags;
		unsigned shown; /* bits: the NIC's, the host's */
	} rings[] = {
		{0, 0, 1},
		{NETMAP_SW_RING, 0, 2},
		{NETMAP_HW_RING, 0, 1},
		{0, NR_REG_SW, 2},
		{0, NR_REG_NIC_SW, 3},
		{0, NR_REG_ONE_SW, 2},
	};
	struct nmreq both = request("old0", 0);
	int fd = abi_device();

	(void)state;
	assert_int_equal(command("old0", NETMAP_BDG_NEWIF, 0), 0);
	for (size_t i = 0; i < COUNT(rings); i++) {
		struct nmreq r = request("old0", 0);
		struct abi_port p;

		r.nr_ringid = rings[i].ringid;
		r.nr_flags = rings[i].flags;
		open_as(&p, &r);
		assert_int_equal(p.nifp->ni_host_tx_rings, 1);
		for (unsigned n = 0; n < 2; n++) {
			const bool shown = rings[i].shown >> n & 1;

			assert_int_equal(!!abi_tx(&p, n), shown);
			assert_int_equal(!!abi_rx(&p, n), shown);
		}
		abi_shut(&p);
	}
	both.nr_ringid = NETMAP_SW_RING | NETMAP_HW_RING;
	assert_error(regif(fd, &both), EINVAL);
	assert_int_equal(command("old0", NETMAP_BDG_DELIF, 0), 0);
	abi_close(fd);
}

/* Of a patched module's own, which this one has no part in. */
static void test_commands_that_are_not_supported(void **state)
{
	static const uint16_t cmds[] = {NETMAP_BDG_REGOPS,
					NETMAP_PT_HOST_CREATE,
					NETMAP_PT_HOST_DELETE};

	(void)state;
	for (size_t i = 0; i < COUNT(cmds); i++)
		assert_error(command("vale0:a", cmds[i], 0), EOPNOTSUPP);
}

static void test_commands_about_what_there_is_not(void **state)
{
	static const uint16_t cmds[] = {
		NETMAP_BDG_ATTACH,	NETMAP_BDG_DETACH,
		NETMAP_BDG_DELIF,	NETMAP_PT_HOST_CREATE,
		NETMAP_PT_HOST_DELETE,	NETMAP_BDG_POLLING_ON,
		NETMAP_BDG_POLLING_OFF, NETMAP_BDG_VNET_HDR,
		NETMAP_VNET_HDR_GET,
	};
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(cmds); i++) {
		struct nmreq r = request("vale0:nosuchd", cmds[i]);

		assert_fails(regif(fd, &r));
	}
	abi_close(fd);
}

static void test_a_descriptor_may_ask_and_register_then(void **state)
{
	struct nmreq info = request("vale0:q", 0), r = request("vale0:q", 0);
	struct abi_port holder;
	int fd = abi_device();

	(void)state;
	abi_open(&holder, "vale0:q");
	assert_int_equal(ginfo(fd, &info), 0);
	assert_int_equal(regif(fd, &r), 0);
	assert_int_equal(ginfo(fd, &info), 0);
	abi_shut(&holder);
	abi_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_registering),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_an_answer_that_cannot_be_given),
		cmocka_unit_test(test_memory_ids),
		cmocka_unit_test(test_rings_by_ringid),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_poll_flags_of_ringid),
		cmocka_unit_test(test_pipes_by_mode),
		cmocka_unit_test(test_header_lengths),
		cmocka_unit_test(test_the_walk),
		cmocka_unit_test(test_making_and_attaching),
		cmocka_unit_test(test_rings_of_the_host),
		cmocka_unit_test(test_commands_that_are_not_supported),
		cmocka_unit_test(test_commands_about_what_there_is_not),
		cmocka_unit_test(test_a_descriptor_may_ask_and_register_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
