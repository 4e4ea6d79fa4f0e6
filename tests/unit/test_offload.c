/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames with a virtio-net header that asks for something, on a switch with
 * receivers that have one and receivers that have none: who has one gets the
 * frame as it is, who has none gets segments and checksums, byte by byte what
 * tests/unit/packet.c says they are. Headers that cannot be go nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/packet.h"
#include "unit/rig.h"

enum {
	FROM, /* has a header */
	KNOWS, /* has one, too */
	SHORT, /* has the shorter one */
	BARE, /* has none */
	PORTS,

	SLOTS = 512,
	BUF = 2048,
	RANDOM_PACKETS = 400,
};

static const u64 BROADCAST = 0xffffffffffffULL;
static const u64 SOURCE = 0x020000000002ULL;

static struct ptn_vale *vale;
static struct rig rig[PORTS];
static struct ptn_work *work;
static u8 sent[PACKET_MAX], got[PACKET_MAX], want[PACKET_MAX];

static void open_with(const struct rig_params params[PORTS])
{
	const struct ptn_vale_params v = {
		.name = "vale0", .fdb_size = 64, .ageing_ms = 300000};
	static const char *const names[PORTS] = {"from", "knows", "short",
						 "bare"};
	static const u32 headers[PORTS] = {12, 12, 10, 0};

	work = ptn_work_new();
	assert_int_equal(ptn_vale_new(&vale, &v), 0);
	for (int i = 0; i < PORTS; i++) {
		rig_open(&rig[i], names[i], &params[i]);
		assert_int_equal(ptn_port_set_hdr_len(rig[i].port, headers[i]),
				 0);
		assert_int_equal(ptn_vale_attach(vale, rig[i].port), 0);
	}
}

static int open_ports(void **state)
{
	const struct rig_params p = {1, SLOTS, BUF, 0};

	(void)state;
	open_with((struct rig_params[PORTS]){p, p, p, p});
	return 0;
}

static int open_odd_ports(void **state)
{
	(void)state;
	open_with((struct rig_params[PORTS]){{1, SLOTS, BUF, 0},
					     {1, SLOTS, 4096, 0},
					     {1, SLOTS, 1024, 0},
					     {1, SLOTS, 448, 0}});
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

static struct packet tcp(u32 payload)
{
	return (struct packet){
		.dst = BROADCAST,
		.src = SOURCE,
		.id = 0xfffe, /* wraps */
		.seq = 0xfffffc00, /* as well */
		.flags = PACKET_ACK | PACKET_PSH | PACKET_FIN,
		.payload = payload,
		.seed = 77,
	};
}

static void sync_sender(void)
{
	while (ptn_port_sync(rig[FROM].port, 0, work))
		;
	ptn_port_arm(rig[FROM].port, 0);
}

/* In slots of @frag bytes. */
static void send(u32 len, u32 frag)
{
	assert_true(rig_send(&rig[FROM], sent, len, frag));
	sync_sender();
}

static void assert_nothing(u32 at)
{
	assert_int_equal(rig_recv(&rig[at], 0, got, sizeof(got)), -1);
}

static void assert_nothing_anywhere(void)
{
	for (u32 i = 0; i < PORTS; i++)
		assert_nothing(i);
}

static void assert_whole(u32 at, u32 len, u32 hdr)
{
	assert_int_equal(rig_recv(&rig[at], 0, got, sizeof(got)),
			 len - 12 + hdr);
	assert_memory_equal(got, sent, 10);
	assert_memory_equal(got + hdr, sent + 12, len - 12);
}

/* Returns their number. */
static u32 assert_segments(const struct packet *p, u16 size)
{
	u32 n = 0, len;

	for (; (len = packet_segment(p, size, n, want)); n++) {
		assert_int_equal(rig_recv(&rig[BARE], 0, got, sizeof(got)),
				 len);
		assert_memory_equal(got, want, len);
	}
	assert_nothing(BARE);
	return n;
}

static void all_get_their_kind(const struct packet *p, u16 size, u32 frag)
{
	const u32 len = packet_write_vnet(p, 12, size, sent);
	const u64 cut = rig_count(&rig[BARE], PTN_C_SEGMENTED);
	const u64 parts = rig_count(&rig[BARE], PTN_C_SEGMENTS);
	u32 n;

	send(len, frag);
	assert_whole(KNOWS, len, 12);
	assert_whole(SHORT, len, 10);
	n = assert_segments(p, size);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_SEGMENTED) - cut, n > 1);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_SEGMENTS) - parts,
			 n > 1 ? n : 0);
}

