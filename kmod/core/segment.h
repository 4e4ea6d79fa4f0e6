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

#endif
