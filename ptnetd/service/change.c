/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of what is wanted. Called by rest.
 *
 * A change is: parse, check against the other topologies, check what the
 * backend can do, plan against what is there, write to the store without
 * committing, apply to the backend, commit. Why that survives a crash, a
 * refusal or a dead party at any point:
 *
 *  1. Only the store decides what is wanted, and it changes in one instant,
 *     the commit. Before it the store is at revision N, after it at N+1, and
 *     nothing in between is ever seen: a daemon that dies with the transaction
 *     open leaves N.
 *  2. The backend's part is one transaction, too: it holds N or N+1.
 *  3. So after a crash the two are at (N, N), (N, N+1) or (N+1, N+1); the
 *     store is never ahead, since its commit comes after the backend's. In
 *     the middle case whoever asked has had no answer, or a failure.
 *  4. Whoever opens the two next (a start, or reconcile after a failure)
 *     plans what the store wants against what the backend says it holds and
 *     applies the difference, in all three cases. It trusts the dump, not the
 *     revisions; these only say whether the two are in step.
 *  5. A failure that we live to see is treated alike: when the backend
 *     refuses, nothing was done, and the store is rolled back; when it went
 *     away its end is unknown, and when the commit fails the backend is one
 *     ahead: the store is rolled back and the backend reconciled with it, now
 *     or, if that fails, by the loop, until it is in step.
 *  6. In memory the new set takes the old one's place last and without
 *     allocating, so that there is no failure after the commit.
 */
#include "service/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "json/json.h"
#include "service/reconcile.h"
#include "service/state.h"

struct change {
	struct service *s;
	struct refusal *r;
	bool dry_run;

	const struct source *sources;
	size_t n_sources;
	struct topologies fresh; /* owned until it is installed */
	size_t *source_of; /* parallel to fresh */
	bool *differs; /* parallel to fresh: not what is stored */
	bool any_differs;

	const char *const *gone; /* names to remove */
	size_t n_gone;

	struct wanted next; /* its topologies are borrowed until installed */
	struct objects have;
	struct plan plan;
};

static void change_fini(struct change *c)
{
	topologies_fini(&c->fresh);
	free(c->source_of);
	free(c->differs);
	free(c->next.set.list);
	free(c->next.stamps);
	objects_fini(&c->next.objects);
	objects_fini(&c->have);
	plan_fini(&c->plan);
}

#define _cleanup_change_ _cleanup_(change_fini)

static enum outcome no_memory(struct change *c)
{
	return refuse(c->r, OUTCOME_UNAVAILABLE, "no memory");
}

/* One sentence over findings. */
static enum outcome refuse_findings(struct change *c, enum outcome o,
				    const char *what)
{
	size_t n = c->r->diags.count + c->r->diags.dropped;

	return refuse(c->r, o, "%s: %zu %s", what, n,
		      n == 1 ? "finding" : "findings");
}