static void tcp_of_64_kib(void **state)
{
	struct packet p = tcp(65535 - 40);

	(void)state;
	all_get_their_kind(&p, 1460, BUF);
	p.tcp_options = 12;
	p.payload -= 12;
	all_get_their_kind(&p, 1448, BUF);
	assert_int_equal(rig_count(&rig[FROM], PTN_C_TX_FRAMES), 2);
	assert_int_equal(rig_count(&rig[KNOWS], PTN_C_SEGMENTS), 0);
	assert_int_equal(rig_count(&rig[SHORT], PTN_C_SEGMENTS), 0);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_CHECKSUMS), 0);
}

static void tcp_by_ipv6(void **state)
{
	struct packet p = tcp(30000);

	(void)state;
	p.v6 = true;
	all_get_their_kind(&p, 1440, BUF);
	p.options = 48;
	all_get_their_kind(&p, 1392, BUF);
	p.vlan = 0x8100;
	all_get_their_kind(&p, 1388, BUF);
}

static void udp_by_both(void **state)
{
	struct packet p = tcp(20000);

	(void)state;
	p.udp = true;
	all_get_their_kind(&p, 1472, BUF);
	p.v6 = true;
	all_get_their_kind(&p, 1452, BUF);
}

static void options_and_tags(void **state)
{
	struct packet p = tcp(9001);

	(void)state;
	p.options = 40;
	p.tcp_options = 40;
	all_get_their_kind(&p, 1000, BUF);
	p.vlan = 0x88a8;
	all_get_their_kind(&p, 999, BUF);
}

/* CWR is said once, FIN and PSH at the end. */
static void flags_where_they_belong(void **state)
{
	struct packet p = tcp(4000);

	(void)state;
	p.flags |= PACKET_CWR;
	all_get_their_kind(&p, 1000, BUF);
}

static void payloads_around_one_segment(void **state)
{
	struct packet p = tcp(0);

	(void)state;
	for (; p.payload < 2; p.payload++)
		all_get_their_kind(&p, 1, BUF);
	for (p.payload = 127; p.payload < 132; p.payload++)
		all_get_their_kind(&p, 128, BUF);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_CHECKSUMS), 4);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_SEGMENTED), 3);
}

/* Whatever slots the sender's frame lies in. */
static void any_fragments(void **state)
{
	struct packet p = tcp(3000);

	(void)state;
	p.tcp_options = 12;
	for (u32 frag = 50; frag < 400; frag++)
		all_get_their_kind(&p, 700, frag);
	p.payload = 1400;
	for (u32 frag = 26; frag < 90; frag++)
		all_get_their_kind(&p, 500, frag);
}

static void random_packet(struct packet *p, u16 *size)
{
	*p = tcp((u32)rand() % 12000);
	p->v6 = rand() % 2;
	p->udp = rand() % 3 == 0;
	p->vlan = rand() % 2 ? 0 : 0x8100;
	p->options = (u32)rand() % 2 * 8 * ((u32)rand() % 5);
	p->tcp_options = 4 * ((u32)rand() % 11);
	p->id = (u16)rand();
	p->seq = (u32)rand() * 3;
	p->flags = (u8)(rand() & ~(PACKET_SYN | 4));
	p->seed = (u32)rand();
	*size = (u16)(64 + rand() % 1500);
}

/* Receivers with small and with large buffers. */
static void random_packets(void **state)
{
	struct packet p;
	u16 size;

	(void)state;
	srand(1);
	for (u32 i = 0; i < RANDOM_PACKETS; i++) {
		random_packet(&p, &size);
		all_get_their_kind(&p, size, 256 + (u32)rand() % (BUF - 255));
	}
	assert_int_equal(rig_drops(&rig[FROM]), 0);
	assert_int_equal(rig_drops(&rig[BARE]), 0);
}

