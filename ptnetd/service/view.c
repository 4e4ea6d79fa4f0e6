/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Observed joined with desired. Called by rest for everything that only
 * looks. Where the two differ in a declaration the desired one is shown.
 */
#include "service/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json/json.h"
#include "model/objects_json.h"
#include "service/reconcile.h"
#include "service/state.h"

static enum outcome answer(json_t **out, json_t *value, struct refusal *r)
{
	*out = value;
	return value ? OUTCOME_DONE
		     : refuse(r, OUTCOME_UNAVAILABLE, "no memory");
}

static enum outcome get_info(struct service *s, struct backend_info *info,
			     struct refusal *r)
{
	struct backend_error error = {0};
	enum outcome o;
	int err;

	if (!s->backend)
		return refuse(r, OUTCOME_UNAVAILABLE, "%s", s->trouble);
	err = s->config.ops->info(s->backend, info, &error);
	o = backend_outcome(s, err, &error, r);
	if (backend_gone(err))
		reconcile_lost(s, r->detail);
	return o;
}

enum outcome view_health(struct service *s, json_t **out, struct refusal *r)
{
	struct backend_info info;
	enum outcome o = get_info(s, &info, r);

	if (o != OUTCOME_DONE)
		return OUTCOME_UNAVAILABLE;
	return answer(out, json_pack("{s:s}", "status", "ok"), r);
}

enum outcome view_version(struct service *s, json_t **out, struct refusal *r)
{
	struct backend_info info = {.version = ""};
	struct refusal ignored = {0};

	get_info(s, &info, &ignored);
	refusal_fini(&ignored);
	return answer(out,
		      json_pack("{s:s, s:{s:s, s:o}}", "version", PTNET_VERSION,
				"backend", "name", s->config.ops->name,
				"version", json_string_or_null(info.version)),
		      r);
}

static json_t *features_to_json(uint32_t features)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{PTN_FEATURE_SWITCH, "switch"}, {PTN_FEATURE_PIPE, "pipe"},
		{PTN_FEATURE_PORT, "port"},	{PTN_FEATURE_NIC, "nic"},
		{PTN_FEATURE_VM, "vm"},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (features & names[i].bit)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

static size_t count_of(const json_t *document, const char *section)
{
	return json_array_size(
		json_object_get(json_object_get(document, "spec"), section));
}

static const char *const sections[] = {"switches", "pipes", "ports", "nics",
				       "vms"};

/* What the documents declare, by section. */
static json_t *counts_to_json(const struct topology *list, size_t count)
{
	json_t *out = json_object();

	for (size_t k = 0; k < sizeof(sections) / sizeof(sections[0]); k++) {
		size_t n = 0;

		for (size_t i = 0; i < count; i++)
			n += count_of(list[i].document, sections[k]);
		json_object_set_new(out, sections[k],
				    json_integer((json_int_t)n));
	}
	return out;
}

static json_t *backend_to_json(const struct service *s,
			       const struct backend_info *info)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:i, s:o, s:o}", "name",
			 s->config.ops->name, "version",
			 json_string_or_null(info->version), "revision",
			 json_u64(info->revision), "instance",
			 json_integer((json_int_t)(info->instance & INT64_MAX)),
			 "workers", (int)info->workers, "features",
			 features_to_json(info->features), "trouble",
			 json_string_or_null(s->trouble));
}

/* In step is what is there, not what we believe: dump and plan. */
static bool is_in_step(struct service *s, const struct backend_info *info)
{
	struct refusal ignored = {0};
	struct objects have = {0};
	struct plan plan = {0};
	bool same;

	if (!s->backend || info->revision != s->revision)
		return false;
	same = reconcile_dump(s, &have, &ignored) == OUTCOME_DONE &&
	       plan_make(&plan, &s->wanted.objects, &have) == 0 &&
	       plan.count == 0;
	plan_fini(&plan);
	objects_fini(&have);
	refusal_fini(&ignored);
	return same;
}

enum outcome view_status(struct service *s, json_t **out, struct refusal *r)
{
	const struct topologies *set = &s->wanted.set;
	struct backend_info info = {.version = ""};
	struct refusal ignored = {0};
	json_t *counts;
	bool same;

	get_info(s, &info, &ignored);
	refusal_fini(&ignored);
	same = is_in_step(s, &info);
	counts = counts_to_json(set->list, set->count);
	json_object_set_new(counts, "topologies",
			    json_integer((json_int_t)set->count));
	return answer(out,
		      json_pack("{s:s, s:o, s:I, s:b, s:o}", "version",
				PTNET_VERSION, "backend",
				backend_to_json(s, &info), "revision",
				(json_int_t)s->revision, "inSync", same,
				"counts", counts),
		      r);
}

static json_t *time_to_json(int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32] = "";
	struct tm utc;

	if (gmtime_r(&t, &utc))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}

