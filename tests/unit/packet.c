/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet.h"

#include <string.h>

enum {
	TCPV4 = 1,
	TCPV6 = 4,
	UDP_L4 = 5,
	ECN = 0x80,
	NEEDS_CSUM = 1,
};

static void be16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void be32(uint8_t *at, uint32_t v)
{
	be16(at, v >> 16);
	be16(at + 2, v);
}

static void le16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

/* The plain one: big-endian words, one after the other. */
static uint32_t sum(uint32_t acc, const uint8_t *at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		acc += i & 1 ? at[i] : (uint32_t)at[i] << 8;
		if (acc > 0xffff)
			acc -= 0xffff;
	}
	return acc;
}

static uint32_t net(const struct packet *p)
{
	return p->vlan ? 18 : 14;
}

uint32_t packet_transport(const struct packet *p)
{
	return net(p) + (p->v6 ? 40 : 20) + p->options;
}

uint32_t packet_headers(const struct packet *p)
{
	return packet_transport(p) + (p->udp ? 8 : 20 + p->tcp_options);
}

uint32_t packet_checksum(const struct packet *p)
{
	return packet_transport(p) + (p->udp ? 6 : 16);
}

static void write_ethernet(const struct packet *p, uint8_t *to)
{
	memcpy(to, &p->dst, 6);
	memcpy(to + 6, &p->src, 6);
	if (p->vlan) {
		be16(to + 12, p->vlan);
		be16(to + 14, 0x2005);
	}
	be16(to + net(p) - 2, p->v6 ? 0x86dd : 0x0800);
}

static void write_v4(const struct packet *p, uint8_t *ip, uint32_t len)
{
	const uint32_t n = 20 + p->options;

	memset(ip, 1, n); /* options: nothing but no-operations */
	ip[0] = (uint8_t)(0x40 | n / 4);
	be16(ip + 2, len);
	be16(ip + 4, p->id);
	be16(ip + 6, 0x4000);
	ip[9] = p->udp ? 17 : 6;
	be32(ip + 12, 0x0a000001 + p->seed);
	be32(ip + 16, 0x0a010002);
	be16(ip + 10, 0);
	be16(ip + 10, ~sum(0, ip, n));
}

static void write_v6(const struct packet *p, uint8_t *ip, uint32_t len)
{
	const uint8_t next = p->udp ? 17 : 6;

	memset(ip, 0, 40 + p->options);
	ip[0] = 0x60;
	be16(ip + 4, len - 40);
	ip[6] = p->options ? 60 : next;
	ip[7] = 64;
	memset(ip + 8, 0xfd, 15);
	ip[23] = (uint8_t)p->seed;
	memset(ip + 24, 0xfd, 16);
	if (!p->options)
		return;
	ip[40] = next;
	ip[41] = (uint8_t)(p->options / 8 - 1);
	ip[42] = 1; /* padding */
	ip[43] = (uint8_t)(p->options - 4);
}

static uint32_t pseudo_sum(const struct packet *p, const uint8_t *ip,
			   uint32_t len)
{
	const uint32_t acc = p->v6 ? sum(0, ip + 8, 32) : sum(0, ip + 12, 8);
	uint8_t rest[4];

	be16(rest, p->udp ? 17 : 6);
	be16(rest + 2, len);
	return sum(acc, rest, 4);
}

static void write_transport(const struct packet *p, uint8_t *at, uint32_t len)
{
	memset(at, 1, packet_headers(p) - packet_transport(p));
	be16(at, 4000);
	be16(at + 2, 5000);
	if (p->udp) {
		be16(at + 4, len);
		be16(at + 6, 0);
		return;
	}
	be32(at + 4, p->seq);
	at[12] = (uint8_t)((20 + p->tcp_options) / 4 << 4);
	at[13] = p->flags;
	be16(at + 16, 0);
}

