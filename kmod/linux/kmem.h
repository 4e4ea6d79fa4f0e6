/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Memory of regions: pages, where the kernel sees them, and programs that map
 * them. What lies in a region is the core's business.
 *
 * A kmem has a memory id. Id 1 is the global one, made at its first use and
 * gone with its last user; NICs live there. Every VALE port has one of its
 * own unless it was asked for another; pipes live in their parent's.
 *
 * A memory's size is that of its shape, from the first answer on. Its pages
 * are taken when the core needs their objects, so that a shape may have room
 * for much that will perhaps never be there; programs may map all of it, and
 * get SIGBUS where nothing is yet. Pages that are there stay until the last
 * user is gone, and whoever maps them is one, by the file that he mapped.
 *
 * VMs map a file: such a memory's pages are the file's, behind an area of
 * windows (ptnet/region.h), which are no part of the memory itself.
 *
 * All calls but kmem_get(), kmem_mmap(), kmem_from_user() and the plans are
 * made under kctl_lock. ptn_port_open() and ptn_nif_new() let memory grow:
 * no ring's lock is held around these.
 */
#ifndef PTN_KMEM_H
#define PTN_KMEM_H

#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>

#include <ptnet/request.h>

#include <ptnet/region.h>

#include "core/region.h"
#include "kpages.h"

enum { KMEM_GLOBAL_ID = 1 };

/* A client's window. */
struct kwindow {
	u32 number;
	char *base; /* NULL: none */
	struct page *pages[PTN_WINDOW_SIZE / PAGE_SIZE];
};

struct kmem {
	refcount_t users;
	u16 id;
	struct ptn_region *region;
	size_t bytes; /* of all of it, there or not */

	/*
	 * What is there: changed under kctl_lock and @lock, which is all that
	 * a program's page fault takes.
	 */
	struct rw_semaphore lock;
	char *base; /* kernel address */
	struct page **pages; /* @hole between pools */
	size_t n_pages;
	struct page *hole; /* NULL: all is there */
	u32 there[3]; /* objects of each pool */

	struct kpages lent; /* EXTMEM: a program's, all of them */
	struct file *file; /* the pages are its; NULL */
	DECLARE_BITMAP(windows, PTN_WINDOWS_MAX); /* of the file, taken */

	struct kmem **seen_by; /* becomes NULL when this goes; may be NULL */
};

/** kmem_new - memory of a shape, with an id of its own. One user. */
int kmem_new(struct kmem **out, const struct ptn_shape *shape);

/** kmem_new_file - the same, as a file that VMs can map; -EOPNOTSUPP */
int kmem_new_file(struct kmem **out, const struct ptn_shape *shape,
		  const char *name);

/** kmem_take_window - of a file; zeroed. 0, -ENOSPC, -ENOMEM. */
int kmem_take_window(struct kmem *m, struct kwindow *w);

/** kmem_give_window - clear it and give it back, if there is one */
void kmem_give_window(struct kmem *m, struct kwindow *w);

/** kmem_global - the global memory, one more user. 0 or -ENOMEM. */
int kmem_global(struct kmem **out);

/**
 * kmem_reserve_id, kmem_free_id - an id for memory that is none of ours
 *
 * Nobody finds anything by it. Returns the id or -errno.
 */
int kmem_reserve_id(void);
void kmem_free_id(u16 id);

/** kmem_find - the memory with this id, one more user; NULL */
struct kmem *kmem_find(u16 id);

/** kmem_is_for_vms - made by kmem_new_file(): VMs see all that is there */
static inline bool kmem_is_for_vms(const struct kmem *m)
{
	return m->file;
}

/**
 * kmem_from_user - the calling program's own mapping as memory (EXTMEM)
 * @address: where it begins, at a page's border
 * @info: objects wanted, 0: as usual; nr_memsize: what may be used of the
 *	mapping; on success what there is
 *
 * Takes kctl_lock, though not while it waits for the
 * program's pages. As many buffers as fit, at most those wanted. Returns 0;
 *-EINVAL for a shape that is not possible or does not fit, and for files whose
 *pages are written back; -EFAULT where nothing is mapped; -ENOMEM, also beyond
 *the limit of locked memory.
 */
int kmem_from_user(struct kmem **out, u64 address,
		   struct nmreq_pools_info *info);

struct kmem *kmem_get(struct kmem *m);

/** kmem_put - takes NULL; the last user's frees. May sleep. */
void kmem_put(struct kmem *m);

/** kmem_info - for NETMAP_REQ_POOLS_INFO_GET */
void kmem_info(const struct kmem *m, struct nmreq_pools_info *info);

/**
 * kmem_buffer - a packet buffer as the kernel sees it; NULL: no such
 *
 * Until a lock of a ring in this memory is released.
 */
char *kmem_buffer(const struct kmem *m, u32 idx);

/** kmem_plan - what memory of this shape would be, without an id */
void kmem_plan(const struct ptn_shape *shape, struct nmreq_pools_info *info);

/** kmem_plan_global - what the global memory is or would be */
void kmem_plan_global(struct nmreq_pools_info *info);

/**
 * kmem_mmap - map all or part of it. 0 or -EINVAL.
 *
 * The caller's file holds @m until it is released.
 */
int kmem_mmap(struct kmem *m, struct vm_area_struct *vma);

/** kmem_each - walk all memories; NULL begins and ends */
struct kmem *kmem_each(struct kmem *last);

#endif
