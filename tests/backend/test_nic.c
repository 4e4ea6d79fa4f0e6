/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network devices on switches, on each backend that has such: two ends of veth
 * pairs and a VM with headers on one switch. Frames and segments are compared
 * byte by byte with what tests/unit/packet.c says they are.
 *
 *	test_nic [kernel]
 *
 * At the engine in a network namespace of the test's own, or at the kernel's
 * module where that is loaded: in guests. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/driver.h"
#include "unit/packet.h"
#include "unit/wire.h"

#define ONE "ptnsw0"
#define FAR_ONE "ptnsw1"
#define TWO "ptnsw2"
#define FAR_TWO "ptnsw3"
#define GUEST "v.lan"

enum {
	PATIENCE_MS = 10000,
	NUM_BUFFERS = 10, /* in headers of 12 bytes */
	LARGE = 65000, /* of payload */
	SEGMENT = 1301,
};

static const uint64_t GUEST_MAC = 0x010000000002, FIRST_MAC = 0x070000000002,
		      SECOND_MAC = 0x080000000002, EVERY_MAC = 0xffffffffffff;

static uint8_t sent[PACKET_MAX], got[PACKET_MAX], due[PACKET_MAX];

static bool is_kernel(void)
{
	return host_ops == &backend_kernel;
}

/* What is declared */

static struct objects want;

static void want_switch(const char *name)
{
	struct switch_spec s = {.owner = "t", .fdb_size = 64};

	strcpy(s.name, name);
	objects_add_switch(&want, &s, NULL);
}

static struct port_spec *want_nic(const char *device, const char *sw)
{
	struct port_spec p = {.owner = "t", .kind = PTN_PORT_NIC};

	strcpy(p.name, device);
	strcpy(p.device, device);
	strcpy(p.on_switch, sw);
	objects_add_port(&want, &p, NULL);
	return &want.ports[want.n_ports - 1];
}

static void want_guest(const char *sw)
{
	struct port_spec p = driver_port(GUEST, GUEST_MAC);

	strcpy(p.on_switch, sw);
	objects_add_port(&want, &p, NULL);
}

static void apply(struct host *h)
{
	objects_sort(&want);
	host_apply(h, &want);
	objects_fini(&want);
}

/* Both devices, on switches of these names; NULL: none of it. */
static void declare(struct host *h, const char *one, const char *two)
{
	want_switch("s");
	want_switch("r");
	want_guest("s");
	if (one)
		want_nic(ONE, one);
	if (two)
		want_nic(TWO, two);
	apply(h);
}

static int open_world(void **state)
{
	if (geteuid())
		return 0;
	wire_make(ONE, FAR_ONE);
	wire_make(TWO, FAR_TWO);
	host_open(state);
	declare(*state, "s", "s");
	return 0;
}

static int close_world(void **state)
{
	objects_fini(&want); /* of a test that failed */
	if (!*state)
		return 0;
	host_close(state);
	wire_remove(ONE);
	wire_remove(TWO);
	return 0;
}

/* Only root makes devices. */
#define NEEDS_DEVICES(state)                                                   \
	do {                                                                   \
		if (!*(state)) {                                               \
			skip();                                                \
			return;                                                \
		}                                                              \
	} while (0)

/* What is there */

static void assert_state(struct host *h, const char *port,
			 enum ptn_port_state state)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (host_port(h, port).state == state)
			return;
		poll(NULL, 0, 1);
	}
	assert_int_equal(host_port(h, port).state, state);
}

static void assert_counted(struct host *h, const char *port, int counter,
			   uint64_t n)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (host_port(h, port).counters[counter] == n)
			return;
		poll(NULL, 0, 1);
	}
	assert_int_equal(host_port(h, port).counters[counter], n);
}

static bool is_learned(struct host *h, const char *sw, uint64_t mac,
		       const char *port)
{
	struct backend_error error = {0};
	struct fdb_entry *all;
	bool found = false;
	size_t n;

	pthread_mutex_lock(&h->lock);
	assert_int_equal(host_ops->fdb(h->backend, sw, &all, &n, &error), 0);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < n; i++)
		found |= !memcmp(all[i].mac, &mac, sizeof(all[i].mac)) &&
			 !strcmp(all[i].port, port);
	free(all);
	return found;
}