enum outcome view_topologies(struct service *s, json_t **out, struct refusal *r)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; i < s->wanted.set.count; i++) {
		const struct topology *t = &s->wanted.set.list[i];
		const struct stamp *stamp = &s->wanted.stamps[i];
		json_t *one = json_pack("{s:s, s:I, s:o, s:o}", "name", t->name,
					"revision", (json_int_t)stamp->revision,
					"applied", time_to_json(stamp->applied),
					"counts", counts_to_json(t, 1));

		if (json_array_append_new(list, one))
			return answer(out, NULL, r);
	}
	return answer(out, steal_ptr(&list), r);
}

static enum outcome find_topology(struct service *s, const char *name,
				  json_t **document, struct refusal *r)
{
	ssize_t i = state_find(&s->wanted.set, name);

	if (i < 0)
		return refuse(r, OUTCOME_NOT_FOUND, "there is no topology %s",
			      name);
	*document = s->wanted.set.list[i].document;
	return OUTCOME_DONE;
}

enum outcome view_topology(struct service *s, const char *name, json_t **out,
			   struct refusal *r)
{
	enum outcome o = find_topology(s, name, out, r);

	if (o == OUTCOME_DONE)
		json_incref(*out);
	return o;
}

enum outcome view_topology_yaml(struct service *s, const char *name, char **out,
				struct refusal *r)
{
	json_t *document = NULL;
	enum outcome o = find_topology(s, name, &document, r);

	if (o != OUTCOME_DONE)
		return o;
	*out = topology_to_yaml(document);
	return *out ? OUTCOME_DONE
		    : refuse(r, OUTCOME_UNAVAILABLE, "no memory");
}

/*
 * Both sets as one. Ports have their status in it, 0 where they are missing;
 * of switches and pipes the dump is asked again.
 */
struct view {
	struct objects have, all;
	struct pipe_ends *ends; /* parallel to have.pipes */
};

static void view_fini(struct view *v)
{
	objects_fini(&v->have);
	objects_fini(&v->all);
	free(v->ends);
}

static int join_ports(struct objects *all, const struct objects *want,
		      const struct objects *have)
{
	static const struct port_status missing;
	int err = 0;

	for (size_t i = 0; i < want->n_ports && !err; i++) {
		const struct port_spec *w = &want->ports[i];
		const struct port_spec *h = objects_find_port(have, w->name);

		err = objects_add_port(
			all, w,
			h && have->port_status
				? &have->port_status[h - have->ports]
				: &missing);
	}
	for (size_t i = 0; i < have->n_ports && !err; i++)
		if (!objects_find_port(want, have->ports[i].name))
			err = objects_add_port(all, &have->ports[i],
					       have->port_status
						       ? &have->port_status[i]
						       : &missing);
	return err;
}

static int join_switches(struct objects *all, const struct objects *want,
			 const struct objects *have)
{
	int err = 0;

	for (size_t i = 0; i < want->n_switches && !err; i++)
		err = objects_add_switch(all, &want->switches[i], NULL);
	for (size_t i = 0; i < have->n_switches && !err; i++)
		if (!objects_find_switch(want, have->switches[i].name))
			err = objects_add_switch(all, &have->switches[i], NULL);
	return err;
}

static int join_pipes(struct objects *all, const struct objects *want,
		      const struct objects *have)
{
	int err = 0;

	for (size_t i = 0; i < want->n_pipes && !err; i++)
		err = objects_add_pipe(all, &want->pipes[i], NULL);
	for (size_t i = 0; i < have->n_pipes && !err; i++)
		if (!objects_find_pipe(want, have->pipes[i].name))
			err = objects_add_pipe(all, &have->pipes[i], NULL);
	return err;
}

static enum outcome make_view(struct service *s, struct view *v,
			      struct refusal *r)
{
	const struct objects *want = &s->wanted.objects;
	enum outcome o = reconcile_dump(s, &v->have, r);
	int err;

	if (o != OUTCOME_DONE)
		return o;
	err = join_switches(&v->all, want, &v->have);
	if (!err)
		err = join_pipes(&v->all, want, &v->have);
	if (!err)
		err = join_ports(&v->all, want, &v->have);
	if (!err)
		v->ends = pipe_ends_find(&v->have);
	if (err || !v->ends)
		return refuse(r, OUTCOME_UNAVAILABLE, "no memory");
	objects_sort(&v->all);
	return OUTCOME_DONE;
}

static json_t *show_switch(const struct view *v, size_t i)
{
	const struct switch_spec *s = &v->all.switches[i];
	const struct switch_spec *h = objects_find_switch(&v->have, s->name);

	return switch_to_json(
		s, h && v->have.switch_status
			   ? &v->have.switch_status[h - v->have.switches]
			   : NULL);
}

static json_t *show_pipe(const struct view *v, size_t i)
{
	const struct pipe_spec *p = &v->all.pipes[i];
	const struct pipe_spec *h = objects_find_pipe(&v->have, p->name);

	return pipe_to_json(p, h ? &v->ends[h - v->have.pipes] : NULL);
}

