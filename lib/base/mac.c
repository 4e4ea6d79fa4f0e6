/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet addresses as text; called wherever people read or write them. */
#include "base/mac.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(uint8_t mac[MAC_LEN], const char *text)
{
	uint8_t out[MAC_LEN];

	for (int i = 0; i < MAC_LEN; i++) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < MAC_LEN - 1 ? ':' : '\0'))
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
		text += 3;
	}
	memcpy(mac, out, MAC_LEN);
	return 0;
}

char *mac_format(char text[MAC_TEXT], const uint8_t mac[MAC_LEN])
{
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

void mac_from_name(uint8_t mac[MAC_LEN], const char *name)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3;
	/* Its low bits alone do not mix well (MurmurHash3's finaliser). */
	h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
	h ^= h >> 33;
	for (int i = 0; i < MAC_LEN; i++)
		mac[i] = (uint8_t)(h >> 8 * i);
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}

bool mac_is_unicast(const uint8_t mac[MAC_LEN])
{
	static const uint8_t zero[MAC_LEN];

	return !(mac[0] & 1) && memcmp(mac, zero, MAC_LEN) != 0;
}
