// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kpages.h"

#include <linux/backing-dev.h>
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include <ptnet/netmap.h>

/* Taking */

/*
 * Long runs where they are cheap to have: less to allocate and to map. Nobody
 * waits or is squeezed for them.
 */
static struct page *take_run(size_t wanted, unsigned int *order)
{
	static const unsigned int orders[] = {9, 4};
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct page *page;

		if (wanted < 1UL << orders[i])
			continue;
		page = alloc_pages((gfp & ~__GFP_DIRECT_RECLAIM) |
					   __GFP_NORETRY,
				   orders[i]);
		if (!page)
			continue;
		split_page(page, orders[i]);
		*order = orders[i];
		return page;
	}
	*order = 0;
	return alloc_page(gfp);
}

int kpages_take(struct page **pages, size_t n)
{
	unsigned int order;

	for (size_t i = 0; i < n;) {
		struct page *page = take_run(n - i, &order);

		if (!page)
			return -ENOMEM;
		for (size_t j = 0; j < 1UL << order; j++)
			pages[i++] = page + j;
		cond_resched();
	}
	return 0;
}

/* A file's */

/*
 * As memfd_create() makes them: a VMM maps it and asks for its size. Who has
 * it may punch holes, and loses sight of what we hold then, no more.
 */
struct file *kpages_file(const char *name, u64 bytes)
{
	struct file *file;

	if (!IS_ENABLED(CONFIG_SHMEM))
		return ERR_PTR(-EOPNOTSUPP);
	file = shmem_file_setup(name, bytes, VM_NORESERVE);
	/* a file system's word for lacking memory */
	if (IS_ERR(file))
		return PTR_ERR(file) == -ENOSPC ? ERR_PTR(-ENOMEM) : file;
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->f_flags |= O_LARGEFILE;
	SHMEM_I(file_inode(file))->seals = F_SEAL_SHRINK | F_SEAL_GROW |
					   F_SEAL_SEAL;
	/* they are held for long: not where memory is to be movable */
	mapping_set_gfp_mask(file->f_mapping, GFP_USER);
	return file;
}

/* Who holds a page keeps it from being swapped out and from moving. */
int kpages_take_of(struct file *file, size_t first, struct page **pages,
		   size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct page *page =
			shmem_read_mapping_page(file->f_mapping, first + i);

		if (IS_ERR(page))
			return -ENOMEM;
		pages[i] = page;
		cond_resched();
	}
	return 0;
}

/* A program's */

/* What it asked for, or the usual, to whole cache lines. */
static u32 size_of(u32 wanted, u32 usual, u32 align)
{
	return wanted > PTN_RING_SIZE_MAX ? 0
					  : round_up(wanted ?: usual, align);
}

int kpages_shape(struct ptn_shape *shape, u64 address,
		 const struct nmreq_pools_info *info)
{
	enum { IFS = 64, IF_SIZE = 1024, RINGS = 64, SLOTS = 1024 };
	const u64 bytes = round_down(info->nr_memsize, PAGE_SIZE);
	u64 ahead, buffers;

	if (!PAGE_ALIGNED(address) || address + bytes < address)
		return -EINVAL;
	shape->if_count = info->nr_if_pool_objtotal ?: IFS;
	shape->if_size = size_of(info->nr_if_pool_objsize, IF_SIZE, 64);
	shape->ring_count = info->nr_ring_pool_objtotal ?: RINGS;
	shape->ring_size =
		size_of(info->nr_ring_pool_objsize, ptn_ring_bytes(SLOTS), 128);
	shape->buf_size =
		size_of(info->nr_buf_pool_objsize, PTN_BUF_SIZE_DEFAULT, 64);
	/* the fewest, to see whether all else is possible */
	shape->buf_count = NM_BUF_RESERVED + 1;
	if (!ptn_shape_bytes(shape) || ptn_shape_bytes(shape) > bytes)
		return -EINVAL;
	ahead = ptn_shape_pool(shape, 2);
	buffers = (bytes - ahead) / shape->buf_size;
	if (info->nr_buf_pool_objtotal)
		buffers = min_t(u64, buffers, info->nr_buf_pool_objtotal);
	shape->buf_count = min_t(u64, buffers, PTN_BUF_COUNT_MAX);
	return ptn_shape_bytes(shape) ? 0 : -EINVAL;
}

/*
 * Pages of a file system that writes them back must not be written to behind
 * its back. Memory files, huge pages and anonymous memory have no such thing.
 */
static int look_at_mappings(struct mm_struct *mm, u64 address, u64 end)
{
	struct vm_area_struct *vma;
	int err = 0;

	mmap_read_lock(mm);
	while (address < end && !err) {
		vma = find_vma(mm, address);
		if (!vma || vma->vm_start > address)
			err = -EFAULT;
		else if (vma->vm_file &&
			 mapping_can_writeback(vma->vm_file->f_mapping))
			err = -EINVAL;
		else
			address = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return err;
}

static int pin(struct page **pages, u64 address, size_t n)
{
	size_t done = 0;

	while (done < n) {
		int got = pin_user_pages_fast(address + (done << PAGE_SHIFT),
					      min_t(size_t, n - done, 1024),
					      FOLL_WRITE | FOLL_LONGTERM,
					      pages + done);

		if (got <= 0) {
			unpin_user_pages(pages, done);
			return got == -ENOMEM || got == -EINTR ? got : -EFAULT;
		}
		done += got;
		cond_resched();
	}
	return 0;
}

/* Without a lock: what frees pages may hold the program's mmap_lock. */
static int charge(struct kpages *p)
{
	const u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct mm_struct *mm = current->mm;

	if (capable(CAP_IPC_LOCK))
		return 0;
	if (atomic64_add_return(p->n, &mm->pinned_vm) > limit) {
		atomic64_sub(p->n, &mm->pinned_vm);
		return -ENOMEM;
	}
	mmgrab(mm);
	p->mm = mm;
	return 0;
}

static void uncharge(struct kpages *p)
{
	if (!p->mm)
		return;
	atomic64_sub(p->n, &p->mm->pinned_vm);
	mmdrop(p->mm);
}

int kpages_pin(struct kpages *out, u64 address, size_t n)
{
	struct kpages p = {.n = n};
	int err;

	if (!access_ok((void __user *)address, n << PAGE_SHIFT))
		return -EFAULT;
	err = look_at_mappings(current->mm, address,
			       address + (n << PAGE_SHIFT));
	if (err)
		return err;
	err = charge(&p);
	if (err)
		return err;
	p.pages = kvcalloc(n, sizeof(*p.pages),
			   GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	err = p.pages ? pin(p.pages, address, n) : -ENOMEM;
	if (err) {
		kvfree(p.pages);
		uncharge(&p);
		return err;
	}
	*out = p;
	return 0;
}

void kpages_unpin(struct kpages *p)
{
	if (!p->pages)
		return;
	unpin_user_pages_dirty_lock(p->pages, p->n, true);
	kvfree(p->pages);
	uncharge(p);
	memset(p, 0, sizeof(*p));
}
