/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the virtio-net header before a frame asks for: a checksum to be made, or
 * a large packet to be cut into segments. It is checked against the frame as
 * soon as a batch was read, once for all receivers; what cannot be is refused
 * at the sender. Receivers with a header get it along with the frame, for those
 * without segment.h does the work.
 *
 * Taken are: any even place for a checksum within the first PTN_HEADERS_MAX
 * bytes; TCP by IPv4 (with options) and IPv6 (with hop-by-hop, destination and
 * used-up routing headers), and UDP by both (GSO_UDP_L4), behind at most one
 * VLAN tag. Packets whose fragments carry no header of UDP (the old GSO_UDP)
 * are refused: nobody sends these any more.
 */
#ifndef PTN_OFFLOAD_H
#define PTN_OFFLOAD_H

#include "ptn_os.h"

struct ptn_ring;
struct ptn_work;

enum {
	PTN_HEADERS_MAX = 256, /* up to the end of TCP's, or the checksum */
	PTN_VNET_COMMON = 10, /* bytes that the shorter header has as well */
	PTN_VNET_LONG = 12,
};

enum ptn_offload_kind {
	PTN_OFFLOAD_NONE,
	PTN_OFFLOAD_CHECKSUM, /* one part, whose headers end with the sum */
	PTN_OFFLOAD_TCP,
	PTN_OFFLOAD_UDP,
};

/* Places are from the Ethernet header's first byte. */
struct ptn_offload {
	u8 kind; /* enum ptn_offload_kind */
	u8 is_v6;
	u16 net; /* the IP header */
	u16 transport; /* the TCP or UDP header; where a checksum begins */
	u16 checksum; /* where it is written */
	u16 headers; /* bytes before the payload; each part gets them */
	u16 size; /* of a part's payload; the last one may have less */
	u16 parts;
};

/**
 * ptn_offload_check - of all frames of a batch whose sender has headers
 *
 * Fills w->offload. Frames with a header that cannot be are counted at @r and
 * are not in the batch any more.
 */
void ptn_offload_check(struct ptn_ring *r, struct ptn_work *w);

#endif
