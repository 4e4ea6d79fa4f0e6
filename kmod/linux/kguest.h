/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Ports of this machine's host, where this machine is a virtual one: network
 * devices of ptnet.ko, opened by name. There is no port of the core behind
 * them: rings and buffers are the host's own, mapped into programs, and a sync
 * passes indices on through the CSB (guest/gport.h).
 *
 * What programs map is their interface objects, in memory of this kernel, and
 * behind these the host port's rings and buffers:
 *
 *	kguest.c	ports, claims on rings, the device's coming and going
 *	kguestfile.c	a program's descriptor: mmap, sync, poll
 *
 * These ports have no host rings, pipes, monitors or extra buffers. On a
 * switch of this machine the device is a network device as any other
 * (knic.h), and not both at once.
 */
#ifndef PTN_KGUEST_H
#define PTN_KGUEST_H

#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/wait.h>

#include "guest/gport.h"
#include "kqueues.h"

struct kfile;
struct krequest;
struct nmreq_pools_info;
struct nmreq_port_info_get;

enum {
	KGUEST_NIFS = 64, /* programs that have one port open */
	KGUEST_NIF_SIZE = 512,
	KGUEST_NIF_BYTES = KGUEST_NIFS * KGUEST_NIF_SIZE,
};

/* One ring of an open port. */
struct kguest_ring {
	struct mutex lock; /* held around a sync */
	wait_queue_head_t wait; /* programs in poll() */
	u32 users; /* programs that bound it; under kctl_lock */
	bool exclusive; /* to one of them; under kctl_lock */
	bool gone; /* the device is; under lock */
};

/* While programs have it open. */
struct kguest {
	struct list_head node; /* in the list of open ones */
	struct gport_user user;
	struct net_device *dev; /* NULL: gone */
	const struct gport_type *type;
	struct gport_info info;
	u16 mem_id;
	struct list_head programs;
	u64 nifs; /* bits of objects taken */
	char *nif; /* KGUEST_NIF_BYTES */
	/* Against faults of programs: whether there is memory to map. */
	struct rw_semaphore lock;
	bool gone;
	u32 n_rings;
	struct kguest_ring ring[GPORT_RINGS_MAX];
};

/* What a descriptor has of it. */
struct kguest_program {
	struct kguest *port;
	struct list_head node; /* in its programs */
	struct kqueues queues;
	u32 flags; /* NR_* */
	u32 nif; /* number of its interface object */
	struct address_space *mapping; /* set by mmap() */
};

/** kguest_find - a device of ptnet.ko by its name, here; NULL. kctl_enter(). */
struct net_device *kguest_find(const char *name);

/** kguest_has - whether programs have its rings. Under kctl_enter(). */
bool kguest_has(const struct net_device *dev);

/** kguest_register - REGISTER of such a device. Under kctl_enter(). */
int kguest_register(struct krequest *rq, struct net_device *dev);

/** kguest_release - a descriptor that has registered one goes. kctl_enter(). */
void kguest_release(struct kguest_program *u);

/** kguest_info, kguest_pools - what there is to ask; id 0: it is not open */
void kguest_info(struct net_device *dev, struct nmreq_port_info_get *out);
void kguest_pools(struct net_device *dev, struct nmreq_pools_info *out);

/** kguest_name - the device's, or what it was; under kctl_lock */
const char *kguest_name(const struct kguest *g);

/* kguestfile.c: any context that may sleep */

int kguest_mmap(struct kguest_program *u, struct vm_area_struct *vma);

/** kguest_sync - all its rings of one direction. 0 or -errno. */
int kguest_sync(const struct kguest_program *u, bool is_tx);

__poll_t kguest_poll(const struct kguest_program *u, struct file *file,
		     poll_table *table);

/** kguest_unmap - programs that look at the memory get SIGBUS from now on */
void kguest_unmap(struct kguest *g);

#endif
