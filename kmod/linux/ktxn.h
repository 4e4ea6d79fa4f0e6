/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Transactions: changes are written down, then checked whole against what is
 * there, prepared (all that can fail), and done. A failure at any step leaves
 * everything as it was.
 *
 * Called by kgenl.c. lib/engine/txn.c is the same for the engine.
 */
#ifndef PTN_KTXN_H
#define PTN_KTXN_H

#include "kspec.h"

enum kaction { KACTION_NEW, KACTION_SET, KACTION_DEL };

struct ktxn;

/* Of what is there; under kctl_lock. */
extern u64 ktxn_revision, ktxn_instance;

/** ktxn_new - an empty transaction that makes @revision; NULL: no memory */
struct ktxn *ktxn_new(u64 revision);

/** ktxn_free - forget it. Takes NULL. Not under a lock. */
void ktxn_free(struct ktxn *t);

/**
 * ktxn_add - write a change down; takes what @spec holds on success
 * @text: a sentence that names the object
 *
 * Checks the values, not whether they fit what is there. Returns 0, -EINVAL,
 * -EOPNOTSUPP for kinds that the module does not have, -E2BIG, -ENOMEM.
 */
int ktxn_add(struct ktxn *t, enum kaction action, struct kspec *spec,
	     char *text);

/**
 * ktxn_commit - do all of it, or nothing; takes the locks of control
 *
 * Returns 0, or -errno with a sentence: -EEXIST, -ENOENT, -EBUSY for names,
 * references and ends; what memory and devices say.
 */
int ktxn_commit(struct ktxn *t, char *text);

void ktxn_module_init(void);

#endif
