/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door: text becomes topologies, or findings. The steps are in rooms of
 * their own: yaml.c reads, shape.c checks each mapping, flat.c makes objects,
 * refer.c checks how they refer to each other.
 */
#include "model/topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "json/json.h"
#include "model/fields.h"
#include "model/flat.h"
#include "model/refer.h"
#include "model/yaml.h"

#define MODELINE "# yaml-language-server: $schema=" TOPOLOGY_SCHEMA "\n"

_Static_assert((int)TOPOLOGY_INPUT_MAX == (int)YAML_INPUT_MAX, "one limit");
_Static_assert((int)TOPOLOGY_DEPTH_MAX == (int)YAML_DEPTH_MAX, "one limit");

static void topology_fini(struct topology *t)
{
	free(t->file);
	json_decref(t->document);
	objects_fini(&t->objects);
	free(t->declared);
	*t = (struct topology){0};
}

void topologies_fini(struct topologies *set)
{
	for (size_t i = 0; i < set->count; i++)
		topology_fini(&set->list[i]);
	free(set->list);
	*set = (struct topologies){0};
}

/* Takes @t over, also when it fails. */
static int append(struct topologies *set, struct topology *t)
{
	struct topology *list =
		reallocarray(set->list, set->count + 1, sizeof(*list));

	if (!list) {
		topology_fini(t);
		return -ENOMEM;
	}
	set->list = list;
	set->list[set->count++] = *t;
	return 0;
}

static int append_all(struct topologies *set, struct topologies *more)
{
	struct topology *list;

	if (!more->count)
		return 0;
	list = reallocarray(set->list, set->count + more->count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	memcpy(list + set->count, more->list, more->count * sizeof(*list));
	set->list = list;
	set->count += more->count;
	more->count = 0;
	return 0;
}

static int compare_declared(const void *a, const void *b)
{
	const struct declared *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void declare(struct topology *t, enum object_kind kind, const char *name,
		    const struct flat_place *place)
{
	struct declared *d = &t->declared[t->n_declared++];
	const char *key = flat_name_key(place);

	*d = (struct declared){.kind = kind, .at = flat_at(place, key)};
	copy_string(d->name, sizeof(d->name), name);
	flat_path(d->path, place, key);
}

static int declare_all(struct topology *t, const struct flat *f)
{
	const struct objects *o = &f->objects;
	size_t n = o->n_switches + o->n_pipes + o->n_ports;

	t->declared = calloc(n + 1, sizeof(*t->declared));
	if (!t->declared)
		return -ENOMEM;
	for (size_t i = 0; i < o->n_switches; i++)
		declare(t, OBJECT_SWITCH, o->switches[i].name, &f->switches[i]);
	for (size_t i = 0; i < o->n_pipes; i++)
		declare(t, OBJECT_PIPE, o->pipes[i].name, &f->pipes[i]);
	for (size_t i = 0; i < o->n_ports; i++)
		declare(t, OBJECT_PORT, o->ports[i].name, &f->ports[i]);
	qsort(t->declared, t->n_declared, sizeof(*t->declared),
	      compare_declared);
	return 0;
}

static int set_file(struct topology *t, const char *file)
{
	t->file = file ? strdup(file) : NULL;
	return file && !t->file ? -ENOMEM : 0;
}

/* The document was found good: keep what is asked for later. */
static int finish(struct topology *t, struct flat *f,
		  const struct yaml_node *root, const char *file)
{
	int err = set_file(t, file);

	if (!err)
		err = declare_all(t, f);
	if (err)
		return err;
	t->document = shape_document(root, &topology_shape);
	if (!t->document)
		return -ENOMEM;
	t->objects = f->objects;
	f->objects = (struct objects){0};
	objects_sort(&t->objects);
	return 0;
}

static int check_root(const struct yaml_node *root, const char *file,
		      struct diags *diags)
{
	struct shape_check check = {file, diags};

	shape_check(&check, root, &topology_shape, NULL);
	return diags_any(diags) ? -EINVAL : 0;
}

static int read_document(struct topologies *out, const struct yaml_node *root,
			 const char *file, struct diags *diags)
{
	const struct yaml_node *name =
		yaml_get(yaml_get(root, "metadata"), "name");
	struct topology t = {.at = name ? name->at : root->at};
	struct flat f;
	int err;

	if (yaml_is(name, SCALAR_STRING))
		copy_string(t.name, sizeof(t.name), name->text);
	err = flat_read(&f, root, t.name);
	if (err)
		return err;
	(void)check_root(root, file, diags);
	err = refer_check(&f, file, diags);
	if (!err && !diags_any(diags))
		err = finish(&t, &f, root, file);
	flat_fini(&f);
	if (err) {
		topology_fini(&t);
		return err;
	}
	return diags_any(diags) ? 0 : append(out, &t);
}

static int read_stream(struct topologies *out, struct yaml_stream *s,
		       const char *file, struct diags *diags)
{
	struct yaml_node *root;
	bool any = false;
	int err;

	while ((err = yaml_next(s, &root)) == 1) {
		/* An empty document, as behind a last "---". */
		if (yaml_is(root, SCALAR_NULL))
			continue;
		any = true;
		err = read_document(out, root, file, diags);
		if (err)
			return err;
	}
	if (!err && !any && !diags_any(diags))
		diag_add(diags, file, 1, 1, NULL,
			 "it begins with apiVersion: " TOPOLOGY_API_VERSION,
			 "there is no topology in it");
	return err;
}

static int compare_findings(const void *a, const void *b)
{
	const struct diag *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* The checks run one after the other; people read from top to bottom. */
static void hand_over(struct diags *to, struct diags *from)
{
	if (from->count)
		qsort(from->list, from->count, sizeof(*from->list),
		      compare_findings);
	for (size_t i = 0; i < from->count; i++) {
		const struct diag *d = &from->list[i];

		diag_add(to, d->file, d->line, d->column, d->path, d->hint,
			 "%s", d->message);
	}
	to->dropped += from->dropped;
	diags_fini(from);
}

int topologies_parse(struct topologies *out, const char *text, size_t len,
		     const char *file, struct diags *diags)
{
	struct topologies found = {0};
	struct yaml_stream *s;
	struct diags here = {0};
	int err;

	if (len > TOPOLOGY_INPUT_MAX) {
		diag_add(diags, file, 0, 0, NULL, NULL, "larger than %d MiB",
			 TOPOLOGY_INPUT_MAX >> 20);
		return -EINVAL;
	}
	err = yaml_open(&s, text, len, file, &here);
	if (err)
		return err;
	err = read_stream(&found, s, file, &here);
	yaml_close(s);
	if (diags_any(&here) && err != -ENOMEM)
		err = -EINVAL;
	hand_over(diags, &here);
	if (!err)
		err = append_all(out, &found);
	topologies_fini(&found);
	return err;
}

const struct declared *topology_declared(const struct topology *t,
					 enum object_kind kind,
					 const char *name)
{
	struct declared key = {.kind = kind};

	if (!t->n_declared || !copy_string(key.name, sizeof(key.name), name))
		return NULL;
	return bsearch(&key, t->declared, t->n_declared, sizeof(key),
		       compare_declared);
}

char *topology_to_yaml(const json_t *document)
{
	_cleanup_strbuf_ struct strbuf b = {0};
	_cleanup_free_ char *yaml = json_to_yaml(document);

	if (!yaml)
		return NULL;
	strbuf_add(&b, MODELINE);
	strbuf_add(&b, yaml);
	return strbuf_steal(&b);
}
