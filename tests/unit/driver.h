/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's driver that sends and takes frames of any length, with where it is
 * in its rings: more than guest.h, which knows slots.
 */
#ifndef TESTS_UNIT_DRIVER_H
#define TESTS_UNIT_DRIVER_H

#include <stdint.h>

#include "guest.h"

enum { DRIVER_SLOTS = 64, DRIVER_BUF = 2048 };

struct driver {
	struct qemu q;
	uint32_t tx, rx[GUEST_QUEUES];
};

/** driver_port - a VM's port that it can have, on nothing yet */
struct port_spec driver_port(const char *name, uint64_t mac);

/** driver_start - attach to the port and start it, with headers of @hdr */
void driver_start(struct driver *d, struct host *h, const char *port,
		  uint32_t hdr);

/** driver_end - as when QEMU ends */
void driver_end(struct driver *d);

/** driver_send - a frame, in as many slots as it takes */
void driver_send(struct driver *d, const uint8_t *frame, uint32_t len);

/** driver_take - the next frame; its length. The test fails when none comes */
uint32_t driver_take(struct driver *d, uint8_t *frame);

/** driver_try_take - the frame that is there, or 0 */
uint32_t driver_try_take(struct driver *d, uint8_t *frame);

#endif
