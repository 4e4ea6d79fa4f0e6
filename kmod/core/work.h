/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Scratch memory of a thread that syncs: one batch of frames on its way from
 * a transmit ring to its receivers. Small enough for the first cache level.
 */
#ifndef PTN_WORK_H
#define PTN_WORK_H

#include "offload.h"
#include "port.h"

struct ptn_ring;

enum {
	PTN_WORK_HASH = 512, /* more than PTN_BATCH, a power of two */
	/* values of where[] that are no number of a destination */
	PTN_WHERE_FLOOD = 0xfffe,
	PTN_WHERE_DROP = 0xffff,
};

/* One checked slot of the sender's. */
struct ptn_frag {
	const char *addr;
	u32 len;
	u32 flags;
};

/* A frame's fragments; only in batches that have frames of several. */
struct ptn_frame {
	u16 first;
	u16 frags;
	u32 len;
};

/* One port that frames of the batch go to. */
struct ptn_dest {
	u32 port;
	u32 frames;
};

struct ptn_work {
	u32 limit; /* slots of a batch, on switches */
	u32 n_frags;
	u32 n_frames;
	u32 n_dests;
	u32 n_flood;
	u32 n_drops;
	u32 n_published;
	u32 n_open; /* fragments of a frame whose end was not added yet */
	u32 frag_max; /* no fragment is longer */
	u32 hdr_len; /* of the header before each frame, in one fragment */
	bool odd; /* frame[] is filled; else frame i is fragment i */
	/*
	 * The home syncs this queue again before its grace section ends, so
	 * who sleeps is woken once for all: by ptn_port_release(). A receiver
	 * without room for another batch ends it at once.
	 */
	bool hold;
	struct ptn_frag frag[PTN_BATCH];
	struct ptn_frame frame[PTN_BATCH];
	u16 where[PTN_BATCH]; /* by frame: number of its destination */
	struct ptn_dest dest[PTN_BATCH];
	u16 slot[PTN_WORK_HASH]; /* number + 1 of a destination, by port */
	u16 order[PTN_BATCH]; /* frames by destination, in order in each */
	u16 pick[PTN_BATCH]; /* frames for one receiver */
	u32 buf[PTN_BATCH]; /* leased buffers */
	u16 len[PTN_BATCH]; /* what they got, in odd batches */
	u16 flags[PTN_BATCH];
	u32 ofs[PTN_BATCH]; /* where they begin, in rings with offsets */
	struct ptn_ring *published[PTN_BATCH]; /* perhaps to be notified */
	/* by frame, of senders with headers: what these ask for ... */
	struct ptn_offload offload[PTN_BATCH];
	u16 part[PTN_BATCH]; /* ... by pick: which part of it */
};

/** ptn_work_frame - first fragment of frame @i */
static inline const struct ptn_frag *ptn_work_frame(const struct ptn_work *w,
						    u32 i)
{
	return &w->frag[w->odd ? w->frame[i].first : i];
}

/** ptn_work_bytes - length of frame @i */
static inline u32 ptn_work_bytes(const struct ptn_work *w, u32 i)
{
	return w->odd ? w->frame[i].len : w->frag[i].len;
}

/** ptn_work_add_frame - its fragments are there: @frags of them from @first */
static inline void ptn_work_add_frame(struct ptn_work *w, u32 first, u32 frags,
				      u32 len)
{
	struct ptn_frame *f = &w->frame[w->n_frames++];

	f->first = (u16)first;
	f->frags = (u16)frags;
	f->len = len;
}

/** ptn_work_become_odd - from here on frames are written down one by one */
void ptn_work_become_odd(struct ptn_work *w);

#endif