static void a_lone_checksum(void **state)
{
	struct packet p = tcp(100);

	(void)state;
	for (int i = 0; i < 8; i++) {
		u32 len;

		p.udp = i & 1;
		p.v6 = i & 2;
		p.vlan = i & 4 ? 0x8100 : 0;
		p.payload += 7;
		len = packet_write_vnet(&p, 12, 0, sent);
		send(len, BUF);
		assert_whole(KNOWS, len, 12);
		assert_whole(SHORT, len, 10);
		len = packet_write(&p, want);
		assert_int_equal(rig_recv(&rig[BARE], 0, got, sizeof(got)),
				 len);
		assert_memory_equal(got, want, len);
	}
	assert_int_equal(rig_count(&rig[BARE], PTN_C_CHECKSUMS), 8);
}

/* A sum that comes out as zero is written as its other form. */
static void a_checksum_is_never_zero(void **state)
{
	struct packet p = tcp(2);
	u32 len, was;

	(void)state;
	p.udp = true;
	len = packet_write_vnet(&p, 12, 0, sent);
	packet_write(&p, want);
	was = want[packet_checksum(&p)] << 8 | want[packet_checksum(&p) + 1];
	was += sent[len - 2] << 8 | sent[len - 1];
	was = (was & 0xffff) + (was >> 16);
	sent[len - 2] = (u8)(was >> 8);
	sent[len - 1] = (u8)was;
	send(len, BUF);
	assert_int_equal(rig_recv(&rig[BARE], 0, got, sizeof(got)), len - 12);
	assert_int_equal(got[packet_checksum(&p)], 0xff);
	assert_int_equal(got[packet_checksum(&p) + 1], 0xff);
	assert_true(packet_sound(got, len - 12));
}

static void what_has_no_room_is_dropped_part_by_part(void **state)
{
	const struct packet p = tcp(60000);
	const u32 len = packet_write_vnet(&p, 12, 300, sent); /* 200 parts */
	u32 came = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		send(len, BUF);
	while (rig_recv(&rig[BARE], 0, got, sizeof(got)) > 0) {
		assert_true(packet_sound(got, packet_headers(&p) + 300));
		came++;
	}
	assert_int_equal(came, SLOTS - 1);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_SEGMENTED), 4);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_SEGMENTS), 800);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_RX_FRAMES), came);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_DROP_RX_FULL), 800 - came);
}

/* Headers that cannot be: one change to what is right, in the header ... */

struct change {
	u32 at; /* in the virtio-net header; from 12 on in the frame */
	u8 value;
	enum ptn_counter drop;
};

static void refused(const struct packet *p, u16 size, const struct change *c)
{
	const u32 len = packet_write_vnet(p, 12, size, sent);
	const u64 before = rig_count(&rig[FROM], c->drop);

	sent[c->at] = c->value;
	send(len, BUF);
	assert_int_equal(rig_count(&rig[FROM], c->drop), before + 1);
	assert_nothing_anywhere();
}

