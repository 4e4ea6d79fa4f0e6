/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A document's objects, flat and in the order of the text, each with its
 * place in the tree. Made from any tree, a wrong one too, so that references
 * can be checked along with everything else: what is wrong reads as missing.
 */
#ifndef PTNET_MODEL_FLAT_H
#define PTNET_MODEL_FLAT_H

#include "model/objects.h"
#include "model/yaml.h"

enum flat_section {
	FLAT_SWITCH,
	FLAT_STATIC, /* of switch @index */
	FLAT_PIPE,
	FLAT_NIC,
	FLAT_PORT,
	FLAT_VM,
	FLAT_INTERFACE, /* of VM @index */
};

struct flat_place {
	const struct yaml_node *map;
	enum flat_section section;
	uint32_t index, sub;
};

struct flat_vm {
	const char *name; /* the tree's */
	struct flat_place place;
};

struct flat {
	struct objects objects; /* not sorted; pipes' domains filled in */
	struct flat_place *switches, *pipes, *ports; /* parallel */
	struct flat_vm *vms;
	size_t n_vms;
};

/** flat_read - make it from a document's root. 0 or -ENOMEM. */
int flat_read(struct flat *out, const struct yaml_node *root,
	      const char *owner);

/** flat_fini - free what it holds */
void flat_fini(struct flat *f);

/**
 * flat_path - "spec.vms[1].interfaces[0].switch" into @text; returns @text
 * @key: of the place's mapping, or NULL
 */
enum { FLAT_PATH = 96 };
char *flat_path(char text[FLAT_PATH], const struct flat_place *place,
		const char *key);

/** flat_at - position of a key's value, or of the whole when it has none */
struct position flat_at(const struct flat_place *place, const char *key);

/** flat_name_key - the key that names what is at a place */
const char *flat_name_key(const struct flat_place *place);

#endif