static void assert_sound(struct host *h)
{
	const struct census c = host_census(h);

	assert_int_equal(c.lost, 0);
	assert_int_equal(c.twice, 0);
}

/* Frames */

static struct packet a_packet(uint64_t from, uint64_t to, uint32_t payload)
{
	return (struct packet){.dst = to,
			       .src = from,
			       .id = 0xfffe,
			       .seq = 0xfffffc00,
			       .flags = PACKET_ACK | PACKET_PSH | PACKET_FIN,
			       .payload = payload,
			       .seed = payload};
}

static void wire_sends(int wire, uint64_t from, uint64_t to, uint32_t payload)
{
	const struct packet p = a_packet(from, to, payload);

	wire_send(wire, due, packet_write(&p, due));
}

static void guest_sends(struct driver *guest, uint64_t to, uint32_t payload)
{
	const struct packet p = a_packet(GUEST_MAC, to, payload);

	driver_send(guest, due, packet_write(&p, due));
}

static void assert_frame(const struct packet *p, uint32_t len)
{
	assert_int_equal(len, packet_write(p, due));
	assert_memory_equal(got, due, len);
}

static void wire_gets(int wire, uint64_t from, uint64_t to, uint32_t payload)
{
	const struct packet p = a_packet(from, to, payload);

	assert_frame(&p, wire_take(wire, from, got));
}

static void guest_gets(struct driver *guest, uint64_t from, uint64_t to,
		       uint32_t payload)
{
	const struct packet p = a_packet(from, to, payload);

	assert_frame(&p, driver_take(guest, got));
}

/* The wire first: so the guest's frames go there alone. */
static void exchange(struct driver *guest, int wire, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		wire_sends(wire, FIRST_MAC, GUEST_MAC, i * 53 % 1400);
		guest_gets(guest, FIRST_MAC, GUEST_MAC, i * 53 % 1400);
		guest_sends(guest, FIRST_MAC, i * 37 % 1400);
		wire_gets(wire, GUEST_MAC, FIRST_MAC, i * 37 % 1400);
	}
}

static void frames_go_both_ways(void **state)
{
	enum { COUNT = 3 * DRIVER_SLOTS };
	struct host *h = *state;
	struct driver guest;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR_ONE, false);
	driver_start(&guest, h, GUEST, 0);
	assert_state(h, ONE, PTN_PORT_UP);
	assert_int_equal(host_port(h, ONE).pid, 0);
	assert_int_equal(wire_promiscuity(ONE), 1);
	exchange(&guest, wire, COUNT);
	assert_counted(h, ONE, PTN_C_TX_FRAMES, COUNT);
	assert_counted(h, ONE, PTN_C_RX_FRAMES, COUNT);
	assert_counted(h, GUEST, PTN_C_RX_FRAMES, COUNT);
	assert_sound(h);
	driver_end(&guest);
	declare(h, NULL, "s");
	assert_int_equal(wire_promiscuity(ONE), 0);
	assert_int_equal(wire_promiscuity(TWO), 1);
	close(wire);
}

/* What nobody has seen goes to all, what one has goes there alone. */
static void addresses_are_learned_at_devices(void **state)
{
	struct host *h = *state;
	struct driver guest;
	int first, second;

	NEEDS_DEVICES(state);
	first = wire_open(FAR_ONE, false);
	second = wire_open(FAR_TWO, false);
	driver_start(&guest, h, GUEST, 0);
	wire_sends(first, FIRST_MAC, EVERY_MAC, 100);
	wire_gets(second, FIRST_MAC, EVERY_MAC, 100);
	guest_gets(&guest, FIRST_MAC, EVERY_MAC, 100);
	assert_true(is_learned(h, "s", FIRST_MAC, ONE));
	wire_sends(second, SECOND_MAC, FIRST_MAC, 200);
	wire_gets(first, SECOND_MAC, FIRST_MAC, 200);
	assert_true(is_learned(h, "s", SECOND_MAC, TWO));
	guest_sends(&guest, SECOND_MAC, 300);
	wire_gets(second, GUEST_MAC, SECOND_MAC, 300);
	assert_true(wire_is_silent(first, GUEST_MAC));
	assert_int_equal(driver_try_take(&guest, got), 0);
	/* whose receiver is on its own side stays there */
	wire_sends(first, SECOND_MAC + (1ULL << 40), EVERY_MAC, 10);
	wire_gets(second, SECOND_MAC + (1ULL << 40), EVERY_MAC, 10);
	wire_sends(first, SECOND_MAC + (1ULL << 40), FIRST_MAC, 10);
	assert_counted(h, ONE, PTN_C_DROP_SAME_PORT, 1);
	/* and who moves is found again */
	wire_sends(second, FIRST_MAC, EVERY_MAC, 400);
	wire_gets(first, FIRST_MAC, EVERY_MAC, 400);
	assert_true(is_learned(h, "s", FIRST_MAC, TWO));
	driver_end(&guest);
	close(first);
	close(second);
}

