/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the service share; nobody else includes this. */
#ifndef PTNETD_SERVICE_STATE_H
#define PTNETD_SERVICE_STATE_H

#include "model/topology.h"
#include "service/service.h"

/* When a topology came. */
struct stamp {
	uint64_t revision;
	int64_t applied; /* seconds since 1970 */
};

/* A set of topologies, their stamps in parallel, and their objects. */
struct wanted {
	struct topologies set;
	struct stamp *stamps;
	struct objects objects; /* of all, sorted */
};

struct service {
	struct service_config config;
	struct store *store;
	struct backend *backend; /* NULL while it is down */
	uint64_t generation; /* of the backend's connection */
	uint64_t revision; /* of the store */
	struct wanted wanted; /* what the store holds */
	bool out_of_step; /* the backend may hold something else */
	int64_t in_step_since; /* ms of the monotonic clock */
	int64_t retry_at; /* ms of the monotonic clock, or -1 */
	unsigned retry_ms; /* grows */
	char trouble[768]; /* why it is down or out of step */
};

/** state_load - read what the store holds */
enum outcome state_load(struct service *s, struct refusal *r);

/** state_find - index of a topology in a set, or -1 */
ssize_t state_find(const struct topologies *set, const char *name);

/** state_gather - the objects of a set, sorted; 0 or -ENOMEM */
int state_gather(struct objects *out, const struct topologies *set);

/**
 * state_mark_later - which ports are made even if their device is missing
 * @known: what is declared already; these may have lost theirs meanwhile
 */
void state_mark_later(struct objects *of, const struct objects *known);

/** state_shell - room for @count topologies and stamps; 0 or -ENOMEM */
int state_shell(struct wanted *w, size_t count);

/** wanted_fini - free everything in it; it is empty then */
void wanted_fini(struct wanted *w);

/** store_outcome - a failure of the store as an outcome */
enum outcome store_outcome(int err, const struct store_error *error,
			   struct refusal *r);

/** backend_outcome - a failure of the backend as an outcome */
enum outcome backend_outcome(const struct service *s, int err,
			     const struct backend_error *error,
			     struct refusal *r);

/** backend_gone - whether an error says that the connection is lost */
bool backend_gone(int err);

#endif
