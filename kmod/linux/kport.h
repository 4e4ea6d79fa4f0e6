/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Ports: what a program can open by a name, and the home of a core port.
 *
 * A port is closed until the first program (or the device that is its
 * program) opens it; then it has memory, rings, and runs. It is closed with
 * its last user, so that idle ports cost next to nothing and no program sees
 * what an earlier one left.
 *
 * Whoever made a port may take it away at any time: a port that is gone has no
 * name and no link any more; who has it open gets -ENXIO from then on.
 */
#ifndef PTN_KPORT_H
#define PTN_KPORT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include <ptnet/control.h>

#include "core/port.h"
#include "core/region.h"

struct kbind;
struct kdomain;
struct kmem;
struct kmonitor;
struct knic;
struct kpipe;
struct kport;
struct kswitch;

/* Who made it, and so who may delete it. */
enum kport_origin {
	KPORT_EPHEMERAL, /* a program by opening it: goes with the last one */
	KPORT_PERSISTENT, /* VALE_NEWIF: a network device of its own */
	KPORT_MANAGED, /* the control family */
};

/* One ring of an open port. */
struct kring {
	struct mutex lock; /* held around a sync */
	wait_queue_head_t wait; /* programs in poll() */
	u32 users; /* programs that bound it; under kctl_lock */
	bool exclusive; /* to one of them; under kctl_lock */
	bool csb; /* its indices travel in a program's CSB */
	/* Takes the place of waking @wait; under RCU. */
	void (*notify)(struct kring *r);
	void *notify_arg;
	struct list_head monitors; /* under lock */
	u32 copied; /* transmit: they have seen slots up to here; under lock */
	struct ptn_work *work; /* under lock */
};

/* What the kinds of ports (on a VALE switch, pipe end, NIC) do differently. */
struct kport_ops {
	/* The memory for its rings, one more user. May sleep. */
	int (*memory)(struct kport *p, struct kmem **out);
	/* Rings are there, not running yet: connect. */
	int (*open)(struct kport *p);
	/* Stopped; rings are still there. */
	void (*close)(struct kport *p);
	/* It is gone, and may be open still. */
	void (*remove)(struct kport *p);
	/* Free what the kind holds. */
	void (*free)(struct kport *p);
};

struct kport {
	struct kref ref;
	struct hlist_node by_name;
	struct list_head node; /* in kport_list, in order of making */
	char name[PTN_NAME_MAX];
	enum kport_origin origin;
	enum ptn_port_kind kind;
	const struct kport_ops *ops; /* NULL: nothing special */
	struct ptn_port_params params;
	u32 buf_size;
	u16 mem_id; /* that it was asked to use; 0: its kind's choice */
	bool gone;

	struct ptn_port *core;
	struct kmem *mem; /* NULL: closed */
	u32 opens; /* programs that have it open */
	u32 pins; /* pipes that it is the parent of */
	struct kmem *kept; /* made for these while it was closed */
	u32 spare_bufs; /* more room in memory made for it: extra buffers */
	struct kring *ring; /* [rings], transmit first; while open */
	u32 tx_rings, rx_rings; /* with the host's */
	struct nm_csb_atok *atok; /* the module's own pairs */
	struct nm_csb_ktoa *ktoa;

	struct kswitch *sw; /* changed while syncs are held */
	struct list_head on_switch;
	u32 switch_index;
	struct kpipe *pipe;
	unsigned int end;
	struct knic *nic;
	struct kmonitor *monitor; /* it is one */
	struct kbind *bind; /* a VM's: its client; under RCU for the core */

	u64 past[PTN_C_MAX + 1]; /* counters of earlier openings */
	pid_t pid; /* who opened it first; 0: nobody */

