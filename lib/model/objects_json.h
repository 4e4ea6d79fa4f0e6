/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects as the REST API shows them (docs/REST.md): the spec in the shape of
 * the topology document with defaults filled in, status and counters. All
 * functions return a new reference, or NULL without memory.
 */
#ifndef PTNET_MODEL_OBJECTS_JSON_H
#define PTNET_MODEL_OBJECTS_JSON_H

#include <jansson.h>

#include "model/objects.h"

/** switch_spec_to_json, ... - only what is declared */
json_t *switch_spec_to_json(const struct switch_spec *s);
json_t *pipe_spec_to_json(const struct pipe_spec *p);

/**
 * port_spec_to_json - a port's, NIC's or VM interface's declaration
 *
 * A VM interface's "name" is the interface's alone.
 */
json_t *port_spec_to_json(const struct port_spec *p);

/** counters_to_json - by name, lost frames by reason under "drops" */
json_t *counters_to_json(const uint64_t counters[PTN_C_MAX + 1]);

/** switch_counters_to_json - by name */
json_t *switch_counters_to_json(const uint64_t counters[PTN_SWC_MAX + 1]);

/**
 * switch_to_json - the whole object
 * @status: NULL when it is not there: state "missing", counters all 0
 */
json_t *switch_to_json(const struct switch_spec *s,
		       const struct switch_status *status);

/**
 * port_to_json - the whole object of any kind of port
 * @status: NULL, or with a state of 0, when it is not there: "missing"
 */
json_t *port_to_json(const struct port_spec *p,
		     const struct port_status *status);

/** port_state_name - "down", "attached", "up", "faulted"; 0 is "missing" */
const char *port_state_name(enum ptn_port_state state);

/** port_kind_name - "host", "vm", "nic" */
const char *port_kind_name(enum ptn_port_kind kind);

/* What is at the two ends of a pipe; NULL: nothing. */
struct pipe_ends {
	const struct port_spec *port[2];
	const struct port_status *status[2];
};

/**
 * pipe_ends_find - the ends of all pipes of a sorted set, parallel to
 * o->pipes
 *
 * Returns a new array (the caller frees) that points into @o, or NULL
 * without memory.
 */
struct pipe_ends *pipe_ends_find(const struct objects *o);

/**
 * pipe_to_json - the whole object
 * @ends: what is observed at the ends; NULL when the pipe is missing
 *
 * State "up" when programs are attached to both ends, else "waiting".
 */
json_t *pipe_to_json(const struct pipe_spec *p, const struct pipe_ends *ends);

/**
 * vms_to_json - the virtual machines of a sorted set, as an array
 * @o: its port_status may be NULL
 * @name: only this one; NULL for all
 *
 * VMs are what their interfaces say: ports of kind PTN_PORT_VM.
 */
json_t *vms_to_json(const struct objects *o, const char *name);

/** fdb_entry_to_json - a line of a forwarding table */
json_t *fdb_entry_to_json(const struct fdb_entry *e);

/** census_to_json - where every packet buffer is */
json_t *census_to_json(const struct census *c);

#endif
