/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several topologies at once: what two of them claim. Called before a set is
 * applied; what is stored already is the service's business.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/topology.h"

enum owned_kind {
	OWNED_TOPOLOGY,
	OWNED_SWITCH,
	OWNED_PIPE,
	OWNED_PORT,
	OWNED_DEVICE,
	OWNED_VM,
};

static const char *const kind_names[] = {
	[OWNED_TOPOLOGY] = "topology", [OWNED_SWITCH] = "switch",
	[OWNED_PIPE] = "pipe",	       [OWNED_PORT] = "port",
	[OWNED_DEVICE] = "device",     [OWNED_VM] = "VM",
};

struct owned {
	enum owned_kind kind;
	const char *name;
	size_t len; /* of the name: a VM's ends at the dot */
	size_t topology; /* index in the set */
	const struct declared *declared; /* NULL: the topology itself */
};

static int compare_what(const struct owned *a, const struct owned *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	order = memcmp(a->name, b->name, len);
	if (order)
		return order;
	return a->len < b->len ? -1 : a->len > b->len;
}

static int compare_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int order = compare_what(x, y);

	if (order)
		return order;
	return x->topology < y->topology ? -1 : x->topology > y->topology;
}

static void add(struct owned *list, size_t *n, enum owned_kind kind,
		const char *name, size_t len, size_t topology,
		const struct declared *declared)
{
	if (len)
		list[(*n)++] =
			(struct owned){kind, name, len, topology, declared};
}

static size_t add_topology(struct owned *list, size_t n,
			   const struct topology *t, size_t index)
{
	static const enum owned_kind kinds[] = {
		[OBJECT_SWITCH] = OWNED_SWITCH,
		[OBJECT_PIPE] = OWNED_PIPE,
		[OBJECT_PORT] = OWNED_PORT,
	};

	add(list, &n, OWNED_TOPOLOGY, t->name, strlen(t->name), index, NULL);
	for (size_t i = 0; i < t->n_declared; i++)
		add(list, &n, kinds[t->declared[i].kind], t->declared[i].name,
		    strlen(t->declared[i].name), index, &t->declared[i]);
	for (size_t i = 0; i < t->objects.n_ports; i++) {
		const struct port_spec *p = &t->objects.ports[i];
		const struct declared *d =
			topology_declared(t, OBJECT_PORT, p->name);

		add(list, &n, OWNED_DEVICE, p->device, strlen(p->device), index,
		    d);
		if (p->kind == PTN_PORT_VM)
			add(list, &n, OWNED_VM, p->name, strcspn(p->name, "."),
			    index, d);
	}
	return n;
}

/* Two NICs of one device are two ports of one name already. */
static bool is_said(const struct topology *a, const struct topology *b,
		    const struct owned *o)
{
	char name[PTN_NAME_MAX];

	if (o->kind != OWNED_DEVICE)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)o->len, o->name);
	return topology_declared(a, OBJECT_PORT, name) &&
	       topology_declared(b, OBJECT_PORT, name);
}

static void report(const struct topologies *set, const struct owned *first,
		   const struct owned *second, struct diags *diags)
{
	const struct topology *a = &set->list[first->topology];
	const struct topology *b = &set->list[second->topology];
	struct position at = second->declared ? second->declared->at : b->at;
	struct position there = first->declared ? first->declared->at : a->at;
	const char *path = second->declared ? second->declared->path
					    : "metadata.name";

	char where[320] = "";

	if (is_said(a, b, second))
		return;
	/* what was read from the store has no place in a text any more */
	if (there.line)
		snprintf(where, sizeof(where), " at %.255s%sline %u, column %u",
			 a->file ? a->file : "", a->file ? ", " : "",
			 there.line, there.column);
	else if (a->file)
		snprintf(where, sizeof(where), " (%.255s)", a->file);
	diag_add(diags, b->file, at.line, at.column, path, NULL,
		 "the %s %.*s is already declared by topology %s%s",
		 kind_names[second->kind], (int)second->len, second->name,
		 a->name, where);
}

int topologies_check(const struct topologies *set, struct diags *diags)
{
	_cleanup_free_ struct owned *list = NULL;
	size_t n = 0, most = 1;
	bool found = false;

	for (size_t i = 0; i < set->count; i++)
		most += 1 + set->list[i].n_declared +
			2 * set->list[i].objects.n_ports;
	list = calloc(most, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		n = add_topology(list, n, &set->list[i], i);
	qsort(list, n, sizeof(*list), compare_owned);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (compare_what(&list[first], &list[i]) != 0) {
			first = i;
		} else if (list[i].topology != list[first].topology) {
			report(set, &list[first], &list[i], diags);
			found = true;
		}
	}
	return found ? -EINVAL : 0;
}
