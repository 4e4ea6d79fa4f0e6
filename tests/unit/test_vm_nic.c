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

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ptnet/netmap.h>

#include "unit/guest.h"
#include "unit/packet.h"

#define DEVICE "ptnvm0"
#define FAR "ptnvm1"

enum {
	PATIENCE_MS = 10000,
	SLOTS = 64,
	BUF = 2048,
	ETH_P_EVERY = 3,
	RX_BYTES = 1 << 22,
	SRC_MAC = 6,
	NUM_BUFFERS = 10, /* in headers of 12 bytes */
};

static const uint64_t GUEST_MAC = 0x010000000002, WIRE_MAC = 0x070000000002;

static uint8_t sent[PACKET_MAX], got[PACKET_MAX], due[PACKET_MAX];

static bool is_kernel(void)
{
	return host_ops == &backend_kernel;
}

/* The devices */

static void run(const char *command)
{
	if (system(command)) /* NOLINT(cert-env33-c): a test's own words */
		fail_msg("%s", command);
}

static void quiet(const char *device)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
		 device);
	f = fopen(path, "we");
	if (!f)
		return; /* a kernel without IPv6 */
	fputs("1", f);
	fclose(f);
}

/* What is sent before that is lost. */
static void wait_until_up(void)
{
	run("for i in $(seq 1000); do"
	    "	[ $(ip link show | grep -c ' ptnvm.*state UP') = 2 ] && exit;"
	    "	sleep 0.01;"
	    "done; exit 1");
}

static void make_devices(void)
{
	run("ip link add " DEVICE " type veth peer name " FAR);
	quiet(DEVICE);
	quiet(FAR);
	run("ip link set " DEVICE " up");
	run("ip link set " FAR " up");
	wait_until_up();
}

static void remove_devices(const char *name)
{
	char command[64];

	snprintf(command, sizeof(command), "ip link del %s", name);
	run(command);
}

/* How many due all frames of it. */
static int promiscuity(const char *device)
{
	char command[96];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command),
		 "ip -d link show %s | grep -o 'promiscuity [0-9]*'", device);
	f = popen(command, "re"); /* NOLINT(cert-env33-c) */
	assert_non_null(f);
	assert_int_equal(fscanf(f, "promiscuity %d", &n), 1);
	pclose(f);
	return n;
}

static int wire_socket(bool headers)
{
	const struct timeval patience = {PATIENCE_MS / 1000, 0};
	const struct sockaddr_ll a = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_EVERY),
				      .sll_ifindex = (int)if_nametoindex(FAR)};
	const int bytes = RX_BYTES, one = headers;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_EVERY));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
				    sizeof(one)),
			 0);
	return fd;
}

/* What the guest has sent, not what the socket itself has. */
static bool is_guests(const uint8_t *frame)
{
	return !memcmp(frame + SRC_MAC, &GUEST_MAC, SRC_MAC);
}

/* The tag that the kernel takes out of a frame is put in again. */
static ssize_t receive(int fd, uint8_t *frame)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {frame, PACKET_MAX};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &m, 0);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	struct tpacket_auxdata aux = {0};

	if (c && c->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return n;
	memmove(frame + 16, frame + 12, (size_t)n - 12);
	frame[12] = (uint8_t)(aux.tp_vlan_tpid >> 8);
	frame[13] = (uint8_t)aux.tp_vlan_tpid;
	frame[14] = (uint8_t)(aux.tp_vlan_tci >> 8);
	frame[15] = (uint8_t)aux.tp_vlan_tci;
	return n + 4;
}

static uint32_t wire_take(int fd, uint8_t *frame)
{
	const int one = 1;
	ssize_t n;

	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	do {
		n = receive(fd, frame);
		if (n < 0)
			fail_msg("no frame on the wire");
	} while (!is_guests(frame));
	return (uint32_t)n;
}

static void assert_on_wire(int fd, const uint8_t *frame, uint32_t len)
{
	assert_int_equal(wire_take(fd, got), len);
	assert_memory_equal(got, frame, len);
}

static void wire_send(int fd, const uint8_t *frame, uint32_t len)
{
	assert_int_equal(send(fd, frame, len, 0), len);
}

/* The VM */

static struct port_spec a_vm(uint32_t slots)
{
	struct port_spec p = {.owner = "t",
			      .kind = PTN_PORT_VM,
			      .has_mac = true,
			      .queues = GUEST_QUEUES,
			      .slots = slots,
			      .buf_size = BUF,
			      .offload = true};

