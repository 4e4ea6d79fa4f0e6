/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an unquoted YAML 1.1 scalar is: the rules that ordinary loaders have
 * (those of PyYAML, which follow https://yaml.org/type/), with their traps.
 */
#ifndef PTNET_MODEL_SCALAR_H
#define PTNET_MODEL_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scalar_type {
	SCALAR_STRING,
	SCALAR_NULL, /* nothing, ~, null */
	SCALAR_BOOL, /* yes, no, on, off, true, false */
	SCALAR_INT, /* 10, 0x1f, 017 (octal), 0b11, 1_000, 1:30 (base 60) */
	SCALAR_FLOAT, /* with a dot: 1.5, 1.0e+3, .inf; 1e3 is a string */
	SCALAR_DATE, /* 2026-01-31 */
};

struct scalar {
	enum scalar_type type;
	bool boolean;
	int64_t integer; /* saturates */
	double number;
};

/** scalar_resolve - what the plain text of @len bytes (no zeros) means */
struct scalar scalar_resolve(const char *text, size_t len);

#endif
