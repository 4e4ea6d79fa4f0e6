/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine holds: its switches, pipes and ports, the memory of domains,
 * its workers. All of it belongs to the control thread.
 *
 * Only the rooms inside lib/engine include this.
 */
#ifndef PTNET_ENGINE_STATE_H
#define PTNET_ENGINE_STATE_H

#include <sys/queue.h>

#include "base/limit.h"
#include "core/pipe.h"
#include "core/port.h"
#include "core/vale.h"
#include "engine/loop.h"
#include "engine/memory.h"
#include "engine/table.h"
#include "engine/watch.h"
#include "engine/worker.h"
#include "model/objects.h"

struct attach;
struct control;
struct engine;
struct keep;
struct nic;
struct uplink;

enum {
	ENGINE_FEATURES = PTN_FEATURE_SWITCH | PTN_FEATURE_PIPE |
			  PTN_FEATURE_PORT | PTN_FEATURE_NIC | PTN_FEATURE_VM,
};

struct vswitch {
	struct switch_spec spec;
	struct table_node node;
	struct ptn_vale *vale;
	uint32_t ports;
	/* marks of the transaction that is being done */
	uint32_t leaving_ports;
	bool leaving, changing;
};

struct vpipe {
	struct pipe_spec spec;
	struct table_node node;
	struct ptn_pipe *pipe;
	struct vport *ends[2];
	struct vport *claims[2]; /* by the transaction that is being done */
	bool leaving;
};

/* A port's attach socket. It outlives a port that is replaced. */
struct listener {
	struct loop_source source;
	struct vport *port;
	int refused; /* the last client that was; -1: none */
	char path[108];
};

struct vport {
	struct port_spec spec;
	/* as declared, or what a device has whose port declares none */
	uint32_t queues, slots, buf_size;
	struct table_node node;
	struct engine *engine;
	struct ptn_port *core;
	struct vswitch *sw; /* or */
	struct vpipe *pipe; /* or */
	struct nic *nic;
	struct listener *listener; /* NULL: nobody can attach */
	struct attach *attach; /* NULL: nobody is */
	struct uplink *uplink; /* a device on a switch; nobody attaches then */
	uint64_t shut_until; /* ms: nobody may attach before */
	uint64_t past[PTN_C_MAX + 1]; /* counters of earlier attachments */
	struct limit limit; /* of what the log says of its programs */
	struct limit told; /* ... and listeners hear of its being stopped */
	bool leaving, changing; /* by the transaction that is being done */
};

struct engine {
	struct loop loop;
	char *run_dir; /* NULL: nobody can attach */
	uint64_t revision;
	uint64_t instance;
	uint32_t generation;

	struct table switches, pipes, ports;
	struct table domains; /* struct memory */

	struct watch *watch;
	struct watched watched; /* the control thread */
	struct worker **workers;
	uint32_t n_workers;

	LIST_HEAD(, attach) attached;
	uint32_t n_attached, n_uplinks;
	uint32_t n_listeners;
	int spare_fd; /* given up to refuse a client when there are no more */
	uint32_t fds_max;

	struct loop_source timer;
	bool ticking;
	struct loop_source faults; /* eventfd: a worker saw too many */
	struct loop_source links; /* what happens to devices; from the first
				   * port on that has one */
	struct loop_source signals;
	struct control *control;
	struct keep *keep;
	int lock_fd;
	bool ending;
};

static inline struct vswitch *engine_switch(const struct engine *e,
					    const char *name)
{
	struct table_node *n = table_find(&e->switches, name);

	return n ? loop_owner(n, struct vswitch, node) : NULL;
}

static inline struct vpipe *engine_pipe(const struct engine *e,
					const char *name)
{
	struct table_node *n = table_find(&e->pipes, name);

	return n ? loop_owner(n, struct vpipe, node) : NULL;
}

static inline struct vport *engine_port(const struct engine *e,
					const char *name)
{
	struct table_node *n = table_find(&e->ports, name);

	return n ? loop_owner(n, struct vport, node) : NULL;
}

/** engine_worker - the one that has the least to do */
struct worker *engine_worker(const struct engine *e);

/** engine_tick - there is something to do each second; see that it is done */
void engine_tick(struct engine *e);

#endif
