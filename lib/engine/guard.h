/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a client can make vanish: it may punch holes into a file of
 * huge pages, and when none is left to fill the hole, touching it is SIGBUS.
 * The guard puts memory of the engine's own there, so that the engine goes
 * on, and remembers whose it was.
 *
 * Small pages need no guard: the file is sealed against shrinking, and a hole
 * is filled again.
 */
#ifndef PTNET_ENGINE_GUARD_H
#define PTNET_ENGINE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

enum { GUARDS_MAX = 1024 };

/** guard_add - watch a mapping of huge pages of @page bytes; -ENOSPC */
int guard_add(void *base, size_t bytes, size_t page);

/** guard_remove - before it is unmapped; what is not watched is ignored */
void guard_remove(void *base);

/** guard_hit - whether a part of it has vanished */
bool guard_hit(const void *base);

#endif