static int note_source(struct change *c, size_t source, size_t before)
{
	size_t *grown;

	if (c->fresh.count == before)
		return 0;
	grown = reallocarray(c->source_of, c->fresh.count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->source_of = grown;
	for (size_t i = before; i < c->fresh.count; i++)
		grown[i] = source;
	return 0;
}

/* All findings of all sources, not only of the first that has some. */
static enum outcome parse_sources(struct change *c)
{
	for (size_t i = 0; i < c->n_sources; i++) {
		const struct source *from = &c->sources[i];
		size_t before = c->fresh.count;
		int err;

		if (from->len > TOPOLOGY_INPUT_MAX)
			return refuse(c->r, OUTCOME_TOO_BIG,
				      "%s is larger than %d MiB",
				      from->name ? from->name : "the source",
				      TOPOLOGY_INPUT_MAX >> 20);
		err = topologies_parse(&c->fresh, from->text, from->len,
				       from->name, &c->r->diags);
		if (err == -ENOMEM || note_source(c, i, before))
			return no_memory(c);
	}
	if (diags_any(&c->r->diags))
		return refuse_findings(c, OUTCOME_INVALID, "invalid topology");
	return OUTCOME_DONE;
}

static void find_at_name(struct change *c, const struct topology *t,
			 const char *message)
{
	diag_add(&c->r->diags, t->file, t->at.line, t->at.column,
		 "metadata.name", NULL, "%s", message);
}

static enum outcome check_names(struct change *c, const char *only)
{
	for (size_t i = 0; i < c->fresh.count; i++) {
		const struct topology *t = &c->fresh.list[i];

		if (state_find(&c->fresh, t->name) != (ssize_t)i)
			find_at_name(c, t,
				     "this request has a topology of that name "
				     "already");
		if (only && strcmp(only, t->name) != 0)
			find_at_name(c, t,
				     "not the name that the request is about");
	}
	if (diags_any(&c->r->diags))
		return refuse_findings(c, OUTCOME_INVALID, "invalid topology");
	if (only && c->fresh.count != 1)
		return refuse(c->r, OUTCOME_INVALID,
			      "one document was expected");
	return OUTCOME_DONE;
}

static bool is_gone(const struct change *c, const char *name)
{
	for (size_t i = 0; i < c->n_gone; i++)
		if (strcmp(c->gone[i], name) == 0)
			return true;
	return false;
}

/* Whether a stored topology stays as it is. */
static bool stays(const struct change *c, const struct topology *t)
{
	return state_find(&c->fresh, t->name) < 0 && !is_gone(c, t->name);
}

static void add_next(struct change *c, const struct topology *t,
		     const struct stamp *stamp)
{
	c->next.stamps[c->next.set.count] = *stamp;
	c->next.set.list[c->next.set.count++] = *t;
}

static void compare_with_stored(struct change *c, size_t i)
{
	const struct wanted *old = &c->s->wanted;
	const struct topology *t = &c->fresh.list[i];
	ssize_t was = state_find(&old->set, t->name);
	struct stamp stamp = {c->s->revision + 1, (int64_t)time(NULL)};

	c->differs[i] = was < 0 ||
			!json_equal(old->set.list[was].document, t->document);
	c->any_differs |= c->differs[i];
	add_next(c, t, c->differs[i] ? &stamp : &old->stamps[was]);
}

/* What stays comes first, so that the second to declare a name is the new. */
static enum outcome make_next(struct change *c)
{
	const struct wanted *old = &c->s->wanted;

	c->differs = calloc(c->fresh.count + 1, sizeof(*c->differs));
	if (!c->differs ||
	    state_shell(&c->next, old->set.count + c->fresh.count))
		return no_memory(c);
	for (size_t i = 0; i < old->set.count; i++)
		if (stays(c, &old->set.list[i]))
			add_next(c, &old->set.list[i], &old->stamps[i]);
	for (size_t i = 0; i < c->fresh.count; i++)
		compare_with_stored(c, i);
	c->any_differs |= c->n_gone > 0;
	if (topologies_check(&c->next.set, &c->r->diags))
		return refuse_findings(c, OUTCOME_CONFLICT,
				       "conflict with another topology");
	return state_gather(&c->next.objects, &c->next.set) ? no_memory(c)
							    : OUTCOME_DONE;
}

/* By name, as the API lists them. */
static void sort_next(struct wanted *w)
{
	for (size_t i = 1; i < w->set.count; i++) {
		for (size_t j = i; j > 0; j--) {
			struct topology *a = &w->set.list[j - 1], *b = a + 1, t;
			struct stamp *x = &w->stamps[j - 1], *y = x + 1, z;

			if (strcmp(a->name, b->name) <= 0)
				break;
			t = *a;
			*a = *b;
			*b = t;
			z = *x;
			*x = *y;
			*y = z;
		}
	}
}

static uint32_t feature_of(enum ptn_port_kind kind)
{
	switch (kind) {
	case PTN_PORT_HOST:
		return PTN_FEATURE_PORT;
	case PTN_PORT_VM:
		return PTN_FEATURE_VM;
	case PTN_PORT_NIC:
		return PTN_FEATURE_NIC;
	}
	return 0;
}

/* A finding at an object's declaration. */
static void find_at(struct change *c, const struct topology *t,
		    enum object_kind kind, const char *name,
		    const char *message)
{
	const struct declared *d = topology_declared(t, kind, name);

	diag_add(&c->r->diags, t->file, d ? d->at.line : 0,
		 d ? d->at.column : 0, d ? d->path : NULL, NULL, "%s", message);
}

static void check_features_of(struct change *c, const struct topology *t,
			      uint32_t features)
{
	const char *backend = c->s->config.ops->name;
	static const char *const words[] = {
		[PTN_PORT_HOST] = "ports for host programs",
		[PTN_PORT_VM] = "interfaces of virtual machines",
		[PTN_PORT_NIC] = "network devices of the host",
	};
	char text[160];

	for (size_t i = 0; i < t->objects.n_ports; i++) {
		const struct port_spec *p = &t->objects.ports[i];

		if (features & feature_of(p->kind))
			continue;
		snprintf(text, sizeof(text), "backend %s cannot do %s yet: %s",
			 backend, words[p->kind], p->name);
		find_at(c, t, OBJECT_PORT, p->name, text);
		if (!c->r->detail[0])
			refuse(c->r, OUTCOME_UNSUPPORTED, "%s", text);
	}
	if (t->objects.n_switches && !(features & PTN_FEATURE_SWITCH))
		find_at(c, t, OBJECT_SWITCH, t->objects.switches[0].name,
			"the backend cannot do switches");
	if (t->objects.n_pipes && !(features & PTN_FEATURE_PIPE))
		find_at(c, t, OBJECT_PIPE, t->objects.pipes[0].name,
			"the backend cannot do pipes");
}

static enum outcome check_features(struct change *c)
{
	struct service *s = c->s;
	struct backend_error error = {0};
	struct backend_info info;
	int err = s->config.ops->info(s->backend, &info, &error);

	if (err)
		return backend_outcome(s, err, &error, c->r);
	c->r->detail[0] = 0;
	for (size_t i = 0; i < c->fresh.count; i++)
		check_features_of(c, &c->fresh.list[i], info.features);
	if (!diags_any(&c->r->diags))
		return OUTCOME_DONE;
	if (!c->r->detail[0])
		refuse_findings(c, OUTCOME_UNSUPPORTED, "not supported");
	return OUTCOME_UNSUPPORTED;
}

/* What other programs made is not ours to take. */
static bool is_foreign(const struct objects *have, const struct declared *d)
{
	const struct switch_spec *sw;
	const struct pipe_spec *pipe;
	const struct port_spec *port;

	switch (d->kind) {
	case OBJECT_SWITCH:
		sw = objects_find_switch(have, d->name);
		return sw && !sw->owner[0];
	case OBJECT_PIPE:
		pipe = objects_find_pipe(have, d->name);
		return pipe && !pipe->owner[0];
	case OBJECT_PORT:
		port = objects_find_port(have, d->name);
		return port && !port->owner[0];
	}
	return false;
}

static enum outcome check_foreign(struct change *c)
{
	for (size_t i = 0; i < c->fresh.count; i++) {
		const struct topology *t = &c->fresh.list[i];

		for (size_t j = 0; j < t->n_declared; j++)
			if (is_foreign(&c->have, &t->declared[j]))
				find_at(c, t, t->declared[j].kind,
					t->declared[j].name,
					"another program has made an object of "
					"that name on this host");
	}
	if (diags_any(&c->r->diags))
		return refuse_findings(c, OUTCOME_CONFLICT,
				       "conflict with other programs' objects");
	return OUTCOME_DONE;
}

static enum outcome make_plan(struct change *c)
{
	enum outcome o = reconcile_dump(c->s, &c->have, c->r);

	if (o == OUTCOME_DONE)
		o = check_features(c);
	if (o == OUTCOME_DONE)
		o = check_foreign(c);
	if (o != OUTCOME_DONE)
		return o;
	state_mark_later(&c->next.objects, &c->s->wanted.objects);
	if (plan_make(&c->plan, &c->next.objects, &c->have))
		o = no_memory(c);
	return o;
}

static int write_topology(struct change *c, size_t i, int64_t source,
			  struct store_error *error)
{
	const struct topology *t = &c->fresh.list[i];
	_cleanup_free_ char *document = json_write(t->document);

	if (!document)
		return -ENOMEM;
	return store_put(c->s->store, t->name, document, source,
			 (int64_t)time(NULL), error);
}

/* Topologies of one source stand together in fresh. */
static int write_fresh(struct change *c, struct store_error *error)
{
	size_t last = SIZE_MAX;
	int64_t id = 0;
	int err = 0;

	for (size_t i = 0; i < c->fresh.count && !err; i++) {
		const struct source *from = &c->sources[c->source_of[i]];

		if (!c->differs[i])
			continue;
		if (c->source_of[i] != last)
			err = store_put_source(c->s->store, from->name,
					       from->text, from->len, &id,
					       error);
		last = c->source_of[i];
		if (!err)
			err = write_topology(c, i, id, error);
	}
	return err;
}

/* Begin the store's transaction and write; it stays open. */
static enum outcome write_store(struct change *c, uint64_t *revision)
{
	struct store *store = c->s->store;
	struct store_error error = {0};
	int err = store_begin(store, revision, &error);

	if (err)
		return store_outcome(err, &error, c->r);
	err = write_fresh(c, &error);
	for (size_t i = 0; i < c->n_gone && !err; i++)
		err = store_delete(store, c->gone[i], &error);
	if (!err)
		err = store_flush(store, &error);
	if (err)
		store_rollback(store);
	return store_outcome(err, &error, c->r);
}

/* Say where the object that the backend could not do is declared. */
static void point_at(struct change *c, const struct backend_error *e)
{
	static const enum object_kind kinds[] = {OBJECT_PORT, OBJECT_SWITCH,
						 OBJECT_PIPE};

	for (size_t i = 0; e->object[0] && i < c->fresh.count; i++) {
		const struct topology *t = &c->fresh.list[i];

		for (int k = 0; k < 3; k++)
			if (topology_declared(t, kinds[k], e->object)) {
				find_at(c, t, kinds[k], e->object, e->message);
				return;
			}
	}
}

/* Whatever it had done, its successor gets what is stored. */
static void say_nothing_changed(struct refusal *r)
{
	size_t len = strlen(r->detail);

	snprintf(r->detail + len, sizeof(r->detail) - len,
		 "; all is put back as it was: try again");
}

static enum outcome apply_backend(struct change *c, uint64_t revision)
{
	struct service *s = c->s;
	struct backend_error error = {0};
	int err = s->config.ops->apply(s->backend, &c->plan, revision, &error);
	enum outcome o = backend_outcome(s, err, &error, c->r);

	if (!err)
		return OUTCOME_DONE;
	store_rollback(s->store);
	if (backend_gone(err)) {
		reconcile_lost(s, c->r->detail);
		say_nothing_changed(c->r);
	} else
		point_at(c, &error);
	return o;
}

/* The backend is one ahead when this fails: put it back. */
static enum outcome commit(struct change *c)
{
	struct service *s = c->s;
	struct store_error error = {0};
	struct refusal ignored = {0};
	int err = store_commit(s->store, &error);

	if (!err)
		return OUTCOME_DONE;
	log_err("%s; putting the backend back to revision %llu", error.message,
		(unsigned long long)s->revision);
	if (reconcile_now(s, &ignored) != OUTCOME_DONE)
		log_err("%s; will try again", ignored.detail);
	refusal_fini(&ignored);
	return store_outcome(err, &error, c->r);
}

/* The new set takes the old one's place. Cannot fail. */
static void install(struct change *c, uint64_t revision)
{
	struct wanted *old = &c->s->wanted;
	size_t dropped = 0;

	for (size_t i = 0; i < old->set.count; i++)
		if (!stays(c, &old->set.list[i]))
			old->set.list[dropped++] = old->set.list[i];
	old->set.count = dropped;
	wanted_fini(old);
	free(c->fresh.list); /* what was in it has moved */
	c->fresh = (struct topologies){0};
	sort_next(&c->next);
	for (size_t i = 0; i < c->next.set.count; i++)
		if (c->next.stamps[i].revision > c->s->revision)
			c->next.stamps[i].revision = revision;
	*old = c->next;
	c->next = (struct wanted){0};
	c->s->revision = revision;
}

static enum outcome do_change(struct change *c)
{
	uint64_t revision = c->s->revision;
	enum outcome o;

	if (c->any_differs) {
		o = write_store(c, &revision);
		if (o != OUTCOME_DONE)
			return o;
	}
	o = apply_backend(c, revision);
	if (o == OUTCOME_DONE && c->any_differs)
		o = commit(c);
	if (o != OUTCOME_DONE)
		return o;
	reconcile_in_step(c->s);
	log_info("revision %llu: %zu created, %zu changed, %zu replaced, "
		 "%zu deleted",
		 (unsigned long long)revision, c->plan.creates, c->plan.changes,
		 c->plan.replaces, c->plan.deletes);
	if (c->any_differs)
		install(c, revision);
	return OUTCOME_DONE;
}

static const char *kind_name(enum object_kind kind)
{
	switch (kind) {
	case OBJECT_SWITCH:
		return "switch";
	case OBJECT_PIPE:
		return "pipe";
	case OBJECT_PORT:
		return "port";
	}
	return "unknown";
}

/* All specs begin with name and owner. */
struct named {
	object_name name, owner;
};

static json_t *step_to_json(const struct plan_step *s)
{
	const struct named *about = s->want ? s->want : s->have;

	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "action",
			 plan_action_name(s->action), "kind",
			 kind_name(s->kind), "name", about->name, "topology",
			 about->owner, "why", s->why);
}

