/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects as JSON. Knows the words of docs/REST.md and of the topology
 * document; called by the service that answers the API.
 */
#include "model/objects_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mac.h"
#include "json/json.h"
#include "model/duration.h"

/*
 * Objects are built by a run of set()s, each of which takes its value over;
 * one failure is enough to drop the whole.
 */
struct builder {
	json_t *object;
	bool failed;
};

static struct builder build(void)
{
	return (struct builder){.object = json_object()};
}

static void set(struct builder *b, const char *key, json_t *value)
{
	if (json_object_set_new(b->object, key, value))
		b->failed = true;
}

static void set_string(struct builder *b, const char *key, const char *s)
{
	set(b, key, json_string(s));
}

static json_t *built(struct builder *b)
{
	if (b->failed) {
		json_decref(b->object);
		return NULL;
	}
	return b->object;
}

static json_t *mac_to_json(const uint8_t mac[MAC_LEN])
{
	char text[MAC_TEXT];

	return json_string(mac_format(text, mac));
}

static json_t *static_to_json(const struct static_mac *s)
{
	struct builder b = build();

	set(&b, "mac", mac_to_json(s->mac));
	set_string(&b, "port", s->port);
	return built(&b);
}

static json_t *statics_to_json(const struct switch_spec *s)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; i < s->n_statics; i++)
		if (json_array_append_new(list, static_to_json(&s->statics[i])))
			return NULL;
	return steal_ptr(&list);
}

json_t *switch_spec_to_json(const struct switch_spec *s)
{
	struct builder b = build();
	char ageing[DURATION_TEXT];

	set_string(&b, "name", s->name);
	set_string(&b, "macAgeing", duration_format(ageing, s->ageing_ms));
	set(&b, "macTable", json_integer(s->fdb_size));
	set(&b, "staticMacs", statics_to_json(s));
	return built(&b);
}

/* A domain that nobody declared is "pipe:NAME", which no document may say. */
json_t *pipe_spec_to_json(const struct pipe_spec *p)
{
	struct builder b = build();

	set_string(&b, "name", p->name);
	if (!strchr(p->domain, ':'))
		set_string(&b, "domain", p->domain);
	return built(&b);
}

static void set_place(struct builder *b, const struct port_spec *p)
{
	if (*p->on_switch)
		set_string(b, "switch", p->on_switch);
	if (*p->on_pipe) {
		set_string(b, "pipe", p->on_pipe);
		set_string(b, "end", p->end ? "b" : "a");
	}
}

static json_t *nic_to_json(const struct port_spec *p)
{
	struct builder b = build();

	set_string(&b, "device", p->device);
	set_place(&b, p);
	set(&b, "hostStack", json_boolean(p->host_stack));
	return built(&b);
}

/* The interface's part of VM.INTERFACE; VMs' names have no dots. */
static const char *interface_name(const struct port_spec *p)
{
	const char *dot = strchr(p->name, '.');

	return p->kind == PTN_PORT_VM && dot ? dot + 1 : p->name;
}

json_t *port_spec_to_json(const struct port_spec *p)
{
	struct builder b;

	if (p->kind == PTN_PORT_NIC)
		return nic_to_json(p);
	b = build();
	set_string(&b, "name", interface_name(p));
	set_place(&b, p);
	if (*p->device)
		set_string(&b, "nic", p->device);
	if (p->has_mac)
		set(&b, "mac", mac_to_json(p->mac));
	set(&b, "queues", json_integer(p->queues));
	set(&b, "slots", json_integer(p->slots));
	set(&b, "bufferSize", json_integer(p->buf_size));
	if (p->kind == PTN_PORT_HOST)
		set(&b, "extraBuffers", json_integer(p->extra_bufs));
	set(&b, "hugePages", json_boolean(p->huge_pages));
	if (p->kind == PTN_PORT_VM)
		set(&b, "offload", json_boolean(p->offload));
	return built(&b);
}

json_t *counters_to_json(const uint64_t counters[PTN_C_MAX + 1])
{
	struct builder all = build(), drops = build();

	for (int c = PTN_C_UNSPEC + 1; c <= PTN_C_MAX; c++)
		set(counter_is_drop((enum ptn_counter)c) ? &drops : &all,
		    counter_name((enum ptn_counter)c), json_u64(counters[c]));
	set(&all, "drops", built(&drops));
	return built(&all);
}

json_t *switch_counters_to_json(const uint64_t counters[PTN_SWC_MAX + 1])
{
	struct builder b = build();

	for (int c = PTN_SWC_UNSPEC + 1; c <= PTN_SWC_MAX; c++)
		set(&b, switch_counter_name((enum ptn_switch_counter)c),
		    json_u64(counters[c]));
	return built(&b);
}

