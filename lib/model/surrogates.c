/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON's pairs of escapes made YAML's; called by the YAML reader. */
#include "model/surrogates.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIR = 12, ESCAPE = 10 }; /* \uD83D\uDE00 and \U0001F600 */

static bool hex4(const char *s, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdefABCDEF";
		const char *at = s[i] ? strchr(digits, s[i]) : NULL;
		uint32_t digit;

		if (!at)
			return false;
		digit = (uint32_t)(at - digits);
		*value = *value << 4 | (digit < 16 ? digit : digit - 6);
	}
	return true;
}

static bool is_pair(const char *s, size_t len, uint32_t *c)
{
	uint32_t high, low;

	if (len < PAIR || memcmp(s, "\\u", 2) != 0 ||
	    memcmp(s + 6, "\\u", 2) != 0 || !hex4(s + 2, &high) ||
	    !hex4(s + 8, &low))
		return false;
	if (high >> 10 != 0xd800 >> 10 || low >> 10 != 0xdc00 >> 10)
		return false;
	*c = 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
	return true;
}

static bool is_json(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return text[i] == '{' || text[i] == '[';
	return false;
}

/* Escapes in quotes only; a backslash takes the next sign with it. */
static size_t copy_joined(char *to, const char *text, size_t len)
{
	bool quoted = false;
	size_t i = 0, n = 0;
	uint32_t c;

	while (i < len) {
		if (text[i] == '"')
			quoted = !quoted;
		if (quoted && is_pair(text + i, len - i, &c)) {
			char escape[ESCAPE + 1];

			snprintf(escape, sizeof(escape), "\\U%08X",
				 (unsigned)c);
			memcpy(to + n, escape, ESCAPE);
			n += ESCAPE;
			i += PAIR;
			continue;
		}
		if (quoted && text[i] == '\\' && i + 1 < len)
			to[n++] = text[i++];
		to[n++] = text[i++];
	}
	return n;
}

int surrogates_join(const char *text, size_t *len, char **out)
{
	*out = NULL;
	if (!is_json(text, *len) ||
	    (!memmem(text, *len, "\\ud", 3) && !memmem(text, *len, "\\uD", 3)))
		return 0;
	*out = malloc(*len);
	if (!*out)
		return -ENOMEM;
	*len = copy_joined(*out, text, *len);
	return 0;
}