	/* of the control family */
	char owner[PTN_NAME_MAX];
	char domain[PTN_NAME_MAX];
	u8 mac[6];
	bool has_mac;
	bool huge_pages;
	bool offload;
	bool host_stack; /* wanted for the device */
	char device[PTN_NAME_MAX]; /* a NIC's, as it was declared */
	struct {
		u32 queues, slots, buf_size; /* 0: as the device has it */
		char sw[PTN_NAME_MAX]; /* it is not on it without its device */
	} declared;
	struct kdomain *shares; /* the domain's memory; NULL: its own */
	struct list_head in_domain;
	bool leaving, changing; /* by the transaction that is being done */
};

extern struct list_head kport_list;

/* All under kctl_lock, unless said otherwise. */

/**
 * kport_new - a port that nobody finds yet; one reference, the caller's
 * @params: .name is copied
 *
 * Returns 0, -EINVAL for what the core refuses, -ENOMEM.
 */
int kport_new(struct kport **out, const struct ptn_port_params *params,
	      const struct kport_ops *ops);

/**
 * kport_publish - to be found by its name from now on; takes the caller's
 *	reference. 0, or -EEXIST.
 */
int kport_publish(struct kport *p);

/**
 * kport_remove - it is gone: no name, no switch, no pipe
 *
 * Programs that have it open are woken. Drops the reference that publish
 * took.
 */
void kport_remove(struct kport *p);

/**
 * kport_find - by a name that programs use
 *
 * NAME of any port; SWITCH:NAME; PIPE{0 and PIPE}0 for a managed pipe's ends.
 * No reference is taken. NULL when there is none.
 */
struct kport *kport_find(const char *name);

/**
 * kport_set_params - other rings, for a port that is closed and not connected
 *
 * Returns 0, -EBUSY, -EINVAL, -ENOMEM.
 */
int kport_set_params(struct kport *p, const struct ptn_port_params *params);

/** kport_shape - of memory for the port and some pipes of it */
void kport_shape(const struct kport *p, struct ptn_shape *shape);

/**
 * kport_memory - of this port or for its pipes, one more user
 *
 * What it has, what was kept for it, what it was asked to use, or new memory.
 */
int kport_memory(struct kport *p, struct kmem **out);

/** kport_memory_to_open - what it has, or would be opened in; one more user */
int kport_memory_to_open(struct kport *p, struct kmem **out);

/** kport_memory_for_pipes - the same; a closed port keeps it for all of them */
int kport_memory_for_pipes(struct kport *p, struct kmem **out);

/**
 * kport_hold, kport_release - keep all syncs of an open port out meanwhile
 *
 * A port that is closed has none.
 */
void kport_hold(struct kport *p);
void kport_release(struct kport *p);

/** kport_hold_memory, kport_release_memory - the same for all in a memory */
void kport_hold_memory(const struct kmem *m);
void kport_release_memory(const struct kmem *m);

/** kport_rename - 0, -EEXIST, -EINVAL */
int kport_rename(struct kport *p, const char *name);

/** kport_settle - remove it if it is ephemeral and nobody needs it */
void kport_settle(struct kport *p);

/** kport_get, kport_put - any context that may sleep, kctl_lock for the last */
void kport_get(struct kport *p);
void kport_put(struct kport *p);

/**
 * kport_open - one more program has it open
 *
 * The first one gets memory and rings for it, and it runs. Returns 0, -ENXIO
 * when it is gone, -ENOMEM, what its ops return. kport_close() undoes it; the
 * last one's closes the port, and removes one that is ephemeral.
 */
int kport_open(struct kport *p);
void kport_close(struct kport *p);

/** kport_counters - of all times; any context */
void kport_counters(const struct kport *p, u64 out[PTN_C_MAX + 1]);

/** kport_ring - of an open port, by vector; NULL: no such ring */
static inline struct kring *kport_ring(const struct kport *p, u32 vector)
{
	const u32 queue = (vector - 1) / 2;

	if (!vector)
		return NULL;
	if (vector & 1)
		return queue < p->tx_rings ? &p->ring[queue] : NULL;
	return queue < p->rx_rings ? &p->ring[p->tx_rings + queue] : NULL;
}

/** kport_wake - every program that waits at one of its rings */
void kport_wake(struct kport *p);

#endif
