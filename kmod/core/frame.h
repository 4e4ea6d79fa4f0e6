/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Bytes of a batch's frames, by their place in the frame, whatever fragments
 * they lie in. That memory is a program's, who may write to it meanwhile: what
 * decides something is read from here once, into private memory. These are
 * functions of a file of their own, so that no compiler reads it again.
 */
#ifndef PTN_FRAME_H
#define PTN_FRAME_H

#include "work.h"

/** ptn_frame_read - @n bytes from @from on, which the frame has */
void ptn_frame_read(const struct ptn_work *w, u32 frame, u32 from, void *to,
		    u32 n);

/**
 * ptn_frame_pieces - the fragments that the same bytes are
 * @to: as many as the frame has
 *
 * Returns their number.
 */
u32 ptn_frame_pieces(const struct ptn_work *w, u32 frame, u32 from, u32 n,
		     struct ptn_frag *to);

/** ptn_frame_sum - their sum as in checksum.h */
u64 ptn_frame_sum(const struct ptn_work *w, u32 frame, u32 from, u32 n);

#endif
