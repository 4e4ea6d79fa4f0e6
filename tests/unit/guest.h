/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests that a test is: they work on the region by the contract alone
 * (ptnet/region.h), each on a stand-in for QEMU, in a world of six ports: the
 * VMs v.a, w.a and z.a and the program prog on a switch; the VMs x.a and y.a,
 * of one domain, on a pipe. v.a and z.a may have headers before their frames,
 * w.a may not, and wants huge pages. The last bytes of the addresses of v.a,
 * w.a, prog, x.a, y.a and z.a are 1, 2, 3, 4, 5, 6.
 */
#ifndef TESTS_UNIT_GUEST_H
#define TESTS_UNIT_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include <ptnet/netmap.h>

#include "host.h"
#include "qemu.h"

enum { GUEST_QUEUES = 2, GUEST_VECTORS = 1 + 2 * GUEST_QUEUES };

/** guest_world - a cmocka setup: *state is a struct host with these ports */
int guest_world(void **state);

/** guest_path - where a client attaches, or a program opens it */
const char *guest_path(struct host *h, const char *port);

/** guest_started - QEMU is attached to a VM's port, or the test fails */
void guest_started(struct qemu *q, struct host *h, const char *port);

/** guest_ready - the driver has done RESET and START */
void guest_ready(struct qemu *q);

/* By the number of a ring, transmit rings first. */
struct nm_csb_atok *guest_atok(const struct qemu *q, uint32_t ring);
struct nm_csb_ktoa *guest_ktoa(const struct qemu *q, uint32_t ring);
struct netmap_ring *guest_ring(const struct qemu *q, uint32_t ring);

uint8_t *guest_buffer(struct netmap_ring *r, uint32_t slot);

/** guest_send - a frame in slot @at of queue 0, to the port of address @to */
void guest_send(struct qemu *q, uint32_t at, uint8_t to, uint8_t from);

/** guest_send_frame - any one of up to a buffer's size */
void guest_send_frame(struct qemu *q, uint32_t at, const void *frame,
		      uint16_t len);

/** guest_header - ask for headers of that length: what the host answers */
int guest_header(struct qemu *q, uint32_t len);

/** guest_publish - cur and head of a ring, and a kick if the host sleeps */
void guest_publish(struct qemu *q, uint32_t ring, uint32_t head);

/** guest_receive - until a frame is in slot @at of any receive ring: which */
uint32_t guest_receive(struct qemu *q, uint32_t at);

#endif
