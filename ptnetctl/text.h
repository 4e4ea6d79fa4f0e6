/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from others on a terminal: control characters, direction overrides
 * and broken UTF-8 become visible escapes (\x1b, \u202e), so that no server
 * and no file can move the cursor or pretend to be somebody else.
 */
#ifndef PTNETCTL_TEXT_H
#define PTNETCTL_TEXT_H

#include <stddef.h>
#include <stdio.h>

/** text_safe - a new string that is safe to show; NULL without memory */
char *text_safe(const char *text);

/** text_put - write @text safely */
void text_put(FILE *to, const char *text);

/**
 * text_put_yaml - write a YAML document safely, lines and all
 *
 * The escapes are YAML's own: what is not plain ASCII stands in double
 * quotes there.
 */
void text_put_yaml(FILE *to, const char *yaml);

/** text_width - columns of a string that text_safe() made */
size_t text_width(const char *safe);

#endif
