/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Pages: the kernel's own, and those that a program lends. Knows nothing of
 * what lies in them; kmem and kcsb call it. All may sleep.
 */
#ifndef PTN_KPAGES_H
#define PTN_KPAGES_H

#include <linux/fs.h>
#include <linux/mm_types.h>

#include <ptnet/request.h>

#include "core/region.h"

/**
 * kpages_take - zeroed pages, charged to the caller's memory cgroup
 *
 * Each is freed by put_page(). Returns 0, or -ENOMEM: those that were taken
 * stand in @pages, which keeps what it had from there on.
 */
int kpages_take(struct page **pages, size_t n);

/**
 * kpages_file - a memory file of so many bytes, sealed against another size
 *
 * Its pages are taken as they are needed. Returns it, or an error pointer;
 * fput() ends it.
 */
struct file *kpages_file(const char *name, u64 bytes);

/** kpages_take_of - as kpages_take(), from the @first page of such a file on */
int kpages_take_of(struct file *file, size_t first, struct page **pages,
		   size_t n);

/**
 * kpages_shape - what fits into a program's mapping (EXTMEM)
 *
 * @address and @info as they came from the program. 0 or -EINVAL.
 */
int kpages_shape(struct ptn_shape *shape, u64 address,
		 const struct nmreq_pools_info *info);

/* Pages that a program lent. */
struct kpages {
	struct page **pages; /* NULL: none */
	size_t n;
	struct mm_struct *mm; /* whose pinned memory they are; or NULL */
};

/**
 * kpages_pin - hold pages of the calling program's memory
 * @address: at a page's border
 *
 * They count as the program's pinned memory (RLIMIT_MEMLOCK). May wait for
 * the program, so that no lock is held that others need. Returns 0, -EINVAL
 * for files whose pages are written back, -EFAULT, -ENOMEM; nothing is held
 * then.
 */
int kpages_pin(struct kpages *out, u64 address, size_t n);

/** kpages_unpin - let them go; they were written. None are there then. */
void kpages_unpin(struct kpages *p);

#endif
