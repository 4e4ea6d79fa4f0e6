/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Memory of regions: pages, where the kernel sees them, and programs that map
 * them. What lies in a region is the core's business.
 *
 * A kmem has a memory id. Id 1 is the global one, made at its first use and
 * gone with its last user; NICs live there. Every VALE port has one of its
 * own unless it was asked for another; pipes live in their parent's.
 *
 * All calls but kmem_get(), kmem_put() and kmem_mmap() are made under
 * kctl_lock.
 */
#ifndef PTN_KMEM_H
#define PTN_KMEM_H

#include <linux/mm_types.h>
#include <linux/refcount.h>

#include <ptnet/request.h>

#include <ptnet/region.h>

#include "core/region.h"

enum { KMEM_GLOBAL_ID = 1 };

struct kmem {
	refcount_t users;
	u16 id;
	struct ptn_region *region;
	char *base; /* kernel address of all of it */
	size_t bytes;
	struct page **pages;
	size_t n_pages;
	bool pinned; /* the pages are a program's (EXTMEM) */
};

/** kmem_new - memory of a shape, with an id of its own. One user. */
int kmem_new(struct kmem **out, const struct ptn_shape *shape);

/** kmem_global - the global memory, one more user. 0 or -ENOMEM. */
int kmem_global(struct kmem **out);

/** kmem_find - the memory with this id, one more user; NULL */
struct kmem *kmem_find(u16 id);

/**
 * kmem_from_user - the calling program's own mapping as memory (EXTMEM)
 * @info: objects wanted; what there is, on success
 *
 * Returns 0, -EINVAL for a shape that is not possible, -EFAULT, -ENOMEM.
 */
int kmem_from_user(struct kmem **out, u64 address,
		   struct nmreq_pools_info *info);

struct kmem *kmem_get(struct kmem *m);

/** kmem_put - takes NULL; the last user's frees. May sleep. */
void kmem_put(struct kmem *m);

/** kmem_info - for NETMAP_REQ_POOLS_INFO_GET */
void kmem_info(const struct kmem *m, struct nmreq_pools_info *info);

/** kmem_mmap - map all or part of it, from offset 0 on. 0 or -EINVAL. */
int kmem_mmap(struct kmem *m, struct vm_area_struct *vma);

/** kmem_each - walk all memories; NULL begins and ends */
struct kmem *kmem_each(struct kmem *last);

#endif
