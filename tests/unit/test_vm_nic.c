/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM with a network device of the host for itself: one end of a veth pair,
 * at whose other end a packet socket is the wire. What goes over that is
 * compared byte by byte with what tests/unit/packet.c says it is.
 *
 *	test_vm_nic [kernel]
 *
 * At the engine in a network namespace of the test's own, or at the kernel's
 * module where that is loaded: in guests. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "unit/driver.h"
#include "unit/packet.h"
#include "unit/wire.h"

#define DEVICE "ptnvm0"
#define FAR "ptnvm1"

enum {
	PATIENCE_MS = 10000,
	SLOTS = DRIVER_SLOTS,
	NUM_BUFFERS = 10, /* in headers of 12 bytes */
};

static const uint64_t GUEST_MAC = 0x010000000002, WIRE_MAC = 0x070000000002;

static uint8_t sent[PACKET_MAX], got[PACKET_MAX], due[PACKET_MAX];

static bool is_kernel(void)
{
	return host_ops == &backend_kernel;
}

static void assert_on_wire(int fd, const uint8_t *frame, uint32_t len)
{
	assert_int_equal(wire_take(fd, GUEST_MAC, got), len);
	assert_memory_equal(got, frame, len);
}

/* The VM */

static struct port_spec a_vm(uint32_t slots)
{
	struct port_spec p = driver_port("v.wan", GUEST_MAC);

	strcpy(p.device, DEVICE);
	p.slots = slots;
	return p;
}

static void apply(struct host *h, const struct port_spec *p)
{
	static const struct switch_spec s = {
		.name = "s", .owner = "t", .fdb_size = 64};
	struct port_spec other = a_vm(SLOTS);
	struct objects want = {0};

	/* one without a device is none of them */
	strcpy(other.name, "other");
	strcpy(other.on_switch, "s");
	other.device[0] = 0;
	objects_add_switch(&want, &s, NULL);
	objects_add_port(&want, &other, NULL);
	if (p)
		objects_add_port(&want, p, NULL);
	objects_sort(&want);
	host_apply(h, &want);
	objects_fini(&want);
}

static int open_world(void **state)
{
	const struct port_spec p = a_vm(SLOTS);

	if (geteuid())
		return 0;
	wire_make(DEVICE, FAR);
	host_open(state);
	apply(*state, &p);
	return 0;
}

static int close_world(void **state)
{
	if (!*state)
		return 0;
	host_close(state);
	wire_remove(DEVICE);
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

static void assert_comes(struct driver *vm, const uint8_t *frame, uint32_t len)
{
	assert_int_equal(driver_take(vm, got), len);
	assert_memory_equal(got, frame, len);
}

/* What is counted is counted when the batch is done, a moment later. */
static void assert_counted(struct host *h, int counter, uint64_t n)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (host_port(h, "v.wan").counters[counter] == n)
			return;
		poll(NULL, 0, 1);
	}
	assert_int_equal(host_port(h, "v.wan").counters[counter], n);
}

static void assert_state(struct host *h, enum ptn_port_state state)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (host_port(h, "v.wan").state == state)
			return;
		poll(NULL, 0, 1);
	}
	assert_int_equal(host_port(h, "v.wan").state, state);
}

/* Packets */

static struct packet from_guest(uint32_t payload)
{
	return (struct packet){.dst = WIRE_MAC,
			       .src = GUEST_MAC,
			       .id = 0xfffe,
			       .seq = 0xfffffc00,
			       .flags = PACKET_ACK | PACKET_PSH | PACKET_FIN,
			       .payload = payload,
			       .seed = payload};
}

static struct packet from_wire(uint32_t payload)
{
	struct packet p = from_guest(payload);

	p.dst = GUEST_MAC;
	p.src = WIRE_MAC;
	return p;
}

/* Frames as they are */

static void exchange(struct driver *vm, int wire, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct packet p = from_guest(i * 37 % 1400);
		uint32_t len = packet_write(&p, due);

		driver_send(vm, due, len);
		assert_on_wire(wire, due, len);
		p = from_wire(i * 53 % 1400);
		len = packet_write(&p, due);
		wire_send(wire, due, len);
		assert_comes(vm, due, len);
	}
}

