/* SPDX-License-Identifier: BSD-2-Clause */
#include "vandal.h"

#include <string.h>

#include "packet.h"

enum {
	WORDS = 16, /* a step */
	LIKELY = 80, /* numbers below pass more checks than others */
	SEGMENT = PTN_SEGMENT_MIN,
	PAYLOAD = SEGMENT * PTN_SEGMENTS_MAX,
	FRAME = 60,
};

static uint64_t any(struct vandal *v)
{
	v->seed ^= v->seed << 13;
	v->seed ^= v->seed >> 7;
	v->seed ^= v->seed << 17;
	return v->seed;
}

static uint32_t below(struct vandal *v, uint32_t n)
{
	return (uint32_t)(any(v) >> 11) % n;
}

static uint32_t number(struct vandal *v)
{
	const uint32_t r = (uint32_t)(any(v) >> 32);

	switch (below(v, 4)) {
	case 0:
		return r;
	case 1:
		return UINT32_MAX - r % 8;
	default:
		return r % LIKELY;
	}
}

/* The host reads at the same time, and other threads write; in this order. */
static void put(const struct vandal *v, uint64_t at, uint32_t word)
{
	__atomic_store_n((uint32_t *)(void *)(v->q->bar + at / 4 * 4), word,
			 __ATOMIC_SEQ_CST);
}

static uint32_t get(const struct vandal *v, uint64_t at)
{
	return __atomic_load_n((uint32_t *)(void *)(v->q->bar + at),
			       __ATOMIC_SEQ_CST);
}

static uint64_t atok_at(const struct vandal *v, uint32_t ring)
{
	return v->config.atok_ofs + ring * sizeof(struct nm_csb_atok);
}

static uint64_t ktoa_at(const struct vandal *v, uint32_t ring)
{
	return v->config.ktoa_ofs + ring * sizeof(struct nm_csb_ktoa);
}

void vandal_init(struct vandal *v, struct qemu *q, uint64_t seed, uint8_t to,
		 uint8_t as)
{
	char *nifp;
	struct netmap_ring *r;

	*v = (struct vandal){.q = q,
			     .config = *qemu_config(q),
			     .seed = seed,
			     .to = {2, [5] = to},
			     .as = {2, [5] = as}};
	nifp = q->bar + v->config.mem_ofs + v->config.nifp_ofs;
	r = (void *)(nifp + ((struct netmap_if *)(void *)nifp)->ring_ofs[0]);
	v->slot = r->slot;
	v->slots = r->num_slots < VANDAL_SLOTS ? r->num_slots : VANDAL_SLOTS;
	for (uint32_t i = 0; i < v->slots; i++)
		v->own[i] = r->slot[i].buf_idx;
}

/* What makes no sense */

/* Half of them where the indices are, or the first slots of the rings. */
void vandal_scribble(struct vandal *v)
{
	const uint64_t used = v->config.mem_ofs + v->config.mem_size;
	const uint32_t rings = v->config.tx_rings + v->config.rx_rings;

	for (int i = 0; i < WORDS; i++) {
		uint64_t at = any(v) % used;

		if (i % 4 == 0)
			at = v->config.atok_ofs + any(v) % (rings * 64);
		else if (i % 4 == 1)
			at = any(v) % PTN_WINDOW_SIZE;
		put(v, at, number(v));
	}
}

void vandal_ring(struct vandal *v)
{
	qemu_doorbell(v->q, below(v, v->config.vectors));
}

void vandal_command(struct vandal *v)
{
	static const uint32_t what[] = {PTN_REGION_RESET,
					PTN_REGION_HEADER,
					PTN_REGION_START,
					PTN_REGION_RESET,
					PTN_REGION_START,
					PTN_REGION_STOP,
					0,
					UINT32_MAX};
	const uint64_t at = v->config.control_ofs;
	const uint32_t cmd = what[v->commands++ % 8];

	put(v, at + offsetof(struct ptn_control, cmd), cmd);
	put(v, at + offsetof(struct ptn_control, arg),
	    below(v, 2) ? VANDAL_HEADER : number(v));
	put(v, at + offsetof(struct ptn_control, driver), number(v));
	put(v, at + offsetof(struct ptn_control, seq), v->commands);
	qemu_doorbell(v->q, PTN_VECTOR_CONTROL);
}

static void set_slot(const struct vandal *v, uint32_t i, uint32_t idx,
		     uint32_t len, uint32_t flags)
{
	__atomic_store_n((uint64_t *)(void *)&v->slot[i],
			 (uint64_t)idx | (uint64_t)(len & 0xffff) << 32 |
				 (uint64_t)flags << 48,
			 __ATOMIC_RELAXED);
}

/* All that the host has given back is its own again. */
void vandal_send(struct vandal *v)
{
	const uint32_t tail =
		get(v, ktoa_at(v, 0) + offsetof(struct nm_csb_ktoa, hwtail));
	const uint64_t atok = atok_at(v, 0);

	put(v, atok + offsetof(struct nm_csb_atok, cur), tail);
	put(v, atok + offsetof(struct nm_csb_atok, head), tail);
	if (get(v,
		ktoa_at(v, 0) + offsetof(struct nm_csb_ktoa, kern_need_kick)))
		qemu_doorbell(v->q, PTN_VECTOR_TX(0));
}

