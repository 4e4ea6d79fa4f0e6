// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kmem.h"

#include <linux/file.h>
#include <linux/idr.h>
#include <linux/vmalloc.h>

#include <ptnet/netmap.h>

#include "compat.h"
#include "kctl.h"
#include "kpages.h"
#include "kport.h"

enum {
	FIRST_PRIVATE_ID = 2,
	LAST_ID = U16_MAX,
	/*
	 * Pages that come along when one is taken: interfaces with few rings
	 * and extra buffers come one by one.
	 */
	GRAIN = 16,
	/* Pages that a program's fault maps. */
	AROUND = 64,
	/* In a file, ahead of the memory. */
	WINDOW_PAGES = PTN_WINDOW_AREA / PAGE_SIZE,
};

/*
 * A VM's firmware puts a BAR of this size above 4 GiB, where it is cached like
 * memory. All behind the memory is a hole.
 */
static const u64 FILE_BYTES_MIN = 2ULL << 30;

/* NICs, by dozens, and their pipes. */
static const struct ptn_shape global_shape = {
	.if_count = 256,
	.if_size = 1024,
	.ring_count = 512,
	.ring_size = sizeof(struct netmap_ring) +
		     PTN_SLOTS_MAX * sizeof(struct netmap_slot),
	.buf_count = 163840,
	.buf_size = PTN_BUF_SIZE_DEFAULT,
};

static DEFINE_IDR(ids); /* changed under kctl_lock */

/* Growing */

/* A pool's pages: [from, end) are to be there. */
struct extent {
	size_t from, end;
};

static size_t object_size(const struct ptn_shape *s, unsigned int pool)
{
	const u32 size[] = {s->if_size, s->ring_size, s->buf_size};

	return size[pool];
}

static size_t object_count(const struct ptn_shape *s, unsigned int pool)
{
	const u32 count[] = {s->if_count, s->ring_count, s->buf_count};

	return count[pool];
}

static struct extent extent_for(const struct kmem *m, unsigned int pool,
				u32 count)
{
	const struct ptn_shape *s = ptn_region_shape(m->region);
	const size_t size = object_size(s, pool);
	struct extent e;

	e.from = ptn_region_pool(m->region, pool) >> PAGE_SHIFT;
	count = max(count, m->there[pool]);
	e.end = e.from + round_up(PFN_UP(count * size), GRAIN);
	e.end = min(e.end, e.from + PFN_UP(object_count(s, pool) * size));
	return e;
}

/* Objects that lie in an extent whole. */
static u32 objects_in(const struct kmem *m, unsigned int pool,
		      const struct extent *e)
{
	const struct ptn_shape *s = ptn_region_shape(m->region);
	const size_t bytes = (e->end - e->from) << PAGE_SHIFT;

	return min(bytes / object_size(s, pool), object_count(s, pool));
}

static bool there(const struct kmem *m, size_t page)
{
	return page < m->n_pages && m->pages[page] != m->hole;
}

static int take(const struct kmem *m, size_t first, struct page **pages,
		size_t n)
{
	return m->file ? kpages_take_of(m->file, WINDOW_PAGES + first, pages, n)
		       : kpages_take(pages, n);
}

/* The old pages in their places, holes elsewhere, and the new ones. */
static int fill(const struct kmem *m, struct page **pages, size_t n,
		const struct extent e[3])
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		pages[i] = i < m->n_pages ? m->pages[i] : m->hole;
	for (int pool = 0; pool < 3 && !err; pool++) {
		size_t at = e[pool].from;

		while (at < e[pool].end && there(m, at))
			at++;
		err = take(m, at, pages + at, e[pool].end - at);
	}
	return err;
}

static void forget_new(const struct kmem *m, struct page **pages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pages[i] && pages[i] != m->hole && !there(m, i))
			put_page(pages[i]);
	kvfree(pages);
}

/*
 * Programs are kept from syncing while their rings' addresses change; frames
 * that arrive meanwhile find the same pages at the old ones.
 */
