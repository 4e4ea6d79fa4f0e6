/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The planner: what to do so that what is there becomes what is wanted.
 *
 * A pure function of two sets of objects: no I/O, no clock, no state. Its
 * output is what a dry run shows and what an apply executes.
 */
#ifndef PTNETD_PLAN_H
#define PTNETD_PLAN_H

#include "model/objects.h"

enum plan_action {
	PLAN_CREATE,
	PLAN_CHANGE, /* in place: what is attached stays attached */
	PLAN_REPLACE, /* delete, then create: what is attached is cut off */
	PLAN_DELETE,
};

struct plan_step {
	enum plan_action action;
	enum object_kind kind;
	/* pointers into the two sets, which must outlive the plan */
	union {
		const struct switch_spec *want_switch;
		const struct pipe_spec *want_pipe;
		const struct port_spec *want_port;
		const void *want; /* NULL for PLAN_DELETE */
	};
	union {
		const struct switch_spec *have_switch;
		const struct pipe_spec *have_pipe;
		const struct port_spec *have_port;
		const void *have; /* NULL for PLAN_CREATE */
	};
	char why[128]; /* "slots 1024 -> 512", "not declared any more" */
};

/*
 * In an order that is right to execute: ports, pipes, switches go; switches,
 * pipes, ports come. A replace appears once, at its creation's place; the
 * executor sends its deletion with the deletions.
 */
struct plan {
	struct plan_step *steps;
	size_t count;
	size_t creates, changes, replaces, deletes;
};

/**
 * plan_make - compare two sorted sets
 *
 * Objects in @have without an owner were made by other programs and are left
 * alone. Returns 0 or -ENOMEM. The caller ends with plan_fini().
 */
int plan_make(struct plan *out, const struct objects *want,
	      const struct objects *have);

void plan_fini(struct plan *p);

/** plan_action_name - "create", "change", "replace", "delete" */
const char *plan_action_name(enum plan_action a);

#endif