static void frames_go_both_ways(void **state)
{
	enum { COUNT = 3 * SLOTS };
	struct driver vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, false);
	driver_start(&vm, *state, "v.wan", 0);
	assert_int_equal(wire_promiscuity(DEVICE), 1);
	exchange(&vm, wire, COUNT);
	assert_counted(*state, PTN_C_TX_FRAMES, COUNT);
	assert_counted(*state, PTN_C_RX_FRAMES, COUNT);
	driver_end(&vm);
	assert_state(*state, PTN_PORT_DOWN);
	assert_int_equal(wire_promiscuity(DEVICE), 0);
	close(wire);
}

/* More than the ring holds: the guest waits, and nothing is lost. */
static void a_fast_guest_loses_nothing(void **state)
{
	enum { COUNT = 80 * SLOTS, SHORTEST = 100 };
	const struct packet shortest = from_guest(SHORTEST);
	struct driver vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, false);
	driver_start(&vm, *state, "v.wan", 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct packet p = from_guest(SHORTEST + i % WIRE_LENGTHS);

		driver_send(&vm, sent, packet_write(&p, sent));
		if (i % SLOTS == SLOTS - 1)
			wire_take_all(wire, &shortest, SLOTS);
	}
	driver_end(&vm);
	close(wire);
}

static void tagged_frames_keep_their_tag(void **state)
{
	struct driver vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, false);
	driver_start(&vm, *state, "v.wan", 0);
	for (uint32_t i = 0; i < 10; i++) {
		struct packet p = from_guest(100 + i);
		uint32_t len;

		p.vlan = i & 1 ? 0x88a8 : 0x8100;
		len = packet_write(&p, due);
		driver_send(&vm, due, len);
		assert_on_wire(wire, due, len);
		p = from_wire(200 + i);
		p.vlan = 0x8100;
		len = packet_write(&p, due);
		wire_send(wire, due, len);
		assert_comes(&vm, due, len);
	}
	driver_end(&vm);
	close(wire);
}

static void what_is_no_frame_is_counted(void **state)
{
	struct driver vm;
	struct packet p;
	uint32_t len;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, false);
	driver_start(&vm, *state, "v.wan", 0);
	memset(sent, 2, sizeof(sent));
	driver_send(&vm, sent, 13);
	p = from_guest(1700); /* longer than the MTU */
	driver_send(&vm, sent, packet_write(&p, sent));
	p = from_guest(10);
	len = packet_write(&p, due);
	driver_send(&vm, due, len);
	assert_on_wire(wire, due, len);
	assert_counted(*state, PTN_C_TX_FRAMES, 3);
	assert_counted(*state, PTN_C_DROP_DEVICE, 2);
	driver_end(&vm);
	close(wire);
}

/* Headers */

static void cut_on_its_way(struct driver *vm, int wire, uint32_t hdr,
			   const struct packet *p, uint16_t size)
{
	uint32_t len = packet_write_vnet(p, hdr, size, sent);

	driver_send(vm, sent, len);
	if (!size) {
		assert_on_wire(wire, due, packet_write(p, due));
		return;
	}
	for (uint32_t i = 0; (len = packet_segment(p, size, i, due)); i++)
		assert_on_wire(wire, due, len);
}

static void packets_out(struct driver *vm, int wire, uint32_t hdr)
{
	for (uint32_t i = 0; i < 16; i++) {
		struct packet p = from_guest(i & 8 ? 30000 : 1100);

		p.v6 = i & 1;
		p.udp = i & 2;
		p.vlan = i & 4 ? 0x8100 : 0;
		if (i & 4)
			p.options = 8;
		cut_on_its_way(vm, wire, hdr, &p, i & 8 ? 1301 : 500);
		p.payload = 100 + i;
		cut_on_its_way(vm, wire, hdr, &p, 0);
	}
}

static void what_asks_for_it_is_cut_on_its_way_out(void **state)
{
	static const uint32_t headers[] = {10, 12};
	struct driver vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, false);
	for (int i = 0; i < 2; i++) {
		driver_start(&vm, *state, "v.wan", headers[i]);
		assert_true(qemu_config(&vm.q)->features & PTN_REGION_HEADERS);
		packets_out(&vm, wire, headers[i]);
		driver_end(&vm);
	}
	assert_counted(*state, PTN_C_DROP_DEVICE, 0);
	close(wire);
}