static void show(struct kmem *m, char *base, struct page **pages, size_t n)
{
	char *old_base = m->base;
	struct page **old_pages = m->pages;

	kport_hold_memory(m);
	down_write(&m->lock);
	m->base = base;
	m->pages = pages;
	m->n_pages = n;
	up_write(&m->lock);
	ptn_region_reach(m->region, base, m->there);
	kport_release_memory(m);
	vunmap(old_base);
	kvfree(old_pages);
}

static int grow(void *home, const u32 count[3])
{
	struct kmem *m = home;
	struct page **pages;
	struct extent e[3];
	size_t n = 0;
	char *base;
	int err;

	kctl_assert_held();
	for (int pool = 0; pool < 3; pool++) {
		e[pool] = extent_for(m, pool, count[pool]);
		if (e[pool].end > e[pool].from)
			n = e[pool].end;
	}
	pages = kvcalloc(n, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	err = fill(m, pages, n, e);
	if (err)
		goto err_pages;
	base = vmap(pages, n, VM_MAP, PAGE_KERNEL);
	if (!base) {
		err = -ENOMEM;
		goto err_pages;
	}
	for (int pool = 0; pool < 3; pool++)
		m->there[pool] = objects_in(m, pool, &e[pool]);
	show(m, base, pages, n);
	return 0;

err_pages:
	forget_new(m, pages, n);
	return err;
}

/* Life */

static void free_own(struct kmem *m)
{
	for (size_t i = 0; i < m->n_pages; i++)
		if (there(m, i))
			put_page(m->pages[i]);
	kvfree(m->pages);
}

static void free_memory(struct kmem *m)
{
	ptn_region_free(m->region);
	vunmap(m->base);
	if (m->lent.pages)
		kpages_unpin(&m->lent);
	else
		free_own(m);
	if (m->hole)
		put_page(m->hole);
	if (m->file)
		fput(m->file);
	kfree(m);
}

static struct kmem *new_memory(const struct ptn_shape *shape)
{
	struct kmem *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);

	if (!m)
		return NULL;
	refcount_set(&m->users, 1);
	init_rwsem(&m->lock);
	m->bytes = ptn_shape_bytes(shape);
	return m;
}

static int publish(struct kmem *m, int first_id, int last_id)
{
	int id;

	kctl_assert_held();
	id = idr_alloc(&ids, m, first_id, last_id + 1, GFP_KERNEL);

	if (id < 0)
		return id;
	m->id = id;
	return 0;
}

/* @file, if there is one, is taken over. */
static int new_sparse(struct kmem **out, const struct ptn_shape *shape,
		      int first_id, int last_id, struct file *file)
{
	static const u32 nothing[3];
	struct kmem *m = new_memory(shape);
	int err;

	if (!m) {
		if (file)
			fput(file);
		return -ENOMEM;
	}
	m->file = file;
	err = kpages_take(&m->hole, 1);
	if (!err)
		err = ptn_region_new(&m->region, NULL, shape);
	if (!err)
		err = publish(m, first_id, last_id);
	if (err) {
		free_memory(m);
		return err;
	}
	ptn_region_grow_by(m->region, nothing, grow, m);
	*out = m;
	return 0;
}

int kmem_new(struct kmem **out, const struct ptn_shape *shape)
{
	return new_sparse(out, shape, FIRST_PRIVATE_ID, LAST_ID, NULL);
}

int kmem_new_file(struct kmem **out, const struct ptn_shape *shape,
		  const char *name)
{
	const u64 bytes = PTN_WINDOW_AREA + ptn_shape_bytes(shape);
	struct file *file;
	int err;

	file = kpages_file(name,
			   max(roundup_pow_of_two(bytes), FILE_BYTES_MIN));
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = new_sparse(out, shape, FIRST_PRIVATE_ID, LAST_ID, file);
	if (!err)
		__set_bit(PTN_HOST_ID, (*out)->windows);
	return err;
}