/* What all kinds of object begin with. */
static struct builder build_object(const char *kind, const char *name,
				   const char *owner, json_t *spec)
{
	struct builder b = build();

	set_string(&b, "kind", kind);
	set_string(&b, "name", name);
	set(&b, "topology", json_string_or_null(owner));
	set(&b, "spec", spec);
	return b;
}

json_t *switch_to_json(const struct switch_spec *s,
		       const struct switch_status *status)
{
	static const struct switch_status missing;
	struct builder b = build_object("Switch", s->name, s->owner,
					switch_spec_to_json(s));
	const struct switch_status *now = status ? status : &missing;
	struct builder st = build();

	set_string(&st, "state", status ? "up" : "missing");
	set(&st, "ports", json_integer(now->ports));
	set(&st, "fdbUsed", json_integer(now->fdb_used));
	set(&b, "status", built(&st));
	set(&b, "counters", switch_counters_to_json(now->counters));
	return built(&b);
}

const char *port_state_name(enum ptn_port_state state)
{
	static const char *const names[] = {
		"missing",
		[PTN_PORT_DOWN] = "down",
		[PTN_PORT_ATTACHED] = "attached",
		[PTN_PORT_UP] = "up",
		[PTN_PORT_FAULTED] = "faulted",
		[PTN_PORT_STALE] = "stale",
	};

	return (unsigned)state <= PTN_PORT_STALE ? names[state] : "unknown";
}

const char *port_kind_name(enum ptn_port_kind kind)
{
	switch (kind) {
	case PTN_PORT_HOST:
		return "host";
	case PTN_PORT_VM:
		return "vm";
	case PTN_PORT_NIC:
		return "nic";
	}
	return "unknown";
}

/* What a VM's interface is waiting for; NULL: nothing. */
static const char *lack_of(const struct port_status *now)
{
	if (now->device_gone)
		return "its network device is not there: one of its name is "
		       "taken at once";
	switch (now->state) {
	case PTN_PORT_DOWN:
		return "no VM is attached: start it with what `ptnetctl vm "
		       "args` prints";
	case PTN_PORT_ATTACHED:
		return now->driver ? "the guest's interface is down"
				   : "the guest has no driver for it: ptnet.ko";
	case PTN_PORT_UP:
		return NULL;
	case PTN_PORT_FAULTED:
		return "its guest corrupted the rings too often: start the VM "
		       "anew";
	case PTN_PORT_STALE:
		break;
	}
	return "the port is not there yet";
}

static void set_vm_status(struct builder *b, const struct port_status *now)
{
	const uint32_t d = now->driver;
	const char *lack = lack_of(now);

	set(b, "driver",
	    d ? json_sprintf("%u.%u.%u", d >> 16, d >> 8 & 255, d & 255)
	      : json_null());
	set(b, "generation",
	    now->generation ? json_integer(now->generation) : json_null());
	set(b, "lacks", lack ? json_string(lack) : json_null());
}

static json_t *port_status_to_json(const struct port_status *now,
				   enum ptn_port_kind kind)
{
	struct builder b = build();

	set_string(&b, "state", port_state_name(now->state));
	set(&b, "pid", now->pid ? json_integer(now->pid) : json_null());
	set(&b, "socket", json_string_or_null(now->socket));
	set(&b, "worker", json_integer(now->worker));
	set(&b, "pageSize",
	    now->page_size ? json_integer(now->page_size) : json_null());
	if (kind == PTN_PORT_VM)
		set_vm_status(&b, now);
	return built(&b);
}

json_t *port_to_json(const struct port_spec *p,
		     const struct port_status *status)
{
	static const struct port_status missing;
	struct builder b =
		build_object("Port", p->name, p->owner, port_spec_to_json(p));
	const struct port_status *now = status ? status : &missing;

	set_string(&b, "type", port_kind_name(p->kind));
	set(&b, "status", port_status_to_json(now, p->kind));
	set(&b, "counters", counters_to_json(now->counters));
	return built(&b);
}

struct pipe_ends *pipe_ends_find(const struct objects *o)
{
	struct pipe_ends *ends = calloc(o->n_pipes + 1, sizeof(*ends));

