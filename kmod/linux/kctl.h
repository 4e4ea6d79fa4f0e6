/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * One lock for everything that makes, changes, opens, closes or deletes
 * objects. The data path never takes it. Network devices come and go under
 * the RTNL, so that this is taken first.
 */
#ifndef PTN_KCTL_H
#define PTN_KCTL_H

#include <linux/lockdep.h>
#include <linux/mutex.h>

extern struct mutex kctl_lock;

/** kctl_enter - for changes: the RTNL and the lock */
void kctl_enter(void);
void kctl_leave(void);

/* For looking only, or where the RTNL is held: kctl_lock itself. */

#define kctl_assert_held() lockdep_assert_held(&kctl_lock)

/* Changes whenever an object comes or goes; under the lock. */
extern unsigned int kctl_generation;

#endif
