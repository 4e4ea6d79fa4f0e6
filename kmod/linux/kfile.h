/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * An open descriptor of /dev/netmap: bound to a port and some of its rings, or
 * not yet. Its files:
 *
 *	kfile.c		open, release, mmap, poll, ioctl: the way in
 *	krequest.c	NIOCCTRL: header, body and options copied once, checked
 *	klegacy.c	NIOCGINFO and NIOCREGIF, made into requests
 *	kresolve.c	from the names that programs use to ports
 *	kregister.c	REGISTER: rings and memory of a port
 *	kvale.c		what else is asked about ports and switches
 *	kguest.c	what else REGISTER finds in a VM: ports of its host
 *	ksync.c		moving frames, for whoever syncs
 *	kcsb.c, kloop.c	indices in a program's CSB, and the loop that watches it
 *	kbind.c		VMs' ports, which no descriptor has
 */
#ifndef PTN_KFILE_H
#define PTN_KFILE_H

#include <linux/fs.h>
#include <linux/mutex.h>

#include "core/nif.h"
#include "core/port.h"
#include "kloop.h"

struct kcsb;
struct kguest_program;
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
	/* Instead: a port of this machine's host. Set as @port is. */
	struct kguest_program *guest;
	struct kmem *mem; /* the port's */
	struct ptn_nif *nif;
	u64 tx, rx; /* bits of the queues bound */
	u64 flags; /* NR_* */
	/* CSB mode: syncs by call are refused. Set as @port is. */
	struct kcsb *csb;
	struct kloop_state loop;
};

/** kfile_port - what the descriptor is bound to; NULL: nothing yet */
static inline struct kport *kfile_port(const struct kfile *f)
{
	return smp_load_acquire(&f->port);
}

/** kfile_guest - the same, of its other kind */
static inline struct kguest_program *kfile_guest(const struct kfile *f)
{
	return smp_load_acquire(&f->guest);
}

int kfile_module_init(void);
void kfile_module_exit(void);

#endif