static json_t *show_port(const struct view *v, size_t i)
{
	return port_to_json(&v->all.ports[i], &v->all.port_status[i]);
}

static bool every(const struct view *v, size_t i)
{
	(void)v;
	(void)i;
	return true;
}

static bool is_nic(const struct view *v, size_t i)
{
	return v->all.ports[i].kind == PTN_PORT_NIC;
}

static const struct {
	const char *word;
	enum object_kind kind;
	json_t *(*show)(const struct view *v, size_t i);
	bool (*belongs)(const struct view *v, size_t i);
} kinds[] = {
	[VIEW_SWITCHES] = {"switch", OBJECT_SWITCH, show_switch, every},
	[VIEW_PIPES] = {"pipe", OBJECT_PIPE, show_pipe, every},
	[VIEW_PORTS] = {"port", OBJECT_PORT, show_port, every},
	[VIEW_NICS] = {"network device", OBJECT_PORT, show_port, is_nic},
};

static json_t *show_all(const struct view *v, enum view_kind kind)
{
	const size_t counts[] = {
		[OBJECT_SWITCH] = v->all.n_switches,
		[OBJECT_PIPE] = v->all.n_pipes,
		[OBJECT_PORT] = v->all.n_ports,
	};
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; i < counts[kinds[kind].kind]; i++)
		if (kinds[kind].belongs(v, i) &&
		    json_array_append_new(list, kinds[kind].show(v, i)))
			return NULL;
	return steal_ptr(&list);
}

/* Index of a name in its kind's array, or -1. */
static ssize_t find_index(const struct view *v, enum object_kind kind,
			  const char *name)
{
	const struct switch_spec *sw;
	const struct pipe_spec *pipe;
	const struct port_spec *port;

	switch (kind) {
	case OBJECT_SWITCH:
		sw = objects_find_switch(&v->all, name);
		return sw ? sw - v->all.switches : -1;
	case OBJECT_PIPE:
		pipe = objects_find_pipe(&v->all, name);
		return pipe ? pipe - v->all.pipes : -1;
	case OBJECT_PORT:
		port = objects_find_port(&v->all, name);
		return port ? port - v->all.ports : -1;
	}
	return -1;
}

static enum outcome show_one(const struct view *v, enum view_kind kind,
			     const char *name, json_t **out, struct refusal *r)
{
	ssize_t i = find_index(v, kinds[kind].kind, name);

	if (i < 0 || !kinds[kind].belongs(v, (size_t)i))
		return refuse(r, OUTCOME_NOT_FOUND, "there is no %s %s",
			      kinds[kind].word, name);
	return answer(out, kinds[kind].show(v, (size_t)i), r);
}

static enum outcome show_vms(const struct view *v, const char *name,
			     json_t **out, struct refusal *r)
{
	_cleanup_json_ json_t *list = vms_to_json(&v->all, name);

	if (!name || !list)
		return answer(out, steal_ptr(&list), r);
	if (!json_array_size(list))
		return refuse(r, OUTCOME_NOT_FOUND, "there is no vm %s", name);
	return answer(out, json_incref(json_array_get(list, 0)), r);
}

enum outcome view_objects(struct service *s, enum view_kind kind,
			  const char *name, json_t **out, struct refusal *r)
{
	_cleanup_(view_fini) struct view v = {0};
	enum outcome o = make_view(s, &v, r);

	if (o != OUTCOME_DONE)
		return o;
	if (kind == VIEW_VMS)
		return show_vms(&v, name, out, r);
	if (name)
		return show_one(&v, kind, name, out, r);
	return answer(out, show_all(&v, kind), r);
}

enum outcome view_fdb(struct service *s, const char *name, json_t **out,
		      struct refusal *r)
{
	_cleanup_free_ struct fdb_entry *entries = NULL;
	_cleanup_json_ json_t *list = NULL;
	struct backend_error error = {0};
	enum outcome o;
	size_t count = 0;
	int err;

	if (!s->backend)
		return refuse(r, OUTCOME_UNAVAILABLE, "%s", s->trouble);
	err = s->config.ops->fdb(s->backend, name, &entries, &count, &error);
	o = backend_outcome(s, err, &error, r);
	if (backend_gone(err))
		reconcile_lost(s, r->detail);
	if (o != OUTCOME_DONE)
		return o;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(list, fdb_entry_to_json(&entries[i])))
			return answer(out, NULL, r);
	return answer(out, steal_ptr(&list), r);
}

enum outcome view_census(struct service *s, json_t **out, struct refusal *r)
{
	struct backend_error error = {0};
	struct census census = {0};
	enum outcome o;
	int err;

	if (!s->backend)
		return refuse(r, OUTCOME_UNAVAILABLE, "%s", s->trouble);
	err = s->config.ops->census(s->backend, &census, &error);
	o = backend_outcome(s, err, &error, r);
	if (backend_gone(err))
		reconcile_lost(s, r->detail);
	return o == OUTCOME_DONE ? answer(out, census_to_json(&census), r) : o;
}
