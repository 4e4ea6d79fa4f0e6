/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolution of plain scalars. Written as small recognisers, one a type; the
 * texts are short, and most fail at the first character.
 */
#include "model/scalar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_MAX = 400 };

static bool is_one_of(const char *text, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && memcmp(text, *words, len) == 0)
			return true;
	return false;
}

static bool is_null(const char *text, size_t len)
{
	static const char *const words[] = {"",	    "~",    "null",
					    "Null", "NULL", NULL};

	return is_one_of(text, len, words);
}

static bool is_bool(const char *text, size_t len, bool *value)
{
	static const char *const yes[] = {"yes",  "Yes", "YES", "true", "True",
					  "TRUE", "on",	 "On",	"ON",	NULL};
	static const char *const no[] = {"no",	  "No",	   "NO",  "false",
					 "False", "FALSE", "off", "Off",
					 "OFF",	  NULL};

	*value = is_one_of(text, len, yes);
	return *value || is_one_of(text, len, no);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int digit_value(char c, int base)
{
	int v = -1;

	if (is_digit(c))
		v = c - '0';
	else if (c >= 'a' && c <= 'f')
		v = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		v = c - 'A' + 10;
	return v < base ? v : -1;
}

static void append(int64_t *value, int base, int digit)
{
	if (*value > (INT64_MAX - digit) / base)
		*value = INT64_MAX;
	else
		*value = *value * base + digit;
}

/* Digits and underscores to the end; @value is the number. */
static bool is_in_base(const char *text, const char *end, int base,
		       int64_t *value)
{
	bool any = false;

	*value = 0;
	for (; text < end; text++) {
		int digit = digit_value(*text, base);

		if (*text == '_')
			continue;
		if (digit < 0)
			return false;
		append(value, base, digit);
		any = true;
	}
	return any;
}

/* One or two digits, below 60. */
static bool is_sixtieth(const char **text, const char *end, int *value)
{
	const char *c = *text;

	if (c == end || !is_digit(*c))
		return false;
	*value = *c++ - '0';
	if (c < end && is_digit(*c)) {
		if (*value > 5)
			return false;
		*value = *value * 10 + (*c++ - '0');
	}
	*text = c;
	return true;
}

/* 1:30, 12:00:00: base 60. */
static bool is_sexagesimal(const char *text, const char *end, int64_t *value)
{
	const char *colon = memchr(text, ':', (size_t)(end - text));
	int part;

	if (!colon || *text == '0' || !is_digit(*text) ||
	    !is_in_base(text, colon, 10, value))
		return false;
	for (text = colon; text < end;) {
		if (*text++ != ':' || !is_sixtieth(&text, end, &part))
			return false;
		append(value, 60, part);
	}
	return true;
}

static bool is_int(const char *text, size_t len, int64_t *value)
{
	const char *end = text + len;
	bool negative = false, ok;

	if (text < end && (*text == '-' || *text == '+'))
		negative = *text++ == '-';
	if (text == end || !is_digit(*text))
		return false;
	if (*text != '0')
		ok = is_in_base(text, end, 10, value) ||
		     is_sexagesimal(text, end, value);
	else if (end - text == 1)
		ok = is_in_base(text, end, 10, value);
	else if (text[1] == 'x')
		ok = is_in_base(text + 2, end, 16, value);
	else if (text[1] == 'b')
		ok = is_in_base(text + 2, end, 2, value);
	else
		ok = is_in_base(text, end, 8, value);
	if (ok && negative)
		*value = -*value;
	return ok;
}

/* [eE][-+][0-9]+ or nothing, to the end. */
static bool is_exponent(const char *text, const char *end)
{
	if (text == end)
		return true;
	if (end - text < 3 || (*text != 'e' && *text != 'E') ||
	    (text[1] != '+' && text[1] != '-'))
		return false;
	for (text += 2; text < end; text++)
		if (!is_digit(*text))
			return false;
	return true;
}

/* .inf and .nan; the sign is gone. */
static bool is_special(const char *text, size_t len, bool is_signed,
		       double *value)
{
	static const char *const inf[] = {".inf", ".Inf", ".INF", NULL};
	static const char *const nan_words[] = {".nan", ".NaN", ".NAN", NULL};

	*value = INFINITY;
	if (is_one_of(text, len, inf))
		return true;
	*value = NAN;
	return !is_signed && is_one_of(text, len, nan_words);
}

/* Copies without underscores, as strtod() wants it; what is very long is no
 * number that anything here could be. */
static double to_number(const char *text, const char *end)
{
	char plain[NUMBER_TEXT_MAX];
	size_t n = 0;

	for (; text < end; text++) {
		if (*text == '_')
			continue;
		if (n == sizeof(plain) - 1)
			return INFINITY;
		plain[n++] = *text;
	}
	plain[n] = '\0';
	return strtod(plain, NULL);
}

/* Base 60 with a fraction, 1:30.5: the last part is that with the dot. */
static bool is_sexagesimal_float(const char *text, const char *dot,
				 const char *end, double *value)
{
	const char *colon = memchr(text, ':', (size_t)(dot - text)), *last;
	int part = 0;

	if (!colon || !is_digit(*text))
		return false;
	last = colon;
	for (const char *c = text; c < colon; c++)
		if (!is_digit(*c) && *c != '_')
			return false;
	for (const char *c = dot + 1; c < end; c++)
		if (!is_digit(*c) && *c != '_')
			return false;
	*value = to_number(text, colon);
	for (text = colon; text < dot;) {
		last = text + 1;
		if (*text++ != ':' || !is_sixtieth(&text, dot, &part))
			return false;
		*value = *value * 60 + part;
	}
	*value += to_number(last, end) - part;
	return true;
}

static bool is_float(const char *text, size_t len, double *value)
{
	const char *end = text + len, *dot = memchr(text, '.', len);
	const char *start = text, *c;
	bool is_signed = len && (*text == '-' || *text == '+');

	if (!dot)
		return false;
	text += is_signed;
	if (is_special(text, (size_t)(end - text), is_signed, value)) {
		*value = *start == '-' ? -*value : *value;
		return true;
	}
	if (text == dot) { /* .5, which takes no sign, or ._5, which is none */
		if (is_signed || end - dot < 2 || !is_digit(dot[1]))
			return false;
	} else if (!is_digit(*text)) {
		return false;
	}
	for (c = text; c < dot && (is_digit(*c) || *c == '_'); c++)
		;
	if (c < dot)
		return is_sexagesimal_float(text, dot, end, value);
	for (c = dot + 1; c < end && (is_digit(*c) || *c == '_'); c++)
		;
	*value = to_number(start, end);
	return is_exponent(c, end);
}

/* @n to @m digits; moves on behind them. */
static bool take_digits(const char **text, const char *end, int n, int m)
{
	int i = 0;

	while (i < m && *text < end && is_digit(**text)) {
		(*text)++;
		i++;
	}
	return i >= n;
}

static bool take(const char **text, const char *end, const char *set)
{
	if (*text == end || !strchr(set, **text))
		return false;
	(*text)++;
	return true;
}

/*
 * 2026-01-31, or the start of 2026-01-31 10:00:00 with anything behind the
 * hour: who writes this means a time.
 */
static bool is_date(const char *text, size_t len)
{
	const char *end = text + len;

	if (!take_digits(&text, end, 4, 4) || !take(&text, end, "-") ||
	    !take_digits(&text, end, 1, 2) || !take(&text, end, "-") ||
	    !take_digits(&text, end, 1, 2))
		return false;
	if (text == end)
		return len == strlen("2026-01-31");
	if (!take(&text, end, "Tt \t"))
		return false;
	while (take(&text, end, " \t"))
		;
	return take_digits(&text, end, 1, 2) && take(&text, end, ":") &&
	       take_digits(&text, end, 2, 2) && take(&text, end, ":") &&
	       take_digits(&text, end, 2, 2);
}

struct scalar scalar_resolve(const char *text, size_t len)
{
	struct scalar s = {.type = SCALAR_STRING};
	int64_t integer;
	double number;

	if (is_null(text, len)) {
		s.type = SCALAR_NULL;
	} else if (is_bool(text, len, &s.boolean)) {
		s.type = SCALAR_BOOL;
	} else if (is_int(text, len, &integer)) {
		s.type = SCALAR_INT;
		s.integer = integer;
	} else if (is_float(text, len, &number)) {
		s.type = SCALAR_FLOAT;
		s.number = number;
	} else if (is_date(text, len)) {
		s.type = SCALAR_DATE;
	}
	return s;
}
