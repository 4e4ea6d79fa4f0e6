/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * One ring of the port: its slots, its indices, and who has to be woken. The
 * guest's side of the protocol in ptnet/region.h.
 *
 * The other side runs on another CPU of the host even when this kernel has
 * only one: all barriers are the virt_ ones. What it shows is read once and
 * checked; our own indices are not read back after the start.
 */
#ifndef PTN_GRING_H
#define PTN_GRING_H

#include <linux/kernel.h>
#include <linux/types.h>

#include "ghost.h"

struct gring {
	/* set by gring_init(), constant while the port is started */
	struct netmap_ring *header;
	struct netmap_slot *slot;
	char *bufs;
	struct nm_csb_atok *atok;
	const struct nm_csb_ktoa *ktoa;
	void __iomem *doorbell;
	u32 bell; /* what is written to it */
	u32 slots;
	u32 buf_size;
	u32 buf_count;

	u32 head; /* the first slot that is ours; [head, tail) are */
	u32 tail; /* what the host said last, checked */
	u32 told; /* the head that the host knows ... */
	u32 told_cur; /* ... and the slot up to which we need none yet */
	u32 ask; /* the last appl_need_kick that was not 0 */
	bool asking;
	u64 kicks; /* doorbells that were rung */
	u64 faults; /* indices and slots that cannot be */
};

/** gring_init - as the host started it. 0, or -EPROTO: it is not a ring. */
int gring_init(struct gring *r, const struct ghost *host,
	       enum gregion_direction dir, u32 queue);

/** gring_look - learn how far the host is; returns the slots that are ours */
u32 gring_look(struct gring *r);

/**
 * gring_tell - publish head, and wake the host if it sleeps
 *
 * gring_tell_cur() for who wants no interrupt before the host is past @cur.
 */
void gring_tell(struct gring *r);
void gring_tell_cur(struct gring *r, u32 cur);

/**
 * gring_ask - have the host interrupt us, once, when it has moved
 *
 * The caller looks at the ring again afterwards.
 */
void gring_ask(struct gring *r);

/** gring_hush - no interrupt any more, until asked for again */
void gring_hush(struct gring *r);

/**
 * gring_buf - the buffer of slot @at
 * @len: a frame's length, taken from the slot
 *
 * Returns NULL, and counts, when it is none or the length is not possible.
 */
char *gring_buf(struct gring *r, u32 at, u32 *len, u32 *flags);

/** gring_renew - the header as the host and we know it */
void gring_renew(struct gring *r);

/**
 * gring_sync - all of it by the ring's header, which a netmap program has: its
 *	head and cur are taken, and it sees how far the host is
 * @waits: somebody sleeps until the program has slots; else nobody does
 *
 * Returns 1 when the program has, 0, in which case an interrupt was asked for,
 * -EINVAL when the header was broken, which is as new then.
 */
int gring_sync(struct gring *r, bool waits);

/** gring_put - @len bytes of a frame are in the buffer of slot @at */
void gring_put(struct gring *r, u32 at, u32 len, u32 flags);

/* What one slot can hold: its len has 16 bits. */
static inline u32 gring_capacity(const struct gring *r)
{
	return min_t(u32, r->buf_size, U16_MAX);
}

static inline u32 gring_next(const struct gring *r, u32 i)
{
	return i + 1 == r->slots ? 0 : i + 1;
}

static inline u32 gring_distance(const struct gring *r, u32 from, u32 to)
{
	return to >= from ? to - from : to + r->slots - from;
}

/* Slots that are ours, by what is known. */
static inline u32 gring_space(const struct gring *r)
{
	return gring_distance(r, r->head, r->tail);
}

#endif
