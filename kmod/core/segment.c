// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "segment.h"

#include "checksum.h"
#include "frame.h"
#include "packet.h"

static u32 payload_bytes(const struct ptn_work *w, u32 frame, u32 part)
{
	const struct ptn_offload *o = &w->offload[frame];
	const u32 all = ptn_work_bytes(w, frame) - w->hdr_len - o->headers;

	if (part + 1u < o->parts)
		return o->size;
	return all - part * o->size;
}

u32 ptn_segment_bytes(const struct ptn_work *w, u32 frame, u32 part)
{
	return w->offload[frame].headers + payload_bytes(w, frame, part);
}

u32 ptn_segment_payload(const struct ptn_work *w, u32 frame, u32 part)
{
	const struct ptn_offload *o = &w->offload[frame];

	return w->hdr_len + o->headers + part * o->size;
}

/* Checksums */

/* As it lies in memory. */
static void write_sum(u8 *at, u16 sum)
{
	memcpy(at, &sum, sizeof(sum));
}

static u64 pseudo_header(const struct ptn_offload *o, const u8 *h, u32 len)
{
	u8 rest[8] = {0}; /* the protocol and the length, each in four bytes */
	u64 sum;

	rest[3] = o->kind == PTN_OFFLOAD_TCP ? PROTO_TCP : PROTO_UDP;
	ptn_put_be32(rest + 4, len);
	if (o->is_v6)
		sum = ptn_sum(0, h + o->net + V6_SOURCE, V6_ADDRESSES);
	else
		sum = ptn_sum(0, h + o->net + V4_SOURCE, V4_ADDRESSES);
	return ptn_sum(sum, rest, sizeof(rest));
}

/* @sum: of what is not in the part, or not there yet. */
static void finish(const struct ptn_work *w, u32 frame, u32 part, u8 *h,
		   u64 sum)
{
	const struct ptn_offload *o = &w->offload[frame];

	sum = ptn_sum(sum, h + o->transport, o->headers - o->transport);
	sum = ptn_sum_add(sum,
			  ptn_frame_sum(w, frame,
					ptn_segment_payload(w, frame, part),
					payload_bytes(w, frame, part)));
	/* zero would say that UDP has none */
	write_sum(h + o->checksum, (u16)~ptn_sum_fold(sum) ?: 0xffff);
}

/* Headers */

static void write_v4(const struct ptn_offload *o, u8 *ip, u32 part, u32 len)
{
	ptn_put_be16(ip + V4_LENGTH, len);
	ptn_put_be16(ip + V4_ID, ptn_be16(ip + V4_ID) + part);
	ptn_put_be16(ip + V4_CHECKSUM, 0);
	write_sum(ip + V4_CHECKSUM,
		  (u16)~ptn_sum_fold(ptn_sum(0, ip, o->transport - o->net)));
}

static void write_net(const struct ptn_offload *o, u8 *h, u32 part, u32 bytes)
{
	if (o->is_v6)
		ptn_put_be16(h + o->net + V6_LENGTH,
			     bytes - o->net - V6_HEADER);
	else
		write_v4(o, h + o->net, part, bytes - o->net);
}

/* The window is reduced once, and the end is said at the end. */
static void write_tcp(const struct ptn_offload *o, u8 *tcp, u32 part)
{
	ptn_put_be32(tcp + TCP_SEQ, ptn_be32(tcp + TCP_SEQ) + part * o->size);
	if (part)
		tcp[TCP_FLAGS] &= 0xff & ~TCP_CWR;
	if (part + 1u < o->parts)
		tcp[TCP_FLAGS] &= 0xff & ~(TCP_FIN | TCP_PSH);
}

static void write_transport(const struct ptn_offload *o, u8 *h, u32 part,
			    u32 bytes)
{
	u8 *transport = h + o->transport;

	if (o->kind == PTN_OFFLOAD_TCP)
		write_tcp(o, transport, part);
	else
		ptn_put_be16(transport + UDP_LENGTH, bytes - o->transport);
	ptn_put_be16(h + o->checksum, 0);
}

u32 ptn_segment_headers(const struct ptn_work *w, u32 frame, u32 part, u8 *to)
{
	const struct ptn_offload *o = &w->offload[frame];
	const u32 bytes = ptn_segment_bytes(w, frame, part);
	u64 sum = 0; /* of the pseudo header; a lone checksum's place has it */

	ptn_frame_read(w, frame, w->hdr_len, to, o->headers);
	if (o->kind != PTN_OFFLOAD_CHECKSUM) {
		write_net(o, to, part, bytes);
		write_transport(o, to, part, bytes);
		sum = pseudo_header(o, to, bytes - o->transport);
	}
	finish(w, frame, part, to, sum);
	return o->headers;
}

/* For devices */

u32 ptn_segment_parts(const struct ptn_work *w, u32 frame)
{
	if (ptn_work_bytes(w, frame) < w->hdr_len + ETH_HEADER)
		return 0;
	return w->hdr_len ? w->offload[frame].parts : 1;
}

u32 ptn_segment_pieces(const struct ptn_work *w, u32 frame, u32 part,
		       u8 *headers, struct ptn_frag *to)
{
	u32 from = w->hdr_len, n = ptn_work_bytes(w, frame) - w->hdr_len;

	if (!w->hdr_len || w->offload[frame].kind == PTN_OFFLOAD_NONE)
		return ptn_frame_pieces(w, frame, from, n, to);
	to->addr = (const char *)headers;
	to->len = ptn_segment_headers(w, frame, part, headers);
	to->flags = 0;
	from = ptn_segment_payload(w, frame, part);
	n = payload_bytes(w, frame, part);
	return 1 + ptn_frame_pieces(w, frame, from, n, to + 1);
}