	strcpy(p.name, "v.wan");
	strcpy(p.device, DEVICE);
	memcpy(p.mac, &GUEST_MAC, sizeof(p.mac));
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
	make_devices();
	host_open(state);
	apply(*state, &p);
	return 0;
}

static int close_world(void **state)
{
	if (!*state)
		return 0;
	host_close(state);
	if (if_nametoindex(DEVICE))
		remove_devices(DEVICE);
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

/* A guest that works, with where it is in its rings. */
struct vm {
	struct qemu q;
	uint32_t tx, rx[GUEST_QUEUES];
};

static void vm_start(struct vm *vm, struct host *h, uint32_t hdr)
{
	memset(vm, 0, sizeof(*vm));
	guest_started(&vm->q, h, "v.wan");
	assert_int_equal(qemu_command(&vm->q, PTN_REGION_RESET), 0);
	if (hdr)
		assert_int_equal(guest_header(&vm->q, hdr), 0);
	assert_int_equal(qemu_command(&vm->q, PTN_REGION_START), 0);
}

static void publish(struct vm *vm, uint32_t ring, uint32_t vector,
		    uint32_t head)
{
	struct nm_csb_atok *a = guest_atok(&vm->q, ring);

	__atomic_store_n(&a->cur, head, __ATOMIC_RELAXED);
	__atomic_store_n(&a->head, head, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&guest_ktoa(&vm->q, ring)->kern_need_kick,
			    __ATOMIC_SEQ_CST))
		qemu_doorbell(&vm->q, vector);
}

static uint32_t room(const struct vm *vm)
{
	const uint32_t tail = __atomic_load_n(&guest_ktoa(&vm->q, 0)->hwtail,
					      __ATOMIC_ACQUIRE);

	return (tail + SLOTS - vm->tx) % SLOTS;
}

/* In as many slots as it takes. */
static void vm_send(struct vm *vm, const uint8_t *frame, uint32_t len)
{
	struct netmap_ring *r = guest_ring(&vm->q, 0);

	for (int ms = 0; room(vm) < (len + BUF - 1) / BUF; ms++) {
		assert_true(ms < PATIENCE_MS);
		poll(NULL, 0, 1);
	}
	while (len) {
		const uint32_t n = len < BUF ? len : BUF;

		memcpy(guest_buffer(r, vm->tx), frame, n);
		r->slot[vm->tx].len = (uint16_t)n;
		r->slot[vm->tx].flags = n < len ? NS_MOREFRAG : 0;
		vm->tx = (vm->tx + 1) % SLOTS;
		frame += n;
		len -= n;
	}
	publish(vm, 0, PTN_VECTOR_TX(0), vm->tx);
}

/* The frame in slot *@at; its length, 0 when there is none. */
static uint32_t take_from(struct vm *vm, uint32_t queue, uint8_t *frame)
{
	const uint32_t ring = GUEST_QUEUES + queue;
	struct netmap_ring *r = guest_ring(&vm->q, ring);
	const uint32_t tail = __atomic_load_n(&guest_ktoa(&vm->q, ring)->hwtail,
					      __ATOMIC_ACQUIRE);
	uint32_t at = vm->rx[queue], len = 0;
	bool more = at != tail;

	while (more) {
		memcpy(frame + len, guest_buffer(r, at), r->slot[at].len);
		len += r->slot[at].len;
		more = r->slot[at].flags & NS_MOREFRAG;
		at = (at + 1) % SLOTS;
	}
	vm->rx[queue] = at;
	if (len)
		publish(vm, ring, PTN_VECTOR_RX(queue), at);
	return len;
}

static uint32_t try_take(struct vm *vm, uint8_t *frame)
{
	uint32_t len = 0;

	for (uint32_t i = 0; !len && i < GUEST_QUEUES; i++)
		len = take_from(vm, i, frame);
	return len;
}

static uint32_t vm_take(struct vm *vm, uint8_t *frame)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		const uint32_t len = try_take(vm, frame);

		if (len)
			return len;
		poll(NULL, 0, 1);
	}
	fail_msg("no frame came to the guest");
	return 0;
}