static void fields_that_cannot_be(void **state)
{
	static const struct change changes[] = {
		{0, 0, PTN_C_DROP_OFFLOAD}, /* cut without a checksum */
		{0, 5, PTN_C_DROP_OFFLOAD}, /* a flag that nobody knows */
		{0, 0x81, PTN_C_DROP_OFFLOAD},
		{1, 2, PTN_C_DROP_OFFLOAD}, /* kinds that nobody knows */
		{1, 3, PTN_C_DROP_OFFLOAD}, /* the old UDP's */
		{1, 6, PTN_C_DROP_OFFLOAD},
		{1, 0x85, PTN_C_DROP_OFFLOAD}, /* ECN of UDP */
		{1, 0x80, PTN_C_DROP_OFFLOAD}, /* ... of nothing */
		{1, 4, PTN_C_DROP_OFFLOAD_FRAME}, /* IPv4 is no IPv6 */
		{1, 5, PTN_C_DROP_OFFLOAD_FRAME}, /* TCP is no UDP */
		{2, 53, PTN_C_DROP_OFFLOAD_FRAME}, /* headers end later */
		{3, 0xff, PTN_C_DROP_OFFLOAD}, /* longer than the frame */
		{6, 13, PTN_C_DROP_OFFLOAD}, /* in Ethernet's header */
		{6, 33, PTN_C_DROP_OFFLOAD_FRAME}, /* not where TCP is */
		{7, 1, PTN_C_DROP_OFFLOAD}, /* too far away */
		{8, 17, PTN_C_DROP_OFFLOAD}, /* odd */
		{8, 14, PTN_C_DROP_OFFLOAD_FRAME}, /* not TCP's */
		{9, 1, PTN_C_DROP_OFFLOAD},
	};
	const struct packet p = tcp(5000);

	(void)state;
	for (u32 i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		refused(&p, 1000, &changes[i]);
	assert_int_equal(rig_count(&rig[FROM], PTN_C_TX_FRAMES),
			 sizeof(changes) / sizeof(*changes));
	assert_int_equal(rig_drops(&rig[FROM]),
			 sizeof(changes) / sizeof(*changes));
}

static void segments_of_no_size(void **state)
{
	const struct packet p = tcp(5000);

	(void)state;
	refused(&p, 0x300, &(struct change){5, 0, PTN_C_DROP_OFFLOAD});
}

/* ... and in the frame, which it does not fit then. */
static void frames_that_are_not_that(void **state)
{
	enum { ETH = 12, IP = ETH + 14, TCP = IP + 20 };
	static const struct change changes[] = {
		{ETH + 12, 0x86, 0}, {ETH + 13, 6, 0}, /* types */
		{IP, 0x65, 0},	     {IP, 0x44, 0},
		{IP, 0x46, 0},	     {IP, 0x4f, 0},
		{IP + 2, 0, 0},	     {IP + 3, 0, 0}, /* length */
		{IP + 6, 0x20, 0},   {IP + 7, 1, 0}, /* a fragment */
		{IP + 9, 17, 0},     {IP + 9, 1, 0}, /* protocol */
		{TCP + 12, 0x40, 0}, {TCP + 12, 0x60, 0},
		{TCP + 12, 0xf0, 0}, {TCP + 13, 0x12, 0},
		{TCP + 13, 0x04, 0}, /* SYN, RST */
	};
	const struct packet p = tcp(5000);

	(void)state;
	for (u32 i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct change c = changes[i];

		c.drop = PTN_C_DROP_OFFLOAD_FRAME;
		refused(&p, 1000, &c);
	}
}

static void frames_of_ipv6_that_are_not_that(void **state)
{
	enum { ETH = 12, IP = ETH + 14, EXT = IP + 40 };
	static const struct change changes[] = {
		{IP, 0x40, 0},
		{IP + 4, 0, 0},
		{IP + 6, 44, 0}, /* a fragment */
		{IP + 6, 51, 0}, /* authentication */
		{IP + 6, 59, 0},
		{EXT, 60, 0}, /* one that goes on without end */
		{EXT + 1, 0xff, 0}, /* beyond what is looked at */
		{EXT + 1, 0, 0}, /* TCP would be elsewhere */
	};
	struct packet p = tcp(5000);

	(void)state;
	p.v6 = true;
	p.options = 16;
	for (u32 i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct change c = changes[i];

		c.drop = PTN_C_DROP_OFFLOAD_FRAME;
		refused(&p, 1000, &c);
	}
}

/* A used-up routing header is one like the others. */
static void routing_headers(void **state)
{
	enum { NEXT = 12 + 14 + 6, LEFT = 12 + 14 + 40 + 3 };
	struct packet p = tcp(5000);
	u32 len, n = 0;

	(void)state;
	p.v6 = true;
	p.options = 24;
	len = packet_write_vnet(&p, 12, 1000, sent);
	sent[NEXT] = 43;
	sent[LEFT] = 1;
	send(len, BUF);
	assert_int_equal(rig_count(&rig[FROM], PTN_C_DROP_OFFLOAD_FRAME), 1);
	assert_nothing_anywhere();
	sent[LEFT] = 0;
	send(len, BUF);
	for (; rig_recv(&rig[BARE], 0, got, sizeof(got)) > 0; n++)
		assert_true(packet_sound(got, packet_headers(&p) + 1000));
	assert_int_equal(n, 5);
}

static void too_many_and_too_small_segments(void **state)
{
	static const struct {
		u32 payload;
		u16 size;
		bool taken;
	} cases[] = {
		{64 * 256, 64, true},	 {64 * 256 + 1, 64, false},
		{126, 63, false},	 {63, 63, true},
		{1000 * 60, 1000, true}, {60000, 234, false},
		{60000, 235, true},
	};

	(void)state;
	for (u32 i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct packet p = tcp(cases[i].payload);
		const struct change c = {12, 0xff, PTN_C_DROP_OFFLOAD_PARTS};

		if (cases[i].taken)
			all_get_their_kind(&p, cases[i].size, BUF);
		else
			refused(&p, cases[i].size, &c);
	}
}

/* Good ones of a batch arrive, whatever is between them. */
static void bad_ones_among_good_ones(void **state)
{
	const struct packet p = tcp(1500);
	u32 len = 0;

	(void)state;
	for (u32 i = 0; i < 60; i++) {
		len = packet_write_vnet(&p, 12, 1000, sent);
		if (i % 3)
			sent[1] = 0x7f;
		assert_true(rig_send(&rig[FROM], sent, len, BUF));
	}
	sync_sender();
	packet_write_vnet(&p, 12, 1000, sent);
	for (u32 i = 0; i < 20; i++) {
		assert_whole(KNOWS, len, 12);
		assert_whole(SHORT, len, 10);
	}
	assert_nothing(KNOWS);
	assert_int_equal(rig_count(&rig[FROM], PTN_C_DROP_OFFLOAD), 40);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_RX_FRAMES), 40);
}

