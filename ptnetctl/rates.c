/* SPDX-License-Identifier: BSD-2-Clause */
#include "rates.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

void rate_format(struct strbuf *out, double rate)
{
	static const char units[] = " kMGTP";
	size_t unit = 0;

	while (rate >= 999.5 && unit < sizeof(units) - 2) {
		rate /= 1000;
		unit++;
	}
	if (!unit)
		strbuf_addf(out, "%.0f", rate);
	else
		strbuf_addf(out, "%.*f%c",
			    rate < 9.995   ? 2
			    : rate < 99.95 ? 1
					   : 0,
			    rate, units[unit]);
}

static void field_cell(struct strbuf *out, const json_t *object,
		       const char *key)
{
	rate_format(out,
		    (double)json_integer_value(json_object_get(object, key)));
}

static void tx_pps(struct strbuf *out, const json_t *o)
{
	field_cell(out, o, "tx_pps");
}

static void tx_bps(struct strbuf *out, const json_t *o)
{
	field_cell(out, o, "tx_bps");
}

static void rx_pps(struct strbuf *out, const json_t *o)
{
	field_cell(out, o, "rx_pps");
}

static void rx_bps(struct strbuf *out, const json_t *o)
{
	field_cell(out, o, "rx_bps");
}

static void drops_ps(struct strbuf *out, const json_t *o)
{
	field_cell(out, o, "drops_ps");
}

const struct column rates_columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"TYPE", "type", COLUMN_TEXT, NULL},
	{"TOPOLOGY", "topology", COLUMN_TEXT, NULL},
	{"STATE", "state", COLUMN_STATE, NULL},
	{"TX FRAMES/S", NULL, COLUMN_NUMBER, tx_pps},
	{"TX BIT/S", NULL, COLUMN_NUMBER, tx_bps},
	{"RX FRAMES/S", NULL, COLUMN_NUMBER, rx_pps},
	{"RX BIT/S", NULL, COLUMN_NUMBER, rx_bps},
	{"DROPS/S", NULL, COLUMN_NUMBER, drops_ps},
	{0},
};

static const char *name_of(const json_t *port)
{
	return json_string_value(json_object_get(port, "name"));
}

static double counter(const json_t *counters, const char *key)
{
	return (double)json_integer_value(json_object_get(counters, key));
}

static double drops(const json_t *counters)
{
	double n = 0;
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(counters, "drops"), key, value)
		n += (double)json_integer_value(value);
	return n;
}

/* What went through since; a counter that fell was started anew. */
static double since(double before, double now)
{
	return now >= before ? now - before : now;
}

static json_t *rate(double amount, double seconds)
{
	double r = amount / seconds + 0.5;

	return json_integer(r < 9e18 ? (json_int_t)r : INT64_MAX);
}

static json_t *port_rates(const json_t *old, const json_t *port, double s)
{
	const json_t *was = json_object_get(old, "counters");
	const json_t *is = json_object_get(port, "counters");

#define RATE(key, factor)                                                      \
	rate((factor)*since(counter(was, key), counter(is, key)), s)
	return json_pack("{s:O?, s:O?, s:O?, s:O?, s:o, s:o, s:o, s:o, s:o}",
			 "name", json_object_get(port, "name"), "type",
			 json_object_get(port, "type"), "topology",
			 json_object_get(port, "topology"), "state",
			 json_path(port, "status.state"), "tx_pps",
			 RATE("tx_frames", 1), "tx_bps", RATE("tx_bytes", 8),
			 "rx_pps", RATE("rx_frames", 1), "rx_bps",
			 RATE("rx_bytes", 8), "drops_ps",
			 rate(since(drops(was), drops(is)), s));
#undef RATE
}

json_t *rates_make(const json_t *before, const json_t *now, double seconds)
{
	_cleanup_json_ json_t *index = json_object();
	_cleanup_json_ json_t *out = json_array();
	json_t *port;
	size_t i;

	json_array_foreach(before, i, port)
		if (name_of(port))
			json_object_set(index, name_of(port), port);
	json_array_foreach(now, i, port) {
		const char *name = name_of(port);

		if (name &&
		    json_array_append_new(
			    out, port_rates(json_object_get(index, name), port,
					    seconds)))
			return NULL;
	}
	return steal_ptr(&out);
}

static json_int_t busy(const json_t *port)
{
	return json_integer_value(json_object_get(port, "tx_pps")) / 2 +
	       json_integer_value(json_object_get(port, "rx_pps")) / 2;
}

static int busiest_first(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;

	if (busy(x) != busy(y))
		return busy(x) < busy(y) ? 1 : -1;
	return strcmp(name_of(x), name_of(y));
}

json_t *rates_sort(const json_t *rates)
{
	size_t n = json_array_size(rates), i;
	_cleanup_free_ json_t **list = calloc(n + 1, sizeof(*list));
	json_t *sorted = json_array(), *port;

	if (!list || !sorted) {
		json_decref(sorted);
		return NULL;
	}
	json_array_foreach(rates, i, port)
		list[i] = port;
	qsort(list, n, sizeof(*list), busiest_first);
	for (i = 0; i < n; i++)
		json_array_append(sorted, list[i]);
	return sorted;
}

double rates_sum(const json_t *rates, const char *field)
{
	double n = 0;
	json_t *port;
	size_t i;

	json_array_foreach(rates, i, port)
		n += counter(port, field);
	return n;
}
