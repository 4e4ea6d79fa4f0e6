/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP and UDP packets as the RFCs have them, made byte by byte: what a test of
 * segments compares with. Shares nothing with the core.
 */
#ifndef PTNET_TESTS_PACKET_H
#define PTNET_TESTS_PACKET_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PACKET_MAX = 65535 + 18 + 12,
	PACKET_CWR = 0x80,
	PACKET_ACK = 0x10,
	PACKET_PSH = 0x08,
	PACKET_SYN = 0x02,
	PACKET_FIN = 0x01,
};

struct packet {
	uint64_t dst, src; /* as rig_frame() wants them */
	uint16_t vlan; /* Ethernet type of a tag, 0: none */
	bool v6, udp;
	uint32_t options; /* IPv4's, or an IPv6 header of destination options;
			   * bytes, a multiple of 4 or 8 */
	uint32_t tcp_options; /* bytes, a multiple of 4 */
	uint16_t id;
	uint32_t seq;
	uint8_t flags;
	uint32_t payload; /* bytes of the whole */
	uint32_t seed; /* what they are */
};

/* Bytes before the payload; where TCP or UDP begins, and its checksum. */
uint32_t packet_headers(const struct packet *p);
uint32_t packet_transport(const struct packet *p);
uint32_t packet_checksum(const struct packet *p);

/* The whole of it as a frame with everything in place; its length. */
uint32_t packet_write(const struct packet *p, uint8_t *to);

/*
 * The same with a virtio-net header of @hdr bytes before it that asks for
 * segments of @size bytes of payload (0: only for the checksum), and no more
 * than the pseudo header's sum in the place of the checksum.
 */
uint32_t packet_write_vnet(const struct packet *p, uint32_t hdr, uint16_t size,
			   uint8_t *to);

/* Segment @i of those, as it should arrive; its length, 0 after the last. */
uint32_t packet_segment(const struct packet *p, uint16_t size, uint32_t i,
			uint8_t *to);

/* Whether the IPv4, TCP and UDP checksums of a frame are right. */
bool packet_sound(const uint8_t *frame, uint32_t len);

#endif