static void a_fast_wire_and_a_fast_guest(void **state)
{
	enum { BURST = DRIVER_SLOTS / 2, COUNT = 150 * BURST, SHORTEST = 100 };
	const struct packet shortest = a_packet(GUEST_MAC, FIRST_MAC, SHORTEST);
	struct driver guest;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR_ONE, false);
	driver_start(&guest, *state, GUEST, 0);
	for (uint32_t i = 0; i < COUNT; i += BURST) {
		for (uint32_t k = i; k < i + BURST; k++)
			guest_sends(&guest, FIRST_MAC,
				    SHORTEST + k % WIRE_LENGTHS);
		wire_take_all(wire, &shortest, BURST);
	}
	driver_end(&guest);
	assert_counted(*state, GUEST, PTN_C_TX_FRAMES, COUNT);
	close(wire);
}

static void tagged_frames_keep_their_tag(void **state)
{
	struct driver guest;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR_ONE, false);
	driver_start(&guest, *state, GUEST, 0);
	for (uint32_t i = 0; i < 10; i++) {
		struct packet p = a_packet(GUEST_MAC, FIRST_MAC, 100 + i);

		p.vlan = i & 1 ? 0x88a8 : 0x8100;
		driver_send(&guest, sent, packet_write(&p, sent));
		assert_frame(&p, wire_take(wire, GUEST_MAC, got));
		p = a_packet(FIRST_MAC, GUEST_MAC, 200 + i);
		p.vlan = 0x8100;
		wire_send(wire, sent, packet_write(&p, sent));
		assert_frame(&p, driver_take(&guest, got));
	}
	driver_end(&guest);
	close(wire);
}

/* Large packets */

static struct packet a_large_one(uint64_t from, uint64_t to, uint32_t i)
{
	struct packet p = a_packet(from, to, i & 4 ? LARGE : 3000);

	p.v6 = i & 1;
	p.udp = i & 2;
	return p;
}

static void segments_on_wire(int wire, const struct packet *p)
{
	uint32_t len;

	for (uint32_t i = 0; (len = packet_segment(p, SEGMENT, i, due)); i++) {
		assert_int_equal(wire_take(wire, p->src, got), len);
		assert_memory_equal(got, due, len);
	}
}

static void a_guests_large_packets_leave_in_segments(void **state)
{
	struct host *h = *state;
	struct driver guest;
	int first, second;

	NEEDS_DEVICES(state);
	first = wire_open(FAR_ONE, false);
	second = wire_open(FAR_TWO, false);
	driver_start(&guest, h, GUEST, 12);
	for (uint32_t i = 0; i < 8; i++) {
		struct packet p = a_large_one(GUEST_MAC, EVERY_MAC, i);

		driver_send(&guest, sent,
			    packet_write_vnet(&p, 12, SEGMENT, sent));
		segments_on_wire(first, &p);
		segments_on_wire(second, &p);
		/* and a checksum that is left to be done */
		p.payload = 500 + i;
		driver_send(&guest, sent, packet_write_vnet(&p, 12, 0, sent));
		assert_frame(&p, wire_take(first, GUEST_MAC, got));
		assert_frame(&p, wire_take(second, GUEST_MAC, got));
	}
	assert_counted(h, GUEST, PTN_C_DROP_OFFLOAD, 0);
	assert_counted(h, GUEST, PTN_C_DROP_OFFLOAD_FRAME, 0);
	assert_sound(h);
	driver_end(&guest);
	close(first);
	close(second);
}