static void assert_comes(struct vm *vm, const uint8_t *frame, uint32_t len)
{
	assert_int_equal(vm_take(vm, got), len);
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

static void exchange(struct vm *vm, int wire, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct packet p = from_guest(i * 37 % 1400);
		uint32_t len = packet_write(&p, due);

		vm_send(vm, due, len);
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
	struct vm vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(false);
	vm_start(&vm, *state, 0);
	assert_int_equal(promiscuity(DEVICE), 1);
	exchange(&vm, wire, COUNT);
	assert_counted(*state, PTN_C_TX_FRAMES, COUNT);
	assert_counted(*state, PTN_C_RX_FRAMES, COUNT);
	qemu_end(&vm.q);
	assert_state(*state, PTN_PORT_DOWN);
	assert_int_equal(promiscuity(DEVICE), 0);
	close(wire);
}

/* More than the ring holds: the guest waits, and nothing is lost. */
static void a_fast_guest_loses_nothing(void **state)
{
	enum { COUNT = 5000 };
	struct vm vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(false);
	vm_start(&vm, *state, 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct packet p = from_guest(100 + i % 1000);
		const uint32_t len = packet_write(&p, sent);

		vm_send(&vm, sent, len);
		if (i % SLOTS == SLOTS - 1)
			for (uint32_t k = i + 1 - SLOTS; k <= i; k++) {
				const struct packet q =
					from_guest(100 + k % 1000);

				assert_on_wire(wire, due,
					       packet_write(&q, due));
			}
	}
	qemu_end(&vm.q);
	close(wire);
}

static void tagged_frames_keep_their_tag(void **state)
{
	struct vm vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(false);
	vm_start(&vm, *state, 0);
	for (uint32_t i = 0; i < 10; i++) {
		struct packet p = from_guest(100 + i);
		uint32_t len;

		p.vlan = i & 1 ? 0x88a8 : 0x8100;
		len = packet_write(&p, due);
		vm_send(&vm, due, len);
		assert_on_wire(wire, due, len);
		p = from_wire(200 + i);
		p.vlan = 0x8100;
		len = packet_write(&p, due);
		wire_send(wire, due, len);
		assert_comes(&vm, due, len);
	}
	qemu_end(&vm.q);
	close(wire);
}

static void what_is_no_frame_is_counted(void **state)
{
	struct vm vm;
	struct packet p;
	uint32_t len;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(false);
	vm_start(&vm, *state, 0);
	memset(sent, 2, sizeof(sent));
	vm_send(&vm, sent, 13);
	p = from_guest(1700); /* longer than the MTU */
	vm_send(&vm, sent, packet_write(&p, sent));
	p = from_guest(10);
	len = packet_write(&p, due);
	vm_send(&vm, due, len);
	assert_on_wire(wire, due, len);
	assert_counted(*state, PTN_C_TX_FRAMES, 3);
	assert_counted(*state, PTN_C_DROP_DEVICE, 2);
	qemu_end(&vm.q);
	close(wire);
}

/* Headers */

static void cut_on_its_way(struct vm *vm, int wire, uint32_t hdr,
			   const struct packet *p, uint16_t size)
{
	uint32_t len = packet_write_vnet(p, hdr, size, sent);

	vm_send(vm, sent, len);
	if (!size) {
		assert_on_wire(wire, due, packet_write(p, due));
		return;
	}
	for (uint32_t i = 0; (len = packet_segment(p, size, i, due)); i++)
		assert_on_wire(wire, due, len);
}

static void packets_out(struct vm *vm, int wire, uint32_t hdr)
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
	struct vm vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(false);
	for (int i = 0; i < 2; i++) {
		vm_start(&vm, *state, headers[i]);
		assert_true(qemu_config(&vm.q)->features & PTN_REGION_HEADERS);
		packets_out(&vm, wire, headers[i]);
		qemu_end(&vm.q);
	}
	assert_counted(*state, PTN_C_DROP_DEVICE, 0);
	close(wire);
}

static void a_header_that_cannot_be_is_counted(void **state)
{
	const struct packet p = from_guest(1100);
	struct vm vm;
	uint32_t len;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(false);
	vm_start(&vm, *state, 12);
	len = packet_write_vnet(&p, 12, 500, sent);
	sent[0] = 0x80; /* flags */
	vm_send(&vm, sent, len);
	vm_send(&vm, sent, 12 + 13); /* no Ethernet header behind it */
	packet_write_vnet(&p, 12, 500, sent);
	sent[12 + 14] = 0x65; /* IPv6 where IPv4 is said */
	vm_send(&vm, sent, len);
	cut_on_its_way(&vm, wire, 12, &p, 500);
	assert_counted(*state, PTN_C_DROP_OFFLOAD, 1);
	assert_counted(*state, PTN_C_DROP_DEVICE, 1);
	assert_counted(*state, PTN_C_DROP_OFFLOAD_FRAME, 1);
	qemu_end(&vm.q);
	close(wire);
}

/* A header of @hdr bytes that asks for nothing; none for 0. */
static void want_header(uint32_t hdr)
{
	memset(due, 0, hdr);
	if (hdr > NUM_BUFFERS)
		due[NUM_BUFFERS] = 1;
}

