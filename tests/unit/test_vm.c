/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces of VMs: what QEMU's device must get, and a guest that works on the
 * region by the contract alone (ptnet/region.h).
 *
 *	test_vm [kernel]
 *
 * At the engine, or at the kernel's module where that is loaded: in guests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <ptnet/netmap.h>

#include "port/ptnet.h"
#include "unit/guest.h"
#include "unit/sleepers.h"
#include "unit/packet.h"
#include "unit/vandal.h"

enum { SECOND = 1000, PATIENCE_MS = 120 * SECOND };

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What QEMU must get. */

static void the_memory_is_a_bar_above_4_gib(void **state)
{
	const uint64_t least = (uint64_t)2 << 30;
	struct stat st;
	struct qemu q;

	guest_started(&q, *state, "v.a");
	assert_int_equal(q.id, 0);
	assert_true(q.size >= least);
	assert_int_equal(qemu_config(&q)->magic, PTN_CONFIG_MAGIC);
	assert_int_equal(qemu_config(&q)->vectors, GUEST_VECTORS);
	assert_string_equal(qemu_config(&q)->name, "v.a");
	assert_int_equal(qemu_config(&q)->mac[5], 1);
	/* sealed, and nearly all of it is a hole */
	assert_int_equal(ftruncate(q.mem, 4096), -1);
	assert_int_equal(fstat(q.mem, &st), 0);
	assert_true(st.st_blocks * 512 < 4 << 20);
	qemu_end(&q);
}

/* Huge ones, where they are wanted and there are some; else it is said. */
static void the_size_of_its_pages_is_told(void **state)
{
	static const char *const ports[] = {"v.a", "w.a"};
	struct statfs fs;
	struct qemu q;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(host_port(*state, ports[i]).page_size, 0);
		guest_started(&q, *state, ports[i]);
		assert_int_equal(fstatfs(q.mem, &fs), 0);
		assert_int_equal(host_port(*state, ports[i]).page_size,
				 fs.f_bsize);
		qemu_end(&q);
	}
}

static void a_device_with_too_few_vectors_says_so(void **state)
{
	struct host *h = *state;
	struct qemu q;

	assert_true(qemu_start(&q, guest_path(h, "v.a"), GUEST_VECTORS - 1));
	for (int ms = 0; ms < SECOND && !*q.why; ms++) {
		qemu_hear(&q);
		poll(NULL, 0, 1);
	}
	assert_string_equal(q.why,
			    "Too many eventfd received, device has 4 vectors");
	qemu_end(&q);
}

static void a_second_qemu_ends_at_once(void **state)
{
	struct qemu q, other;

	guest_started(&q, *state, "v.a");
	assert_false(
		qemu_start(&other, guest_path(*state, "v.a"), GUEST_VECTORS));
	assert_string_equal(other.why, "server sent version -16, expecting 0");
	qemu_end(&other);
	guest_ready(&q);
	qemu_end(&q);
}

/* It is killed while it starts, a hundred times; one never reads. */
static void a_killed_qemu_leaves_the_port_free(void **state)
{
	struct qemu mute = {.mem = -1}, q;

	guest_started(&mute, *state, "w.a");
	for (int i = 0; i < 100; i++) {
		guest_started(&q, *state, "v.a");
		if (i % 2)
			guest_ready(&q);
		qemu_end(&q);
	}
	guest_ready(&mute);
	qemu_end(&mute);
}

/* The guest. */

static void a_guest_and_a_program_exchange_frames(void **state)
{
	struct netmap_ring *tx, *rx;
	struct ptnet_port *p;
	struct qemu q;
	uint32_t ring;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	assert_int_equal(ptnet_open(&p, guest_path(*state, "prog"), NULL), 0);
	tx = ptnet_tx_ring(p, 0);
	rx = ptnet_rx_ring(p, 0);
	for (uint32_t i = 0; i < GUEST_QUEUES; i++)
		guest_atok(&q, GUEST_QUEUES + i)->appl_need_kick = 1;
	for (uint32_t i = 0; i < 32; i++) {
		guest_send(&q, i, 3, 1);
		assert_int_equal(ptnet_wait(p, PTNET_RX, 5 * SECOND), PTNET_RX);
		memcpy(ptnet_buf(tx, tx->slot[tx->head].buf_idx),
		       ptnet_buf(rx, rx->slot[rx->head].buf_idx), 60);
		memcpy(ptnet_buf(tx, tx->slot[tx->head].buf_idx),
		       "\2\0\0\0\0\1\2\0\0\0\0\3", 12);
		tx->slot[tx->head].len = 60;
		rx->head = rx->cur = ptnet_next(rx, rx->head);
		tx->head = tx->cur = ptnet_next(tx, tx->head);
		ptnet_sync_rx(p, 0);
		ptnet_sync_tx(p, 0);
		ring = guest_receive(&q, i);
		assert_true(qemu_interrupt(
			&q, PTN_VECTOR_RX(ring - GUEST_QUEUES), 5 * SECOND));
		assert_int_equal(guest_buffer(guest_ring(&q, ring), i)[11], 3);
	}
	ptnet_close(p);
	qemu_end(&q);
}

