/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A topology: what one document declares, with the place of every word.
 *
 * The one door for topologies from outside: YAML (and so JSON, its subset)
 * becomes a checked struct topology or a list of findings. What a topology
 * refers to is in the same topology; what other topologies own is the
 * service's business, which uses the positions kept here to say where.
 */
#ifndef PTNET_MODEL_TOPOLOGY_H
#define PTNET_MODEL_TOPOLOGY_H

#include <jansson.h>

#include "base/diag.h"
#include "model/objects.h"
#include "model/position.h"

#define TOPOLOGY_API_VERSION "ptnet/v1"

/* Where editors find the schema, seen from topologies/. */
#define TOPOLOGY_SCHEMA "../schemas/topology.schema.json"

enum {
	TOPOLOGY_INPUT_MAX = 16 * 1024 * 1024, /* bytes */
	TOPOLOGY_DEPTH_MAX = 32,
	TOPOLOGY_NAME_MAX = 63,
	OBJECT_NAME_MAX = 31,
};

/* Where an object was declared: its name's position and path. */
struct declared {
	enum object_kind kind;
	object_name name; /* in the flat set */
	struct position at;
	char path[96]; /* spec.ports[3].name */
};

struct topology {
	object_name name;
	char *file; /* source name for messages, or NULL */
	struct position at; /* of metadata.name */
	json_t *document; /* the checked document with defaults left out */
	struct objects objects; /* flat, defaults filled in, sorted */
	struct declared *declared; /* sorted by kind, then name */
	size_t n_declared;
};

struct topologies {
	struct topology *list;
	size_t count;
};

/**
 * topologies_parse - read all documents of one source
 * @text: YAML 1.1 or JSON, at most TOPOLOGY_INPUT_MAX bytes
 * @file: name for messages, or NULL
 * @out: appended to; on an error nothing of this source is in it
 *
 * All findings of the source go to @diags: syntax, unknown and duplicate
 * keys, types, ranges, dangling and duplicate names, endpoints used twice.
 * Returns 0, -EINVAL with findings, -ENOMEM. No documents at all is a finding.
 */
int topologies_parse(struct topologies *out, const char *text, size_t len,
		     const char *file, struct diags *diags);

/**
 * topologies_check - names that two topologies of this set both declare
 *
 * Also host devices and VMs that two of them use, and topologies that are in
 * the set twice. Returns 0, -EINVAL with a finding at each second
 * declaration, or -ENOMEM.
 */
int topologies_check(const struct topologies *set, struct diags *diags);

/** topologies_fini - free all; the set is empty then */
void topologies_fini(struct topologies *set);

/** topology_declared - where @name was declared, or NULL */
const struct declared *topology_declared(const struct topology *t,
					 enum object_kind kind,
					 const char *name);

/**
 * topology_to_yaml - the document as YAML, with the schema's modeline
 *
 * Returns a new string, NULL without memory.
 */
char *topology_to_yaml(const json_t *document);

#endif
