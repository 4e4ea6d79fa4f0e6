// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "offload.h"

#include "frame.h"
#include "packet.h"
#include "ring.h"
#include "work.h"

/* The virtio-net header; all its numbers are little-endian. */
enum {
	VNET_FLAGS = 0,
	VNET_GSO_TYPE = 1,
	VNET_HDR_LEN = 2,
	VNET_GSO_SIZE = 4,
	VNET_CSUM_START = 6,
	VNET_CSUM_OFFSET = 8,

	NEEDS_CSUM = 1,
	DATA_VALID = 2,

	GSO_NONE = 0,
	GSO_TCPV4 = 1,
	GSO_TCPV6 = 4,
	GSO_UDP_L4 = 5,
	GSO_ECN = 0x80,
};

enum { V6_HEADERS_MAX = 8 };

struct vnet {
	u8 flags, gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset;
};

/* A private copy of a frame's first bytes. */
struct head {
	u8 byte[PTN_HEADERS_MAX];
	u32 n; /* of them */
	u32 len; /* of the whole frame, without the virtio-net header */
};

static u16 le16(const u8 *at)
{
	return (u16)(at[0] | at[1] << 8);
}

static struct vnet read_vnet(const struct ptn_work *w, u32 frame)
{
	u8 h[PTN_VNET_COMMON];

	ptn_frame_read(w, frame, 0, h, sizeof(h));
	return (struct vnet){
		.flags = h[VNET_FLAGS],
		.gso_type = h[VNET_GSO_TYPE],
		.hdr_len = le16(h + VNET_HDR_LEN),
		.gso_size = le16(h + VNET_GSO_SIZE),
		.csum_start = le16(h + VNET_CSUM_START),
		.csum_offset = le16(h + VNET_CSUM_OFFSET),
	};
}

/* The header alone */

static bool checksum_possible(const struct vnet *v, u32 len)
{
	const u32 end = (u32)v->csum_start + v->csum_offset + 2;

	return v->csum_start >= ETH_HEADER && !(v->csum_offset & 1) &&
	       end <= len && end <= PTN_HEADERS_MAX;
}

static bool gso_possible(const struct vnet *v, u32 len)
{
	const u32 type = v->gso_type & ~GSO_ECN;

	if (type != GSO_TCPV4 && type != GSO_TCPV6 && v->gso_type != GSO_UDP_L4)
		return false;
	return v->flags & NEEDS_CSUM && v->gso_size && v->hdr_len <= len;
}

static bool vnet_possible(const struct vnet *v, u32 len)
{
	if (v->flags & ~(NEEDS_CSUM | DATA_VALID))
		return false;
	if (v->flags & NEEDS_CSUM && !checksum_possible(v, len))
		return false;
	return v->gso_type == GSO_NONE || gso_possible(v, len);
}

/* The frame behind it. Each step checks that what it reads was copied. */

static void read_head(struct head *h, const struct ptn_work *w, u32 frame)
{
	h->len = ptn_work_bytes(w, frame) - w->hdr_len;
	h->n = h->len < PTN_HEADERS_MAX ? h->len : PTN_HEADERS_MAX;
	ptn_frame_read(w, frame, w->hdr_len, h->byte, h->n);
}

static bool has(const struct head *h, u32 at, u32 n)
{
	return at + n <= h->n;
}

/* The Ethernet type, and where what it says begins. */
static u32 ether_type(const struct head *h, struct ptn_offload *o)
{
	u32 type = ptn_be16(h->byte + ETH_TYPE);

	o->net = ETH_HEADER;
	if (type == ETH_VLAN || type == ETH_QINQ) {
		if (!has(h, ETH_HEADER, VLAN_TAG))
			return 0;
		o->net += VLAN_TAG;
		type = ptn_be16(h->byte + ETH_TYPE + VLAN_TAG);
	}
	return type;
}

/* Both return the protocol, and set transport; 0: not possible. */
static u32 read_v4(const struct head *h, struct ptn_offload *o)
{
	const u8 *ip = h->byte + o->net;
	u32 len;

	if (!has(h, o->net, V4_HEADER))
		return 0;
	len = 4u * (ip[0] & 0xf);
	if (ip[0] >> 4 != 4 || len < V4_HEADER ||
	    ptn_be16(ip + V4_FRAGMENT) & V4_FRAGMENTED ||
	    ptn_be16(ip + V4_LENGTH) != h->len - o->net)
		return 0;
	o->transport = (u16)(o->net + len);
	return ip[V4_PROTOCOL];
}

/* Whether the header of type @type at @at may stand before TCP's or UDP's. */
static bool may_precede(const struct head *h, u32 type, u32 at)
{
	if (!has(h, at, V6_EXTENSION_MIN))
		return false;
	if (type == V6_ROUTING) /* another address is summed until it ends */
		return !h->byte[at + V6_SEGMENTS_LEFT];
	return type == V6_HOP_BY_HOP || type == V6_DESTINATION;
}

