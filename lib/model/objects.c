/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of objects. Knows nothing of topologies, backends or JSON; all of
 * these fill, compare and read sets.
 */
#include "model/objects.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	bool drop;
} counters[PTN_C_MAX + 1] = {
	[PTN_C_UNSPEC] = {"unspec", false},
	[PTN_C_TX_FRAMES] = {"tx_frames", false},
	[PTN_C_TX_BYTES] = {"tx_bytes", false},
	[PTN_C_RX_FRAMES] = {"rx_frames", false},
	[PTN_C_RX_BYTES] = {"rx_bytes", false},
	[PTN_C_TX_SYNCS] = {"tx_syncs", false},
	[PTN_C_RX_SYNCS] = {"rx_syncs", false},
	[PTN_C_TX_KICKS] = {"tx_kicks", false},
	[PTN_C_RX_KICKS] = {"rx_kicks", false},
	[PTN_C_FAULTS] = {"faults", false},
	[PTN_C_DROP_RX_FULL] = {"rx_full", true},
	[PTN_C_DROP_RX_FAULT] = {"rx_fault", true},
	[PTN_C_DROP_NO_DEST] = {"no_dest", true},
	[PTN_C_DROP_SAME_PORT] = {"same_port", true},
	[PTN_C_DROP_TOO_SHORT] = {"too_short", true},
	[PTN_C_DROP_TOO_LONG] = {"too_long", true},
	[PTN_C_DROP_TOO_BIG] = {"too_big", true},
	[PTN_C_DROP_BAD_BUFFER] = {"bad_buffer", true},
	[PTN_C_DROP_BAD_CHAIN] = {"bad_chain", true},
	[PTN_C_DROP_INDIRECT] = {"indirect", true},
	[PTN_C_DROP_DETACHED] = {"detached", true},
	[PTN_C_DROP_OFFLOAD] = {"offload", true},
	[PTN_C_DROP_DEVICE] = {"device", true},
	[PTN_C_DROP_OFFLOAD_FRAME] = {"offload_frame", true},
	[PTN_C_DROP_OFFLOAD_PARTS] = {"offload_parts", true},
	[PTN_C_SEGMENTED] = {"segmented", false},
	[PTN_C_SEGMENTS] = {"segments", false},
	[PTN_C_CHECKSUMS] = {"checksums", false},
};

static const char *const switch_counters[PTN_SWC_MAX + 1] = {
	[PTN_SWC_UNSPEC] = "unspec",   [PTN_SWC_FLOODED] = "flooded",
	[PTN_SWC_COPIES] = "copies",   [PTN_SWC_LEARNED] = "learned",
	[PTN_SWC_MOVED] = "moved",     [PTN_SWC_EVICTED] = "evicted",
	[PTN_SWC_EXPIRED] = "expired",
};

const char *counter_name(enum ptn_counter c)
{
	return (unsigned)c <= PTN_C_MAX ? counters[c].name : "unknown";
}

bool counter_is_drop(enum ptn_counter c)
{
	return (unsigned)c <= PTN_C_MAX && counters[c].drop;
}

const char *switch_counter_name(enum ptn_switch_counter c)
{
	return (unsigned)c <= PTN_SWC_MAX ? switch_counters[c] : "unknown";
}

void switch_spec_fini(struct switch_spec *s)
{
	free(s->statics);
	s->statics = NULL;
	s->n_statics = 0;
}

void objects_fini(struct objects *o)
{
	for (size_t i = 0; i < o->n_switches; i++)
		switch_spec_fini(&o->switches[i]);
	free(o->switches);
	free(o->switch_status);
	free(o->pipes);
	free(o->pipe_status);
	free(o->ports);
	free(o->port_status);
	*o = (struct objects){0};
}

/* Append a copy of @item to an array that doubles at powers of two. */
static int append(void *array, size_t count, const void *item, size_t size)
{
	char **at = array, *grown;

	if ((count & (count - 1)) == 0) {
		grown = reallocarray(*at, count ? 2 * count : 1, size);
		if (!grown)
			return -ENOMEM;
		*at = grown;
	}
	memcpy(*at + count * size, item, size);
	return 0;
}

static int copy_statics(struct switch_spec *s)
{
	struct static_mac *copy = NULL;

	if (s->n_statics) {
		copy = reallocarray(NULL, s->n_statics, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, s->statics, s->n_statics * sizeof(*copy));
	}
	s->statics = copy;
	return 0;
}

int objects_add_switch(struct objects *o, const struct switch_spec *spec,
		       const struct switch_status *status)
{
	struct switch_spec copy = *spec;

	if (status &&
	    append(&o->switch_status, o->n_switches, status, sizeof(*status)))
		return -ENOMEM;
	if (copy_statics(&copy))
		return -ENOMEM;
	if (append(&o->switches, o->n_switches, &copy, sizeof(copy))) {
		switch_spec_fini(&copy);
		return -ENOMEM;
	}
	o->n_switches++;
	return 0;
}

int objects_add_pipe(struct objects *o, const struct pipe_spec *spec,
		     const struct pipe_status *status)
{
	if (status &&
	    append(&o->pipe_status, o->n_pipes, status, sizeof(*status)))
		return -ENOMEM;
	if (append(&o->pipes, o->n_pipes, spec, sizeof(*spec)))
		return -ENOMEM;
	o->n_pipes++;
	return 0;
}

