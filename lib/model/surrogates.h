/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON writes a character beyond U+FFFF as two \u escapes, YAML as one \U:
 * the one place where JSON is not YAML.
 */
#ifndef PTNET_MODEL_SURROGATES_H
#define PTNET_MODEL_SURROGATES_H

#include <stddef.h>

/**
 * surrogates_join - a copy of a JSON text with such pairs as \U escapes
 *
 * *out is NULL when there is nothing to do: no pair, or no JSON (the first
 * sign is no bracket). Else the caller frees it; *len is its length. Returns
 * 0 or -ENOMEM.
 */
int surrogates_join(const char *text, size_t *len, char **out);

#endif