/* Whoever is cut off by its ring counts it. */
static void large_frames_need_large_rings(void **state)
{
	const struct packet p = tcp(40000);
	const u32 len = packet_write_vnet(&p, 12, 1460, sent);

	(void)state;
	send(len, BUF);
	assert_whole(KNOWS, len, 12);
	assert_whole(SHORT, len, 10);
	assert_int_equal(assert_segments(&p, 1460), 28);
}

static int open_small_ports(void **state)
{
	(void)state;
	open_with((struct rig_params[PORTS]){{1, SLOTS, BUF, 0},
					     {1, 16, BUF, 0},
					     {1, SLOTS, 256, 0},
					     {1, 16, BUF, 0}});
	return 0;
}

static void rings_that_cannot_hold_it(void **state)
{
	const struct packet p = tcp(40000);

	(void)state;
	send(packet_write_vnet(&p, 12, 1460, sent), BUF);
	assert_nothing(KNOWS); /* 16 slots */
	assert_nothing(SHORT); /* more than 64 of 256 bytes */
	assert_int_equal(rig_count(&rig[KNOWS], PTN_C_DROP_TOO_BIG), 1);
	assert_int_equal(rig_count(&rig[SHORT], PTN_C_DROP_TOO_BIG), 1);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_RX_FRAMES), 15);
	assert_int_equal(rig_count(&rig[BARE], PTN_C_DROP_RX_FULL), 13);
}

int main(void)
{
#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, open_ports, close_ports)
	const struct CMUnitTest tests[] = {
		TEST(tcp_of_64_kib),
		TEST(tcp_by_ipv6),
		TEST(udp_by_both),
		TEST(options_and_tags),
		TEST(flags_where_they_belong),
		TEST(payloads_around_one_segment),
		TEST(any_fragments),
		TEST(a_lone_checksum),
		TEST(a_checksum_is_never_zero),
		TEST(what_has_no_room_is_dropped_part_by_part),
		TEST(fields_that_cannot_be),
		TEST(segments_of_no_size),
		TEST(frames_that_are_not_that),
		TEST(frames_of_ipv6_that_are_not_that),
		TEST(routing_headers),
		TEST(too_many_and_too_small_segments),
		TEST(bad_ones_among_good_ones),
		cmocka_unit_test_setup_teardown(random_packets, open_odd_ports,
						close_ports),
		cmocka_unit_test_setup_teardown(large_frames_need_large_rings,
						open_odd_ports, close_ports),
		cmocka_unit_test_setup_teardown(rings_that_cannot_hold_it,
						open_small_ports, close_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