void vandal_hand_over(struct vandal *v)
{
	static const uint16_t flags[] = {0,	      NS_MOREFRAG, NS_MOREFRAG,
					 NS_INDIRECT, NS_NO_LEARN, 0xffff};

	for (int i = 0; i < WORDS; i++) {
		const uint32_t at = below(v, v->slots);

		set_slot(v, at, below(v, 2) ? number(v) : v->own[at],
			 below(v, 2) ? FRAME : number(v), flags[below(v, 6)]);
		if (i % 4 == 0)
			__atomic_store_n(&v->slot[at].ptr, any(v),
					 __ATOMIC_RELAXED);
	}
	vandal_send(v);
}

/* What makes nearly sense, or too much of it */

/* A frame into the buffers of slots from @slot on; how many these are. */
static uint32_t lay(const struct vandal *v, uint32_t slot, const uint8_t *frame,
		    uint32_t len)
{
	const uint32_t size = v->config.pool[2].size;
	const uint64_t bufs = v->config.mem_ofs + v->config.pool[2].offset;
	uint32_t n = 0;

	for (uint32_t done = 0; done < len; done += size, n++) {
		const uint32_t some = len - done < size ? len - done : size;
		const uint64_t at = bufs + (uint64_t)v->own[slot + n] * size;

		for (uint32_t i = 0; i < some; i += 4) {
			uint32_t word;

			memcpy(&word, frame + done + i, sizeof(word));
			put(v, at + i, word);
		}
		set_slot(v, slot + n, v->own[slot + n], some,
			 done + some < len ? NS_MOREFRAG : 0);
	}
	return n;
}

static uint64_t as_number(const uint8_t mac[6])
{
	uint64_t n = 0;

	memcpy(&n, mac, 6);
	return n;
}

static uint32_t write_packet(const struct vandal *v, uint32_t payload,
			     uint16_t segment, uint8_t *to)
{
	const struct packet p = {.dst = as_number(v->to),
				 .src = as_number(v->as),
				 .v6 = payload & 1,
				 .flags = PACKET_PSH,
				 .payload = payload};

	return packet_write_vnet(&p, VANDAL_HEADER, segment, to);
}

/*
 * Some have a byte of their headers changed, and one its length too. The last
 * wants segments that are too small, of which chance would make too few.
 */
void vandal_offload(struct vandal *v)
{
	uint8_t frame[PACKET_MAX + 4] = {0};
	uint32_t len, n, slot = below(v, v->slots / 2);

	for (int i = 0; i < 4; i++, slot += n) {
		len = write_packet(v, 200 + below(v, 3000), SEGMENT, frame);
		frame[below(v, i % 2 ? VANDAL_HEADER : 90)] = (uint8_t)any(v);
		if (i == 3)
			len = 1 + below(v, len);
		n = lay(v, slot, frame, len);
	}
	len = write_packet(v, 200, 1 + (uint16_t)below(v, SEGMENT - 1), frame);
	lay(v, slot, frame, len);
	vandal_send(v);
}

/* As often as whole ones fit; what is left over is one short @rest a slot. */
static void lay_all(struct vandal *v, const uint8_t *frame, uint32_t len,
		    const uint8_t *rest)
{
	const uint32_t size = v->config.pool[2].size;
	const uint32_t n = (len + size - 1) / size;
	uint32_t slot = 0;

	while (slot + n <= v->slots)
		slot += lay(v, slot, frame, len);
	while (slot < v->slots)
		slot += lay(v, slot, rest, FRAME);
}

/* The rest has a header that asks for nothing: it would be cut off otherwise.
 */
void vandal_lay_segments(struct vandal *v)
{
	uint8_t frame[PACKET_MAX + 4] = {0}, rest[FRAME] = {0};
	const uint32_t len = write_packet(v, PAYLOAD, SEGMENT, frame);

	memcpy(rest + VANDAL_HEADER, frame + VANDAL_HEADER,
	       FRAME - VANDAL_HEADER);
	lay_all(v, frame, len, rest);
}

void vandal_lay_frames(struct vandal *v)
{
	uint8_t frame[FRAME] = {0};

	memcpy(frame, v->to, 6);
	memcpy(frame + 6, v->as, 6);
	lay_all(v, frame, FRAME, frame);
}

void vandal_lay_flood(struct vandal *v)
{
	uint8_t frame[FRAME] = {0};

	memset(frame, 0xff, 6);
	memcpy(frame + 6, v->as, 6);
	lay_all(v, frame, FRAME, frame);
}

void vandal_lay_chain(struct vandal *v)
{
	for (uint32_t i = 0; i < v->slots; i++)
		set_slot(v, i, v->own[i], FRAME, NS_MOREFRAG);
}