/* A header of @hdr bytes that asks for nothing, before a whole frame. */
static void guest_gets_behind(struct driver *guest, uint32_t hdr, uint32_t len)
{
	memset(due, 0, hdr);
	if (hdr > NUM_BUFFERS)
		due[NUM_BUFFERS] = 1;
	assert_int_equal(driver_take(guest, got), hdr + len);
	assert_memory_equal(got, due, hdr + len);
}

static void segments_for_guest(struct driver *guest, const struct packet *p,
			       uint32_t hdr)
{
	uint32_t len;

	for (uint32_t i = 0; (len = packet_segment(p, SEGMENT, i, due + hdr));
	     i++)
		guest_gets_behind(guest, hdr, len);
}

/* As the device's kernel had it: it says how much lay in one piece. */
static void whole_for_guest(struct driver *guest, const struct packet *p)
{
	const uint32_t len = packet_write_vnet(p, 12, SEGMENT, due);

	due[NUM_BUFFERS] = 1;
	assert_int_equal(driver_take(guest, got), len);
	assert_true((uint32_t)(got[2] | got[3] << 8) >= packet_headers(p));
	memcpy(due + 2, got + 2, 2);
	assert_memory_equal(got, due, len);
}

/*
 * What a stack hands to its device whole is cut for the other wire, and for a
 * guest without headers; to one with headers the engine gives it as it is. The
 * module's devices cut what comes.
 */
static void large_packets_of_a_wire(void **state, uint32_t hdr)
{
	struct driver guest;
	int first, second;

	NEEDS_DEVICES(state);
	first = wire_open(FAR_ONE, true);
	second = wire_open(FAR_TWO, false);
	driver_start(&guest, *state, GUEST, hdr);
	for (uint32_t i = 0; i < 4; i++) {
		struct packet p =
			a_packet(FIRST_MAC, EVERY_MAC, i & 2 ? 20000 : 2600);

		p.v6 = i & 1;
		wire_send(first, sent,
			  packet_write_vnet(&p, 10, SEGMENT, sent));
		segments_on_wire(second, &p);
		if (hdr && !is_kernel())
			whole_for_guest(&guest, &p);
		else
			segments_for_guest(&guest, &p, hdr);
		p.payload = 333;
		wire_send(first, sent, packet_write_vnet(&p, 10, 0, sent));
		assert_frame(&p, wire_take(second, FIRST_MAC, got));
		if (hdr && !is_kernel()) {
			assert_int_equal(driver_take(&guest, got),
					 packet_write_vnet(&p, 12, 0, due));
			continue;
		}
		guest_gets_behind(&guest, hdr, packet_write(&p, due + hdr));
	}
	driver_end(&guest);
	close(first);
	close(second);
}

static void a_wires_large_packets_are_cut(void **state)
{
	large_packets_of_a_wire(state, 0);
}

static void a_wires_large_packets_and_headers(void **state)
{
	large_packets_of_a_wire(state, 12);
}

/* Devices that go */

static void assert_goes_on(struct driver *guest)
{
	const int wire = wire_open(FAR_ONE, false);

	exchange(guest, wire, 10);
	close(wire);
	assert_int_equal(wire_promiscuity(ONE), 1);
}

static void assert_told(struct host *h)
{
	bool told = false;

	for (int ms = 0; !told && ms < PATIENCE_MS; ms++) {
		poll(NULL, 0, 1);
		told = host_changed(h);
	}
	assert_true(told);
}

/* ptnetd is told, and plans anew; that the engine needs nobody, it may know. */
static void take_again(struct host *h)
{
	if (!is_kernel())
		assert_state(h, ONE, PTN_PORT_UP);
	assert_told(h);
	declare(h, "s", "s");
	assert_state(h, ONE, PTN_PORT_UP);
}

static void a_device_goes_and_comes_back(void **state)
{
	struct host *h = *state;
	struct driver guest;
	int second;

	NEEDS_DEVICES(state);
	second = wire_open(FAR_TWO, false);
	driver_start(&guest, h, GUEST, 0);
	for (int i = 0; i < 3; i++) {
		assert_goes_on(&guest);
		assert_false(host_port(h, ONE).device_gone);
		assert_false(host_changed(h));
		wire_remove(ONE);
		assert_state(h, ONE, PTN_PORT_FAULTED);
		assert_true(host_port(h, ONE).device_gone);
		assert_false(is_learned(h, "s", FIRST_MAC, ONE));
		/* the others do not notice */
		guest_sends(&guest, SECOND_MAC, 100);
		wire_gets(second, GUEST_MAC, SECOND_MAC, 100);
		wire_make(ONE, FAR_ONE);
		take_again(h);
	}
	assert_goes_on(&guest);
	assert_sound(h);
	driver_end(&guest);
	close(second);
}

