/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's side of the keeper: what is to be kept goes there, and what an
 * earlier engine left comes back once, at the start. Knows no attachments.
 */
#ifndef PTNET_ENGINE_KEEP_H
#define PTNET_ENGINE_KEEP_H

#include <sys/queue.h>

#include "engine/keeper.h"

struct keep;

/* What an earlier engine left. */
struct kept {
	LIST_ENTRY(kept) link;
	struct keep_record record;
	int fd[KEEP_FDS_MAX];
	uint32_t n;
};

/**
 * keep_new - take over what is kept
 * @sock: to the keeper, owned from now on; 0: nothing is kept
 *
 * Returns 0 or -ENOMEM.
 */
int keep_new(struct keep **out, int sock);

/** keep_free - what nobody took is closed, and stays kept. Takes NULL. */
void keep_free(struct keep *k);

/** keep_first, keep_next - what nobody took yet, by rising windows; or NULL */
struct kept *keep_first(struct keep *k);
struct kept *keep_next(struct kept *left);

/** keep_took - its descriptors belong to the caller now */
void keep_took(struct kept *left);

/** keep_refuse - nobody will take it: it is closed, and not kept any more */
void keep_refuse(struct keep *k, struct kept *left);

/** keep_put - keep these descriptors, too, under the record's name */
void keep_put(struct keep *k, struct keep_record *r, const int *fds,
	      uint32_t n);

/** keep_drop - what has that name is not needed any more */
void keep_drop(struct keep *k, const char *name);

#endif