	if (!ends)
		return NULL;
	for (size_t i = 0; i < o->n_ports; i++) {
		const struct port_spec *p = &o->ports[i];
		const struct pipe_spec *pipe =
			*p->on_pipe ? objects_find_pipe(o, p->on_pipe) : NULL;
		struct pipe_ends *at;

		if (!pipe)
			continue;
		at = &ends[pipe - o->pipes];
		at->port[!!p->end] = p;
		if (o->port_status)
			at->status[!!p->end] = &o->port_status[i];
	}
	return ends;
}

static bool is_attached(const struct port_status *s)
{
	return s && (s->state == PTN_PORT_ATTACHED || s->state == PTN_PORT_UP);
}

static const char *pipe_state(const struct pipe_ends *ends)
{
	if (!ends)
		return "missing";
	return is_attached(ends->status[0]) && is_attached(ends->status[1])
		       ? "up"
		       : "waiting";
}

static json_t *end_to_json(const struct pipe_ends *ends, int end)
{
	if (!ends || !ends->port[end])
		return json_null();
	return json_string(ends->port[end]->name);
}

json_t *pipe_to_json(const struct pipe_spec *p, const struct pipe_ends *ends)
{
	struct builder b =
		build_object("Pipe", p->name, p->owner, pipe_spec_to_json(p));
	struct builder st = build(), names = build();

	set(&names, "a", end_to_json(ends, 0));
	set(&names, "b", end_to_json(ends, 1));
	set_string(&st, "state", pipe_state(ends));
	set(&st, "ends", built(&names));
	set(&b, "status", built(&st));
	return built(&b);
}

/* Length of the VM's part of a port's name. */
static size_t vm_length(const struct port_spec *p)
{
	return strcspn(p->name, ".");
}

static bool same_vm(const struct port_spec *a, const struct port_spec *b)
{
	size_t len = vm_length(a);

	return len == vm_length(b) && memcmp(a->name, b->name, len) == 0;
}

/*
 * One VM, whose first interface is port @first; *end is behind its last. A
 * set sorted by name has them together, but a NIC called eth0.1 may be among
 * those of a VM called eth0.
 */
static json_t *vm_to_json(const struct objects *o, size_t first, size_t *end)
{
	const struct port_spec *p = &o->ports[first];
	json_t *specs = json_array(), *objects = json_array();
	struct builder spec = build(), status = build(), b;
	char name[PTN_NAME_MAX] = "";
	size_t i;

	memcpy(name, p->name, vm_length(p));
	for (i = first; i < o->n_ports && same_vm(p, &o->ports[i]); i++) {
		if (o->ports[i].kind != PTN_PORT_VM)
			continue;
		if (json_array_append_new(specs,
					  port_spec_to_json(&o->ports[i])))
			spec.failed = true;
		if (json_array_append_new(
			    objects,
			    port_to_json(&o->ports[i],
					 o->port_status ? &o->port_status[i]
							: NULL)))
			status.failed = true;
	}
	*end = i;

	set_string(&spec, "name", name);
	if (*p->domain)
		set_string(&spec, "domain", p->domain);
	set(&spec, "interfaces", specs);
	set(&status, "interfaces", objects);
	b = build_object("VM", name, p->owner, built(&spec));
	set(&b, "status", built(&status));
	return built(&b);
}

static bool is_named(const struct port_spec *p, const char *vm)
{
	return !vm || (strlen(vm) == vm_length(p) &&
		       memcmp(vm, p->name, vm_length(p)) == 0);
}

json_t *vms_to_json(const struct objects *o, const char *name)
{
	_cleanup_json_ json_t *list = json_array();
	size_t i = 0;

	while (i < o->n_ports) {
		if (o->ports[i].kind != PTN_PORT_VM ||
		    !is_named(&o->ports[i], name)) {
			i++;
			continue;
		}
		if (json_array_append_new(list, vm_to_json(o, i, &i)))
			return NULL;
	}
	return steal_ptr(&list);
}

json_t *fdb_entry_to_json(const struct fdb_entry *e)
{
	struct builder b = build();

	set(&b, "mac", mac_to_json(e->mac));
	set_string(&b, "port", e->port);
	set(&b, "static", json_boolean(e->is_static));
	set(&b, "ageMs", json_integer(e->age_ms));
	return built(&b);
}

json_t *census_to_json(const struct census *c)
{
	struct builder b = build();

	set(&b, "regions", json_integer(c->regions));
	set(&b, "buffers", json_u64(c->buffers));
	set(&b, "free", json_u64(c->free));
	set(&b, "slots", json_u64(c->slots));
	set(&b, "extra", json_u64(c->extra));
	set(&b, "lost", json_u64(c->lost));
	set(&b, "twice", json_u64(c->twice));
	return built(&b);
}
