/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PTNET_FRAME_FRAME_H
#define PTNET_FRAME_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"

enum {
	FRAME_HEADER = 14, /* bytes of an Ethernet header */
	FRAME_VLAN = 4, /* bytes of a VLAN tag */
	FRAME_MARK = 24, /* bytes of the mark that identifies a frame */
	FRAME_VLAN_MAX = 4094,
};

/* What the frames of a stream have in common. */
struct frame_shape {
	uint8_t dst[MAC_LEN], src[MAC_LEN];
	uint16_t vlan; /* 0: no tag */
	uint32_t stream;
	size_t size; /* without the checksum of the wire */
};

/** frame_size_min - the least size, with or without a mark */
size_t frame_size_min(const struct frame_shape *shape, bool marked);

/**
 * frame_build - frame @seq of a stream, shape->size bytes
 *
 * A frame too small for a mark is a header and the pattern alone.
 */
void frame_build(const struct frame_shape *shape, uint64_t seq, uint8_t *out);

/* What a mark says. */
struct frame_mark {
	uint32_t stream;
	uint64_t seq;
};

/**
 * frame_check - read a frame's mark, compare every byte behind it
 *
 * Returns 0; -ENOMSG when the frame has no mark; -EBADMSG when it has one and
 * is not what frame_build() made.
 */
int frame_check(const uint8_t *frame, size_t len, struct frame_mark *mark);

/**
 * frame_turn - send a frame back: exchange the addresses
 *
 * @own takes the place of a group address, which cannot be a source. Frames
 * shorter than a header stay as they are.
 */
void frame_turn(uint8_t *frame, size_t len, const uint8_t own[MAC_LEN]);

#endif
