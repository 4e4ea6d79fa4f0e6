// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "gring.h"

#include <asm/barrier.h>
#include <linux/io.h>

enum { KICK_ALWAYS = 1 };

/* The first eight bytes of a slot: index, length, flags. */
static u64 read_slot(const struct netmap_slot *s)
{
	return READ_ONCE(*(const u64 *)s);
}

int gring_init(struct gring *r, const struct ghost *host,
	       enum gregion_direction dir, u32 queue)
{
	const struct gregion *region = &host->region;
	const u32 csb = gregion_csb(region, dir, queue);
	const struct ghost_ring side = host->ops->ring(host, dir, queue);
	struct netmap_ring *ring = gregion_ring(region, dir, queue);
	struct nm_csb_atok *atok = &region->atok[csb];
	const u32 head = READ_ONCE(atok->head);
	const u32 tail = virt_load_acquire(&region->ktoa[csb].hwtail);
	const u32 slots = gregion_slots(region, dir);

	if (!ring || head >= slots || tail >= slots)
		return -EPROTO;
	*r = (struct gring){
		.header = ring,
		.slot = ring->slot,
		.bufs = gregion_bufs(region),
		.atok = atok,
		.ktoa = &region->ktoa[csb],
		.doorbell = side.doorbell,
		.bell = side.bell,
		.slots = slots,
		.buf_size = region->buf_pool.size,
		.buf_count = region->buf_pool.count,
		.head = head,
		.tail = tail,
		.told = head,
		.told_cur = READ_ONCE(atok->cur),
		.ask = KICK_ALWAYS,
		.asking = READ_ONCE(atok->appl_need_kick),
		.kicks = r->kicks,
		.faults = r->faults,
	};
	return 0;
}

/* It moves forward, and never over what is ours. */
u32 gring_look(struct gring *r)
{
	const u32 tail = virt_load_acquire(&r->ktoa->hwtail);

	if (likely(tail < r->slots &&
		   gring_distance(r, r->tail, tail) +
				   gring_distance(r, r->head, r->tail) <
			   r->slots))
		r->tail = tail;
	else
		r->faults++;
	return gring_space(r);
}

void gring_tell_cur(struct gring *r, u32 cur)
{
	if (r->told_cur != cur) {
		r->told_cur = cur;
		WRITE_ONCE(r->atok->cur, cur);
	}
	if (r->told == r->head)
		return;
	r->told = r->head;
	virt_store_release(&r->atok->head, r->head);
	virt_mb(); /* with the host's, between its need_kick and its look */
	if (!READ_ONCE(r->ktoa->kern_need_kick))
		return;
	r->kicks++;
	iowrite32(r->bell, r->doorbell); /* a port, or memory */
}

void gring_tell(struct gring *r)
{
	gring_tell_cur(r, r->head);
}

void gring_ask(struct gring *r)
{
	/* 0 is no kick, 1 one at every occasion, the others are for one */
	if (++r->ask <= KICK_ALWAYS)
		r->ask = KICK_ALWAYS + 1;
	WRITE_ONCE(r->atok->appl_need_kick, r->ask);
	r->asking = true;
	virt_mb(); /* with the host's, between its index and need_kick */
}

void gring_hush(struct gring *r)
{
	if (!r->asking)
		return;
	WRITE_ONCE(r->atok->appl_need_kick, 0);
	r->asking = false;
}

/* told <= head <= cur <= tail, around the ring */
static bool take_header(struct gring *r, u32 *cur)
{
	const u32 head = READ_ONCE(r->header->head);
	const u32 space = gring_distance(r, r->told, r->tail);

	*cur = READ_ONCE(r->header->cur);
	if (unlikely(head >= r->slots || *cur >= r->slots ||
		     gring_distance(r, r->told, *cur) > space ||
		     gring_distance(r, r->told, head) >
			     gring_distance(r, r->told, *cur)))
		return false;
	r->head = head;
	return true;
}

void gring_renew(struct gring *r)
{
	WRITE_ONCE(r->header->head, r->told);
	WRITE_ONCE(r->header->cur, r->told);
	WRITE_ONCE(r->header->tail, r->tail);
}

int gring_sync(struct gring *r, bool waits)
{
	u32 cur;

	if (unlikely(!take_header(r, &cur))) {
		gring_renew(r);
		r->faults++;
		return -EINVAL;
	}
	if (!waits)
		gring_hush(r);
	gring_tell_cur(r, cur);
	gring_look(r);
	if (cur == r->tail && waits) {
		gring_ask(r);
		gring_look(r);
	}
	virt_store_release(&r->header->tail, r->tail);
	return cur != r->tail;
}

char *gring_buf(struct gring *r, u32 at, u32 *len, u32 *flags)
{
	const u64 word = read_slot(&r->slot[at]);
	const u32 idx = (u32)word;

	*len = (u32)(word >> 32) & 0xffff;
	*flags = (u32)(word >> 48);
	if (likely(idx >= NM_BUF_RESERVED && idx < r->buf_count &&
		   *len <= r->buf_size))
		return r->bufs + (size_t)idx * r->buf_size;
	r->faults++;
	return NULL;
}

void gring_put(struct gring *r, u32 at, u32 len, u32 flags)
{
	const u64 idx = (u32)read_slot(&r->slot[at]);

	WRITE_ONCE(*(u64 *)&r->slot[at],
		   idx | (u64)len << 32 | (u64)flags << 48);
}
