// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ethernet frames that can be recognised where they arrive. A mark behind the
 * header tells the stream and the number in it; the rest is a pattern that
 * depends on the number, so that a buffer of another frame does not pass for
 * this one's. Knows neither rings nor files. Called by `ptnetctl traffic`.
 *
 *	dst 6, src 6, [0x8100 2, VLAN 2,] 0x88b5 2,
 *	magic 4, stream 4, number 8, size behind the header 4, check 4,
 *	bytes number, number + 1, ... modulo 256
 *
 * Fields of the mark are little-endian. 0x88b5 is IEEE's type for local
 * experiments.
 */
#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum {
	TYPE_OURS = 0x88b5,
	TYPE_VLAN = 0x8100,
	TYPE_SERVICE_VLAN = 0x88a8,
	MAGIC = 0x746e7470, /* "ptnt" */
	PERIOD = 256,
	SIZE_PADDED = 60, /* what a wire makes of a shorter frame */
};

struct mark {
	uint32_t magic, stream;
	uint64_t seq;
	uint32_t size, check;
};

_Static_assert(sizeof(struct mark) == FRAME_MARK, "mark");

#define P4(n) (n), (n) + 1, (n) + 2, (n) + 3
#define P16(n) P4(n), P4((n) + 4), P4((n) + 8), P4((n) + 12)
#define P64(n) P16(n), P16((n) + 16), P16((n) + 32), P16((n) + 48)
#define P256 P64(0), P64(64), P64(128), P64(192)

/* Twice the period: any phase has a whole period ahead. */
static const uint8_t pattern[2 * PERIOD] = {P256, P256};

static size_t header_len(const struct frame_shape *shape)
{
	return FRAME_HEADER + (shape->vlan ? FRAME_VLAN : 0);
}

size_t frame_size_min(const struct frame_shape *shape, bool marked)
{
	return header_len(shape) + (marked ? FRAME_MARK : 0);
}

static void put16(uint8_t *at, uint16_t v)
{
	v = htobe16(v);
	memcpy(at, &v, sizeof(v));
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return be16toh(v);
}

/* Tells a damaged mark; not for enemies. */
static uint32_t mark_check(uint32_t stream, uint64_t seq, uint32_t size)
{
	uint64_t h = (seq ^ (uint64_t)stream << 32) * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 29 ^ size) * 0xbf58476d1ce4e5b9ULL;
	return (uint32_t)(h >> 32);
}

static void fill(uint8_t *out, size_t len, uint64_t seq)
{
	const uint8_t *from = pattern + seq % PERIOD;

	for (; len >= PERIOD; len -= PERIOD, out += PERIOD)
		memcpy(out, from, PERIOD);
	memcpy(out, from, len);
}

static bool filled(const uint8_t *data, size_t len, uint64_t seq)
{
	const uint8_t *from = pattern + seq % PERIOD;

	for (; len >= PERIOD; len -= PERIOD, data += PERIOD)
		if (memcmp(data, from, PERIOD))
			return false;
	return !memcmp(data, from, len);
}

void frame_build(const struct frame_shape *shape, uint64_t seq, uint8_t *out)
{
	size_t header = header_len(shape), left = shape->size - header;
	struct mark m = {.magic = htole32(MAGIC),
			 .stream = htole32(shape->stream),
			 .seq = htole64(seq),
			 .size = htole32((uint32_t)left)};

	memcpy(out, shape->dst, MAC_LEN);
	memcpy(out + MAC_LEN, shape->src, MAC_LEN);
	if (shape->vlan) {
		put16(out + 12, TYPE_VLAN);
		put16(out + 14, shape->vlan);
	}
	put16(out + header - 2, TYPE_OURS);
	out += header;
	if (left >= sizeof(m)) {
		m.check =
			htole32(mark_check(shape->stream, seq, (uint32_t)left));
		memcpy(out, &m, sizeof(m));
		out += sizeof(m);
		left -= sizeof(m);
	}
	fill(out, left, seq);
}

/* Where the payload of a frame of ours begins; 0: it is not ours. */
static size_t find_payload(const uint8_t *frame, size_t len)
{
	size_t at = FRAME_HEADER;

	for (int tags = 0; at <= len; tags++, at += FRAME_VLAN) {
		uint16_t type = get16(frame + at - 2);

		if (type == TYPE_OURS)
			return at;
		if (tags == 2 ||
		    (type != TYPE_VLAN && type != TYPE_SERVICE_VLAN))
			return 0;
	}
	return 0;
}

int frame_check(const uint8_t *frame, size_t len, struct frame_mark *mark)
{
	size_t at = find_payload(frame, len), size;
	struct mark m;

	if (!at || len - at < sizeof(m))
		return -ENOMSG;
	memcpy(&m, frame + at, sizeof(m));
	if (le32toh(m.magic) != MAGIC)
		return -ENOMSG;
	mark->stream = le32toh(m.stream);
	mark->seq = le64toh(m.seq);
	size = le32toh(m.size);
	if (le32toh(m.check) !=
		    mark_check(mark->stream, mark->seq, (uint32_t)size) ||
	    size < sizeof(m) || size > len - at ||
	    (size < len - at && len > SIZE_PADDED))
		return -EBADMSG;
	return filled(frame + at + sizeof(m), size - sizeof(m), mark->seq)
		       ? 0
		       : -EBADMSG;
}

void frame_turn(uint8_t *frame, size_t len, const uint8_t own[MAC_LEN])
{
	uint8_t src[MAC_LEN];

	if (len < FRAME_HEADER)
		return;
	memcpy(src, mac_is_unicast(frame) ? frame : own, MAC_LEN);
	memcpy(frame, frame + MAC_LEN, MAC_LEN);
	memcpy(frame + MAC_LEN, src, MAC_LEN);
}
