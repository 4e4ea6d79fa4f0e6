/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations as text, for topologies and for what the API shows. */
#include "model/duration.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};

int duration_parse(const char *text, uint32_t *ms)
{
	uint64_t value = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9'; c++) {
		value = value * 10 + (uint64_t)(*c - '0');
		if (value > UINT32_MAX)
			return -ERANGE;
	}
	if (c == text)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(c, units[i].name) != 0)
			continue;
		value *= units[i].ms;
		if (value > UINT32_MAX)
			return -ERANGE;
		*ms = (uint32_t)value;
		return 0;
	}
	return -EINVAL;
}

char *duration_format(char text[DURATION_TEXT], uint32_t ms)
{
	if (ms % 1000)
		snprintf(text, DURATION_TEXT, "%ums", ms);
	else
		snprintf(text, DURATION_TEXT, "%us", ms / 1000);
	return text;
}