/* The region is the same, with all that the last kernel left in it. */
static void a_guest_reboots(void **state)
{
	struct qemu q, other;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	guest_ready(&other);
	guest_ready(&q);
	for (uint32_t i = 0; i < 10; i++)
		guest_send(&q, i, 2, 1);
	guest_receive(&other, 9);
	for (uint32_t i = 0; i < 2 * GUEST_QUEUES; i++)
		memset(guest_atok(&q, i), 0xa5, sizeof(struct nm_csb_atok));
	guest_ready(&q);
	for (uint32_t i = 0; i < 10; i++)
		guest_send(&q, i, 2, 1);
	guest_receive(&other, 19);
	qemu_end(&q);
	qemu_end(&other);
}

/* The next frame of a program's is this one. */
static void assert_comes(struct ptnet_port *p, const uint8_t *frame,
			 uint32_t len)
{
	struct netmap_ring *rx = ptnet_rx_ring(p, 0);
	const struct netmap_slot *s = &rx->slot[rx->head];

	assert_int_equal(ptnet_wait(p, PTNET_RX, 5 * SECOND), PTNET_RX);
	assert_int_equal(s->len, len);
	assert_memory_equal(ptnet_buf(rx, s->buf_idx), frame, len);
	rx->head = rx->cur = ptnet_next(rx, rx->head);
	ptnet_sync_rx(p, 0);
}

/* What asks for a checksum, and what asks to be cut. */
static void exchange(struct qemu *q, struct ptnet_port *p)
{
	static uint8_t frame[PACKET_MAX];
	const struct packet small = {.dst = 0x030000000002,
				     .src = 0x010000000002,
				     .payload = 20},
			    large = {.dst = 0x030000000002,
				     .src = 0x010000000002,
				     .flags = PACKET_PSH,
				     .payload = 1900};
	uint32_t len = packet_write_vnet(&small, 12, 0, frame);

	guest_send_frame(q, 0, frame, (uint16_t)len);
	assert_comes(p, frame, packet_write(&small, frame));
	len = packet_write_vnet(&large, 12, 500, frame);
	guest_send_frame(q, 1, frame, (uint16_t)len);
	for (uint32_t i = 0; i < 4; i++)
		assert_comes(p, frame, packet_segment(&large, 500, i, frame));
}

static void a_guest_with_headers_and_a_program_without(void **state)
{
	struct ptnet_port *p;
	struct port_status s;
	struct qemu q;

	guest_started(&q, *state, "v.a");
	assert_true(qemu_config(&q)->features & PTN_REGION_HEADERS);
	assert_int_equal(qemu_command(&q, PTN_REGION_RESET), 0);
	assert_int_equal(guest_header(&q, 11), -EINVAL);
	assert_int_equal(qemu_config(&q)->vnet_hdr_len, 0);
	assert_int_equal(guest_header(&q, 12), 0);
	assert_int_equal(qemu_config(&q)->vnet_hdr_len, 12);
	assert_int_equal(qemu_command(&q, PTN_REGION_START), 0);
	assert_int_equal(guest_header(&q, 10), -EBUSY);
	assert_int_equal(qemu_config(&q)->vnet_hdr_len, 12);

	assert_int_equal(ptnet_open(&p, guest_path(*state, "prog"), NULL), 0);
	exchange(&q, p);
	s = host_port(*state, "prog");
	assert_int_equal(s.counters[PTN_C_CHECKSUMS], 1);
	assert_int_equal(s.counters[PTN_C_SEGMENTED], 1);
	assert_int_equal(s.counters[PTN_C_SEGMENTS], 4);
	ptnet_close(p);

	assert_int_equal(qemu_command(&q, PTN_REGION_RESET), 0);
	assert_int_equal(qemu_config(&q)->vnet_hdr_len, 0);
	qemu_end(&q);
}

/* By the topology, or because there is no switch that knows them. */
static void headers_that_are_not_offered(void **state)
{
	static const char *const ports[] = {"w.a", "x.a"};
	struct qemu q;

	for (int i = 0; i < 2; i++) {
		guest_started(&q, *state, ports[i]);
		assert_false(qemu_config(&q)->features & PTN_REGION_HEADERS);
		assert_int_equal(guest_header(&q, 12), -EOPNOTSUPP);
		guest_ready(&q);
		qemu_end(&q);
	}
}

