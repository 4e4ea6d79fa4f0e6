/* SPDX-License-Identifier: BSD-2-Clause */
/* Knows Unicode as far as safety needs it. Called by everything that prints. */
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/strbuf.h"

/* Length of the valid UTF-8 sequence at @s, 0 if there is none. */
static size_t decode(const unsigned char *s, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	if (s[0] >= 0x80 && (s[0] < 0xc2 || s[0] > 0xf4))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

static bool shown(uint32_t c)
{
	return c >= 0x20 && (c < 0x7f || c > 0x9f) && c != 0xad &&
	       !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && c != 0x61c &&
	       !(c >= 0xe0000 && c <= 0xe0fff);
}

char *text_safe(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	_cleanup_strbuf_ struct strbuf b = {0};

	while (*s) {
		uint32_t c;
		size_t n = decode(s, &c);

		if (!n)
			strbuf_addf(&b, "\\x%02x", *s);
		else if (shown(c))
			strbuf_add_bytes(&b, s, n);
		else
			strbuf_addf(&b, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
		s += n ?: 1;
	}
	return strbuf_steal(&b);
}

void text_put(FILE *to, const char *text)
{
	_cleanup_free_ char *safe = text_safe(text);

	if (safe)
		fputs(safe, to);
}

void text_put_yaml(FILE *to, const char *yaml)
{
	const unsigned char *s = (const unsigned char *)yaml;

	while (*s) {
		uint32_t c = *s;
		size_t n = decode(s, &c);

		if (n && (c == '\n' || shown(c)))
			fwrite(s, 1, n, to);
		else
			fprintf(to, c > 0xffff ? "\\U%08X" : "\\u%04X", c);
		s += n ?: 1;
	}
}

size_t text_width(const char *safe)
{
	size_t n = 0;

	for (; *safe; safe++)
		n += (*safe & 0xc0) != 0x80;
	return n;
}
