/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports on a switch with virtio-net headers before their frames: the switch
 * looks past them, and ports with other headers, or none, get their own. What
 * the headers ask for is in test_offload.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/rig.h"

enum { PORTS = 3, LEN = 200, MOST = 4096 };

static const u64 BROADCAST = 0xffffffffffffULL;

static struct ptn_vale *vale;
static struct rig rig[PORTS];
static struct ptn_work *work;

static int open_ports(void **state)
{
	const struct ptn_vale_params v = {
		.name = "vale0", .fdb_size = 64, .ageing_ms = 300000};
	static const char *const names[PORTS] = {"a", "b", "c"};

	(void)state;
	work = ptn_work_new();
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	for (int i = 0; i < PORTS; i++) {
		rig_open(&rig[i], names[i],
			 &(struct rig_params){1, 64, 256, 0});
		assert_int_equal(ptn_vale_attach(vale, rig[i].port), 0);
	}
	return 0;
}

static int close_ports(void **state)
{
	(void)state;
	for (int i = 0; i < PORTS; i++)
		rig_close(&rig[i], ptn_vale_detach);
	ptn_vale_free(vale);
	ptn_work_free(work);
	return 0;
}

static void set_headers(u32 a, u32 b, u32 c)
{
	assert_int_equal(ptn_port_set_hdr_len(rig[0].port, a), 0);
	assert_int_equal(ptn_port_set_hdr_len(rig[1].port, b), 0);
	assert_int_equal(ptn_port_set_hdr_len(rig[2].port, c), 0);
}

static u64 mac_of(u32 port)
{
	return 0x0200 + ((u64)port << 40);
}

/* A frame with @hdr bytes of header, whose first ones are @flags and @gso. */
static void send(u32 from, u64 dst, u32 hdr, u8 flags, u8 gso, u32 frag)
{
	u8 frame[MOST];

	memset(frame, 0x77, hdr);
	frame[0] = flags;
	frame[1] = gso;
	rig_frame(frame + hdr, LEN, dst, mac_of(from), (u8)(from + 1));
	assert_true(rig_send(&rig[from], frame, hdr + LEN, frag));
	while (ptn_port_sync(rig[from].port, 0, work))
		;
	ptn_port_arm(rig[from].port, 0);
}

/* A whole frame of @from's, behind a header that begins with @head. */
static void assert_came(u32 at, u32 from, u64 dst, u32 hdr, const u8 *head)
{
	u8 got[MOST], frame[LEN];

	rig_frame(frame, LEN, dst, mac_of(from), (u8)(from + 1));
	assert_int_equal(rig_recv(&rig[at], 0, got, sizeof(got)), hdr + LEN);
	assert_memory_equal(got, head, hdr);
	assert_memory_equal(got + hdr, frame, LEN);
}

static void assert_nothing(u32 at)
{
	u8 got[MOST];

	assert_int_equal(rig_recv(&rig[at], 0, got, sizeof(got)), -1);
}

/* Whose checksum was looked at; the other fields mean nothing then. */
static const u8 same[12] = {2,	  0,	0x77, 0x77, 0x77, 0x77,
			    0x77, 0x77, 0x77, 0x77, 0x77, 0x77};
/* From a port with the short one: in one buffer. */
static const u8 longer[12] = {2,    0,	  0x77, 0x77, 0x77, 0x77,
			      0x77, 0x77, 0x77, 0x77, 1,    0};
static const u8 fresh[12] = {[10] = 1};
static const u8 none[12];

static void addresses_are_behind_the_header(void **state)
{
	(void)state;
	set_headers(12, 12, 12);
	send(1, BROADCAST, 12, 2, 0, 256);
	assert_came(0, 1, BROADCAST, 12, same);
	assert_came(2, 1, BROADCAST, 12, same);
	send(0, mac_of(1), 12, 2, 0, 256);
	assert_came(1, 0, mac_of(1), 12, same);
	assert_nothing(2);
}

/* Put this in the next slot of a's; the sync comes later. */
static void put_slot(const void *from, u16 len, u16 flags)
{
	struct netmap_ring *r = rig_tx(&rig[0], 0);
	struct netmap_slot *s = &r->slot[r->head];

	memcpy(rig_buf(r, s->buf_idx), from, len);
	s->len = len;
	s->flags = flags;
	r->head = r->cur = rig_next(r, r->head);
}

static void a_header_in_a_fragment_of_its_own(void **state)
{
	u8 frame[LEN];

	(void)state;
	set_headers(10, 10, 0);
	rig_frame(frame, LEN, BROADCAST, mac_of(0), 1);
	put_slot(none, 10, NS_MOREFRAG);
	put_slot(frame, 100, NS_MOREFRAG);
	put_slot(frame + 100, LEN - 100, 0);
	put_slot(none, 9, NS_MOREFRAG); /* parted elsewhere */
	put_slot(frame, LEN, 0);
	rig_sync_tx(&rig[0], 0);
	while (ptn_port_sync(rig[0].port, 0, work))
		;
	assert_came(1, 0, BROADCAST, 10, none);
	assert_came(2, 0, BROADCAST, 0, none);
	assert_nothing(1);
	assert_int_equal(rig_count(&rig[0], PTN_C_DROP_TOO_SHORT), 1);
}

static void others_get_their_own(void **state)
{
	(void)state;
	set_headers(12, 10, 0);
	send(0, BROADCAST, 12, 0, 0, 256);
	assert_came(1, 0, BROADCAST, 10,
		    (u8[10]){0, 0, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77,
			     0x77});
	assert_came(2, 0, BROADCAST, 0, none);
	send(1, BROADCAST, 10, 2, 0, 256);
	assert_came(0, 1, BROADCAST, 12, longer);
	assert_came(2, 1, BROADCAST, 0, none);
	send(2, BROADCAST, 0, 0, 0, 256);
	assert_came(0, 2, BROADCAST, 12, fresh);
	assert_came(1, 2, BROADCAST, 10, none);
}

static void frames_without_an_ethernet_header(void **state)
{
	u8 frame[64] = {0};

	(void)state;
	set_headers(12, 0, 12);
	for (u32 len = 0; len < 26; len++)
		assert_true(rig_send(&rig[0], frame, len, 256));
	while (ptn_port_sync(rig[0].port, 0, work))
		;
	assert_int_equal(rig_count(&rig[0], PTN_C_DROP_TOO_SHORT), 26);
	assert_nothing(1);
	assert_nothing(2);
}

int main(void)
{
#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, open_ports, close_ports)
	const struct CMUnitTest tests[] = {
		TEST(addresses_are_behind_the_header),
		TEST(a_header_in_a_fragment_of_its_own),
		TEST(others_get_their_own),
		TEST(frames_without_an_ethernet_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
