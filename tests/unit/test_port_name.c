// SPDX-License-Identifier: BSD-2-Clause
/* What libptnet asks of /dev/netmap for a name and options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "port/name.h"
#include "port/ptnet.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_who_opens_a_name(void **state)
{
	static const char *const netmap[] = {
		"netmap:eth0", "netmap:",    "vale0:p",
		"vale:p",      "vale_x:a/r", "netmap:vale0:p{1"};
	static const char *const sockets[] = {
		"",	 "a.sock", "/run/x/vale0:p", "./vale0:p",   "vale/0:p",
		"vale0", "val:e",  "netma:p",	     "dir/netmap:p"};

	(void)state;
	for (size_t i = 0; i < COUNT(netmap); i++)
		assert_true(name_is_netmap(netmap[i]));
	for (size_t i = 0; i < COUNT(sockets); i++)
		assert_false(name_is_netmap(sockets[i]));
}

static void test_suffixes(void **state)
{
	static const struct {
		const char *text, *name;
		uint32_t mode;
		uint16_t ring, mem;
		uint64_t flags;
	} good[] = {
		{"netmap:eth0", "eth0", NR_REG_ALL_NIC, 0, 0, 0},
		{"vale0:p", "vale0:p", NR_REG_ALL_NIC, 0, 0, 0},
		{"netmap:eth0-3", "eth0", NR_REG_ONE_NIC, 3, 0, 0},
		{"netmap:br-lan", "br-lan", NR_REG_ALL_NIC, 0, 0, 0},
		{"netmap:br-1a-2", "br-1a", NR_REG_ONE_NIC, 2, 0, 0},
		{"netmap:eth0^", "eth0", NR_REG_SW, 0, 0, 0},
		{"netmap:eth0^2", "eth0", NR_REG_ONE_SW, 2, 0, 0},
		{"netmap:eth0*", "eth0", NR_REG_NIC_SW, 0, 0, 0},
		{"netmap:eth0+", "eth0", NR_REG_NIC_SW, 0, 0, 0},
		{"vale0:p@7", "vale0:p", NR_REG_ALL_NIC, 0, 7, 0},
		{"vale0:p{x", "vale0:p{x", NR_REG_ALL_NIC, 0, 0, 0},
		{"netmap:x}1/x", "x}1", NR_REG_ALL_NIC, 0, 0, NR_EXCLUSIVE},
		{"vale0:p/rt", "vale0:p", NR_REG_ALL_NIC, 0, 0,
		 NR_MONITOR_RX | NR_MONITOR_TX},
		{"netmap:eth0-1@2/zr", "eth0", NR_REG_ONE_NIC, 1, 2,
		 NR_ZCOPY_MON | NR_MONITOR_RX},
		{"netmap:eth0/R", "eth0", NR_REG_ALL_NIC, 0, 0,
		 NR_RX_RINGS_ONLY},
	};
	struct nmreq_header h;
	struct nmreq_register b;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(name_request(good[i].text, NULL, &h, &b), 0);
		assert_string_equal(h.nr_name, good[i].name);
		assert_int_equal(h.nr_version, NETMAP_API);
		assert_int_equal(h.nr_reqtype, NETMAP_REQ_REGISTER);
		assert_int_equal(b.nr_mode, good[i].mode);
		assert_int_equal(b.nr_ringid, good[i].ring);
		assert_int_equal(b.nr_mem_id, good[i].mem);
		assert_int_equal(b.nr_flags, good[i].flags);
	}
}

static void test_what_makes_no_sense(void **state)
{
	static const char *const bad[] = {
		"netmap:",	   "netmap:^",
		"netmap:eth0^^",   "netmap:eth0-1*2",
		"netmap:eth0@",	   "netmap:eth0@70000",
		"netmap:eth0-256", "netmap:eth0/",
		"netmap:eth0/q",   "netmap:eth0/z",
		"netmap:eth0@1@2", "netmap:eth0^1x",
		"netmap:eth0*-1",  "netmap:eth0@99999999999999999999",
	};
	char name[80] = "vale0:";
	struct nmreq_header h;
	struct nmreq_register b;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(name_request(bad[i], NULL, &h, &b), -EINVAL);
	memset(name + 6, 'a', 57);
	assert_int_equal(name_request(name, NULL, &h, &b), 0);
	assert_int_equal(strlen(h.nr_name), 63);
	name[63] = 'a';
	assert_int_equal(name_request(name, NULL, &h, &b), -ENAMETOOLONG);
}

static void test_options(void **state)
{
	struct ptnet_options o = {
		.flags = PTNET_EXCLUSIVE | PTNET_HOST_RINGS | PTNET_VNET_HDR,
		.tx_slots = 64,
		.rx_slots = 128,
		.tx_rings = 2,
		.rx_rings = 3,
		.memory_id = 5,
		.extra_buffers = 10,
	};
	struct nmreq_header h;
	struct nmreq_register b;

	(void)state;
	assert_int_equal(name_request("netmap:eth0@5", &o, &h, &b), 0);
	assert_int_equal(b.nr_mode, NR_REG_NIC_SW);
	assert_int_equal(b.nr_flags, NR_EXCLUSIVE | NR_ACCEPT_VNET_HDR);
	assert_int_equal(b.nr_tx_slots, 64);
	assert_int_equal(b.nr_rx_slots, 128);
	assert_int_equal(b.nr_tx_rings, 2);
	assert_int_equal(b.nr_rx_rings, 3);
	assert_int_equal(b.nr_mem_id, 5);
	assert_int_equal(b.nr_extra_bufs, 10);

	assert_int_equal(name_request("netmap:eth0@6", &o, &h, &b), -EINVAL);
	assert_int_equal(name_request("netmap:eth0^", &o, &h, &b), -EINVAL);
	o.flags |= PTNET_HOST_RINGS_ONLY;
	assert_int_equal(name_request("netmap:eth0", &o, &h, &b), -EINVAL);
	o = (struct ptnet_options){.flags = 1U << 31};
	assert_int_equal(name_request("netmap:eth0", &o, &h, &b), -EINVAL);
	o = (struct ptnet_options){.tx_rings = 65536};
	assert_int_equal(name_request("netmap:eth0", &o, &h, &b), -EINVAL);
	o = (struct ptnet_options){.flags = PTNET_MONITOR_ZERO_COPY};
	assert_int_equal(name_request("netmap:eth0", &o, &h, &b), -EINVAL);
	assert_int_equal(name_request("netmap:eth0/t", &o, &h, &b), 0);
}

static void test_a_socket_has_no_such_options(void **state)
{
	const struct ptnet_options o = {.flags = PTNET_EXCLUSIVE};
	struct ptnet_port *p;

	(void)state;
	assert_int_equal(ptnet_open(&p, "/nowhere", &o), -EOPNOTSUPP);
	assert_null(p);
	assert_int_equal(ptnet_open(&p, "netmap:eth0/q", NULL), -EINVAL);
	assert_null(p);
}

static void test_addresses_from_names(void **state)
{
	uint8_t a[6], b[6];

	(void)state;
	name_mac("vale0:a", a);
	name_mac("vale0:a", b);
	assert_memory_equal(a, b, 6);
	name_mac("vale0:b", b);
	assert_memory_not_equal(a, b, 6);
	assert_int_equal(b[0], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_opens_a_name),
		cmocka_unit_test(test_suffixes),
		cmocka_unit_test(test_what_makes_no_sense),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_a_socket_has_no_such_options),
		cmocka_unit_test(test_addresses_from_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
