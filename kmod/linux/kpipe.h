/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Pipes: PARENT{ID is one end, PARENT}ID the other. A managed pipe has ports
 * of the control family as its ends, {0 and }0 to programs.
 *
 * All under kctl_lock.
 */
#ifndef PTN_KPIPE_H
#define PTN_KPIPE_H

#include <linux/list.h>

#include "core/pipe.h"

#include <ptnet/control.h>

struct kmem;
struct kport;

struct kpipe {
	struct list_head node; /* in kpipe_list */
	struct hlist_node by_name;
	char name[PTN_NAME_MAX]; /* PARENT/ID, or the managed pipe's */
	char owner[PTN_NAME_MAX];
	char domain[PTN_NAME_MAX]; /* managed */
	bool managed;
	struct ptn_pipe *core;
	struct kport *end[2];
	struct kport *parent; /* a program's: holds a reference; may be NULL */
	struct kmem *mem; /* of both ends, while one is open */
	/* by the transaction that is being done */
	bool leaving;
	struct kport *claim[2];
};

extern struct list_head kpipe_list;

int kpipe_new(struct kpipe **out, const char *name);
void kpipe_publish(struct kpipe *p);
void kpipe_free(struct kpipe *p);
struct kpipe *kpipe_find(const char *name);

/** kpipe_set_parent - a program's pipe lives in that port's memory */
void kpipe_set_parent(struct kpipe *p, struct kport *parent);

/* Of the ends of programs' pipes. */
extern const struct kport_ops kpipe_end_ops;

/** kpipe_settle - free a program's pipe without ends */
void kpipe_settle(struct kpipe *p);

/** kpipe_attach - make a port one end. 0 or -EBUSY. */
int kpipe_attach(struct kpipe *p, unsigned int end, struct kport *port);
void kpipe_detach(struct kport *port);

#endif
