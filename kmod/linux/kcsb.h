/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A program's CSB: the arrays through which its rings' indices travel instead
 * of through the rings' headers. Pages of the program's, held as long as its
 * descriptor is open, and hostile: only the core reads them, word by word.
 */
#ifndef PTN_KCSB_H
#define PTN_KCSB_H

#include <linux/types.h>

struct kcsb;
struct kfile;
struct kport;
struct krequest;

/**
 * kcsb_new - hold the arrays that NETMAP_REQ_OPT_CSB names
 *
 * May wait for the program: not under kctl_lock. Claims the option. Returns 0,
 * -EINVAL when they are not aligned, -EFAULT, -ENOMEM.
 */
int kcsb_new(struct kcsb **out, struct krequest *rq);

/** kcsb_free - when no ring uses it. Takes NULL. */
void kcsb_free(struct kcsb *c);

/**
 * kcsb_join - the indices of these queues' rings travel through it from now on
 *
 * Under kctl_lock, with none of the port's rings' locks. Returns 0, or -EFAULT
 * for arrays shorter than that.
 */
int kcsb_join(struct kcsb *c, struct kport *p, u64 tx, u64 rx);

/** kcsb_leave - undo it. Takes NULL. Under kctl_lock. */
void kcsb_leave(struct kcsb *c);

/** kcsb_enable - NETMAP_REQ_CSB_ENABLE */
int kcsb_enable(struct krequest *rq);

#endif
