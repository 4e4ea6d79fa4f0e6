/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Ethernet, IP, TCP and UDP: places in their headers, lengths and numbers.
 */
#ifndef PTN_PACKET_H
#define PTN_PACKET_H

#include "ptn_os.h"

enum {
	ETH_HEADER = 14,
	ETH_TYPE = 12,
	ETH_V4 = 0x0800,
	ETH_V6 = 0x86dd,
	ETH_VLAN = 0x8100,
	ETH_QINQ = 0x88a8,
	VLAN_TAG = 4,
};

enum {
	V4_HEADER = 20,
	V4_LENGTH = 2,
	V4_ID = 4,
	V4_FRAGMENT = 6,
	V4_FRAGMENTED = 0x3fff, /* more of them, or not the first one */
	V4_PROTOCOL = 9,
	V4_CHECKSUM = 10,
	V4_SOURCE = 12,
	V4_ADDRESSES = 8, /* bytes of both */
};

enum {
	V6_HEADER = 40,
	V6_LENGTH = 4,
	V6_NEXT = 6,
	V6_SOURCE = 8,
	V6_ADDRESSES = 32,
	V6_HOP_BY_HOP = 0,
	V6_ROUTING = 43,
	V6_DESTINATION = 60,
	V6_EXTENSION_MIN = 8,
	V6_SEGMENTS_LEFT = 3, /* in a routing header */
};

enum {
	PROTO_TCP = 6,
	TCP_HEADER = 20,
	TCP_SEQ = 4,
	TCP_OFFSET = 12,
	TCP_FLAGS = 13,
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_CWR = 0x80,
	TCP_CHECKSUM = 16,
};

enum {
	PROTO_UDP = 17,
	UDP_HEADER = 8,
	UDP_LENGTH = 4,
	UDP_CHECKSUM = 6,
};

static inline u32 ptn_be16(const u8 *at)
{
	return (u32)at[0] << 8 | at[1];
}

static inline u32 ptn_be32(const u8 *at)
{
	return ptn_be16(at) << 16 | ptn_be16(at + 2);
}

static inline void ptn_put_be16(u8 *at, u32 value)
{
	at[0] = (u8)(value >> 8);
	at[1] = (u8)value;
}

static inline void ptn_put_be32(u8 *at, u32 value)
{
	ptn_put_be16(at, value >> 16);
	ptn_put_be16(at + 2, value);
}

#endif
