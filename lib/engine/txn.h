/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions: changes are written down, then checked whole against what is
 * there, prepared (all that can fail), and done. A failure at any step leaves
 * everything as it was.
 *
 * Called by session.c; the only room that makes, connects and deletes objects.
 */
#ifndef PTNET_ENGINE_TXN_H
#define PTNET_ENGINE_TXN_H

#include "engine/state.h"
#include "nl/message.h"

struct txn;

/** txn_new - an empty transaction that makes @revision; NULL: no memory */
struct txn *txn_new(uint64_t revision);
void txn_free(struct txn *t);

/**
 * txn_add - write down a NEW, SET or DEL message; takes its static entries
 * @text: a sentence that names the object, of MESSAGE_TEXT bytes
 *
 * Checks the values, not whether they fit what is there. Returns 0, -EINVAL,
 * -EOPNOTSUPP for kinds that the engine does not have, -E2BIG, -ENOMEM.
 */
int txn_add(struct txn *t, struct message *m, char *text);

/**
 * txn_commit - do all of it, or nothing
 *
 * Returns 0, or -errno with a sentence: -EEXIST, -ENOENT, -EBUSY for names,
 * references and ends; what sockets and memory say.
 */
int txn_commit(struct txn *t, struct engine *e, char *text);

/** txn_clear - delete every object (the engine ends) */
void txn_clear(struct engine *e);

#endif
