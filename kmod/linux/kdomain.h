/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Domains: the memory that managed ports share because somebody trusts them
 * with each other's frames; the ends of a pipe always do. It is there while
 * one of them is open, with room for all of them.
 *
 * Called by ktxn.c and kport.c. All under kctl_lock.
 */
#ifndef PTN_KDOMAIN_H
#define PTN_KDOMAIN_H

#include "kport.h"

/** kdomain_join - until it is freed, the port shares. 0 or -ENOMEM. */
int kdomain_join(struct kport *p, const char *domain);

/** kdomain_leave - if it is in one */
void kdomain_leave(struct kport *p);

/**
 * kdomain_memory - of the port's domain, one more user
 *
 * Returns 0, -ENOMEM, -ENOSPC when its buffers are too small, -EBUSY when it
 * is there and cannot be a VM's.
 */
int kdomain_memory(struct kport *p, struct kmem **out);

#endif
