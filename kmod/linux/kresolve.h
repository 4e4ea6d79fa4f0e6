/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From the names that programs use to ports:
 *
 *	NAME		a port of the control family, a persistent port, a NIC
 *	vale[SW]:PORT	a port on a switch; both are made
 *	PARENT{ID	one end of a pipe, PARENT}ID the other; made, and the
 *			parent with them
 *
 * All under kctl_enter().
 */
#ifndef PTN_KRESOLVE_H
#define PTN_KRESOLVE_H

#include <linux/types.h>

struct kport;
struct nmreq_register;

/** kresolve_find - a port that is there; -ENXIO: none, -EINVAL: no such name */
int kresolve_find(struct kport **out, const char *name);

/**
 * kresolve - the same, and what programs make by opening it is made
 * @want: rings, slots and memory for a new port; what is zero or too much is
 *	decided here
 *
 * Who does not open it calls kport_settle(). Returns 0, -EINVAL for a name or
 * memory that is not possible, -ENXIO, -ENOMEM.
 */
int kresolve(struct kport **out, const char *name,
	     const struct nmreq_register *want);

/** kresolve_params - rings and slots of a new port, from what was asked for */
struct ptn_port_params;
void kresolve_params(struct ptn_port_params *params, const char *name,
		     const struct nmreq_register *want);

/**
 * kresolve_memory - whether a port may be in the memory of this id
 *
 * 0 also when none is asked for. Not where VMs map it: who is there reads and
 * writes what the port's program has, and was not asked.
 */
int kresolve_memory(u16 id);

/**
 * kresolve_parents_memory - the same for what lies in its parent's memory
 *
 * The id chooses nothing then: REGISTER refuses another one than that.
 */
int kresolve_parents_memory(u16 id);

/**
 * kresolve_vale - the parts of vale[SW]:PORT
 *
 * Returns where PORT begins, NULL when that is no such name.
 */
const char *kresolve_vale(const char *name);

#endif
