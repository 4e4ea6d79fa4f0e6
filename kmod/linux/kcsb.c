// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kcsb.h"

#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "core/port.h"
#include "kctl.h"
#include "kfile.h"
#include "kmonitor.h"
#include "kpages.h"
#include "kport.h"
#include "krequest.h"

/* An entry a ring; with all the rings that there can be, a page's worth. */
enum { ENTRY = 64, RINGS_MAX = 4 * PTN_RINGS_MAX };

static_assert(sizeof(struct nm_csb_atok) == ENTRY);
static_assert(sizeof(struct nm_csb_ktoa) == ENTRY);
static_assert(ENTRY * RINGS_MAX <= PAGE_SIZE);

struct array {
	struct kpages pages;
	void *map;
	void *entry; /* the first one */
	u32 entries; /* that lie in the pages held */
};

struct kcsb {
	struct array atok, ktoa;
	struct kport *port; /* whose rings use it */
	u64 tx, rx;
};

/*
 * How many entries there will be is not known yet. They begin in a page that
 * must be there; the next one only if they reach into it.
 */
static int hold(struct array *a, u64 address)
{
	const u32 ofs = offset_in_page(address);
	const u64 page = address - ofs;
	int err = -EFAULT;

	if (address % ENTRY)
		return krefuse(-EINVAL, "a CSB array is not aligned to %d",
			       ENTRY);
	if (ofs + ENTRY * RINGS_MAX > PAGE_SIZE)
		err = kpages_pin(&a->pages, page, 2);
	if (err)
		err = kpages_pin(&a->pages, page, 1);
	if (err)
		return krefuse(err, "a CSB array cannot be held");
	a->map = vmap(a->pages.pages, a->pages.n, VM_MAP, PAGE_KERNEL);
	if (!a->map)
		return -ENOMEM;
	a->entry = a->map + ofs;
	a->entries = (a->pages.n * PAGE_SIZE - ofs) / ENTRY;
	return 0;
}

static void let_go(struct array *a)
{
	vunmap(a->map);
	kpages_unpin(&a->pages);
}

int kcsb_new(struct kcsb **out, struct krequest *rq)
{
	const struct nmreq_opt_csb *o = (void *)rq->option[NETMAP_REQ_OPT_CSB];
	struct kcsb *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (c)
		err = hold(&c->atok, o->csb_atok);
	if (!err)
		err = hold(&c->ktoa, o->csb_ktoa);
	if (err)
		kcsb_free(c);
	else
		*out = c;
	return krequest_claim(rq, NETMAP_REQ_OPT_CSB, err);
}

void kcsb_free(struct kcsb *c)
{
	if (!c)
		return;
	let_go(&c->atok);
	let_go(&c->ktoa);
	kfree(c);
}

/* Of all rings, entry @i of the program's arrays or the module's own. */
static void exchange(struct kcsb *c, struct kring *r, u32 vector, int i)
{
	struct kport *p = c->port;
	const u32 own = r - p->ring;
	struct nm_csb_atok *atok = c->atok.entry;
	struct nm_csb_ktoa *ktoa = c->ktoa.entry;

	mutex_lock(&r->lock);
	r->csb = i >= 0;
	ptn_port_set_csb(p->core, vector, r->csb ? atok + i : p->atok + own,
			 r->csb ? ktoa + i : p->ktoa + own);
	mutex_unlock(&r->lock);
}

static void exchange_all(struct kcsb *c, bool in)
{
	struct kport *p = c->port;
	int i = 0;
	u64 q;

	for (q = c->tx; q; q &= q - 1, i++)
		exchange(c, &p->ring[__ffs64(q)], PTN_VECTOR_TX(__ffs64(q)),
			 in ? i : -1);
	for (q = c->rx; q; q &= q - 1, i++)
		exchange(c, &p->ring[p->tx_rings + __ffs64(q)],
			 PTN_VECTOR_RX(__ffs64(q)), in ? i : -1);
}

static bool is_monitored(const struct kport *p, u64 rx)
{
	for (u64 q = rx; q; q &= q - 1)
		if (kmonitor_any(&p->ring[p->tx_rings + __ffs64(q)]))
			return true;
	return false;
}

int kcsb_join(struct kcsb *c, struct kport *p, u64 tx, u64 rx)
{
	const u32 rings = hweight64(tx) + hweight64(rx);

	kctl_assert_held();
	if (c->atok.entries < rings || c->ktoa.entries < rings)
		return krefuse(-EFAULT, "CSB arrays end before ring %u",
			       min(c->atok.entries, c->ktoa.entries));
	if (is_monitored(p, rx))
		return krefuse(-EBUSY,
			       "CSB: what %s receives is being monitored",
			       p->name);
	c->port = p;
	c->tx = tx;
	c->rx = rx;
	exchange_all(c, true);
	return 0;
}

void kcsb_leave(struct kcsb *c)
{
	kctl_assert_held();
	if (!c || !c->port)
		return;
	exchange_all(c, false);
	c->port = NULL;
}

static int check_enable(const struct krequest *rq)
{
	const struct kfile *f = rq->file;

	if (!kfile_port(f))
		return krefuse(-ENXIO, "CSB: no port is registered");
	if (f->csb)
		return krefuse(-EBUSY, "%s is in CSB mode already",
			       f->port->name);
	if (!(f->flags & NR_EXCLUSIVE))
		return krefuse(-EINVAL, "CSB: %s is not opened exclusively",
			       f->port->name);
	if (!rq->option[NETMAP_REQ_OPT_CSB])
		return krefuse(-EINVAL, "CSB_ENABLE needs the CSB option");
	return 0;
}

int kcsb_enable(struct krequest *rq)
{
	struct kfile *f = rq->file;
	struct kcsb *c;
	int err = check_enable(rq);

	if (!err)
		err = kcsb_new(&c, rq);
	if (err)
		return err;
	mutex_lock(&kctl_lock);
	err = kcsb_join(c, f->port, f->tx, f->rx);
	mutex_unlock(&kctl_lock);
	if (err) {
		kcsb_free(c);
		return krequest_claim(rq, NETMAP_REQ_OPT_CSB, err);
	}
	smp_store_release(&f->csb, c);
	return 0;
}
