// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "kguest.h"
#include "krequest.h"

enum { AROUND = 16 }; /* pages that come with one that is touched */

/* Memory */

static unsigned long pages_of(const struct kguest *g)
{
	return (KGUEST_NIF_BYTES + g->info.bytes) >> PAGE_SHIFT;
}

static unsigned long pfn_of(const struct kguest *g, pgoff_t page)
{
	const pgoff_t own = KGUEST_NIF_BYTES >> PAGE_SHIFT;

	return page < own ? vmalloc_to_pfn(g->nif + (page << PAGE_SHIFT))
			  : PHYS_PFN(g->info.mem) + page - own;
}

static vm_fault_t insert(const struct kguest *g, struct vm_area_struct *vma,
			 pgoff_t page)
{
	const unsigned long at =
		vma->vm_start + ((page - vma->vm_pgoff) << PAGE_SHIFT);

	return vmf_insert_pfn(vma, at, pfn_of(g, page));
}

static vm_fault_t insert_around(const struct kguest *g,
				struct vm_area_struct *vma, pgoff_t page)
{
	const pgoff_t around = round_down(page, AROUND);
	const pgoff_t from = max_t(pgoff_t, around, vma->vm_pgoff);
	const pgoff_t end =
		min_t(pgoff_t, around + AROUND, vma->vm_pgoff + vma_pages(vma));
	vm_fault_t ret = insert(g, vma, page);

	for (pgoff_t i = from; i < end && ret == VM_FAULT_NOPAGE; i++)
		if (i != page && insert(g, vma, i) != VM_FAULT_NOPAGE)
			break;
	return ret;
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct kguest_program *u = vmf->vma->vm_private_data;
	struct kguest *g = u->port;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	down_read(&g->lock);
	if (!g->gone)
		ret = insert_around(g, vmf->vma, vmf->pgoff);
	up_read(&g->lock);
	return ret;
}

static const struct vm_operations_struct vm_ops = {
	.fault = fault,
};

/* The device's pages are no memory of this kernel's: they have no struct page.
 */
int kguest_mmap(struct kguest_program *u, struct vm_area_struct *vma)
{
	const unsigned long all = pages_of(u->port), n = vma_pages(vma);

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff > all || n > all - vma->vm_pgoff)
		return -EINVAL;
	WRITE_ONCE(u->mapping, vma->vm_file->f_mapping);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_PFNMAP);
	vma->vm_private_data = u;
	vma->vm_ops = &vm_ops;
	return 0;
}

/* Who maps it from now on waits for the lock, and finds that it is gone. */
void kguest_unmap(struct kguest *g)
{
	const struct kguest_program *u;

	down_write(&g->lock);
	g->gone = true;
	up_write(&g->lock);
	list_for_each_entry(u, &g->programs, node) {
		struct address_space *mapping = READ_ONCE(u->mapping);

		if (mapping)
			unmap_mapping_range(mapping, 0, 0, 1);
	}
}

/* Moving frames */

static int sync_ring(struct kguest *g, u32 i)
{
	struct kguest_ring *r = &g->ring[i];
	const u32 tx = g->info.rings;
	const u32 vector = i < tx ? PTN_VECTOR_TX(i) : PTN_VECTOR_RX(i - tx);
	int answer = -ENXIO;
	bool waits;

	mutex_lock(&r->lock);
	/* who waits stood in the queue before he took the lock */
	waits = waitqueue_active(&r->wait);
	if (likely(!r->gone))
		answer = g->type->ops->sync(g->dev, vector, waits);
	mutex_unlock(&r->lock);
	return answer;
}

/* All rings are synced, whatever one of them says. */
int kguest_sync(const struct kguest_program *u, bool is_tx)
{
	struct kguest *g = u->port;
	u64 queues = is_tx ? u->queues.tx : u->queues.rx;
	int err = 0;

	for (; queues; queues &= queues - 1) {
		int answer = sync_ring(g, (is_tx ? 0 : g->info.rings) +
						  __ffs64(queues));

		if (unlikely(answer < 0))
			err = answer;
	}
	return err;
}

static void wait_at(const struct kguest_program *u, struct file *file,
		    poll_table *table)
{
	struct kguest *g = u->port;
	u64 queues;

	if (poll_does_not_wait(table))
		return;
	for (queues = u->queues.tx; queues; queues &= queues - 1)
		poll_wait(file, &g->ring[__ffs64(queues)].wait, table);
	for (queues = u->queues.rx; queues; queues &= queues - 1)
		poll_wait(file, &g->ring[g->info.rings + __ffs64(queues)].wait,
			  table);
}

/* Rings of one direction, which begin at @first; @ready is what is said. */
static __poll_t poll_rings(struct kguest *g, u64 queues, u32 first,
			   __poll_t ready)
{
	__poll_t out = 0;

	for (; queues; queues &= queues - 1) {
		int answer = sync_ring(g, first + __ffs64(queues));

		if (unlikely(answer < 0))
			out |= EPOLLERR;
		else if (answer)
			out |= ready;
	}
	return out;
}

__poll_t kguest_poll(const struct kguest_program *u, struct file *file,
		     poll_table *table)
{
	struct kguest *g = u->port;
	const __poll_t events = poll_requested_events(table);
	const bool in = events & (EPOLLIN | EPOLLRDNORM);
	const bool out = events & (EPOLLOUT | EPOLLWRNORM);
	__poll_t ready = 0;

	wait_at(u, file, table);
	if (out || !(u->flags & NR_NO_TX_POLL))
		ready |= poll_rings(g, u->queues.tx, 0,
				    out ? EPOLLOUT | EPOLLWRNORM : 0);
	if (in || u->flags & NR_DO_RX_POLL)
		ready |= poll_rings(g, u->queues.rx, g->info.rings,
				    in ? EPOLLIN | EPOLLRDNORM : 0);
	return ready;
}
