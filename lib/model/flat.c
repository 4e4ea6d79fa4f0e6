/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees become objects. Knows the document's layout; that names refer to
 * something is looked at in refer.c.
 */
#include "model/flat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"
#include "base/strbuf.h"
#include "model/duration.h"
#include "model/fields.h"

static const struct {
	const char *path, *sub, *name_key;
} sections[] = {
	[FLAT_SWITCH] = {"switches", NULL, "name"},
	[FLAT_STATIC] = {"switches", "staticMacs", "mac"},
	[FLAT_PIPE] = {"pipes", NULL, "name"},
	[FLAT_NIC] = {"nics", NULL, "device"},
	[FLAT_PORT] = {"ports", NULL, "name"},
	[FLAT_VM] = {"vms", NULL, "name"},
	[FLAT_INTERFACE] = {"vms", "interfaces", "name"},
};

char *flat_path(char text[FLAT_PATH], const struct flat_place *place,
		const char *key)
{
	int n = snprintf(text, FLAT_PATH, "spec.%s[%u]",
			 sections[place->section].path, place->index);

	if (sections[place->section].sub)
		n += snprintf(text + n, (size_t)(FLAT_PATH - n), ".%s[%u]",
			      sections[place->section].sub, place->sub);
	if (key)
		snprintf(text + n, (size_t)(FLAT_PATH - n), ".%s", key);
	return text;
}

struct position flat_at(const struct flat_place *place, const char *key)
{
	const struct yaml_node *n = yaml_get(place->map, key);

	return n ? n->at : place->map->at;
}

const char *flat_name_key(const struct flat_place *place)
{
	return sections[place->section].name_key;
}

void flat_fini(struct flat *f)
{
	objects_fini(&f->objects);
	free(f->switches);
	free(f->pipes);
	free(f->ports);
	free(f->vms);
	*f = (struct flat){0};
}

/* The items of spec.NAME, or of a mapping's list; nothing when it is none. */
static size_t items_of(const struct yaml_node *map, const char *name,
		       struct yaml_node *const **items)
{
	const struct yaml_node *list = yaml_get(map, name);

	if (!list || list->kind != YAML_LIST)
		return 0;
	*items = list->items;
	return list->n_items;
}

static void copy_name(object_name to, const struct yaml_node *map,
		      const struct shape *shape, const char *key)
{
	copy_string(to, PTN_NAME_MAX, shape_text(map, shape, key));
}

static int compare_statics(const void *a, const void *b)
{
	const struct static_mac *x = a, *y = b;

	return memcmp(x->mac, y->mac, sizeof(x->mac));
}

static int read_statics(struct switch_spec *s, const struct yaml_node *map)
{
	struct yaml_node *const *items;
	size_t n = items_of(map, "staticMacs", &items);

	s->statics = n ? calloc(n, sizeof(*s->statics)) : NULL;
	if (n && !s->statics)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *mac =
			shape_text(items[i], &static_mac_shape, "mac");

		(void)mac_parse(s->statics[i].mac, mac);
		copy_name(s->statics[i].port, items[i], &static_mac_shape,
			  "port");
	}
	s->n_statics = n;
	if (n)
		qsort(s->statics, n, sizeof(*s->statics), compare_statics);
	return 0;
}

static int read_switch(struct flat *f, const struct yaml_node *map,
		       const char *owner)
{
	struct switch_spec s = {0};
	int err;

	copy_name(s.name, map, &switch_shape, "name");
	copy_string(s.owner, sizeof(s.owner), owner);
	(void)duration_parse(shape_text(map, &switch_shape, "macAgeing"),
			     &s.ageing_ms);
	s.fdb_size = (uint32_t)shape_int(map, &switch_shape, "macTable");
	err = read_statics(&s, map);
	if (!err)
		err = objects_add_switch(&f->objects, &s, NULL);
	switch_spec_fini(&s);
	return err;
}

static int read_pipe(struct flat *f, const struct yaml_node *map,
		     const char *owner)
{
	struct pipe_spec p = {0};

	copy_name(p.name, map, &pipe_shape, "name");
	copy_name(p.domain, map, &pipe_shape, "domain");
	copy_string(p.owner, sizeof(p.owner), owner);
	if (!*p.domain)
		snprintf(p.domain, sizeof(p.domain), "pipe:%.*s",
			 PTN_NAME_MAX - 6, p.name);
	return objects_add_pipe(&f->objects, &p, NULL);
}

/* What ports and VMs' interfaces have in common; the name is set already. */
static void read_port_like(struct port_spec *p, const struct yaml_node *map,
			   const struct shape *shape)
{
	const char *mac = shape_text(map, shape, "mac");

	copy_name(p->on_switch, map, shape, "switch");
	copy_name(p->on_pipe, map, shape, "pipe");
	p->end = strcmp(shape_text(map, shape, "end"), "b") == 0;
	p->has_mac = true;
	if (mac_parse(p->mac, mac))
		mac_from_name(p->mac, p->name);
	p->queues = (uint32_t)shape_int(map, shape, "queues");
	p->slots = (uint32_t)shape_int(map, shape, "slots");
	p->buf_size = (uint32_t)shape_int(map, shape, "bufferSize");
	p->huge_pages = shape_int(map, shape, "hugePages");
}