int kmem_global(struct kmem **out)
{
	*out = kmem_find(KMEM_GLOBAL_ID);
	if (*out)
		return 0;
	return new_sparse(out, &global_shape, KMEM_GLOBAL_ID, KMEM_GLOBAL_ID,
			  NULL);
}

static int map_lent(struct kmem *m, const struct ptn_shape *shape)
{
	m->pages = m->lent.pages;
	m->n_pages = m->lent.n;
	m->base = vmap(m->pages, m->n_pages, VM_MAP, PAGE_KERNEL);
	if (!m->base)
		return -ENOMEM;
	/* what was in the buffers is the program's own */
	memset(m->base, 0, ptn_shape_pool(shape, 2));
	m->there[0] = shape->if_count;
	m->there[1] = shape->ring_count;
	m->there[2] = shape->buf_count;
	return ptn_region_new(&m->region, m->base, shape);
}

int kmem_from_user(struct kmem **out, u64 address,
		   struct nmreq_pools_info *info)
{
	struct ptn_shape shape;
	struct kmem *m;
	int err;

	err = kpages_shape(&shape, address, info);
	if (err)
		return err;
	m = new_memory(&shape);
	if (!m)
		return -ENOMEM;
	err = kpages_pin(&m->lent, address, PFN_UP(m->bytes));
	if (!err)
		err = map_lent(m, &shape);
	if (!err) {
		mutex_lock(&kctl_lock);
		err = publish(m, FIRST_PRIVATE_ID, LAST_ID);
		mutex_unlock(&kctl_lock);
	}
	if (err) {
		free_memory(m);
		return err;
	}
	kmem_info(m, info);
	*out = m;
	return 0;
}

int kmem_reserve_id(void)
{
	kctl_assert_held();
	return idr_alloc(&ids, NULL, FIRST_PRIVATE_ID, LAST_ID + 1, GFP_KERNEL);
}

void kmem_free_id(u16 id)
{
	kctl_assert_held();
	idr_remove(&ids, id);
}

struct kmem *kmem_find(u16 id)
{
	struct kmem *m = idr_find(&ids, id);

	kctl_assert_held();
	/* one without users is about to leave the table */
	return m && refcount_inc_not_zero(&m->users) ? m : NULL;
}

struct kmem *kmem_get(struct kmem *m)
{
	refcount_inc(&m->users);
	return m;
}

void kmem_put(struct kmem *m)
{
	kctl_assert_held();
	if (!m || !refcount_dec_and_test(&m->users))
		return;
	idr_remove(&ids, m->id);
	if (m->seen_by)
		*m->seen_by = NULL;
	free_memory(m);
}

struct kmem *kmem_each(struct kmem *last)
{
	int id = last ? last->id + 1 : 0;

	kctl_assert_held();
	return idr_get_next(&ids, &id);
}

/* Windows */

static void forget_window(struct kwindow *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->pages); i++)
		if (w->pages[i])
			put_page(w->pages[i]);
	memset(w, 0, sizeof(*w));
}

int kmem_take_window(struct kmem *m, struct kwindow *w)
{
	const u32 n = find_first_zero_bit(m->windows, PTN_WINDOWS_MAX);
	int err;

	kctl_assert_held();
	if (!m->file || n == PTN_WINDOWS_MAX)
		return -ENOSPC;
	err = kpages_take_of(m->file, n * ARRAY_SIZE(w->pages), w->pages,
			     ARRAY_SIZE(w->pages));
	if (!err)
		w->base = vmap(w->pages, ARRAY_SIZE(w->pages), VM_MAP,
			       PAGE_KERNEL);
	if (!w->base) {
		forget_window(w);
		return -ENOMEM;
	}
	/* another member of the domain may have left something */
	memset(w->base, 0, PTN_WINDOW_SIZE);
	w->number = n;
	__set_bit(n, m->windows);
	return 0;
}

