/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations as people write them: 300s, 5m, 1h, 500ms. */
#ifndef PTNET_MODEL_DURATION_H
#define PTNET_MODEL_DURATION_H

#include <stdint.h>

enum { DURATION_TEXT = 16 }; /* with the final zero */

/** duration_parse - into milliseconds; -EINVAL, -ERANGE past 32 bits */
int duration_parse(const char *text, uint32_t *ms);

/** duration_format - whole seconds as such ("300s"), else ms; returns @text */
char *duration_format(char text[DURATION_TEXT], uint32_t ms);

#endif