static void a_header_that_cannot_be_is_counted(void **state)
{
	const struct packet p = from_guest(1100);
	struct driver vm;
	uint32_t len;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, false);
	driver_start(&vm, *state, "v.wan", 12);
	len = packet_write_vnet(&p, 12, 500, sent);
	sent[0] = 0x80; /* flags */
	driver_send(&vm, sent, len);
	driver_send(&vm, sent, 12 + 13); /* no Ethernet header behind it */
	packet_write_vnet(&p, 12, 500, sent);
	sent[12 + 14] = 0x65; /* IPv6 where IPv4 is said */
	driver_send(&vm, sent, len);
	cut_on_its_way(&vm, wire, 12, &p, 500);
	assert_counted(*state, PTN_C_DROP_OFFLOAD, 1);
	assert_counted(*state, PTN_C_DROP_DEVICE, 1);
	assert_counted(*state, PTN_C_DROP_OFFLOAD_FRAME, 1);
	driver_end(&vm);
	close(wire);
}

/* A header of @hdr bytes that asks for nothing; none for 0. */
static void want_header(uint32_t hdr)
{
	memset(due, 0, hdr);
	if (hdr > NUM_BUFFERS)
		due[NUM_BUFFERS] = 1;
}

static void segments_come(struct driver *vm, const struct packet *p,
			  uint16_t size, uint32_t hdr)
{
	uint32_t len;

	for (uint32_t i = 0; (len = packet_segment(p, size, i, due + hdr));
	     i++) {
		want_header(hdr);
		assert_comes(vm, due, hdr + len);
	}
}

/* What a stack hands to its device whole, and a checksum that it leaves. */
static void whole_packets_in(struct driver *vm, int wire, uint32_t hdr)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct packet p = from_wire(i & 2 ? 20000 : 2600);
		uint32_t len;

		p.v6 = i & 1;
		wire_send(wire, sent, packet_write_vnet(&p, 10, 1300, sent));
		segments_come(vm, &p, 1300, hdr);
		p.payload = 333;
		wire_send(wire, sent, packet_write_vnet(&p, 10, 0, sent));
		want_header(hdr);
		len = packet_write(&p, due + hdr);
		assert_comes(vm, due, hdr + len);
	}
}

static void whole_packets_are_cut_for_guests_without_headers(void **state)
{
	struct driver vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, true);
	driver_start(&vm, *state, "v.wan", 0);
	whole_packets_in(&vm, wire, 0);
	driver_end(&vm);
	close(wire);
}

/* The engine hands them on, with the header that the kernel gave them. */
static void whole_packets_come_whole(struct driver *vm, int wire)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct packet p = from_wire(i & 2 ? 20000 : 2600);
		uint32_t len;

		p.v6 = i & 1;
		wire_send(wire, sent, packet_write_vnet(&p, 10, 1300, sent));
		len = packet_write_vnet(&p, 12, 1300, due);
		due[NUM_BUFFERS] = 1;
		assert_int_equal(driver_take(vm, got), len);
		/* no more than a hint: so much lay in one piece */
		assert_true((uint32_t)(got[2] | got[3] << 8) >=
			    packet_headers(&p));
		memcpy(due + 2, got + 2, 2);
		assert_memory_equal(got, due, len);
	}
}

/* The module's devices cut what comes, and say so by empty headers. */
static void guests_with_headers_get_all_that_comes(void **state)
{
	struct driver vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_open(FAR, true);
	driver_start(&vm, *state, "v.wan", 12);
	if (is_kernel())
		whole_packets_in(&vm, wire, 12);
	else
		whole_packets_come_whole(&vm, wire);
	driver_end(&vm);
	close(wire);
}

/* Devices that go */

static void assert_goes_on(struct driver *vm)
{
	const int wire = wire_open(FAR, false);

	exchange(vm, wire, 10);
	close(wire);
	assert_int_equal(wire_promiscuity(DEVICE), 1);
}

/* The VM stays attached, and goes on when its device is there again. */
static void a_device_goes_and_comes_back(void **state)
{
	struct driver vm;

	NEEDS_DEVICES(state);
	driver_start(&vm, *state, "v.wan", 0);
	for (int i = 0; i < 3; i++) {
		assert_state(*state, PTN_PORT_UP);
		assert_goes_on(&vm);
		assert_false(host_port(*state, "v.wan").device_gone);
		wire_remove(DEVICE);
		assert_state(*state, PTN_PORT_FAULTED);
		assert_true(host_port(*state, "v.wan").device_gone);
		assert_int_equal(qemu_config(&vm.q)->state, PTN_STATE_RUNNING);
		wire_make(DEVICE, FAR);
	}
	assert_state(*state, PTN_PORT_UP);
	assert_goes_on(&vm);
	driver_end(&vm);
}