static u32 read_v6(const struct head *h, struct ptn_offload *o)
{
	const u8 *ip = h->byte + o->net;
	u32 at = o->net + V6_HEADER, type;

	if (!has(h, o->net, V6_HEADER) || ip[0] >> 4 != 6 ||
	    ptn_be16(ip + V6_LENGTH) != h->len - at)
		return 0;
	type = ip[V6_NEXT];
	o->is_v6 = true;
	for (u32 i = 0; i < V6_HEADERS_MAX; i++) {
		o->transport = (u16)at;
		if (type == PROTO_TCP || type == PROTO_UDP)
			return type;
		if (!may_precede(h, type, at))
			return 0;
		type = h->byte[at];
		at += 8u * (h->byte[at + 1] + 1u);
	}
	return 0;
}

static bool read_tcp(const struct head *h, struct ptn_offload *o)
{
	const u8 *tcp;

	if (!has(h, o->transport, TCP_HEADER))
		return false;
	tcp = h->byte + o->transport;
	if (tcp[TCP_FLAGS] & (TCP_SYN | TCP_RST))
		return false;
	o->kind = PTN_OFFLOAD_TCP;
	o->headers = (u16)(o->transport + 4 * (tcp[TCP_OFFSET] >> 4));
	o->checksum = o->transport + TCP_CHECKSUM;
	return o->headers >= o->transport + TCP_HEADER && o->headers <= h->n;
}

static bool read_udp(const struct head *h, struct ptn_offload *o)
{
	const u8 *udp;

	if (!has(h, o->transport, UDP_HEADER))
		return false;
	udp = h->byte + o->transport;
	if (ptn_be16(udp + UDP_LENGTH) != h->len - o->transport)
		return false;
	o->kind = PTN_OFFLOAD_UDP;
	o->headers = o->transport + UDP_HEADER;
	o->checksum = o->transport + UDP_CHECKSUM;
	return true;
}

/* The network's and the transport's header, as the type wants them. */
static bool read_packet(const struct head *h, u32 gso, struct ptn_offload *o)
{
	const u32 type = ether_type(h, o);
	u32 protocol = 0;

	if (type == ETH_V4 && gso != GSO_TCPV6)
		protocol = read_v4(h, o);
	if (type == ETH_V6 && gso != GSO_TCPV4)
		protocol = read_v6(h, o);
	if (gso == GSO_UDP_L4)
		return protocol == PROTO_UDP && read_udp(h, o);
	return protocol == PROTO_TCP && read_tcp(h, o);
}

/* What the virtio-net header says of the places is what they are. */
static bool agrees(const struct vnet *v, const struct ptn_offload *o)
{
	return v->csum_start == o->transport &&
	       v->csum_start + v->csum_offset == o->checksum &&
	       (!v->hdr_len || v->hdr_len >= o->headers);
}

static u32 read_gso(const struct ptn_work *w, u32 frame, const struct vnet *v,
		    struct ptn_offload *o)
{
	struct head h;
	u32 payload;

	read_head(&h, w, frame);
	if (!read_packet(&h, v->gso_type & ~GSO_ECN, o) || !agrees(v, o))
		return PTN_C_DROP_OFFLOAD_FRAME;
	payload = h.len - o->headers;
	o->size = v->gso_size;
	o->parts = 1;
	if (payload <= v->gso_size)
		return 0;
	if (v->gso_size < PTN_SEGMENT_MIN ||
	    payload > PTN_SEGMENTS_MAX * (u32)v->gso_size)
		return PTN_C_DROP_OFFLOAD_PARTS;
	o->parts = (u16)((payload + v->gso_size - 1) / v->gso_size);
	return 0;
}

/* Returns 0, or the drop that it is. */
static u32 read_offload(const struct ptn_work *w, u32 frame,
			struct ptn_offload *o)
{
	const u32 bytes = ptn_work_bytes(w, frame);
	struct vnet v;

	*o = (struct ptn_offload){.kind = PTN_OFFLOAD_NONE, .parts = 1};
	if (bytes < w->hdr_len + ETH_HEADER)
		return 0; /* too short, which others count */
	v = read_vnet(w, frame);
	if (!vnet_possible(&v, bytes - w->hdr_len))
		return PTN_C_DROP_OFFLOAD;
	if (v.gso_type != GSO_NONE)
		return read_gso(w, frame, &v, o);
	if (!(v.flags & NEEDS_CSUM))
		return 0;
	o->kind = PTN_OFFLOAD_CHECKSUM;
	o->transport = v.csum_start;
	o->checksum = v.csum_start + v.csum_offset;
	o->headers = o->checksum + 2;
	return 0;
}

void ptn_offload_check(struct ptn_ring *r, struct ptn_work *w)
{
	const u32 n = w->n_frames;
	u32 kept = 0;

	for (u32 i = 0; i < n; i++) {
		const u32 drop = read_offload(w, i, &w->offload[kept]);

		if (ptn_unlikely(drop)) {
			r->count[drop]++;
			ptn_ring_abuse(r);
			ptn_work_become_odd(w);
			continue;
		}
		if (ptn_unlikely(kept != i))
			w->frame[kept] = w->frame[i];
		kept++;
	}
	w->n_frames = kept;
}
