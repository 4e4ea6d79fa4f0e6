// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kmem.h"

#include <linux/idr.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "kctl.h"

enum {
	FIRST_PRIVATE_ID = 2,
	LAST_ID = U16_MAX,
	/* The global memory: NICs and their pipes. */
	GLOBAL_IFS = 64,
	GLOBAL_RINGS = 64,
	GLOBAL_BUFS = 20000,
};

static DEFINE_IDR(ids); /* changed under kctl_lock */

/* Pages */

static void free_pages_of(struct kmem *m)
{
	for (size_t i = 0; i < m->n_pages; i++)
		if (m->pages[i])
			__free_page(m->pages[i]);
	kvfree(m->pages);
}

static int take_pages(struct kmem *m)
{
	m->n_pages = PAGE_ALIGN(m->bytes) >> PAGE_SHIFT;
	m->pages = kvcalloc(m->n_pages, sizeof(*m->pages), GFP_KERNEL_ACCOUNT);
	if (!m->pages)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_pages; i++) {
		m->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO |
					 __GFP_NOWARN);
		if (!m->pages[i])
			return -ENOMEM;
	}
	m->base = vmap(m->pages, m->n_pages, VM_MAP, PAGE_KERNEL);
	return m->base ? 0 : -ENOMEM;
}

/* Life */

static void free_memory(struct kmem *m)
{
	ptn_region_free(m->region);
	vunmap(m->base);
	if (m->pages)
		free_pages_of(m);
	kfree(m);
}

static int new_memory(struct kmem **out, const struct ptn_shape *shape,
		      int first_id, int last_id)
{
	struct kmem *m;
	int err;

	kctl_assert_held();
	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	refcount_set(&m->users, 1);
	m->bytes = ptn_shape_bytes(shape);
	err = m->bytes ? take_pages(m) : -EINVAL;
	if (!err)
		err = ptn_region_new(&m->region, m->base, shape);
	if (!err)
		err = idr_alloc(&ids, m, first_id, last_id + 1, GFP_KERNEL);
	if (err < 0) {
		free_memory(m);
		return err;
	}
	m->id = err;
	*out = m;
	return 0;
}

int kmem_new(struct kmem **out, const struct ptn_shape *shape)
{
	return new_memory(out, shape, FIRST_PRIVATE_ID, LAST_ID);
}

int kmem_global(struct kmem **out)
{
	const struct ptn_shape shape = {
		.if_count = GLOBAL_IFS,
		.if_size = 1024,
		.ring_count = GLOBAL_RINGS,
		.ring_size = ptn_ring_bytes(PTN_SLOTS_MAX),
		.buf_count = GLOBAL_BUFS,
		.buf_size = PTN_BUF_SIZE_DEFAULT,
	};

	*out = kmem_find(KMEM_GLOBAL_ID);
	if (*out)
		return 0;
	return new_memory(out, &shape, KMEM_GLOBAL_ID, KMEM_GLOBAL_ID);
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
	free_memory(m);
}

struct kmem *kmem_each(struct kmem *last)
{
	int id = last ? last->id + 1 : 0;

	kctl_assert_held();
	return idr_get_next(&ids, &id);
}

void kmem_info(const struct kmem *m, struct nmreq_pools_info *info)
{
	const struct ptn_shape *s = ptn_region_shape(m->region);

	memset(info, 0, sizeof(*info));
	info->nr_memsize = m->bytes;
	info->nr_mem_id = m->id;
	info->nr_if_pool_offset = ptn_region_pool(m->region, 0);
	info->nr_if_pool_objtotal = s->if_count;
	info->nr_if_pool_objsize = s->if_size;
	info->nr_ring_pool_offset = ptn_region_pool(m->region, 1);
	info->nr_ring_pool_objtotal = s->ring_count;
	info->nr_ring_pool_objsize = s->ring_size;
	info->nr_buf_pool_offset = ptn_region_pool(m->region, 2);
	info->nr_buf_pool_objtotal = s->buf_count;
	info->nr_buf_pool_objsize = s->buf_size;
}

/* Programs' mappings hold their pages; the file they came by holds the rest. */
int kmem_mmap(struct kmem *m, struct vm_area_struct *vma)
{
	const unsigned long pages = vma_pages(vma);

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff > m->n_pages || pages > m->n_pages - vma->vm_pgoff)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return vm_map_pages(vma, m->pages, m->n_pages);
}
