/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The planner. Knows which differences can be changed in place; must not do
 * I/O, look at a clock or keep state. Called by the service.
 *
 * Both sets are sorted by name, so each kind is one merge of two arrays.
 */
#include "plan/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"

/* What all specs begin with. */
struct head {
	object_name name, owner;
};

_Static_assert(offsetof(struct switch_spec, owner) == sizeof(object_name) &&
		       offsetof(struct pipe_spec, owner) ==
			       sizeof(object_name) &&
		       offsetof(struct port_spec, owner) == sizeof(object_name),
	       "specs begin with name and owner");

struct difference {
	bool replace, change;
	char why[128];
};

/* A plan in the making, and what its differences depend on. */
struct planner {
	struct plan *plan;
	const struct objects *want, *have;
	size_t size; /* of plan->steps */
	size_t coming; /* first step that is not a deletion */
};

struct kind {
	enum object_kind kind;
	size_t size;
	void (*compare)(const struct planner *p, const void *want,
			const void *have, struct difference *d);
};

/* The first reason is told; replacing is told rather than changing. */
__attribute__((format(printf, 3, 4))) static void
differs(struct difference *d, bool replace, const char *format, ...)
{
	va_list args;

	if (!d->why[0] || (replace && !d->replace)) {
		va_start(args, format);
		vsnprintf(d->why, sizeof(d->why), format, args);
		va_end(args);
	}
	d->replace |= replace;
	d->change |= !replace;
}

static void differs_number(struct difference *d, const char *what, uint32_t old,
			   uint32_t new)
{
	if (old != new)
		differs(d, true, "%s %u -> %u", what, old, new);
}

static void differs_text(struct difference *d, const char *what,
			 const char *old, const char *new)
{
	if (strcmp(old, new) != 0)
		differs(d, true, "%s %s -> %s", what, old[0] ? old : "none",
			new[0] ? new : "none");
}

static void differs_bool(struct difference *d, const char *what, bool old,
			 bool new)
{
	if (old != new)
		differs(d, true, "%s %s -> %s", what, old ? "true" : "false",
			new ? "true" : "false");
}

static void differs_owner(struct difference *d, bool replace,
			  const struct head *want, const struct head *have)
{
	if (strcmp(want->owner, have->owner) != 0)
		differs(d, replace, "topology %s -> %s", have->owner,
			want->owner);
}

static bool same_statics(const struct switch_spec *a,
			 const struct switch_spec *b)
{
	if (a->n_statics != b->n_statics)
		return false;
	for (size_t i = 0; i < a->n_statics; i++) {
		const struct static_mac *x = &a->statics[i];
		const struct static_mac *y = &b->statics[i];

		if (memcmp(x->mac, y->mac, sizeof(x->mac)) != 0 ||
		    strcmp(x->port, y->port) != 0)
			return false;
	}
	return true;
}

static void compare_switch(const struct planner *p, const void *want,
			   const void *have, struct difference *d)
{
	const struct switch_spec *w = want, *h = have;

	(void)p;
	differs_number(d, "macTable", h->fdb_size, w->fdb_size);
	if (w->ageing_ms != h->ageing_ms)
		differs(d, false, "macAgeing %ums -> %ums", h->ageing_ms,
			w->ageing_ms);
	if (!same_statics(w, h))
		differs(d, false, "staticMacs differ");
	differs_owner(d, false, want, have);
}

/* A pipe has nothing that can be changed under its ends. */
static void compare_pipe(const struct planner *p, const void *want,
			 const void *have, struct difference *d)
{
	const struct pipe_spec *w = want, *h = have;

	(void)p;
	differs_text(d, "domain", h->domain, w->domain);
	differs_owner(d, true, want, have);
}

static void compare_mac(const struct port_spec *w, const struct port_spec *h,
			struct difference *d)
{
	char old[MAC_TEXT] = "none", new[MAC_TEXT] = "none";

	/* nearly always: do not print a thousand addresses to see it */
	if (w->has_mac == h->has_mac &&
	    (!w->has_mac || !memcmp(w->mac, h->mac, sizeof(w->mac))))
		return;
	if (h->has_mac)
		mac_format(old, h->mac);
	if (w->has_mac)
		mac_format(new, w->mac);
	differs_text(d, "mac", old, new);
}