static const uint64_t PINNED_MAC = 0x770000000002;

/* The first device's port is there without it, and an address is said to be. */
static void declare_lacking(struct host *h, bool pinned)
{
	struct static_mac mac = {{2, 0, 0, 0, 0, 0x77}, ONE};
	const struct switch_spec s = {"s", "t", 0, 64, &mac, pinned};

	objects_add_switch(&want, &s, NULL);
	want_guest("s");
	want_nic(ONE, "s")->nic_later = true;
	want_nic(TWO, "s")->nic_later = true;
	apply(h);
}

/* As after a start of the machine: what was declared before may lack it. */
static void a_device_that_comes_later(void **state)
{
	struct host *h = *state;
	struct driver guest;

	NEEDS_DEVICES(state);
	declare(h, NULL, NULL);
	wire_remove(ONE);
	declare_lacking(h, false);
	declare_lacking(h, true);
	assert_state(h, ONE, PTN_PORT_FAULTED);
	assert_true(host_port(h, ONE).device_gone);
	assert_state(h, TWO, PTN_PORT_UP);
	driver_start(&guest, h, GUEST, 0);
	host_changed(h);
	wire_make(ONE, FAR_ONE);
	assert_told(h);
	declare_lacking(h, true);
	assert_state(h, ONE, PTN_PORT_UP);
	assert_false(host_port(h, ONE).device_gone);
	assert_true(is_learned(h, "s", PINNED_MAC, ONE));
	assert_goes_on(&guest);
	assert_sound(h);
	driver_end(&guest);
}

static void a_device_comes_by_its_name(void **state)
{
	struct host *h = *state;
	struct driver guest;

	NEEDS_DEVICES(state);
	driver_start(&guest, h, GUEST, 0);
	wire_remove(ONE);
	assert_state(h, ONE, PTN_PORT_FAULTED);
	wire_make("ptnother", FAR_ONE);
	assert_state(h, ONE, PTN_PORT_FAULTED);
	wire_run("ip link set ptnother down");
	wire_run("ip link set ptnother name " ONE);
	wire_run("ip link set " ONE " up");
	wire_wait(ONE, FAR_ONE);
	take_again(h);
	assert_goes_on(&guest);
	driver_end(&guest);
}

static void a_device_that_is_down_waits(void **state)
{
	struct host *h = *state;
	struct driver guest;

	NEEDS_DEVICES(state);
	driver_start(&guest, h, GUEST, 0);
	declare(h, NULL, "s");
	wire_run("ip link set " ONE " down");
	declare(h, "s", "s");
	assert_state(h, ONE, PTN_PORT_UP);
	for (int i = 0; i < 2; i++) {
		wire_run("ip link set " ONE " up");
		wire_wait(ONE, FAR_ONE);
		assert_goes_on(&guest);
		wire_run("ip link set " ONE " down");
	}
	driver_end(&guest);
}

/* The backend has seen it when it has answered twice. */
static void wait_for_no_carrier(struct host *h, const char *device)
{
	wire_run("for i in $(seq 1000); do"
		 "	ip link show %s | grep -q 'state .*DOWN' && exit;"
		 "	sleep 0.01;"
		 "done; exit 1",
		 device);
	poll(NULL, 0, 50);
	host_port(h, device);
	host_port(h, device);
}

/* Frames wait for it, as many as find room. */
static void a_wire_that_is_unplugged(void **state)
{
	enum { COUNT = 20 };
	struct host *h = *state;
	struct driver guest;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR_ONE, false);
	driver_start(&guest, h, GUEST, 0);
	for (int i = 0; i < 3; i++) {
		exchange(&guest, wire, 3);
		wire_run("ip link set " FAR_ONE " down");
		wait_for_no_carrier(h, ONE);
		assert_true(wire_is_silent(wire, GUEST_MAC));
		for (uint32_t k = 0; k < COUNT; k++)
			guest_sends(&guest, FIRST_MAC, k);
		wire_run("ip link set " FAR_ONE " up");
		for (uint32_t k = 0; k < COUNT; k++)
			wire_gets(wire, GUEST_MAC, FIRST_MAC, k);
	}
	assert_int_equal(host_port(h, ONE).counters[PTN_C_DROP_DEVICE], 0);
	driver_end(&guest);
	close(wire);
}

