/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Scratch memory of a thread that syncs: one batch of frames, sorted by
 * where they go. Small enough to stay in the first cache level.
 */
#ifndef PTN_WORK_H
#define PTN_WORK_H

#include "port.h"

enum {
	PTN_WORK_HASH = 512, /* more than PTN_BATCH, a power of two */
	PTN_WORK_END = 0xffff, /* of a list of frames */
};

/* One checked slot of the sender's. */
struct ptn_frag {
	const char *addr;
	u32 len;
	u32 flags;
};

struct ptn_frame {
	u16 first; /* fragment */
	u16 frags;
	u16 next; /* frame for the same destination */
	u16 pad;
	u32 len; /* all fragments */
};

/* The frames of a batch that go to one port, in order. */
struct ptn_dest {
	u32 port;
	u16 head, tail;
	u32 frames;
};

/* One buffer of the receiver's. */
struct ptn_out {
	char *addr;
	u32 idx;
	u32 len;
	u32 flags;
};

struct ptn_work {
	u32 n_frags;
	u32 n_frames;
	u32 n_dests;
	u16 flood_head, flood_tail;
	u32 flooded;
	struct ptn_frag frag[PTN_BATCH];
	struct ptn_frame frame[PTN_BATCH];
	struct ptn_dest dest[PTN_BATCH];
	u16 slot[PTN_WORK_HASH]; /* dest + 1 by hash of the port */
	struct ptn_out out[PTN_BATCH];
	u16 pick[PTN_BATCH]; /* frames that fit, in order */
};

#endif
