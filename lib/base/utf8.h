/* SPDX-License-Identifier: BSD-2-Clause */
/* Characters of UTF-8. */
#ifndef PTNET_BASE_UTF8_H
#define PTNET_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode - the first character of @s, which is known to be right UTF-8
 *
 * Returns its length in bytes.
 */
static inline size_t utf8_decode(const char *s, uint32_t *c)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = *u < 0x80 ? 1 : *u < 0xe0 ? 2 : *u < 0xf0 ? 3 : 4;

	*c = len == 1 ? *u : *u & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		*c = *c << 6 | (u[i] & 0x3f);
	return len;
}

/**
 * utf8_is_special - what is no text for people: control characters, and what
 * a YAML reader refuses or takes for the end of a line
 */
static inline bool utf8_is_special(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
	       c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

/**
 * utf8_check - length of the character that a string begins with
 *
 * Returns 0 for what is no UTF-8: cut, overlong, a surrogate, too large.
 */
static inline size_t utf8_check(const char *s, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	size_t len = *u < 0x80 ? 1 : *u < 0xe0 ? 2 : *u < 0xf0 ? 3 : 4;

	if ((*u >= 0x80 && *u < 0xc2) || *u > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	utf8_decode(s, c);
	if (*c < least[len] || *c > 0x10ffff || (*c >> 11) == 0xd800 >> 11)
		return 0;
	return len;
}

#endif
