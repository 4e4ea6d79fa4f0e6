// SPDX-License-Identifier: BSD-2-Clause
#include "csb.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void *page(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 0xff, PAGE);
	return p;
}

void csb_map(struct csb *c)
{
	c->atok = page();
	c->ktoa = page();
}

void csb_unmap(struct csb *c)
{
	assert_int_equal(munmap(c->atok, PAGE), 0);
	assert_int_equal(munmap(c->ktoa, PAGE), 0);
}

struct nmreq_opt_csb csb_option(const struct csb *c)
{
	return (struct nmreq_opt_csb){
		.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_CSB},
		.csb_atok = (uintptr_t)c->atok,
		.csb_ktoa = (uintptr_t)c->ktoa,
	};
}

static void barrier(void)
{
	__sync_synchronize();
}

static uint32_t load(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

void csb_publish(struct nm_csb_atok *a, uint32_t head)
{
	store(&a->cur, head);
	store(&a->head, head);
}

/* Programs */

void csb_open(struct csb_app *p, const char *name)
{
	const struct nmreq_register reg = {.nr_flags = NR_EXCLUSIVE};
	struct nmreq_opt_csb o;

	*p = (struct csb_app){.result = -1};
	csb_map(&p->csb);
	o = csb_option(&p->csb);
	assert_int_equal(abi_try_open_with(&p->port, name, &reg, &o), 0);
	p->ring[CSB_SEND] = abi_tx(&p->port, 0);
	p->ring[CSB_RECEIVE] = abi_rx(&p->port, 0);
	for (int i = 0; i < 2; i++) {
		p->io[i] = eventfd(0, EFD_CLOEXEC);
		p->irq[i] = eventfd(0, EFD_CLOEXEC);
		assert_true(p->io[i] >= 0 && p->irq[i] >= 0);
	}
}

void csb_shut(struct csb_app *p)
{
	abi_shut(&p->port);
	csb_unmap(&p->csb);
	for (int i = 0; i < 2; i++) {
		if (p->io[i] >= 0)
			close(p->io[i]);
		if (p->irq[i] >= 0)
			close(p->irq[i]);
	}
}

int csb_run(struct csb_app *p)
{
	struct nmreq_sync_kloop_start start = {.sleep_us = p->sleep_us};
	struct csb_fds fds = {
		.opt = {.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
			.nro_size = sizeof(fds)},
	};
	struct nmreq_opt_sync_kloop_mode mode = {
		.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_MODE,
			    .nro_next = (uintptr_t)&fds},
		.mode = p->mode,
	};

	for (int i = 0; i < 2; i++) {
		fds.ring[i].io = p->io[i];
		fds.ring[i].irq = p->irq[i];
	}
	return abi_ctrl(p->port.fd, p->port.name, NETMAP_REQ_SYNC_KLOOP_START,
			&start, p->mode ? (void *)&mode : (void *)&fds);
}

/* Until it is not refused because of who looks whether it runs. */
static void *lend(void *arg)
{
	struct csb_app *p = arg;

	do
		p->result = csb_run(p);
	while (p->result == -EBUSY);
	return NULL;
}

void csb_begin(struct csb_app *p)
{
	assert_int_equal(pthread_create(&p->thread, NULL, lend, p), 0);
}

/* Another START is refused, one way or the other; busy: the first one runs. */
void csb_start(struct csb_app *p)
{
	struct nmreq_sync_kloop_start start = {.sleep_us = UINT32_MAX};
	int err;

	csb_begin(p);
	do {
		sched_yield();
		err = abi_ctrl(p->port.fd, p->port.name,
			       NETMAP_REQ_SYNC_KLOOP_START, &start, NULL);
	} while (err != -EBUSY);
}

int csb_stop(struct csb_app *p)
{
	assert_int_equal(abi_ctrl(p->port.fd, p->port.name,
				  NETMAP_REQ_SYNC_KLOOP_STOP, NULL, NULL),
			 0);
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	return p->result;
}

/* Frames */

uint32_t csb_space(const struct csb_app *p, int ring)
{
	const uint32_t n = p->ring[ring]->num_slots;
	const uint32_t tail = load(&p->csb.ktoa[ring].hwtail);
	const uint32_t head = p->csb.atok[ring].head;

	return tail >= head ? tail - head : tail + n - head;
}

void csb_kick(const struct csb_app *p, int ring)
{
	const uint64_t one = 1;

	barrier();
	if (load(&p->csb.ktoa[ring].kern_need_kick) && p->io[ring] >= 0)
		assert_int_equal(write(p->io[ring], &one, 8), 8);
}

static void wait_for(struct csb_app *p, int ring)
{
	struct nm_csb_atok *a = &p->csb.atok[ring];
	uint64_t count;

	while (!csb_space(p, ring)) {
		if (p->irq[ring] < 0) {
			sched_yield();
			continue;
		}
		store(&a->appl_need_kick, 1);
		barrier();
		if (!csb_space(p, ring))
			assert_int_equal(read(p->irq[ring], &count, 8), 8);
		store(&a->appl_need_kick, 0);
	}
}

static void pass(struct csb_app *p, int ring)
{
	struct nm_csb_atok *a = &p->csb.atok[ring];

	csb_publish(a, abi_next(p->ring[ring], a->head));
	csb_kick(p, ring);
}

void csb_send(struct csb_app *p, size_t len, uint64_t n)
{
	struct netmap_ring *r = p->ring[CSB_SEND];
	struct netmap_slot *s = &r->slot[p->csb.atok[CSB_SEND].head];

	wait_for(p, CSB_SEND);
	abi_frame(abi_buf(r, s->buf_idx), len, TO_ALL, 1, n);
	s->len = (uint16_t)len;
	s->flags = 0;
	pass(p, CSB_SEND);
}

uint64_t csb_take(struct csb_app *p)
{
	struct netmap_ring *r = p->ring[CSB_RECEIVE];
	const struct netmap_slot *s;
	uint64_t n;

	wait_for(p, CSB_RECEIVE);
	s = &r->slot[p->csb.atok[CSB_RECEIVE].head];
	n = abi_frame_number(abi_buf(r, s->buf_idx), s->len);
	pass(p, CSB_RECEIVE);
	return n;
}