static void the_heart_beats_until_the_port_is_deleted(void **state)
{
	const struct objects nothing = {0};
	uint32_t beat;
	struct qemu q;

	guest_started(&q, *state, "v.a");
	guest_ready(&q);
	beat = qemu_config(&q)->heartbeat;
	for (int ms = 0; ms < 5 * SECOND && qemu_config(&q)->heartbeat == beat;
	     ms++)
		poll(NULL, 0, 1);
	assert_int_not_equal(qemu_config(&q)->heartbeat, beat);
	host_apply(*state, &nothing);
	assert_true(qemu_interrupt(&q, PTN_VECTOR_CONTROL, 5 * SECOND));
	for (int ms = 0;
	     ms < 5 * SECOND && qemu_config(&q)->state == PTN_STATE_RUNNING;
	     ms++)
		poll(NULL, 0, 1);
	assert_int_not_equal(qemu_config(&q)->state, PTN_STATE_RUNNING);
	qemu_end(&q);
}

/* One file, a window each; a frame's buffer itself goes through the pipe. */
static void two_guests_of_a_domain_share_memory(void **state)
{
	struct qemu x, y;
	struct stat a, b;
	uint32_t sent, ring;

	guest_started(&x, *state, "x.a");
	guest_started(&y, *state, "y.a");
	assert_int_equal(fstat(x.mem, &a), 0);
	assert_int_equal(fstat(y.mem, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_not_equal(x.id, y.id);
	assert_int_not_equal(y.id, PTN_HOST_ID);
	guest_ready(&x);
	guest_ready(&y);
	sent = guest_ring(&x, 0)->slot[0].buf_idx;
	guest_send(&x, 0, 5, 4);
	ring = guest_receive(&y, 0);
	assert_int_equal(ring, GUEST_QUEUES);
	assert_int_equal(guest_ring(&y, ring)->slot[0].buf_idx, sent);
	qemu_end(&x);
	qemu_end(&y);
}

static void vms_of_no_domain_share_nothing(void **state)
{
	struct qemu q, other;
	struct stat a, b;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	assert_int_equal(fstat(q.mem, &a), 0);
	assert_int_equal(fstat(other.mem, &b), 0);
	assert_int_not_equal(a.st_ino, b.st_ino);
	assert_int_equal(other.id, 0);
	qemu_end(&q);
	qemu_end(&other);
}

/* By an address that is whose? Nobody looks there. */
static void a_frame_that_lies_elsewhere_is_lost(void **state)
{
	struct qemu q, other;
	struct netmap_ring *r;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	guest_ready(&q);
	guest_ready(&other);
	r = guest_ring(&q, 0);
	r->slot[0].flags = NS_INDIRECT;
	r->slot[0].ptr = (uintptr_t)r;
	guest_send(&q, 0, 2, 1);
	guest_send(&q, 1, 2, 1);
	guest_receive(&other, 0);
	assert_int_equal(host_port(*state, "v.a").counters[PTN_C_DROP_INDIRECT],
			 1);
	qemu_end(&q);
	qemu_end(&other);
}

/* All that has come is given back, unread. */
static void take_all(struct qemu *q)
{
	for (uint32_t i = GUEST_QUEUES; i < 2 * GUEST_QUEUES; i++)
		guest_publish(q, i,
			      __atomic_load_n(&guest_ktoa(q, i)->hwtail,
					      __ATOMIC_ACQUIRE));
}

/*
 * Packets that are cut into the most segments are dear, and in order: nothing
 * of them is a fault, and whose they are keeps its port.
 */
static void the_most_segments_are_no_fault(void **state)
{
	const int64_t end = now_ms() + PATIENCE_MS;
	struct port_status port;
	struct qemu q, other;
	struct vandal v;

	guest_started(&q, *state, "v.a");
	guest_started(&other, *state, "w.a");
	assert_int_equal(qemu_command(&q, PTN_REGION_RESET), 0);
	assert_int_equal(guest_header(&q, VANDAL_HEADER), 0);
	assert_int_equal(qemu_command(&q, PTN_REGION_START), 0);
	guest_ready(&other);
	vandal_init(&v, &q, 1, 2, 1);
	vandal_lay_segments(&v);
	do {
		assert_true(now_ms() < end);
		for (int i = 0; i < 100; i++) {
			vandal_send(&v);
			take_all(&other);
		}
	} while (host_port(*state, "w.a").counters[PTN_C_SEGMENTS] <
		 2000 * v.slots);
	port = host_port(*state, "v.a");
	assert_int_equal(port.state, PTN_PORT_UP);
	assert_int_equal(port.counters[PTN_C_FAULTS], 0);
	/* nor is it dropped for what it is, which counts as one */
	assert_int_equal(port.counters[PTN_C_DROP_BAD_BUFFER], 0);
	assert_int_equal(port.counters[PTN_C_DROP_BAD_CHAIN], 0);
	assert_int_equal(port.counters[PTN_C_DROP_OFFLOAD], 0);
	assert_int_equal(port.counters[PTN_C_DROP_OFFLOAD_FRAME], 0);
	assert_int_equal(port.counters[PTN_C_DROP_OFFLOAD_PARTS], 0);
	assert_int_equal(qemu_config(&q)->state, PTN_STATE_RUNNING);
	qemu_end(&q);
	qemu_end(&other);
}

/* Nobody's wake-up is lost. PTNET_WAKEUPS=N plays N rounds instead of some. */

static void guests_that_sleep_are_woken_on_a_switch(void **state)
{
	sleepers_play(*state, "v.a", "w.a", 1);
}

static void guests_that_sleep_are_woken_on_a_pipe(void **state)
{
	sleepers_play(*state, "x.a", "y.a", 4);
}

/* It is said with commands, and gone with who said it. */
static void a_driver_says_which_it_is(void **state)
{
	static const uint32_t said[] = {PTN_DRIVER_VERSION(1, 20, 255), 0,
					PTN_DRIVER_VERSION(0, 1, 0), UINT32_MAX,
					PTN_DRIVER_VERSION(255, 255, 255) + 1};
	static const uint32_t shown[] = {PTN_DRIVER_VERSION(1, 20, 255), 0,
					 PTN_DRIVER_VERSION(0, 1, 0), 0, 0};
	struct host *h = *state;
	struct ptn_control *control;
	struct qemu q;

	assert_int_equal(host_port(h, "v.a").generation, 0);
	guest_started(&q, h, "v.a");
	control = (void *)(q.bar + qemu_config(&q)->control_ofs);
	assert_int_equal(host_port(h, "v.a").generation,
			 qemu_config(&q)->generation);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		control->driver = said[i];
		assert_int_equal(qemu_command(&q, PTN_REGION_RESET), 0);
		assert_int_equal(host_port(h, "v.a").driver, shown[i]);
	}
	control->driver = said[0];
	assert_int_equal(qemu_command(&q, PTN_REGION_START), 0);
	assert_int_equal(host_port(h, "v.a").driver, shown[0]);
	qemu_end(&q);
	guest_started(&q, h, "v.a");
	assert_int_equal(host_port(h, "v.a").driver, 0);
	qemu_end(&q);
}

/* There is no such socket: a VM's memory is its own, or its domain's. */
static void programs_have_no_pipe_on_a_vms_port(void **state)
{
	static const char *const ends[] = {"{1", "}1"};
	struct ptnet_port *p;
	char path[128];
	struct qemu q;

	guest_started(&q, *state, "v.a");
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s", guest_path(*state, "v.a"));
		strcpy(strstr(path, ".sock"), ends[i]);
		strcat(path, ".sock");
		assert_int_equal(ptnet_open(&p, path, NULL), -ENOENT);
	}
	guest_ready(&q);
	qemu_end(&q);
}

