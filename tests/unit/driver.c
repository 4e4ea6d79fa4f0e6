/* SPDX-License-Identifier: BSD-2-Clause */
#include "driver.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

enum { PATIENCE_MS = 10000 };

struct port_spec driver_port(const char *name, uint64_t mac)
{
	struct port_spec p = {.owner = "t",
			      .kind = PTN_PORT_VM,
			      .has_mac = true,
			      .queues = GUEST_QUEUES,
			      .slots = DRIVER_SLOTS,
			      .buf_size = DRIVER_BUF,
			      .offload = true};

	strcpy(p.name, name);
	memcpy(p.mac, &mac, sizeof(p.mac));
	return p;
}

void driver_start(struct driver *d, struct host *h, const char *port,
		  uint32_t hdr)
{
	memset(d, 0, sizeof(*d));
	guest_started(&d->q, h, port);
	assert_int_equal(qemu_command(&d->q, PTN_REGION_RESET), 0);
	if (hdr)
		assert_int_equal(guest_header(&d->q, hdr), 0);
	assert_int_equal(qemu_command(&d->q, PTN_REGION_START), 0);
}

void driver_end(struct driver *d)
{
	qemu_end(&d->q);
}

static uint32_t room(const struct driver *d)
{
	const uint32_t tail = __atomic_load_n(&guest_ktoa(&d->q, 0)->hwtail,
					      __ATOMIC_ACQUIRE);

	return (tail + DRIVER_SLOTS - d->tx) % DRIVER_SLOTS;
}

void driver_send(struct driver *d, const uint8_t *frame, uint32_t len)
{
	struct netmap_ring *r = guest_ring(&d->q, 0);

	for (int ms = 0; room(d) < (len + DRIVER_BUF - 1) / DRIVER_BUF; ms++) {
		assert_true(ms < PATIENCE_MS);
		poll(NULL, 0, 1);
	}
	while (len) {
		const uint32_t n = len < DRIVER_BUF ? len : DRIVER_BUF;

		memcpy(guest_buffer(r, d->tx), frame, n);
		r->slot[d->tx].len = (uint16_t)n;
		r->slot[d->tx].flags = n < len ? NS_MOREFRAG : 0;
		d->tx = (d->tx + 1) % DRIVER_SLOTS;
		frame += n;
		len -= n;
	}
	guest_publish(&d->q, 0, d->tx);
}

static uint32_t take_from(struct driver *d, uint32_t queue, uint8_t *frame)
{
	const uint32_t ring = GUEST_QUEUES + queue;
	struct netmap_ring *r = guest_ring(&d->q, ring);
	const uint32_t tail = __atomic_load_n(&guest_ktoa(&d->q, ring)->hwtail,
					      __ATOMIC_ACQUIRE);
	uint32_t at = d->rx[queue], len = 0;
	bool more = at != tail;

	while (more) {
		memcpy(frame + len, guest_buffer(r, at), r->slot[at].len);
		len += r->slot[at].len;
		more = r->slot[at].flags & NS_MOREFRAG;
		at = (at + 1) % DRIVER_SLOTS;
	}
	d->rx[queue] = at;
	if (len)
		guest_publish(&d->q, ring, at);
	return len;
}

uint32_t driver_try_take(struct driver *d, uint8_t *frame)
{
	uint32_t len = 0;

	for (uint32_t i = 0; !len && i < GUEST_QUEUES; i++)
		len = take_from(d, i, frame);
	return len;
}

uint32_t driver_take(struct driver *d, uint8_t *frame)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		const uint32_t len = driver_try_take(d, frame);

		if (len)
			return len;
		poll(NULL, 0, 1);
	}
	fail_msg("no frame came to the guest");
	return 0;
}