/* What a device is given, and cannot send, is its drop. */
static void what_cannot_be_sent_is_counted(void **state)
{
	enum { COUNT = 5 };
	struct host *h = *state;
	struct driver guest;
	int first, second;

	NEEDS_DEVICES(state);
	first = wire_open(FAR_ONE, false);
	second = wire_open(FAR_TWO, false);
	wire_run("ip link set " ONE " mtu 1000");
	driver_start(&guest, h, GUEST, 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		guest_sends(&guest, EVERY_MAC, 1200);
		wire_gets(second, GUEST_MAC, EVERY_MAC, 1200);
		guest_sends(&guest, EVERY_MAC, 100);
		wire_gets(first, GUEST_MAC, EVERY_MAC, 100);
		wire_gets(second, GUEST_MAC, EVERY_MAC, 100);
	}
	assert_counted(h, ONE, PTN_C_DROP_DEVICE, COUNT);
	assert_counted(h, ONE, PTN_C_RX_FRAMES, 2 * COUNT);
	assert_int_equal(host_port(h, TWO).counters[PTN_C_DROP_DEVICE], 0);
	assert_int_equal(host_port(h, GUEST).counters[PTN_C_DROP_DEVICE], 0);
	driver_end(&guest);
	close(first);
	close(second);
}

/* Changes */

static void a_device_moves_between_switches(void **state)
{
	struct host *h = *state;
	struct driver guest;
	int first, second;

	NEEDS_DEVICES(state);
	first = wire_open(FAR_ONE, false);
	second = wire_open(FAR_TWO, false);
	driver_start(&guest, h, GUEST, 0);
	for (int i = 0; i < 3; i++) {
		exchange(&guest, first, 3);
		declare(h, "r", "s");
		guest_sends(&guest, FIRST_MAC, 10);
		wire_gets(second, GUEST_MAC, FIRST_MAC, 10);
		assert_true(wire_is_silent(first, GUEST_MAC));
		assert_false(is_learned(h, "s", FIRST_MAC, ONE));
		declare(h, "r", "r");
		wire_sends(first, FIRST_MAC, EVERY_MAC, 20);
		wire_gets(second, FIRST_MAC, EVERY_MAC, 20);
		assert_true(is_learned(h, "r", FIRST_MAC, ONE));
		assert_int_equal(driver_try_take(&guest, got), 0);
		declare(h, "s", "s");
		assert_int_equal(wire_promiscuity(ONE), 1);
	}
	assert_sound(h);
	driver_end(&guest);
	close(first);
	close(second);
}

/* From the switch to a VM that has it for itself, and back. */
static void a_device_moves_to_a_vm(void **state)
{
	struct port_spec p = driver_port("v.wan", GUEST_MAC);
	struct host *h = *state;
	struct driver guest;
	int wire;

	NEEDS_DEVICES(state);
	strcpy(p.device, ONE);
	wire = wire_open(FAR_ONE, false);
	for (int i = 0; i < 2; i++) {
		want_switch("s");
		objects_add_port(&want, &p, NULL);
		apply(h);
		driver_start(&guest, h, "v.wan", 0);
		exchange(&guest, wire, 5);
		driver_end(&guest);
		/* the module gives nobody's device away */
		assert_state(h, "v.wan", PTN_PORT_DOWN);
		declare(h, "s", "s");
		driver_start(&guest, h, GUEST, 0);
		exchange(&guest, wire, 5);
		driver_end(&guest);
	}
	close(wire);
}

/* Refusals */

static void assert_refused(struct host *h, int code, const char *words)
{
	struct backend_error error = {0};
	struct objects have;
	struct plan plan;
	int err;

	objects_sort(&want);
	pthread_mutex_lock(&h->lock);
	assert_int_equal(host_ops->dump(h->backend, &have, &error), 0);
	assert_int_equal(plan_make(&plan, &want, &have), 0);
	err = host_ops->apply(h->backend, &plan, 2, &error);
	pthread_mutex_unlock(&h->lock);
	if (err != code || !strstr(error.message, words))
		fail_msg("%d: %s", err, error.message);
	plan_fini(&plan);
	objects_fini(&have);
	objects_fini(&want);
}

