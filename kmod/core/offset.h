/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Offsets: frames that begin somewhere in their buffers, where the low bits of
 * their slots' ptr say. A property of a ring, set while nobody syncs it.
 *
 * What slots say is checked whenever it is used: a frame that begins beyond the
 * greatest offset is not sent, and is received at the initial one. Where a
 * buffer passes from ring to ring (pipes, zero-copy monitors) the frame stays
 * where it is, unless the other ring knows no such offset.
 */
#ifndef PTN_OFFSET_H
#define PTN_OFFSET_H

#include "ptn_os.h"

enum {
	/* Of a buffer, at least, for the frame. */
	PTN_OFFSET_ROOM = 64,
};

/* All zero: frames begin where their buffers do. */
struct ptn_offsets {
	u64 mask; /* of the bits of a slot's ptr */
	u32 max;
	u32 initial; /* in slots that no program has written */
	u32 gap; /* that stays free at the end of buffers received */
	u32 align; /* told to programs that send */
};

/** ptn_offsets_possible - in a ring whose buffers have @buf_size bytes */
bool ptn_offsets_possible(const struct ptn_offsets *o, u32 buf_size);

/** ptn_offsets_equal - whether two programs can share a ring */
bool ptn_offsets_equal(const struct ptn_offsets *a,
		       const struct ptn_offsets *b);

#endif