int objects_add_port(struct objects *o, const struct port_spec *spec,
		     const struct port_status *status)
{
	if (status &&
	    append(&o->port_status, o->n_ports, status, sizeof(*status)))
		return -ENOMEM;
	if (append(&o->ports, o->n_ports, spec, sizeof(*spec)))
		return -ENOMEM;
	o->n_ports++;
	return 0;
}

/* All specs begin with their name. */
_Static_assert(offsetof(struct switch_spec, name) == 0, "name comes first");
_Static_assert(offsetof(struct pipe_spec, name) == 0, "name comes first");
_Static_assert(offsetof(struct port_spec, name) == 0, "name comes first");

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Sort by cycles: order[i] is the place that the item for place i has now. */
static void permute(char *items, size_t size, const size_t *order, size_t n,
		    char *scratch)
{
	for (size_t i = 0; i < n; i++)
		memcpy(scratch + i * size, items + order[i] * size, size);
	memcpy(items, scratch, n * size);
}

static int by_pointed_name(const void *a, const void *b, void *unused)
{
	(void)unused;
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_sorted(const char *items, size_t size, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(items + (i - 1) * size, items + i * size) > 0)
			return false;
	return true;
}

/* In place and without memory, for when there is none: slow, but right. */
static void insertion_sort(char *items, size_t size, char *along,
			   size_t along_size, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j > 0; j--) {
			char *a = items + (j - 1) * size, *b = a + size;
			char *c = along + (j - 1) * along_size;

			if (strcmp(a, b) <= 0)
				break;
			for (size_t k = 0; k < size; k++) {
				char t = a[k];

				a[k] = b[k];
				b[k] = t;
			}
			for (size_t k = 0; along && k < along_size; k++) {
				char t = c[k];

				c[k] = c[k + along_size];
				c[k + along_size] = t;
			}
		}
	}
}

static void sort_along(void *items, size_t size, void *along, size_t along_size,
		       size_t n)
{
	size_t widest = size > along_size ? size : along_size;
	const char **names;
	size_t *order;
	char *scratch;

	if (is_sorted(items, size, n))
		return;
	if (!along) {
		qsort(items, n, size, by_name);
		return;
	}
	names = reallocarray(NULL, n, sizeof(*names));
	order = reallocarray(NULL, n, sizeof(*order));
	scratch = reallocarray(NULL, n, widest);
	if (names && order && scratch) {
		for (size_t i = 0; i < n; i++)
			names[i] = (const char *)items + i * size;
		qsort_r(names, n, sizeof(*names), by_pointed_name, NULL);
		for (size_t i = 0; i < n; i++)
			order[i] = (size_t)(names[i] - (char *)items) / size;
		permute(items, size, order, n, scratch);
		permute(along, along_size, order, n, scratch);
	} else {
		insertion_sort(items, size, along, along_size, n);
	}
	free(names);
	free(order);
	free(scratch);
}

void objects_sort(struct objects *o)
{
	sort_along(o->switches, sizeof(*o->switches), o->switch_status,
		   sizeof(*o->switch_status), o->n_switches);
	sort_along(o->pipes, sizeof(*o->pipes), o->pipe_status,
		   sizeof(*o->pipe_status), o->n_pipes);
	sort_along(o->ports, sizeof(*o->ports), o->port_status,
		   sizeof(*o->port_status), o->n_ports);
}

static void *find(const char *name, void *items, size_t n, size_t size)
{
	return n ? bsearch(name, items, n, size, by_name) : NULL;
}

struct switch_spec *objects_find_switch(const struct objects *o,
					const char *name)
{
	return find(name, o->switches, o->n_switches, sizeof(*o->switches));
}

struct pipe_spec *objects_find_pipe(const struct objects *o, const char *name)
{
	return find(name, o->pipes, o->n_pipes, sizeof(*o->pipes));
}

struct port_spec *objects_find_port(const struct objects *o, const char *name)
{
	return find(name, o->ports, o->n_ports, sizeof(*o->ports));
}

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool switch_spec_equal(const struct switch_spec *a, const struct switch_spec *b)
{
	if (!same(a->name, b->name) || !same(a->owner, b->owner) ||
	    a->ageing_ms != b->ageing_ms || a->fdb_size != b->fdb_size ||
	    a->n_statics != b->n_statics)
		return false;
	for (size_t i = 0; i < a->n_statics; i++)
		if (memcmp(a->statics[i].mac, b->statics[i].mac, 6) != 0 ||
		    !same(a->statics[i].port, b->statics[i].port))
			return false;
	return true;
}

bool pipe_spec_equal(const struct pipe_spec *a, const struct pipe_spec *b)
{
	return same(a->name, b->name) && same(a->owner, b->owner) &&
	       same(a->domain, b->domain);
}

static bool same_place(const struct port_spec *a, const struct port_spec *b)
{
	return a->kind == b->kind && same(a->on_switch, b->on_switch) &&
	       same(a->on_pipe, b->on_pipe) && same(a->device, b->device) &&
	       a->end == b->end && a->host_stack == b->host_stack &&
	       same(a->domain, b->domain);
}

bool port_spec_equal(const struct port_spec *a, const struct port_spec *b)
{
	return same(a->name, b->name) && same(a->owner, b->owner) &&
	       same_place(a, b) && a->has_mac == b->has_mac &&
	       (!a->has_mac || memcmp(a->mac, b->mac, 6) == 0) &&
	       a->huge_pages == b->huge_pages && a->offload == b->offload &&
	       a->queues == b->queues && a->slots == b->slots &&
	       a->buf_size == b->buf_size && a->extra_bufs == b->extra_bufs;
}