static void want_base(void)
{
	want_switch("s");
	want_switch("r");
	want_guest("s");
	want_nic(TWO, "s");
}

/* And nothing of it is done: the devices go on where they are. */
static void what_cannot_be_is_refused(void **state)
{
	struct host *h = *state;
	struct driver guest;

	NEEDS_DEVICES(state);
	driver_start(&guest, h, GUEST, 0);
	want_base();
	want_nic("ptnnone", "s");
	assert_refused(h, -ENODEV, "there is no network device ptnnone here");
	want_base();
	want_nic("lo", "s");
	assert_refused(h, -EINVAL, "lo");
	want_base();
	strcpy(want_nic("twice", "r")->device, TWO);
	assert_refused(h, -EBUSY,
		       "network device " TWO " is port " TWO " already");
	want_base();
	want_nic(ONE, "r");
	strcpy(want_nic("twice", "s")->device, ONE);
	assert_refused(h, -EBUSY, ONE);
	want_base();
	want_nic(ONE, "nowhere");
	assert_refused(h, -ENOENT, "nowhere");
	assert_goes_on(&guest);
	driver_end(&guest);
}

/* A device moves, and the change after it cannot be done. */
static void a_change_that_fails_gives_the_device_back(void **state)
{
	struct host *h = *state;
	struct driver guest;

	NEEDS_DEVICES(state);
	driver_start(&guest, h, GUEST, 0);
	want_switch("s");
	want_switch("r");
	want_guest("s");
	want_nic(ONE, "r");
	want_nic(TWO, "s");
	wire_make("ptnsw4", "ptnsw5");
	wire_run("ip link set ptnsw4 mtu 9000");
	want_nic("ptnsw4", "s");
	assert_refused(h, -EINVAL,
		       "ptnsw4: frames of MTU 9000 need buffers of 9018 bytes, "
		       "there are 2048: ip link set ptnsw4 mtu 2030");
	assert_goes_on(&guest);
	assert_int_equal(wire_promiscuity("ptnsw4"), 0);
	wire_remove("ptnsw4");
	driver_end(&guest);
}

static void the_hosts_stack_is_a_port_or_refused(void **state)
{
	struct host *h = *state;

	NEEDS_DEVICES(state);
	want_base();
	want_nic(ONE, "s")->host_stack = true;
	if (is_kernel()) {
		apply(h);
		assert_state(h, ONE "^", PTN_PORT_UP);
		return;
	}
	assert_refused(h, -EOPNOTSUPP,
		       "port " ONE ": the engine cannot put the host's stack");
	assert_state(h, ONE, PTN_PORT_UP);
}

#define NIC_TEST(name)                                                         \
	cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		NIC_TEST(frames_go_both_ways),
		NIC_TEST(addresses_are_learned_at_devices),
		NIC_TEST(a_fast_wire_and_a_fast_guest),
		NIC_TEST(tagged_frames_keep_their_tag),
		NIC_TEST(a_guests_large_packets_leave_in_segments),
		NIC_TEST(a_wires_large_packets_are_cut),
		NIC_TEST(a_wires_large_packets_and_headers),
		NIC_TEST(a_device_goes_and_comes_back),
		NIC_TEST(a_device_that_comes_later),
		NIC_TEST(a_device_comes_by_its_name),
		NIC_TEST(a_device_that_is_down_waits),
		NIC_TEST(a_wire_that_is_unplugged),
		NIC_TEST(what_cannot_be_sent_is_counted),
		NIC_TEST(a_device_moves_between_switches),
		NIC_TEST(a_device_moves_to_a_vm),
		NIC_TEST(what_cannot_be_is_refused),
		NIC_TEST(a_change_that_fails_gives_the_device_back),
		NIC_TEST(the_hosts_stack_is_a_port_or_refused),
	};

	if (argc > 1 && !strcmp(argv[1], backend_kernel.name))
		host_ops = &backend_kernel;
	/* the module's devices are those of the first namespace */
	else if (!geteuid() && wire_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
