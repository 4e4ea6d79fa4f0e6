/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * An open descriptor of /dev/netmap: bound to a port and some of its rings, or
 * not yet. Its files:
 *
 *	kfile.c		open, release, mmap, poll, ioctl: the way in
 *	krequest.c	NIOCCTRL: header, body and options copied once, checked
 *	klegacy.c	NIOCGINFO and NIOCREGIF, made into requests
 *	kregister.c	REGISTER: from a name to a port, rings, memory
 *	kvale.c		what else is asked about ports and switches
 *	ksync.c		moving frames, for whoever syncs
 *	kcsb.c, kloop.c	indices in a program's CSB, and the loop that watches it
 */
#ifndef PTN_KFILE_H
#define PTN_KFILE_H

#include <linux/fs.h>
#include <linux/mutex.h>

#include "core/nif.h"
#include "core/port.h"

struct kcsb;
struct kmem;
struct kport;

struct kfile {
	/* Held around requests: one at a time on a descriptor. */
	struct mutex lock;
	/*
	 * Set once by REGISTER, NULL before, and constant until release: who
	 * has seen it (smp_load_acquire) needs no lock.
	 */
	struct kport *port;
	struct kmem *mem; /* of the port, or what NR_REG_NULL mapped */
	struct ptn_nif *nif;
	u64 tx, rx; /* bits of the queues bound */
	u32 mode;
	u64 flags; /* NR_* */
	u16 ringid;
	u32 extra_bufs;
	struct ptn_work *work; /* under tx_lock */
	struct mutex tx_lock; /* two threads may sync one descriptor */
	struct kcsb *csb; /* CSB mode: syncs by call are refused */
};

#endif
