/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Switches. One that a program's port made goes away with its last port; one
 * that the control family made stays until that deletes it.
 *
 * All under kctl_lock.
 */
#ifndef PTN_KSWITCH_H
#define PTN_KSWITCH_H

#include <linux/list.h>

#include "core/vale.h"

struct kport;

struct kswitch {
	struct list_head node; /* in kswitch_list, in order of making */
	struct hlist_node by_name;
	char name[PTN_NAME_MAX];
	char owner[PTN_NAME_MAX]; /* topology */
	bool managed; /* by the control family */
	u32 fdb_size;
	u32 ageing_ms;
	struct ptn_vale *vale;
	struct list_head ports; /* kport.on_switch */
	u32 n_ports;
	bool ticking; /* addresses grow older, or frames are flooded */
	bool storm; /* it was told */
	u64 flooded; /* at the tick before */
	unsigned long counted_at; /* jiffies; while ticking */
	bool counted;
	struct kstatic *statics; /* of the control family, by address */
	u32 n_statics;
	/* by the transaction that is being done */
	bool leaving, changing;
	u32 leaving_ports;
};

struct kstatic {
	u8 mac[6];
	char port[PTN_NAME_MAX];
};

extern struct list_head kswitch_list;

/** kswitch_new - empty, not in the list of switches yet. 0, -EINVAL, -ENOMEM */
int kswitch_new(struct kswitch **out, const char *name, u32 fdb_size,
		u32 ageing_ms);

/** kswitch_publish - by its name from now on; nothing else has this name */
void kswitch_publish(struct kswitch *s);

/** kswitch_free - without ports. Takes NULL. */
void kswitch_free(struct kswitch *s);

/**
 * kswitch_find - by the name that programs use: its own, or that behind "vale"
 */
struct kswitch *kswitch_find(const char *name, size_t len);

/** kswitch_get - find, or make one for a program's port */
int kswitch_get(struct kswitch **out, const char *name, size_t len);

/** kswitch_settle - free it when nobody needs it any more */
void kswitch_settle(struct kswitch *s);

/** kswitch_attach - put a port on it. 0, -EBUSY, -ENOSPC, -ENOMEM. */
int kswitch_attach(struct kswitch *s, struct kport *p);

/** kswitch_detach - take it off; the caller then settles the switch */
void kswitch_detach(struct kport *p);

void kswitch_start_ticking(struct kswitch *s);

/** kswitch_touch - before frames are sent to it; any context */
static inline void kswitch_touch(struct kswitch *s)
{
	if (unlikely(!READ_ONCE(s->ticking)))
		kswitch_start_ticking(s);
}

/** kswitch_module_exit - stop ageing */
void kswitch_module_exit(void);

#endif
