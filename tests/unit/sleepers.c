/* SPDX-License-Identifier: BSD-2-Clause */
#include "sleepers.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include <cmocka.h>

#include "guest.h"

enum {
	ROUNDS = 3000,
	SLOTS = 64,
	/* The engine sleeps until it is woken, the module for a second. */
	ENGINE_LATE_MS = 20000,
	KERNEL_LATE_MS = 500,
};

static uint32_t rounds(void)
{
	const char *n = getenv("PTNET_WAKEUPS");

	return n ? (uint32_t)atol(n) : ROUNDS;
}

static struct nm_csb_atok *rx_atok(const struct qemu *q, uint32_t queue)
{
	return guest_atok(q, GUEST_QUEUES + queue);
}

static struct nm_csb_ktoa *rx_ktoa(const struct qemu *q, uint32_t queue)
{
	return guest_ktoa(q, GUEST_QUEUES + queue);
}

static uint32_t tail(const struct nm_csb_ktoa *k)
{
	return __atomic_load_n(&k->hwtail, __ATOMIC_SEQ_CST);
}

static int late_ms(void)
{
	return host_ops == &backend_kernel ? KERNEL_LATE_MS : ENGINE_LATE_MS;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The queue that has a frame now; -1: none. */
static int look(const struct qemu *q)
{
	for (uint32_t i = 0; i < GUEST_QUEUES; i++)
		if (tail(rx_ktoa(q, i)) != rx_atok(q, i)->head)
			return (int)i;
	return -1;
}

static void want_interrupts(struct qemu *q, uint32_t want)
{
	for (uint32_t i = 0; i < GUEST_QUEUES; i++)
		__atomic_store_n(&rx_atok(q, i)->appl_need_kick, want,
				 __ATOMIC_SEQ_CST);
}

/* As the contract says: ask, a full barrier, look again, sleep. */
static int wait_for_frame(struct qemu *q)
{
	struct pollfd p[GUEST_QUEUES];
	int queue = look(q);
	eventfd_t count;

	for (int i = 0; i < GUEST_QUEUES; i++)
		p[i] = (struct pollfd){.fd = q->own[PTN_VECTOR_RX(i)],
				       .events = POLLIN};
	while (queue < 0) {
		want_interrupts(q, 1);
		queue = look(q);
		if (queue >= 0)
			break;
		assert_true(poll(p, GUEST_QUEUES, late_ms()) > 0);
		for (int i = 0; i < GUEST_QUEUES; i++)
			eventfd_read(p[i].fd, &count);
		queue = look(q);
	}
	want_interrupts(q, 0);
	return queue;
}

static void take_frame(struct qemu *q)
{
	const uint32_t queue = (uint32_t)wait_for_frame(q);
	const uint32_t next = (rx_atok(q, queue)->head + 1) % SLOTS;

	guest_publish(q, GUEST_QUEUES + queue, next);
}

static void give_frames(struct qemu *q, uint32_t n, uint8_t to, uint8_t from)
{
	struct nm_csb_ktoa *k = guest_ktoa(q, 0);

	for (; n; n--) {
		const uint32_t at = guest_atok(q, 0)->head;

		/* there is room soon: the other end has taken what was sent */
		for (int64_t end = now_ms() + late_ms(); at == tail(k);)
			assert_true(now_ms() < end);
		guest_send(q, at, to, from);
	}
}

void sleepers_play(struct host *h, const char *a, const char *b, uint8_t mac)
{
	const uint32_t n_rounds = rounds();
	const uint8_t other = mac + 1;
	struct qemu x, y;

	guest_started(&x, h, a);
	guest_started(&y, h, b);
	guest_ready(&x);
	guest_ready(&y);
	for (uint32_t i = 0; i < n_rounds; i++) {
		/* some one by one, some in a row */
		const uint32_t n = i % 8 ? 1 : 1 + i % (SLOTS / 2);

		give_frames(&x, n, other, mac);
		for (uint32_t j = 0; j < n; j++)
			take_frame(&y);
		give_frames(&y, n, mac, other);
		for (uint32_t j = 0; j < n; j++)
			take_frame(&x);
	}
	qemu_end(&x);
	qemu_end(&y);
}
