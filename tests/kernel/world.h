/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the module holds, by the control family: for tests that look whether
 * anything stays, is lost, or is counted wrongly. By ptnetd's own backend.
 */
#ifndef PTNET_TESTS_WORLD_H
#define PTNET_TESTS_WORLD_H

#include "model/objects.h"

struct world {
	size_t switches, pipes, ports;
	struct census census;
};

/* Look; no buffer may be lost or in two places. */
void world_look(struct world *w);

/* The same, for who expects it to fail: 0 or -errno. */
int world_try_to_look(void);

/* The same must be there as then; @what happened meanwhile, for people. */
void world_assert_same(const struct world *then, const char *what);

/* All objects with their counters. The caller ends with objects_fini(). */
void world_objects(struct objects *out);

/* Counters of one port; it must be there. */
void world_port(const char *name, uint64_t out[PTN_C_MAX + 1]);

/*
 * Make managed objects what is wanted, in one transaction. 0 or -errno.
 * @want is sorted.
 */
int world_apply(struct objects *want);

/* A switch, a pipe, a port to be applied; the rest of it as usual. */
void world_want_switch(struct objects *want, const char *name);
void world_want_pipe(struct objects *want, const char *name);
struct port_spec *world_want_port(struct objects *want, const char *name);

/* No connection: a module that is unloaded takes it along. */
void world_forget(void);

/* How many hold the module: open descriptors, objects of the control family. */
int world_module_users(void);

#endif
