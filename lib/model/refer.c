/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * References and claims. Each object claims its name, its end of a pipe, its
 * device, its address; sorted, claims that collide are neighbours, and names
 * are found by bisection. Called by the topology reader alone.
 */
#include "model/refer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mac.h"

enum {
	NEAR_MISSES = 20, /* dear with many names: only for the first */
	WHAT_TEXT = 200,
};

enum claim_kind {
	CLAIM_SWITCH, /* its name; kinds with names come first */
	CLAIM_PIPE,
	CLAIM_PORT,
	CLAIM_VM,
	CLAIM_DEVICE,
	CLAIM_END, /* name is the pipe's, mac[0] the end */
	CLAIM_ADDRESS, /* name is the switch's; a port's own address */
	CLAIM_STATIC, /* name is the switch's */
};

struct claim {
	enum claim_kind kind;
	uint8_t mac[MAC_LEN];
	const char *name;
	size_t index; /* of the object in its array */
	size_t order; /* in the text */
	const struct flat_place *place;
	const char *key;
};

struct refer {
	struct flat *flat;
	const char *file;
	struct diags *diags;
	struct claim *claims;
	size_t n_claims;
	struct flat_place *statics; /* places of static addresses */
	size_t n_statics;
	const char **names; /* room for near misses */
	unsigned misses;
};