void kmem_give_window(struct kmem *m, struct kwindow *w)
{
	kctl_assert_held();
	if (!w->base)
		return;
	memset(w->base, 0, PTN_WINDOW_SIZE);
	vunmap(w->base);
	__clear_bit(w->number, m->windows);
	forget_window(w);
}

/* Answers */

char *kmem_buffer(const struct kmem *m, u32 idx)
{
	const u32 size = ptn_region_shape(m->region)->buf_size;

	if (idx < NM_BUF_RESERVED || idx >= m->there[2])
		return NULL;
	return m->base + ptn_region_pool(m->region, 2) + (size_t)idx * size;
}

void kmem_plan(const struct ptn_shape *s, struct nmreq_pools_info *info)
{
	memset(info, 0, sizeof(*info));
	info->nr_memsize = ptn_shape_bytes(s);
	info->nr_if_pool_offset = ptn_shape_pool(s, 0);
	info->nr_if_pool_objtotal = s->if_count;
	info->nr_if_pool_objsize = s->if_size;
	info->nr_ring_pool_offset = ptn_shape_pool(s, 1);
	info->nr_ring_pool_objtotal = s->ring_count;
	info->nr_ring_pool_objsize = s->ring_size;
	info->nr_buf_pool_offset = ptn_shape_pool(s, 2);
	info->nr_buf_pool_objtotal = s->buf_count;
	info->nr_buf_pool_objsize = s->buf_size;
}

void kmem_plan_global(struct nmreq_pools_info *info)
{
	kmem_plan(&global_shape, info);
	info->nr_mem_id = KMEM_GLOBAL_ID;
}

void kmem_info(const struct kmem *m, struct nmreq_pools_info *info)
{
	kmem_plan(ptn_region_shape(m->region), info);
	info->nr_mem_id = m->id;
}

/* Programs' mappings */

/* Whether the pages have their place in another file, not in this one. */
static bool is_elsewhere(const struct kmem *m)
{
	return m->lent.pages || m->file;
}

/* Pages of our own are as any other to who maps them. */
static vm_fault_t insert(struct kmem *m, struct vm_area_struct *vma,
			 size_t page)
{
	const unsigned long at =
		vma->vm_start + ((page - vma->vm_pgoff) << PAGE_SHIFT);
	int err;

	if (is_elsewhere(m))
		return vmf_insert_pfn(vma, at, page_to_pfn(m->pages[page]));
	err = vm_insert_page(vma, at, m->pages[page]);
	if (err == -ENOMEM)
		return VM_FAULT_OOM;
	return err && err != -EBUSY ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

static vm_fault_t insert_around(struct kmem *m, struct vm_area_struct *vma,
				size_t page)
{
	const size_t around = round_down(page, AROUND);
	const size_t from = max_t(size_t, around, vma->vm_pgoff);
	const size_t end =
		min_t(size_t, around + AROUND, vma->vm_pgoff + vma_pages(vma));
	vm_fault_t ret;

	if (!there(m, page))
		return VM_FAULT_SIGBUS;
	ret = insert(m, vma, page);
	for (size_t i = from; i < end && ret == VM_FAULT_NOPAGE; i++)
		if (i != page && there(m, i) &&
		    insert(m, vma, i) != VM_FAULT_NOPAGE)
			break;
	return ret;
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct kmem *m = vmf->vma->vm_private_data;
	vm_fault_t ret;

	down_read(&m->lock);
	ret = insert_around(m, vmf->vma, vmf->pgoff);
	up_read(&m->lock);
	return ret;
}

static const struct vm_operations_struct vm_ops = {
	.fault = fault,
};

int kmem_mmap(struct kmem *m, struct vm_area_struct *vma)
{
	const unsigned long all = PFN_UP(m->bytes), n = vma_pages(vma);

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff > all || n > all - vma->vm_pgoff)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP |
				  (is_elsewhere(m) ? VM_PFNMAP : VM_MIXEDMAP));
	vma->vm_private_data = m;
	vma->vm_ops = &vm_ops;
	return 0;
}
