/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The inside of a transaction: its changes, and the steps that each of them
 * takes. All under kctl_lock.
 *
 *	kcheck.c	looks at all that is there, changes nothing but marks
 *	kprepare.c	makes what nobody finds yet, and can take it back
 *	ktxn.c		writes changes down before, and does them afterwards
 */
#ifndef PTN_KCHANGE_H
#define PTN_KCHANGE_H

#include "ktxn.h"

struct kport;
struct kpipe;
struct kswitch;

struct change {
	struct list_head node; /* in ktxn.changes */
	enum kaction action;
	struct kspec spec;
	/* the object that is made, changed or deleted */
	union {
		struct kswitch *sw;
		struct kpipe *pipe;
		struct kport *port;
		void *object;
	};
	/* ports: where it will be, or was */
	struct kswitch *on_switch;
	struct kpipe *on_pipe;
	/* NEW: a port that goes had the device, and was on a switch */
	struct kport *old;
	struct kswitch *old_switch;
	bool old_host;
	struct hlist_node by_name; /* NEW: in ktxn.made */
	bool pinned; /* switches: static entries are in its table */
};

struct ktxn {
	u64 revision;
	struct list_head changes;
	long bytes;
	u32 n_new, n_deleted;
	/* while it is being committed */
	struct hlist_head *made;
	u32 made_bits;
	char *text;
};

/* A sentence about the change, for who asked. Returns @err. */
#define refuse(t, c, err, ...)                                                 \
	kspec_refuse(&(c)->spec, (t)->text, err, __VA_ARGS__)

/* Steps; each returns 0, or -errno with a sentence. */

/** kcheck_name - what is there by its name, and is marked to go or to change */
int kcheck_name(struct ktxn *t, struct change *c);

/** kcheck_place - whether its switch, pipe and memory are there for it */
int kcheck_place(struct ktxn *t, struct change *c);

/** kcheck_whole - whether what stays, with what comes, is possible */
int kcheck_whole(struct ktxn *t, struct change *c);

/** kcheck_forget - take back the marks on objects that are there afterwards */
void kcheck_forget(struct ktxn *t);

/** kcheck_port - one that will be there: made, live, or NULL; its switch */
const struct kport *kcheck_port(const struct ktxn *t, const char *name,
				const struct kswitch **on);

/** kcheck_live_port - one that is there, by its whole name, or NULL */
struct kport *kcheck_live_port(const char *name);

/** kcheck_statics - the static entries that a switch will have */
const struct kstatic *kcheck_statics(const struct change *c, u32 *n);

/** kprepare_make - a new object */
int kprepare_make(struct ktxn *t, struct change *c);

/** kprepare_connect - a new port to its switch; devices from who has them */
int kprepare_connect(struct ktxn *t, struct change *c);

/** kprepare_pin - a switch's static entries into its table */
int kprepare_pin(struct ktxn *t, struct change *c);

/** kprepare_undo - of all changes, however far they came */
void kprepare_undo(struct ktxn *t);

/** kprepare_repin - static entries of @s for one port, or (NULL) for any */
void kprepare_repin(struct kswitch *s, const char *port);

#endif
