/* SPDX-License-Identifier: BSD-2-Clause */
/* A table of kinds with the columns that people see. */
#include "kinds.h"

#include <string.h>

static void on_cell(struct strbuf *out, const json_t *object)
{
	const json_t *spec = json_object_get(object, "spec");
	const char *pipe = json_string_value(json_object_get(spec, "pipe"));
	const char *end = json_string_value(json_object_get(spec, "end"));
	const char *other = json_string_value(json_object_get(spec, "switch"));

	if (!other)
		other = json_string_value(json_object_get(spec, "nic"));
	if (!other)
		other = json_string_value(json_object_get(spec, "device"));
	if (pipe)
		strbuf_addf(out, "%s:%s", pipe, end ?: "?");
	else
		strbuf_add(out, other ?: "");
}

static void interfaces_cell(struct strbuf *out, const json_t *object)
{
	const json_t *list = json_path(object, "status.interfaces");
	size_t up = 0, i;
	json_t *port;

	json_array_foreach(list, i, port) {
		const char *state =
			json_string_value(json_path(port, "status.state"));

		up += state && !strcmp(state, "up");
	}
	strbuf_addf(out, "%zu/%zu", up, json_array_size(list));
}

static void age_cell(struct strbuf *out, const json_t *object)
{
	const json_t *age = json_object_get(object, "ageMs");

	if (age && !json_is_true(json_object_get(object, "static")))
		strbuf_addf(out, "%.1f s",
			    (double)json_integer_value(age) / 1000);
}

static const struct column topology_columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"REVISION", "revision", COLUMN_NUMBER, NULL},
	{"APPLIED", "applied", COLUMN_TEXT, NULL},
	{"SWITCHES", "counts.switches", COLUMN_NUMBER, NULL},
	{"PIPES", "counts.pipes", COLUMN_NUMBER, NULL},
	{"PORTS", "counts.ports", COLUMN_NUMBER, NULL},
	{"NICS", "counts.nics", COLUMN_NUMBER, NULL},
	{"VMS", "counts.vms", COLUMN_NUMBER, NULL},
	{0},
};

static const struct column switch_columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"TOPOLOGY", "topology", COLUMN_TEXT, NULL},
	{"STATE", "status.state", COLUMN_STATE, NULL},
	{"PORTS", "status.ports", COLUMN_NUMBER, NULL},
	{"MACS", "status.fdbUsed", COLUMN_NUMBER, NULL},
	{"TABLE", "spec.macTable", COLUMN_NUMBER, NULL},
	{"AGEING", "spec.macAgeing", COLUMN_TEXT, NULL},
	{0},
};

static const struct column pipe_columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"TOPOLOGY", "topology", COLUMN_TEXT, NULL},
	{"STATE", "status.state", COLUMN_STATE, NULL},
	{"DOMAIN", "spec.domain", COLUMN_TEXT, NULL},
	{"A", "status.ends.a", COLUMN_TEXT, NULL},
	{"B", "status.ends.b", COLUMN_TEXT, NULL},
	{0},
};

static const struct column port_columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"TYPE", "type", COLUMN_TEXT, NULL},
	{"TOPOLOGY", "topology", COLUMN_TEXT, NULL},
	{"ON", NULL, COLUMN_TEXT, on_cell},
	{"STATE", "status.state", COLUMN_STATE, NULL},
	{"PID", "status.pid", COLUMN_NUMBER, NULL},
	{"TX", "counters.tx_frames", COLUMN_NUMBER, NULL},
	{"RX", "counters.rx_frames", COLUMN_NUMBER, NULL},
	{"DROPS", "counters.drops", COLUMN_SUM, NULL},
	{0},
};

static const struct column nic_columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"TOPOLOGY", "topology", COLUMN_TEXT, NULL},
	{"SWITCH", "spec.switch", COLUMN_TEXT, NULL},
	{"HOSTSTACK", "spec.hostStack", COLUMN_BOOL, NULL},
	{"STATE", "status.state", COLUMN_STATE, NULL},
	{"TX", "counters.tx_frames", COLUMN_NUMBER, NULL},
	{"RX", "counters.rx_frames", COLUMN_NUMBER, NULL},
	{"DROPS", "counters.drops", COLUMN_SUM, NULL},
	{0},
};

static const struct column vm_columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"TOPOLOGY", "topology", COLUMN_TEXT, NULL},
	{"DOMAIN", "spec.domain", COLUMN_TEXT, NULL},
	{"UP", NULL, COLUMN_NUMBER, interfaces_cell},
	{0},
};

static const struct column fdb_columns[] = {
	{"SWITCH", "switch", COLUMN_TEXT, NULL},
	{"MAC", "mac", COLUMN_TEXT, NULL},
	{"PORT", "port", COLUMN_TEXT, NULL},
	{"STATIC", "static", COLUMN_BOOL, NULL},
	{"AGE", NULL, COLUMN_NUMBER, age_cell},
	{0},
};

const struct kind kinds[] = {
	{"topologies",
	 {"topology", "topo"},
	 "/v1/topologies",
	 topology_columns},
	{"switches", {"switch", "sw"}, "/v1/switches", switch_columns},
	{"pipes", {"pipe", "pi"}, "/v1/pipes", pipe_columns},
	{"ports", {"port", "po"}, "/v1/ports", port_columns},
	{"nics", {"nic"}, "/v1/nics", nic_columns},
	{"vms", {"vm"}, "/v1/vms", vm_columns},
	{"fdb", {"macs"}, NULL, fdb_columns},
	{0},
};

static bool matches(const struct kind *k, const char *word)
{
	if (!strcmp(k->name, word))
		return true;
	for (int i = 0; k->aliases[i]; i++)
		if (!strcmp(k->aliases[i], word))
			return true;
	return false;
}

const struct kind *kind_find(const struct ctl *ctl, const char *word)
{
	const char *names[8], *near;
	size_t n = 0;

	for (const struct kind *k = kinds; k->name; k++) {
		if (matches(k, word))
			return k;
		names[n++] = k->name;
	}
	near = near_miss(word, names, n);
	ctl_usage(ctl, "there is no kind \"%s\"%s%s%s", word,
		  near ? " (did you mean " : "", near ?: "",
		  near ? "?)"
		       : ": expected topologies, switches, pipes, "
			 "ports, nics, vms or fdb");
	return NULL;
}

bool kind_is_topologies(const struct kind *k)
{
	return k == &kinds[0];
}
