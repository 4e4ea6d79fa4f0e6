/* SPDX-License-Identifier: BSD-2-Clause */
/* What scalars say, read in one way by all who ask; see value.h. */
#include "model/value.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "model/duration.h"

/* How many; @special: whether some are no text for people. */
size_t value_characters(const struct yaml_node *n, bool *special)
{
	size_t count = 0, at = 0;
	uint32_t c;

	*special = false;
	for (; at < n->len; count++) {
		at += utf8_decode(n->text + at, &c);
		*special |= utf8_is_special(c) && c != '\n' && c != '\t';
	}
	return count;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* Made of letters, digits and @more, not beginning with what is in @more but
 * not in @first. */
bool value_is_word(const struct yaml_node *n, const char *first,
		   const char *more, size_t max)
{
	if (!yaml_is(n, SCALAR_STRING) || n->len < 1 || n->len > max)
		return false;
	for (size_t i = 0; i < n->len; i++) {
		char c = n->text[i];

		if (!c || (!is_alnum(c) && !strchr(i ? more : first, c)))
			return false;
	}
	return true;
}

/* 1.0e+3 is an integer, too: JSON Schema says so. */
bool value_integer(const struct yaml_node *n, int64_t *value)
{
	if (yaml_is(n, SCALAR_INT)) {
		*value = n->value.integer;
		return true;
	}
	if (!yaml_is(n, SCALAR_FLOAT) || !(fabs(n->value.number) < 1e15) ||
	    n->value.number != (double)(int64_t)n->value.number)
		return false;
	*value = (int64_t)n->value.number;
	return true;
}

/* The number of digits that keeps each unit below 2^32 ms; as the schema. */
bool value_duration(const struct yaml_node *n, uint32_t *ms)
{
	static const struct {
		const char *unit;
		size_t digits;
	} most[] = {{"ms", 9}, {"s", 6}, {"m", 4}, {"h", 3}};
	size_t digits;

	if (!yaml_is(n, SCALAR_STRING) || strlen(n->text) != n->len)
		return false;
	digits = strspn(n->text, "0123456789");
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++)
		if (strcmp(n->text + digits, most[i].unit) == 0)
			return digits <= most[i].digits &&
			       duration_parse(n->text, ms) == 0;
	return false;
}

bool value_mac(const struct yaml_node *n, uint8_t mac[MAC_LEN])
{
	return yaml_is(n, SCALAR_STRING) && strlen(n->text) == n->len &&
	       mac_parse(mac, n->text) == 0;
}