/* Without a VM it is no different; and one of another name becomes it. */
static void a_device_comes_by_its_name(void **state)
{
	struct driver vm;

	NEEDS_DEVICES(state);
	wire_run("ip link set " DEVICE " down");
	wire_run("ip link set " DEVICE " name ptnother");
	wire_remove("ptnother");
	assert_state(*state, PTN_PORT_FAULTED);
	wire_make(DEVICE, FAR);
	assert_state(*state, PTN_PORT_DOWN);
	wire_remove(DEVICE);
	assert_state(*state, PTN_PORT_FAULTED);
	driver_start(&vm, *state, "v.wan", 0);
	assert_state(*state, PTN_PORT_FAULTED);
	wire_make(DEVICE, FAR);
	assert_state(*state, PTN_PORT_UP);
	assert_goes_on(&vm);
	driver_end(&vm);
}

static void a_device_that_is_down_waits(void **state)
{
	struct driver vm;

	NEEDS_DEVICES(state);
	wire_run("ip link set " DEVICE " down");
	driver_start(&vm, *state, "v.wan", 0);
	wire_run("ip link set " DEVICE " up");
	wire_wait(DEVICE, FAR);
	assert_goes_on(&vm);
	wire_run("ip link set " DEVICE " down");
	wire_run("ip link set " DEVICE " up");
	wire_wait(DEVICE, FAR);
	assert_goes_on(&vm);
	driver_end(&vm);
}

/* Changes */

static void it_goes_with_the_declaration(void **state)
{
	const struct port_spec longer = a_vm(2 * SLOTS);
	struct driver vm;

	NEEDS_DEVICES(state);
	driver_start(&vm, *state, "v.wan", 0);
	apply(*state, &longer);
	assert_state(*state, PTN_PORT_DOWN);
	assert_int_equal(wire_promiscuity(DEVICE), 0);
	driver_end(&vm);
	driver_start(&vm, *state, "v.wan", 0);
	assert_int_equal(wire_promiscuity(DEVICE), 1);
	apply(*state, NULL);
	driver_end(&vm);
	assert_int_equal(wire_promiscuity(DEVICE), 0);
}

static void assert_refused(struct host *h, const struct port_spec *p,
			   const char *words)
{
	struct backend_error error = {0};
	struct objects want = {0}, have;
	struct plan plan;

	objects_add_port(&want, p, NULL);
	pthread_mutex_lock(&h->lock);
	assert_int_equal(host_ops->dump(h->backend, &have, &error), 0);
	assert_int_equal(plan_make(&plan, &want, &have), 0);
	assert_int_not_equal(host_ops->apply(h->backend, &plan, 1, &error), 0);
	pthread_mutex_unlock(&h->lock);
	if (!strstr(error.message, words))
		fail_msg("%s", error.message);
	plan_fini(&plan);
	objects_fini(&have);
	objects_fini(&want);
}

static void what_cannot_be_is_refused(void **state)
{
	struct port_spec p = a_vm(SLOTS);

	NEEDS_DEVICES(state);
	strcpy(p.name, "v.other");
	strcpy(p.device, "ptnnone");
	assert_refused(*state, &p, "there is no network device ptnnone here");
	strcpy(p.device, "lo");
	assert_refused(*state, &p, "lo cannot be a port");
}

#define NIC_TEST(name)                                                         \
	cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		NIC_TEST(frames_go_both_ways),
		NIC_TEST(a_fast_guest_loses_nothing),
		NIC_TEST(tagged_frames_keep_their_tag),
		NIC_TEST(what_is_no_frame_is_counted),
		NIC_TEST(what_asks_for_it_is_cut_on_its_way_out),
		NIC_TEST(a_header_that_cannot_be_is_counted),
		NIC_TEST(whole_packets_are_cut_for_guests_without_headers),
		NIC_TEST(guests_with_headers_get_all_that_comes),
		NIC_TEST(a_device_goes_and_comes_back),
		NIC_TEST(a_device_comes_by_its_name),
		NIC_TEST(a_device_that_is_down_waits),
		NIC_TEST(it_goes_with_the_declaration),
		NIC_TEST(what_cannot_be_is_refused),
	};

	if (argc > 1 && !strcmp(argv[1], backend_kernel.name))
		host_ops = &backend_kernel;
	/* the module's devices are those of the first namespace */
	else if (!geteuid() && wire_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