static void segments_come(struct vm *vm, const struct packet *p, uint16_t size,
			  uint32_t hdr)
{
	uint32_t len;

	for (uint32_t i = 0; (len = packet_segment(p, size, i, due + hdr));
	     i++) {
		want_header(hdr);
		assert_comes(vm, due, hdr + len);
	}
}

/* What a stack hands to its device whole, and a checksum that it leaves. */
static void whole_packets_in(struct vm *vm, int wire, uint32_t hdr)
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
	struct vm vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(true);
	vm_start(&vm, *state, 0);
	whole_packets_in(&vm, wire, 0);
	qemu_end(&vm.q);
	close(wire);
}

/* The engine hands them on, with the header that the kernel gave them. */
static void whole_packets_come_whole(struct vm *vm, int wire)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct packet p = from_wire(i & 2 ? 20000 : 2600);
		uint32_t len;

		p.v6 = i & 1;
		wire_send(wire, sent, packet_write_vnet(&p, 10, 1300, sent));
		len = packet_write_vnet(&p, 12, 1300, due);
		due[NUM_BUFFERS] = 1;
		assert_int_equal(vm_take(vm, got), len);
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
	struct vm vm;
	int wire;

	NEEDS_DEVICES(state);
	wire = wire_socket(true);
	vm_start(&vm, *state, 12);
	if (is_kernel())
		whole_packets_in(&vm, wire, 12);
	else
		whole_packets_come_whole(&vm, wire);
	qemu_end(&vm.q);
	close(wire);
}

/* Devices that go */

static void assert_goes_on(struct vm *vm)
{
	const int wire = wire_socket(false);

	exchange(vm, wire, 10);
	close(wire);
	assert_int_equal(promiscuity(DEVICE), 1);
}

/* The VM stays attached, and goes on when its device is there again. */
static void a_device_goes_and_comes_back(void **state)
{
	struct vm vm;

	NEEDS_DEVICES(state);
	vm_start(&vm, *state, 0);
	for (int i = 0; i < 3; i++) {
		assert_state(*state, PTN_PORT_UP);
		assert_goes_on(&vm);
		assert_false(host_port(*state, "v.wan").device_gone);
		remove_devices(DEVICE);
		assert_state(*state, PTN_PORT_FAULTED);
		assert_true(host_port(*state, "v.wan").device_gone);
		assert_int_equal(qemu_config(&vm.q)->state, PTN_STATE_RUNNING);
		make_devices();
	}
	assert_state(*state, PTN_PORT_UP);
	assert_goes_on(&vm);
	qemu_end(&vm.q);
}

/* Without a VM it is no different; and one of another name becomes it. */
static void a_device_comes_by_its_name(void **state)
{
	struct vm vm;

	NEEDS_DEVICES(state);
	run("ip link set " DEVICE " down");
	run("ip link set " DEVICE " name ptnother");
	remove_devices("ptnother");
	assert_state(*state, PTN_PORT_FAULTED);
	make_devices();
	assert_state(*state, PTN_PORT_DOWN);
	remove_devices(DEVICE);
	assert_state(*state, PTN_PORT_FAULTED);
	vm_start(&vm, *state, 0);
	assert_state(*state, PTN_PORT_FAULTED);
	make_devices();
	assert_state(*state, PTN_PORT_UP);
	assert_goes_on(&vm);
	qemu_end(&vm.q);
}

static void a_device_that_is_down_waits(void **state)
{
	struct vm vm;

	NEEDS_DEVICES(state);
	run("ip link set " DEVICE " down");
	vm_start(&vm, *state, 0);
	run("ip link set " DEVICE " up");
	wait_until_up();
	assert_goes_on(&vm);
	run("ip link set " DEVICE " down");
	run("ip link set " DEVICE " up");
	wait_until_up();
	assert_goes_on(&vm);
	qemu_end(&vm.q);
}

/* Changes */

static void it_goes_with_the_declaration(void **state)
{
	const struct port_spec longer = a_vm(2 * SLOTS);
	struct vm vm;

	NEEDS_DEVICES(state);
	vm_start(&vm, *state, 0);
	apply(*state, &longer);
	assert_state(*state, PTN_PORT_DOWN);
	assert_int_equal(promiscuity(DEVICE), 0);
	qemu_end(&vm.q);
	vm_start(&vm, *state, 0);
	assert_int_equal(promiscuity(DEVICE), 1);
	apply(*state, NULL);
	qemu_end(&vm.q);
	assert_int_equal(promiscuity(DEVICE), 0);
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
	else if (!geteuid() && unshare(CLONE_NEWNET))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
