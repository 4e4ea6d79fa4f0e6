/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates of ports from two readings of their counters. Pure: no clock, no
 * terminal. Called by top.
 */
#ifndef PTNETCTL_RATES_H
#define PTNETCTL_RATES_H

#include "writer.h"

extern const struct column rates_columns[];

/**
 * rates_make - one object a port of @now
 * @before: an earlier GET /v1/ports
 * @seconds: between the two
 *
 * Each has name, type, topology, state and, a second, tx_pps and rx_pps
 * (frames), tx_bps and rx_bps (bits) and drops_ps. A port that was not there
 * before, or was made anew, counts from zero. Returns a new array, or NULL
 * without memory.
 */
json_t *rates_make(const json_t *before, const json_t *now, double seconds);

/** rates_sort - the busiest first, then by name; a new array or NULL */
json_t *rates_sort(const json_t *rates);

/** rates_sum - of one field over all ports */
double rates_sum(const json_t *rates, const char *field);

/** rate_format - "12.3M" of 12,345,678 */
void rate_format(struct strbuf *out, double rate);

#endif
