/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wanted, in memory: the store's topologies, parsed once. Called by
 * the other files of the service.
 */
#include "service/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void refusal_fini(struct refusal *r)
{
	diags_fini(&r->diags);
	r->detail[0] = 0;
}

enum outcome refuse(struct refusal *r, enum outcome outcome, const char *format,
		    ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->detail, sizeof(r->detail), format, args);
	va_end(args);
	return outcome;
}

enum outcome store_outcome(int err, const struct store_error *error,
			   struct refusal *r)
{
	switch (err) {
	case 0:
		return OUTCOME_DONE;
	case -ENOENT:
		return refuse(r, OUTCOME_NOT_FOUND, "%s", error->message);
	case -ENOSPC:
		return refuse(r, OUTCOME_FULL, "%s", error->message);
	case -EFBIG:
		return refuse(r, OUTCOME_TOO_BIG, "%s", error->message);
	case -ENOMEM:
		return refuse(r, OUTCOME_UNAVAILABLE, "no memory");
	}
	return refuse(r, OUTCOME_UNAVAILABLE, "%s", error->message);
}

bool backend_gone(int err)
{
	return err == -ECONNRESET || err == -ECONNREFUSED || err == -EPIPE ||
	       err == -ENOTCONN || err == -ETIMEDOUT;
}

enum outcome backend_outcome(const struct service *s, int err,
			     const struct backend_error *error,
			     struct refusal *r)
{
	enum outcome o = OUTCOME_FAILED;

	if (!err)
		return OUTCOME_DONE;
	if (err == -EOPNOTSUPP)
		o = OUTCOME_UNSUPPORTED;
	else if (err == -EEXIST || err == -EBUSY)
		o = OUTCOME_CONFLICT;
	else if (err == -ENOENT)
		o = OUTCOME_NOT_FOUND;
	else if (err == -EINVAL)
		o = OUTCOME_INVALID;
	else if (backend_gone(err) || err == -ENOMEM || err == -ENOSPC ||
		 err == -EMFILE || err == -ENFILE || err == -EAGAIN)
		o = OUTCOME_UNAVAILABLE;
	return refuse(r, o, "backend %s: %s", s->config.ops->name,
		      error->message[0] ? error->message : strerror(-err));
}

ssize_t state_find(const struct topologies *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->list[i].name, name) == 0)
			return (ssize_t)i;
	return -1;
}

static int gather_one(struct objects *out, const struct objects *from)
{
	int err = 0;

	for (size_t i = 0; i < from->n_switches && !err; i++)
		err = objects_add_switch(out, &from->switches[i], NULL);
	for (size_t i = 0; i < from->n_pipes && !err; i++)
		err = objects_add_pipe(out, &from->pipes[i], NULL);
	for (size_t i = 0; i < from->n_ports && !err; i++)
		err = objects_add_port(out, &from->ports[i], NULL);
	return err;
}

int state_gather(struct objects *out, const struct topologies *set)
{
	int err = 0;

	*out = (struct objects){0};
	for (size_t i = 0; i < set->count && !err; i++)
		err = gather_one(out, &set->list[i].objects);
	if (err)
		objects_fini(out);
	objects_sort(out);
	return err;
}

/* The same port, of whichever topology. */
static bool is_known(const struct port_spec *p, const struct objects *known)
{
	const struct port_spec *old = objects_find_port(known, p->name);
	struct port_spec same = *p;

	if (!old)
		return false;
	memcpy(same.owner, old->owner, sizeof(same.owner));
	return port_spec_equal(&same, old);
}

void state_mark_later(struct objects *of, const struct objects *known)
{
	for (size_t i = 0; i < of->n_ports; i++) {
		struct port_spec *p = &of->ports[i];

		p->nic_later = p->device[0] && is_known(p, known);
	}
}

int state_shell(struct wanted *w, size_t count)
{
	*w = (struct wanted){0};
	w->set.list = calloc(count + 1, sizeof(*w->set.list));
	w->stamps = calloc(count + 1, sizeof(*w->stamps));
	return w->set.list && w->stamps ? 0 : -ENOMEM;
}

void wanted_fini(struct wanted *w)
{
	topologies_fini(&w->set);
	objects_fini(&w->objects);
	free(w->stamps);
	*w = (struct wanted){0};
}

struct loader {
	struct wanted *wanted;
	struct refusal *refusal;
	size_t room;
};

static int grow(struct loader *l)
{
	size_t room = l->room ? 2 * l->room : 16;
	struct stamp *grown =
		reallocarray(l->wanted->stamps, room, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->wanted->stamps = grown;
	l->room = room;
	return 0;
}

/* The document was written by us: its places mean nothing to people. */
static void forget_places(struct topology *t)
{
	t->at = (struct position){0};
	for (size_t i = 0; i < t->n_declared; i++)
		t->declared[i].at = (struct position){0};
}

static int load_one(void *context, const struct stored_topology *t)
{
	struct loader *l = context;
	struct topologies *set = &l->wanted->set;
	size_t before = set->count;
	int err;

	if (before == l->room && grow(l))
		return -ENOMEM;
	err = topologies_parse(set, t->document, strlen(t->document), t->file,
			       &l->refusal->diags);
	if (!err && (set->count != before + 1 ||
		     strcmp(set->list[before].name, t->name) != 0))
		err = -EINVAL;
	if (err == -EINVAL)
		refuse(l->refusal, OUTCOME_INVALID,
		       "the stored topology %s cannot be understood by this "
		       "version",
		       t->name);
	if (err)
		return err;
	forget_places(&set->list[before]);
	l->wanted->stamps[before] = (struct stamp){t->revision, t->applied};
	return 0;
}

enum outcome state_load(struct service *s, struct refusal *r)
{
	struct loader l = {.wanted = &s->wanted, .refusal = r};
	struct store_error error = {0};
	int err = store_revision(s->store, &s->revision, &error);

	if (!err)
		err = store_list(s->store, load_one, &l, &error);
	if (err == -EINVAL && r->detail[0])
		return OUTCOME_INVALID;
	if (!err)
		err = state_gather(&s->wanted.objects, &s->wanted.set);
	return store_outcome(err, &error, r);
}