/*
 * Whether a step made so far replaces @name. Ports come last, so what is
 * looked through is the switches and pipes of this plan.
 */
static bool is_replaced(const struct planner *p, enum object_kind kind,
			const char *name)
{
	for (size_t i = p->coming; i < p->plan->count; i++) {
		const struct plan_step *s = &p->plan->steps[i];
		const struct head *want = s->want;

		if (s->kind == OBJECT_PORT)
			break;
		if (s->action == PLAN_REPLACE && s->kind == kind &&
		    strcmp(want->name, name) == 0)
			return true;
	}
	return false;
}

/* What a port hangs on cannot be made anew under it. */
static void compare_place(const struct planner *p, const struct port_spec *w,
			  const struct port_spec *h, struct difference *d)
{
	differs_text(d, "switch", h->on_switch, w->on_switch);
	differs_text(d, "pipe", h->on_pipe, w->on_pipe);
	differs_text(d, "device", h->device, w->device);
	if (w->end != h->end)
		differs(d, true, "end %c -> %c", 'a' + !!h->end,
			'a' + !!w->end);
	differs_text(d, "domain", h->domain, w->domain);
	if (d->replace)
		return;
	if (w->on_switch[0] && is_replaced(p, OBJECT_SWITCH, w->on_switch))
		differs(d, true, "switch %s is replaced", w->on_switch);
	if (w->on_pipe[0] && is_replaced(p, OBJECT_PIPE, w->on_pipe))
		differs(d, true, "pipe %s is replaced", w->on_pipe);
}

/* Of a device that went, and of whose name there is another one. */
static bool is_stale(const struct planner *p, const struct port_spec *h)
{
	const struct port_status *all = p->have->port_status;

	return all && all[h - p->have->ports].state == PTN_PORT_STALE;
}

static void compare_port(const struct planner *p, const void *want,
			 const void *have, struct difference *d)
{
	const struct port_spec *w = want, *h = have;

	if (w->kind != h->kind)
		differs(d, true, "another kind of port");
	if (is_stale(p, h))
		differs(d, true, "device %s is there again", w->device);
	compare_place(p, w, h, d);
	differs_bool(d, "hostStack", h->host_stack, w->host_stack);
	compare_mac(w, h, d);
	differs_number(d, "queues", h->queues, w->queues);
	differs_number(d, "slots", h->slots, w->slots);
	differs_number(d, "bufferSize", h->buf_size, w->buf_size);
	differs_number(d, "extraBuffers", h->extra_bufs, w->extra_bufs);
	differs_bool(d, "hugePages", h->huge_pages, w->huge_pages);
	differs_bool(d, "offload", h->offload, w->offload);
	differs_owner(d, false, want, have);
}

static struct plan_step *new_step(struct planner *p, enum plan_action action,
				  enum object_kind kind)
{
	struct plan *plan = p->plan;
	struct plan_step *grown;
	size_t size;

	if (plan->count == p->size) {
		size = p->size ? 2 * p->size : 16;
		grown = reallocarray(plan->steps, size, sizeof(*grown));
		if (!grown)
			return NULL;
		plan->steps = grown;
		p->size = size;
	}
	plan->creates += action == PLAN_CREATE;
	plan->changes += action == PLAN_CHANGE;
	plan->replaces += action == PLAN_REPLACE;
	plan->deletes += action == PLAN_DELETE;
	grown = &plan->steps[plan->count++];
	*grown = (struct plan_step){.action = action, .kind = kind};
	return grown;
}

static int plan_both(struct planner *p, const struct kind *k, const void *want,
		     const void *have)
{
	struct difference d = {0};
	struct plan_step *s;

	k->compare(p, want, have, &d);
	if (!d.replace && !d.change)
		return 0;
	s = new_step(p, d.replace ? PLAN_REPLACE : PLAN_CHANGE, k->kind);
	if (!s)
		return -ENOMEM;
	s->want = want;
	s->have = have;
	memcpy(s->why, d.why, sizeof(s->why));
	return 0;
}