/* Made before anything is done, so that there is always an answer. */
static json_t *make_result(const struct change *c)
{
	const struct plan *p = &c->plan;
	bool changed = c->any_differs || p->count;
	_cleanup_json_ json_t *steps = json_array();

	for (size_t i = 0; i < p->count; i++)
		if (json_array_append_new(steps, step_to_json(&p->steps[i])))
			return NULL;
	return json_pack("{s:I, s:b, s:O, s:{s:I, s:I, s:I, s:I}}", "revision",
			 (json_int_t)c->s->revision, "changed", changed,
			 "steps", steps, "summary", "create",
			 (json_int_t)p->creates, "change",
			 (json_int_t)p->changes, "replace",
			 (json_int_t)p->replaces, "delete",
			 (json_int_t)p->deletes);
}

/* From the sets to the answer, for what comes and what goes alike. */
static enum outcome finish(struct change *c, json_t **out)
{
	_cleanup_json_ json_t *result = NULL;
	json_t *revision;
	enum outcome o = make_next(c);

	if (o == OUTCOME_DONE)
		o = make_plan(c);
	if (o != OUTCOME_DONE)
		return o;
	result = make_result(c);
	if (!result)
		return no_memory(c);
	if (!c->dry_run &&
	    (c->any_differs || c->plan.count || c->s->out_of_step))
		o = do_change(c);
	if (o != OUTCOME_DONE)
		return o;
	revision = json_object_get(result, "revision");
	json_integer_set(revision, (json_int_t)c->s->revision);
	*out = steal_ptr(&result);
	return OUTCOME_DONE;
}

enum outcome change_apply(struct service *s, const struct source *sources,
			  size_t count, const char *only, bool dry_run,
			  json_t **result, struct refusal *r)
{
	_cleanup_change_ struct change c = {
		.s = s,
		.r = r,
		.dry_run = dry_run,
		.sources = sources,
		.n_sources = count,
	};
	enum outcome o = parse_sources(&c);

	if (o == OUTCOME_DONE)
		o = check_names(&c, only);
	return o == OUTCOME_DONE ? finish(&c, result) : o;
}

enum outcome change_delete(struct service *s, const char *const *names,
			   size_t count, bool dry_run, json_t **result,
			   struct refusal *r)
{
	_cleanup_change_ struct change c = {
		.s = s,
		.r = r,
		.dry_run = dry_run,
		.gone = names,
		.n_gone = count,
	};

	for (size_t i = 0; i < count; i++) {
		if (state_find(&s->wanted.set, names[i]) < 0)
			return refuse(r, OUTCOME_NOT_FOUND,
				      "there is no topology %s", names[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0)
				return refuse(r, OUTCOME_INVALID,
					      "topology %s is named twice",
					      names[i]);
	}
	return finish(&c, result);
}