/* Bytes [from, from + len) of the payload. */
static void write_payload(const struct packet *p, uint8_t *at, uint32_t from,
			  uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		at[i] = (uint8_t)((from + i) * (p->seed | 1) >> 3);
}

/* The checksum's place is left with that of the pseudo header. */
static uint32_t write_open(const struct packet *p, uint8_t *to, uint32_t from,
			   uint32_t payload)
{
	const uint32_t len = packet_headers(p) + payload;
	const uint32_t transport = packet_transport(p);
	uint8_t *ip = to + net(p);

	write_ethernet(p, to);
	if (p->v6)
		write_v6(p, ip, len - net(p));
	else
		write_v4(p, ip, len - net(p));
	write_transport(p, to + transport, len - transport);
	write_payload(p, to + packet_headers(p), from, payload);
	be16(to + packet_checksum(p), pseudo_sum(p, ip, len - transport));
	return len;
}

static uint32_t write_part(const struct packet *p, uint8_t *to, uint32_t from,
			   uint32_t payload)
{
	const uint32_t len = write_open(p, to, from, payload);
	const uint32_t transport = packet_transport(p);
	uint32_t value = 0xffff & ~sum(0, to + transport, len - transport);

	be16(to + packet_checksum(p), value ? value : 0xffff);
	return len;
}

uint32_t packet_write(const struct packet *p, uint8_t *to)
{
	return write_part(p, to, 0, p->payload);
}

uint32_t packet_write_vnet(const struct packet *p, uint32_t hdr, uint16_t size,
			   uint8_t *to)
{
	uint8_t type = p->udp ? UDP_L4 : p->v6 ? TCPV6 : TCPV4;

	if (p->flags & PACKET_CWR && !p->udp)
		type |= ECN;
	memset(to, 0, hdr);
	to[0] = NEEDS_CSUM;
	to[1] = size ? type : 0;
	le16(to + 2, packet_headers(p));
	le16(to + 4, size);
	le16(to + 6, packet_transport(p));
	le16(to + 8, packet_checksum(p) - packet_transport(p));
	return hdr + write_open(p, to + hdr, 0, p->payload);
}

uint32_t packet_segment(const struct packet *p, uint16_t size, uint32_t i,
			uint8_t *to)
{
	const uint32_t from = i * size;
	const uint32_t left = p->payload - from;
	struct packet one = *p;

	if (i && from >= p->payload)
		return 0;
	one.id = (uint16_t)(p->id + i);
	one.seq = p->seq + from;
	if (i)
		one.flags &= (uint8_t)~PACKET_CWR;
	if (left > size)
		one.flags &= (uint8_t) ~(PACKET_FIN | PACKET_PSH);
	return write_part(&one, to, from, left < size ? left : size);
}

/* Looking at what came */

static uint32_t at16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static bool transport_sound(const uint8_t *ip, uint32_t start, uint32_t len,
			    uint32_t protocol)
{
	const struct packet p = {
		.v6 = ip[0] >> 4 == 6,
		.udp = protocol == 17,
	};

	if (protocol != 6 && protocol != 17)
		return false;
	return sum(pseudo_sum(&p, ip, len - start), ip + start, len - start) ==
	       0xffff;
}

bool packet_sound(const uint8_t *frame, uint32_t len)
{
	const uint32_t type = at16(frame + 12);
	const bool tagged = type == 0x8100 || type == 0x88a8;
	const uint8_t *ip = frame + (tagged ? 18 : 14);
	uint32_t at = 40, next = ip[6];

	len -= tagged ? 18 : 14;
	if (ip[0] >> 4 == 4)
		return sum(0, ip, 4u * (ip[0] & 15)) == 0xffff &&
		       transport_sound(ip, 4u * (ip[0] & 15), len, ip[9]);
	while (next != 6 && next != 17 && at + 8 < len) {
		next = ip[at];
		at += 8u * (ip[at + 1] + 1u);
	}
	return transport_sound(ip, at, len, next);
}
