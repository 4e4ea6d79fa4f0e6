/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON values as YAML for people: block style, two spaces, and quotes only
 * where they are needed. What needs them is decided generously: a string is
 * plain only when no reader of YAML 1.1 or 1.2 could take it for anything
 * else.
 */
#include "json/json.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "base/utf8.h"

static void write_value(struct strbuf *b, const json_t *value, unsigned indent,
			bool in_line);

/* Words that some reader takes for a boolean, null or a number. */
static bool is_reserved(const char *s)
{
	static const char *const words[] = {"y",    "n",    "yes",  "no",
					    "on",   "off",  "true", "false",
					    "null", "none", "nan",  "inf"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/*
 * Plain strings begin with a letter and have only letters, digits and a few
 * signs inside; numbers, dates, sexagesimals and indicators all begin with or
 * contain something else. A colon or # is harmless only between other signs.
 */
static bool is_plain(const char *s)
{
	if (!isalpha((unsigned char)*s) || is_reserved(s))
		return false;
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-./", *c))
			return false;
	return true;
}

/* A duration such as 300s is what people write without quotes. */
static bool is_duration(const char *s)
{
	static const char *const units[] = {"ms", "s", "m", "h"};
	size_t digits = strspn(s, "0123456789");

	for (size_t i = 0; digits && i < 4; i++)
		if (strcmp(s + digits, units[i]) == 0)
			return true;
	return false;
}

static void write_quoted(struct strbuf *b, const char *s, size_t len)
{
	const char *end = s + len;

	strbuf_add(b, "\"");
	while (s < end) {
		uint32_t c;
		size_t n = utf8_decode(s, &c);

		if (c == '"' || c == '\\')
			strbuf_addf(b, "\\%c", (char)c);
		else if (c == '\n')
			strbuf_add(b, "\\n");
		else if (c == '\t')
			strbuf_add(b, "\\t");
		else if (utf8_is_special(c))
			strbuf_addf(b, "\\u%04X", (unsigned)c);
		else
			strbuf_add_bytes(b, s, n);
		s += n;
	}
	strbuf_add(b, "\"");
}

static void write_string(struct strbuf *b, const json_t *value)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value);

	if (strlen(s) == len && (is_plain(s) || is_duration(s)))
		strbuf_add(b, s);
	else
		write_quoted(b, s, len);
}

static void new_line(struct strbuf *b, unsigned indent)
{
	strbuf_addf(b, "%s%*s", b->len ? "\n" : "", (int)indent, "");
}

/* @in_line: the first key stays on the line of its "- ". */
static void write_object(struct strbuf *b, const json_t *object,
			 unsigned indent, bool in_line)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		_cleanup_json_ json_t *name = json_string(key);

		if (!name) {
			b->failed = true;
			return;
		}
		if (!in_line)
			new_line(b, indent);
		in_line = false;
		write_string(b, name);
		strbuf_add(b, ":");
		write_value(b, value, indent + 2, false);
	}
}

static void write_array(struct strbuf *b, const json_t *array, unsigned indent,
			bool in_line)
{
	json_t *value;
	size_t i;

	json_array_foreach(array, i, value) {
		if (!in_line)
			new_line(b, indent);
		in_line = false;
		strbuf_add(b, "-");
		write_value(b, value, indent + 2, true);
	}
}

/* In YAML 1.1 a number has a dot, and its exponent a sign: 1.0e+300. */
static void write_real(struct strbuf *b, const char *text)
{
	size_t mantissa = strcspn(text, "e");
	const char *exponent = text + mantissa;

	strbuf_add_bytes(b, text, mantissa);
	if (!*exponent)
		return;
	if (!memchr(text, '.', mantissa))
		strbuf_add(b, ".0");
	strbuf_add(b, exponent[1] == '-' ? "e" : "e+");
	strbuf_add(b, exponent + 1);
}

static void write_scalar(struct strbuf *b, const json_t *value)
{
	_cleanup_free_ char *text = NULL;

	if (json_is_string(value)) {
		write_string(b, value);
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY);
	if (!text)
		b->failed = true;
	else if (json_is_real(value))
		write_real(b, text);
	else
		strbuf_add(b, text);
}

/* @in_line: behind "- ", where a collection starts on the same line. */
static void write_value(struct strbuf *b, const json_t *value, unsigned indent,
			bool in_line)
{
	bool top = b->len == 0;

	if (json_object_size(value) || json_array_size(value)) {
		if (in_line)
			strbuf_add(b, " ");
		if (top)
			indent = 0;
		if (json_is_object(value))
			write_object(b, value, indent, in_line);
		else
			write_array(b, value, indent, in_line);
		return;
	}
	if (!top)
		strbuf_add(b, " ");
	write_scalar(b, value);
}

char *json_to_yaml(const json_t *value)
{
	_cleanup_strbuf_ struct strbuf b = {0};

	write_value(&b, value, 0, false);
	strbuf_add(&b, "\n");
	return strbuf_steal(&b);
}