static int read_port(struct flat *f, const struct yaml_node *map,
		     const char *owner)
{
	struct port_spec p = {.kind = PTN_PORT_HOST};

	copy_name(p.name, map, &port_shape, "name");
	copy_string(p.owner, sizeof(p.owner), owner);
	read_port_like(&p, map, &port_shape);
	p.extra_bufs = (uint32_t)shape_int(map, &port_shape, "extraBuffers");
	return objects_add_port(&f->objects, &p, NULL);
}

static int read_nic(struct flat *f, const struct yaml_node *map,
		    const char *owner)
{
	struct port_spec p = {.kind = PTN_PORT_NIC};

	copy_name(p.name, map, &nic_shape, "device");
	copy_name(p.device, map, &nic_shape, "device");
	copy_name(p.on_switch, map, &nic_shape, "switch");
	copy_string(p.owner, sizeof(p.owner), owner);
	p.host_stack = shape_int(map, &nic_shape, "hostStack");
	return objects_add_port(&f->objects, &p, NULL);
}

static int read_interface(struct flat *f, const struct yaml_node *vm,
			  const struct yaml_node *map, const char *owner)
{
	struct port_spec p = {.kind = PTN_PORT_VM};
	const char *vm_name = shape_text(vm, &vm_shape, "name");
	const char *name = shape_text(map, &interface_shape, "name");

	if (*vm_name && *name)
		snprintf(p.name, sizeof(p.name), "%.31s.%.31s", vm_name, name);
	copy_string(p.owner, sizeof(p.owner), owner);
	copy_name(p.domain, vm, &vm_shape, "domain");
	copy_name(p.device, map, &interface_shape, "nic");
	read_port_like(&p, map, &interface_shape);
	p.offload = shape_int(map, &interface_shape, "offload");
	return objects_add_port(&f->objects, &p, NULL);
}

static size_t count_ports(const struct yaml_node *spec)
{
	struct yaml_node *const *items;
	size_t n = items_of(spec, "ports", &items), vms;

	n += items_of(spec, "nics", &items);
	vms = items_of(spec, "vms", &items);
	for (size_t i = 0; i < vms; i++) {
		struct yaml_node *const *unused;

		n += items_of(items[i], "interfaces", &unused);
	}
	return n;
}

static int read_vms(struct flat *f, const struct yaml_node *spec,
		    const char *owner)
{
	struct yaml_node *const *vms, *const *items;
	size_t n = items_of(spec, "vms", &vms);
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		size_t m = items_of(vms[i], "interfaces", &items);

		f->vms[f->n_vms++] = (struct flat_vm){
			.name = shape_text(vms[i], &vm_shape, "name"),
			.place = {vms[i], FLAT_VM, (uint32_t)i, 0},
		};
		for (size_t j = 0; j < m && !err; j++) {
			f->ports[f->objects.n_ports] =
				(struct flat_place){items[j], FLAT_INTERFACE,
						    (uint32_t)i, (uint32_t)j};
			err = read_interface(f, vms[i], items[j], owner);
		}
		if (err)
			return err;
	}
	return 0;
}

/* A list whose items each become one object, with their places. */
static int read_list(struct flat *f, const struct yaml_node *spec,
		     enum flat_section section, const char *owner,
		     struct flat_place *places, const size_t *count,
		     int (*read)(struct flat *, const struct yaml_node *,
				 const char *))
{
	struct yaml_node *const *items;
	size_t n = items_of(spec, sections[section].path, &items);

	for (size_t i = 0; i < n; i++) {
		int err;

		places[*count] =
			(struct flat_place){items[i], section, (uint32_t)i, 0};
		err = read(f, items[i], owner);
		if (err)
			return err;
	}
	return 0;
}

static int alloc_places(struct flat *f, const struct yaml_node *spec)
{
	struct yaml_node *const *unused;

	f->switches = calloc(items_of(spec, "switches", &unused) + 1,
			     sizeof(*f->switches));
	f->pipes =
		calloc(items_of(spec, "pipes", &unused) + 1, sizeof(*f->pipes));
	f->ports = calloc(count_ports(spec) + 1, sizeof(*f->ports));
	f->vms = calloc(items_of(spec, "vms", &unused) + 1, sizeof(*f->vms));
	return f->switches && f->pipes && f->ports && f->vms ? 0 : -ENOMEM;
}

int flat_read(struct flat *f, const struct yaml_node *root, const char *owner)
{
	const struct yaml_node *spec = yaml_get(root, "spec");
	int err;

	*f = (struct flat){0};
	err = alloc_places(f, spec);
	if (!err)
		err = read_list(f, spec, FLAT_SWITCH, owner, f->switches,
				&f->objects.n_switches, read_switch);
	if (!err)
		err = read_list(f, spec, FLAT_PIPE, owner, f->pipes,
				&f->objects.n_pipes, read_pipe);
	if (!err)
		err = read_list(f, spec, FLAT_NIC, owner, f->ports,
				&f->objects.n_ports, read_nic);
	if (!err)
		err = read_list(f, spec, FLAT_PORT, owner, f->ports,
				&f->objects.n_ports, read_port);
	if (!err)
		err = read_vms(f, spec, owner);
	if (err)
		flat_fini(f);
	return err;
}