__attribute__((format(printf, 5, 6))) static void
find(const struct refer *r, const struct flat_place *place, const char *key,
     const char *hint, const char *format, ...)
{
	struct position at = flat_at(place, key);
	char path[FLAT_PATH], message[2 * WHAT_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	diag_add(r->diags, r->file, at.line, at.column,
		 flat_path(path, place, key), hint, "%s", message);
}

/* What has no name, or no proper one, is reported elsewhere. */
static struct claim *claim(struct refer *r, enum claim_kind kind,
			   const char *name, size_t index,
			   const struct flat_place *place, const char *key)
{
	struct claim *c = &r->claims[r->n_claims];

	if (!*name)
		return NULL;
	*c = (struct claim){.kind = kind,
			    .name = name,
			    .index = index,
			    .order = r->n_claims,
			    .place = place,
			    .key = key};
	r->n_claims++;
	return c;
}

static void claim_address(struct refer *r, enum claim_kind kind,
			  const char *on_switch, size_t index,
			  const struct flat_place *place,
			  const uint8_t mac[MAC_LEN])
{
	struct claim *c;

	if (!mac_is_unicast(mac))
		return;
	c = claim(r, kind, on_switch, index, place, "mac");
	if (c)
		memcpy(c->mac, mac, MAC_LEN);
}

/* An end that was refused takes no other's place. */
static bool names_an_end(const struct flat_place *place)
{
	const struct yaml_node *end = yaml_get(place->map, "end");

	return end && end->text &&
	       (strcmp(end->text, "a") == 0 || strcmp(end->text, "b") == 0);
}

static void claim_port(struct refer *r, size_t i)
{
	const struct port_spec *p = &r->flat->objects.ports[i];
	const struct flat_place *place = &r->flat->ports[i];
	const char *device_key = place->section == FLAT_NIC ? "device" : "nic";
	struct claim *end = NULL;

	claim(r, CLAIM_PORT, p->name, i, place, flat_name_key(place));
	/* Two NICs of one name are two ports of one name already. */
	claim(r, CLAIM_DEVICE, p->device, i, place, device_key);
	if (names_an_end(place))
		end = claim(r, CLAIM_END, p->on_pipe, i, place, "end");
	if (end)
		end->mac[0] = p->end;
	if (p->has_mac)
		claim_address(r, CLAIM_ADDRESS, p->on_switch, i, place, p->mac);
}

/* Places of the entries, which the set has sorted, are taken from the tree. */
static void claim_statics(struct refer *r, size_t i)
{
	const struct switch_spec *s = &r->flat->objects.switches[i];
	const struct yaml_node *list =
		yaml_get(r->flat->switches[i].map, "staticMacs");

	for (size_t j = 0; j < s->n_statics; j++) {
		struct flat_place *place = &r->statics[r->n_statics++];
		const struct yaml_node *mac = yaml_get(list->items[j], "mac");
		uint8_t bytes[MAC_LEN];

		*place = (struct flat_place){list->items[j], FLAT_STATIC,
					     r->flat->switches[i].index,
					     (uint32_t)j};
		if (yaml_is(mac, SCALAR_STRING) && !mac_parse(bytes, mac->text))
			claim_address(r, CLAIM_STATIC, s->name, i, place,
				      bytes);
	}
}

static int compare_mac(const struct claim *a, const struct claim *b)
{
	return memcmp(a->mac, b->mac, MAC_LEN);
}

static int compare_what(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = strcmp(x->name, y->name);
	return order ? order : compare_mac(x, y);
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = compare_what(a, b);

	if (order)
		return order;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int collect(struct refer *r)
{
	const struct objects *o = &r->flat->objects;
	size_t statics = 0, most;

	for (size_t i = 0; i < o->n_switches; i++)
		statics += o->switches[i].n_statics;
	most = o->n_switches + o->n_pipes + 4 * o->n_ports + r->flat->n_vms +
	       statics;
	r->claims = calloc(most + 1, sizeof(*r->claims));
	r->statics = calloc(statics + 1, sizeof(*r->statics));
	r->names = calloc(most + 1, sizeof(*r->names));
	if (!r->claims || !r->statics || !r->names)
		return -ENOMEM;

	for (size_t i = 0; i < o->n_switches; i++) {
		claim(r, CLAIM_SWITCH, o->switches[i].name, i,
		      &r->flat->switches[i], "name");
		claim_statics(r, i);
	}
	for (size_t i = 0; i < o->n_pipes; i++)
		claim(r, CLAIM_PIPE, o->pipes[i].name, i, &r->flat->pipes[i],
		      "name");
	for (size_t i = 0; i < o->n_ports; i++)
		claim_port(r, i);
	for (size_t i = 0; i < r->flat->n_vms; i++)
		claim(r, CLAIM_VM, r->flat->vms[i].name, i,
		      &r->flat->vms[i].place, "name");
	qsort(r->claims, r->n_claims, sizeof(*r->claims), compare_claims);
	return 0;
}

/* What a claim is about, for people. */
static const char *describe(char text[WHAT_TEXT], const struct claim *c)
{
	static const char *const before[] = {
		[CLAIM_SWITCH] = "the switch name ",
		[CLAIM_PIPE] = "the pipe name ",
		[CLAIM_PORT] = "the port name ",
		[CLAIM_VM] = "the VM name ",
		[CLAIM_DEVICE] = "the device ",
		[CLAIM_END] = " of pipe ",
		[CLAIM_ADDRESS] = " on switch ",
		[CLAIM_STATIC] = " on switch ",
	};
	char mac[MAC_TEXT] = "";

	if (c->kind >= CLAIM_ADDRESS)
		mac_format(mac, c->mac);
	snprintf(text, WHAT_TEXT, "%s%s%s%.100s",
		 c->kind == CLAIM_END	    ? "end "
		 : c->kind == CLAIM_ADDRESS ? "the address "
		 : c->kind == CLAIM_STATIC  ? "the static address "
					    : "",
		 c->kind == CLAIM_END ? (c->mac[0] ? "b" : "a") : mac,
		 before[c->kind], c->name);
	return text;
}

static bool both_nics(const struct claim *a, const struct claim *b)
{
	return a->kind == CLAIM_DEVICE && a->place->section == FLAT_NIC &&
	       b->place->section == FLAT_NIC;
}

static void report_collisions(const struct refer *r)
{
	const struct claim *first = r->claims;
	char what[WHAT_TEXT];

	for (size_t i = 1; i < r->n_claims; i++) {
		const struct claim *c = &r->claims[i];
		struct position at;

		if (compare_what(first, c) != 0) {
			first = c;
			continue;
		}
		if (both_nics(first, c))
			continue;
		at = flat_at(first->place, first->key);
		find(r, c->place, c->key, NULL,
		     "%s is already taken at line %u, column %u",
		     describe(what, c), at.line, at.column);
	}
}

static const struct claim *lookup(const struct refer *r, enum claim_kind kind,
				  const char *name)
{
	struct claim key = {.kind = kind, .name = name};

	return bsearch(&key, r->claims, r->n_claims, sizeof(key), compare_what);
}

/* "did you mean vale0?", or what the name is instead. */
static const char *suggest(struct refer *r, enum claim_kind kind,
			   const char *name, char text[WHAT_TEXT])
{
	static const char *const kinds[] = {
		[CLAIM_SWITCH] = "a switch",
		[CLAIM_PIPE] = "a pipe",
		[CLAIM_PORT] = "a port",
		[CLAIM_VM] = "a VM",
	};
	size_t n = 0;
	const char *near;

	for (enum claim_kind k = CLAIM_SWITCH; k <= CLAIM_VM; k++) {
		if (k != kind && lookup(r, k, name)) {
			snprintf(text, WHAT_TEXT, "%.100s is %s", name,
				 kinds[k]);
			return text;
		}
	}
	if (r->misses++ >= NEAR_MISSES)
		return NULL;
	for (size_t i = 0; i < r->n_claims; i++)
		if (r->claims[i].kind == kind)
			r->names[n++] = r->claims[i].name;
	near = near_miss(name, r->names, n);
	if (!near)
		return NULL;
	snprintf(text, WHAT_TEXT, "did you mean %.100s?", near);
	return text;
}

static const struct claim *must_be(struct refer *r, enum claim_kind kind,
				   const char *what, const char *name,
				   const struct flat_place *place,
				   const char *key)
{
	const struct claim *c = lookup(r, kind, name);
	char hint[WHAT_TEXT];

	if (!c)
		find(r, place, key, suggest(r, kind, name, hint),
		     "there is no %s %.100s in this topology", what, name);
	return c;
}

static bool is_implicit(const struct pipe_spec *pipe)
{
	return strchr(pipe->domain, ':') != NULL;
}

static void check_vm_on_pipe(const struct refer *r, const struct port_spec *p,
			     const struct pipe_spec *pipe,
			     const struct flat_place *place)
{
	char hint[WHAT_TEXT];

	if (is_implicit(pipe)) {
		find(r, place, "pipe", "give the pipe and the VMs a domain",
		     "the pipe %s has no domain, so only ports for host "
		     "programs can be on it",
		     pipe->name);
	} else if (strcmp(p->domain, pipe->domain) != 0) {
		snprintf(hint, sizeof(hint), "domain: %s", pipe->domain);
		find(r, place, "pipe", hint,
		     "the pipe %s is of domain %s, this VM of %s", pipe->name,
		     pipe->domain, *p->domain ? p->domain : "none");
	}
}

static void check_port(struct refer *r, size_t i)
{
	struct port_spec *p = &r->flat->objects.ports[i];
	const struct flat_place *place = &r->flat->ports[i];
	const struct pipe_spec *pipe;
	const struct claim *c;

	if (*p->on_switch)
		must_be(r, CLAIM_SWITCH, "switch", p->on_switch, place,
			"switch");
	if (!*p->on_pipe)
		return;
	c = must_be(r, CLAIM_PIPE, "pipe", p->on_pipe, place, "pipe");
	if (!c)
		return;
	pipe = &r->flat->objects.pipes[c->index];
	if (p->kind == PTN_PORT_VM)
		check_vm_on_pipe(r, p, pipe, place);
	else
		memcpy(p->domain, pipe->domain, sizeof(p->domain));
}

/* The port is on this switch, and no other has the address there. */
static void check_static(struct refer *r, const struct flat_place *place,
			 const struct switch_spec *on)
{
	const struct yaml_node *name = yaml_get(place->map, "port");
	const struct yaml_node *mac = yaml_get(place->map, "mac");
	struct claim key = {.kind = CLAIM_ADDRESS, .name = on->name};
	const struct port_spec *p;
	const struct claim *c;
	char text[WHAT_TEXT];

	if (!yaml_is(name, SCALAR_STRING) || !*name->text)
		return;
	c = must_be(r, CLAIM_PORT, "port", name->text, place, "port");
	if (!c)
		return;
	p = &r->flat->objects.ports[c->index];
	if (strcmp(p->on_switch, on->name) != 0) {
		snprintf(text, sizeof(text), "it is on switch %s",
			 p->on_switch);
		find(r, place, "port", *p->on_switch ? text : NULL,
		     "the port %s is not on this switch", p->name);
	}
	if (!yaml_is(mac, SCALAR_STRING) || mac_parse(key.mac, mac->text))
		return;
	c = bsearch(&key, r->claims, r->n_claims, sizeof(key), compare_what);
	if (c && strcmp(r->flat->objects.ports[c->index].name, p->name) != 0)
		find(r, place, "mac", NULL, "%s is that of port %s",
		     describe(text, c), r->flat->objects.ports[c->index].name);
}

static void check_statics(struct refer *r)
{
	size_t at = 0;

	for (size_t i = 0; i < r->flat->objects.n_switches; i++) {
		const struct switch_spec *s = &r->flat->objects.switches[i];

		for (size_t j = 0; j < s->n_statics; j++)
			check_static(r, &r->statics[at++], s);
	}
}

static int compare_domains(const void *a, const void *b, void *arg)
{
	const struct port_spec *ports = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = strcmp(ports[x].domain, ports[y].domain);

	return order ? order : x < y ? -1 : x > y;
}

/* Ports of one domain are in one region, whose buffers have one size. */
static int check_domains(const struct refer *r)
{
	const struct port_spec *ports = r->flat->objects.ports;
	size_t n = 0, n_ports = r->flat->objects.n_ports;
	_cleanup_free_ size_t *order = calloc(n_ports + 1, sizeof(*order));
	const struct port_spec *first = NULL;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n_ports; i++)
		if (*ports[i].domain && !*ports[i].device)
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), compare_domains, (void *)ports);
	for (size_t i = 0; i < n; i++) {
		const struct port_spec *p = &ports[order[i]];

		if (!first || strcmp(first->domain, p->domain) != 0)
			first = p;
		else if (first->buf_size != p->buf_size)
			find(r, &r->flat->ports[order[i]], "bufferSize",
			     "they share a region, whose buffers have one size",
			     "the bufferSize is %u, but %u for port %s of the "
			     "same domain or pipe",
			     p->buf_size, first->buf_size, first->name);
	}
	return 0;
}

int refer_check(struct flat *f, const char *file, struct diags *diags)
{
	struct refer r = {.flat = f, .file = file, .diags = diags};
	int err = collect(&r);

	if (!err) {
		report_collisions(&r);
		for (size_t i = 0; i < f->objects.n_ports; i++)
			check_port(&r, i);
		check_statics(&r);
		err = check_domains(&r);
	}
	free(r.claims);
	free(r.statics);
	free(r.names);
	return err;
}
