/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON values (jansson's) as this project reads and writes them. Knows
 * nothing of what the values mean.
 */
#ifndef PTNET_JSON_JSON_H
#define PTNET_JSON_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(json, json_t *, json_decref);
#define _cleanup_json_ _cleanup_(cleanup_json)

enum {
	JSON_DEPTH_MAX = 64,
	JSON_REASON_MAX = 200,
};

/**
 * json_read - parse one value from outside
 * @reason: a sentence with line and column, of JSON_REASON_MAX bytes; may be
 *	NULL
 *
 * Any value is taken, not only arrays and objects; duplicate keys, nesting
 * deeper than JSON_DEPTH_MAX, and anything after the value are refused.
 * Returns 0, -EINVAL with @reason, or -ENOMEM. The caller owns *out.
 */
int json_read(json_t **out, const char *text, size_t len, char *reason);

/**
 * json_write - as text, compact, keys in the order in which they were set
 *
 * Returns a new string, or NULL without memory.
 */
char *json_write(const json_t *value);

/** json_write_pretty - the same, indented and with a final newline */
char *json_write_pretty(const json_t *value);

/**
 * json_to_yaml - as a YAML 1.1 document without markers
 *
 * Strings are quoted wherever a YAML reader would take them for something
 * else, so that what is read again is equal. Returns a new string, or NULL
 * without memory.
 */
char *json_to_yaml(const json_t *value);

/** json_u64 - a counter; jansson has no unsigned numbers, so it saturates */
json_t *json_u64(uint64_t value);

/** json_string_or_null - null when @s is NULL or empty */
json_t *json_string_or_null(const char *s);

#endif
