/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The parts that a checked frame (offload.h) is cut into for a receiver without
 * a virtio-net header: each has the frame's headers with lengths, numbers,
 * flags and checksums of its own, then its share of the payload. A frame that
 * only lacks a checksum is one part.
 */
#ifndef PTN_SEGMENT_H
#define PTN_SEGMENT_H

#include "work.h"

/** ptn_segment_bytes - length of part @part of frame @frame */
u32 ptn_segment_bytes(const struct ptn_work *w, u32 frame, u32 part);

/** ptn_segment_payload - where in the frame its payload begins */
u32 ptn_segment_payload(const struct ptn_work *w, u32 frame, u32 part);

/**
 * ptn_segment_headers - write its headers
 * @to: PTN_HEADERS_MAX bytes
 *
 * A sender who writes to his frame meanwhile gets checksums that are wrong.
 * Returns their number.
 */
u32 ptn_segment_headers(const struct ptn_work *w, u32 frame, u32 part, u8 *to);

/* Fragments of a part, at most: its headers, and the frame's. */
enum { PTN_PIECES_MAX = 1 + NETMAP_MAX_FRAGS };

/** ptn_segment_parts - of a frame whose sender may have headers, for a device
 * that has none; 0: it is too short to be a frame */
u32 ptn_segment_parts(const struct ptn_work *w, u32 frame);

/**
 * ptn_segment_pieces - part @part of it
 * @headers: PTN_HEADERS_MAX bytes, in use as long as the pieces
 * @to: PTN_PIECES_MAX
 *
 * A frame that asks for nothing is one part. Returns the number of pieces.
 */
u32 ptn_segment_pieces(const struct ptn_work *w, u32 frame, u32 part,
		       u8 *headers, struct ptn_frag *to);

#endif