#define VM_TEST(name)                                                          \
	cmocka_unit_test_setup_teardown(name, guest_world, host_close)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(the_memory_is_a_bar_above_4_gib),
		VM_TEST(the_size_of_its_pages_is_told),
		VM_TEST(a_device_with_too_few_vectors_says_so),
		VM_TEST(a_second_qemu_ends_at_once),
		VM_TEST(a_killed_qemu_leaves_the_port_free),
		VM_TEST(a_guest_and_a_program_exchange_frames),
		VM_TEST(a_guest_reboots),
		VM_TEST(a_guest_with_headers_and_a_program_without),
		VM_TEST(headers_that_are_not_offered),
		VM_TEST(the_heart_beats_until_the_port_is_deleted),
		VM_TEST(two_guests_of_a_domain_share_memory),
		VM_TEST(vms_of_no_domain_share_nothing),
		VM_TEST(a_frame_that_lies_elsewhere_is_lost),
		VM_TEST(the_most_segments_are_no_fault),
		VM_TEST(guests_that_sleep_are_woken_on_a_switch),
		VM_TEST(guests_that_sleep_are_woken_on_a_pipe),
		VM_TEST(a_driver_says_which_it_is),
		VM_TEST(programs_have_no_pipe_on_a_vms_port),
	};

	if (argc > 1 && !strcmp(argv[1], backend_kernel.name))
		host_ops = &backend_kernel;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
