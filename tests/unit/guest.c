/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 5000 };

static struct port_spec a_port(const char *name, enum ptn_port_kind kind)
{
	struct port_spec p = {.owner = "t",
			      .kind = kind,
			      .has_mac = true,
			      .queues = kind == PTN_PORT_VM ? GUEST_QUEUES : 1,
			      .slots = 64,
			      .buf_size = 2048,
			      .huge_pages = !strcmp(name, "w.a"),
			      .offload = strcmp(name, "w.a") != 0};

	snprintf(p.name, sizeof(p.name), "%s", name);
	return p;
}

/* Three VMs and a program on a switch, two VMs on a pipe. */
int guest_world(void **state)
{
	static struct static_mac macs[] = {{{2, 0, 0, 0, 0, 2}, "w.a"},
					   {{2, 0, 0, 0, 0, 6}, "z.a"}};
	static const struct switch_spec s = {.name = "s",
					     .owner = "t",
					     .fdb_size = 64,
					     .statics = macs,
					     .n_statics = 2};
	static const struct pipe_spec pipe = {"q", "t", "d"};
	struct objects want = {0};
	struct port_spec p;

	objects_add_switch(&want, &s, NULL);
	objects_add_pipe(&want, &pipe, NULL);
	for (int i = 0; i < 6; i++) {
		static const char *const names[] = {"v.a", "w.a", "prog",
						    "x.a", "y.a", "z.a"};
		const bool on_pipe = i == 3 || i == 4;

		p = a_port(names[i], i == 2 ? PTN_PORT_HOST : PTN_PORT_VM);
		p.mac[0] = 2;
		p.mac[5] = (uint8_t)(i + 1);
		strcpy(on_pipe ? p.on_pipe : p.on_switch, on_pipe ? "q" : "s");
		strcpy(p.domain, on_pipe ? "d" : "");
		p.end = i == 4;
		objects_add_port(&want, &p, NULL);
	}
	objects_sort(&want);
	host_open(state);
	host_apply(*state, &want);
	objects_fini(&want);
	return 0;
}

/* Where a client attaches, or a program opens it. */
const char *guest_path(struct host *h, const char *port)
{
	static struct port_status status;

	status = host_port(h, port);
	return status.socket;
}

void guest_started(struct qemu *q, struct host *h, const char *port)
{
	if (!qemu_start_whole(q, guest_path(h, port), GUEST_VECTORS))
		fail_msg("%s", q->why);
}

/* The guest. */

struct nm_csb_atok *guest_atok(const struct qemu *q, uint32_t ring)
{
	return (struct nm_csb_atok *)(void *)(q->bar +
					      qemu_config(q)->atok_ofs) +
	       ring;
}

struct nm_csb_ktoa *guest_ktoa(const struct qemu *q, uint32_t ring)
{
	return (struct nm_csb_ktoa *)(void *)(q->bar +
					      qemu_config(q)->ktoa_ofs) +
	       ring;
}

struct netmap_ring *guest_ring(const struct qemu *q, uint32_t ring)
{
	char *nifp =
		q->bar + qemu_config(q)->mem_ofs + qemu_config(q)->nifp_ofs;

	return (void *)(nifp +
			((struct netmap_if *)(void *)nifp)->ring_ofs[ring]);
}

uint8_t *guest_buffer(struct netmap_ring *r, uint32_t slot)
{
	return (uint8_t *)r + r->buf_ofs +
	       (size_t)r->slot[slot].buf_idx * r->nr_buf_size;
}

void guest_publish(struct qemu *q, uint32_t ring, uint32_t head)
{
	const uint32_t vector = ring < GUEST_QUEUES
					? PTN_VECTOR_TX(ring)
					: PTN_VECTOR_RX(ring - GUEST_QUEUES);

	__atomic_store_n(&guest_atok(q, ring)->cur, head, __ATOMIC_RELAXED);
	__atomic_store_n(&guest_atok(q, ring)->head, head, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&guest_ktoa(q, ring)->kern_need_kick,
			    __ATOMIC_SEQ_CST))
		qemu_doorbell(q, vector);
}

/* From queue 0, in slot @at, to the port with the number @to. */
void guest_send_frame(struct qemu *q, uint32_t at, const void *frame,
		      uint16_t len)
{
	struct netmap_ring *r = guest_ring(q, 0);

	memcpy(guest_buffer(r, at), frame, len);
	r->slot[at].len = len;
	guest_publish(q, 0, (at + 1) % r->num_slots);
}

void guest_send(struct qemu *q, uint32_t at, uint8_t to, uint8_t from)
{
	const uint8_t frame[60] = {
		[0] = 2,
		[5] = to,
		[6] = 2,
		[11] = from,
	};

	guest_send_frame(q, at, frame, sizeof(frame));
}

int guest_header(struct qemu *q, uint32_t len)
{
	struct ptn_control *c = (void *)(q->bar + qemu_config(q)->control_ofs);

	__atomic_store_n(&c->arg[0], len, __ATOMIC_RELAXED);
	return qemu_command(q, PTN_REGION_HEADER);
}

/* Until a frame is in slot @at of any receive ring; the ring. */
uint32_t guest_receive(struct qemu *q, uint32_t at)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		for (uint32_t i = GUEST_QUEUES; i < 2 * GUEST_QUEUES; i++)
			if (__atomic_load_n(&guest_ktoa(q, i)->hwtail,
					    __ATOMIC_ACQUIRE) > at)
				return i;
		poll(NULL, 0, 1);
	}
	fail_msg("no frame came");
	return 0;
}

void guest_ready(struct qemu *q)
{
	assert_int_equal(qemu_command(q, PTN_REGION_RESET), 0);
	assert_int_equal(qemu_command(q, PTN_REGION_START), 0);
}