static int plan_create(struct planner *p, const struct kind *k,
		       const void *want)
{
	struct plan_step *s = new_step(p, PLAN_CREATE, k->kind);

	if (!s)
		return -ENOMEM;
	s->want = want;
	snprintf(s->why, sizeof(s->why), "declared, not there yet");
	return 0;
}

static int plan_delete(struct planner *p, const struct kind *k,
		       const void *have)
{
	struct plan_step *s = new_step(p, PLAN_DELETE, k->kind);

	if (!s)
		return -ENOMEM;
	s->have = have;
	snprintf(s->why, sizeof(s->why), "not declared any more");
	return 0;
}

static int order(const struct head *w, const struct head *h)
{
	if (!w)
		return 1;
	return h ? strcmp(w->name, h->name) : -1;
}

/*
 * One merge of a kind's two arrays: @deleting picks what is to go, else what
 * is to come. Two passes, since deletions of all kinds stand before.
 */
static int merge(struct planner *p, const struct kind *k, bool deleting,
		 const char *want, size_t n_want, const char *have,
		 size_t n_have)
{
	size_t i = 0, j = 0;
	int err = 0;

	while (!err && (i < n_want || j < n_have)) {
		const struct head *w = i < n_want ? (void *)(want + i * k->size)
						  : NULL;
		const struct head *h = j < n_have ? (void *)(have + j * k->size)
						  : NULL;
		int c = order(w, h);
		/* made by hand: not ours to touch */
		bool foreign = h && !h->owner[0];

		if (c < 0 && !deleting)
			err = plan_create(p, k, w);
		else if (c > 0 && deleting && !foreign)
			err = plan_delete(p, k, h);
		else if (c == 0 && !deleting)
			err = foreign ? plan_create(p, k, w)
				      : plan_both(p, k, w, h);
		i += c <= 0;
		j += c >= 0;
	}
	return err;
}

static const struct kind kinds[] = {
	[OBJECT_SWITCH] = {OBJECT_SWITCH, sizeof(struct switch_spec),
			   compare_switch},
	[OBJECT_PIPE] = {OBJECT_PIPE, sizeof(struct pipe_spec), compare_pipe},
	[OBJECT_PORT] = {OBJECT_PORT, sizeof(struct port_spec), compare_port},
};

static int merge_kind(struct planner *p, enum object_kind kind, bool deleting,
		      const struct objects *have)
{
	const struct objects *want = p->want;
	const struct kind *k = &kinds[kind];

	switch (kind) {
	case OBJECT_SWITCH:
		return merge(p, k, deleting, (void *)want->switches,
			     want->n_switches, (void *)have->switches,
			     have->n_switches);
	case OBJECT_PIPE:
		return merge(p, k, deleting, (void *)want->pipes, want->n_pipes,
			     (void *)have->pipes, have->n_pipes);
	case OBJECT_PORT:
		return merge(p, k, deleting, (void *)want->ports, want->n_ports,
			     (void *)have->ports, have->n_ports);
	}
	return -EINVAL;
}

int plan_make(struct plan *out, const struct objects *want,
	      const struct objects *have)
{
	static const struct {
		enum object_kind kind;
		bool deleting;
	} passes[] = {
		{OBJECT_PORT, true},   {OBJECT_PIPE, true},
		{OBJECT_SWITCH, true}, {OBJECT_SWITCH, false},
		{OBJECT_PIPE, false},  {OBJECT_PORT, false},
	};
	struct planner p = {.plan = out, .want = want, .have = have};
	int err = 0;

	*out = (struct plan){0};
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]) && !err;
	     i++) {
		err = merge_kind(&p, passes[i].kind, passes[i].deleting, have);
		if (passes[i].deleting)
			p.coming = out->count;
	}
	if (err)
		plan_fini(out);
	return err;
}

void plan_fini(struct plan *p)
{
	free(p->steps);
	*p = (struct plan){0};
}

const char *plan_action_name(enum plan_action a)
{
	static const char *const names[] = {
		[PLAN_CREATE] = "create",
		[PLAN_CHANGE] = "change",
		[PLAN_REPLACE] = "replace",
		[PLAN_DELETE] = "delete",
	};

	return names[a];
}
