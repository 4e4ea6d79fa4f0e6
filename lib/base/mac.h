/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet addresses as text. */
#ifndef PTNET_BASE_MAC_H
#define PTNET_BASE_MAC_H

#include <stdbool.h>
#include <stdint.h>

enum {
	MAC_LEN = 6,
	MAC_TEXT = 18, /* with the final zero */
};

/**
 * mac_parse - six pairs of hex digits with colons: "02:00:00:00:00:01"
 *
 * Returns 0, or -EINVAL and leaves @mac alone.
 */
int mac_parse(uint8_t mac[MAC_LEN], const char *text);

/** mac_format - in lower case into @text; returns @text */
char *mac_format(char text[MAC_TEXT], const uint8_t mac[MAC_LEN]);

/**
 * mac_from_name - a stable, locally administered unicast address
 *
 * The same name always has the same address; different names hardly ever do.
 */
void mac_from_name(uint8_t mac[MAC_LEN], const char *name);

/** mac_is_unicast - neither a group address nor all zeros */
bool mac_is_unicast(const uint8_t mac[MAC_LEN]);

#endif
