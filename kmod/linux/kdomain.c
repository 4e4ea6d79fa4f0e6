// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kdomain.h"

#include <linux/slab.h>

#include "kctl.h"
#include "kmem.h"
#include "kname.h"
#include "kwhy.h"

/*
 * Room for ports that are declared while others are open, and for replaced
 * ones that are still open: what nobody takes costs nothing.
 */
enum { SPARE_PORTS = 16, TIMES = 2 };

struct kdomain {
	struct hlist_node by_name;
	char name[PTN_NAME_MAX];
	struct list_head ports; /* kport.in_domain */
	struct kmem *mem; /* NULL: nobody uses any; the users hold it */
};

static DEFINE_HASHTABLE(names, KNAME_BITS);

static struct kdomain *find(const char *name)
{
	struct kdomain *d;

	hash_for_each_possible(names, d, by_name,
			       kname_hash(name, strlen(name))) {
		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}

int kdomain_join(struct kport *p, const char *domain)
{
	struct kdomain *d = find(domain);

	kctl_assert_held();
	if (!d) {
		d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
		if (!d)
			return -ENOMEM;
		strscpy(d->name, domain, sizeof(d->name));
		INIT_LIST_HEAD(&d->ports);
		hash_add(names, &d->by_name,
			 kname_hash(domain, strlen(domain)));
	}
	list_add_tail(&p->in_domain, &d->ports);
	p->shares = d;
	return 0;
}

void kdomain_leave(struct kport *p)
{
	struct kdomain *d = p->shares;

	if (!d)
		return;
	list_del_init(&p->in_domain);
	p->shares = NULL;
	if (!list_empty(&d->ports))
		return;
	if (d->mem)
		d->mem->seen_by = NULL;
	hash_del(&d->by_name);
	kfree(d);
}

static void add(struct ptn_shape *sum, const struct kport *p, u32 times)
{
	struct ptn_shape s;

	kport_shape(p, &s);
	sum->if_count += times * s.if_count;
	sum->ring_count += times * s.ring_count;
	sum->buf_count += times * s.buf_count;
	sum->if_size = max(sum->if_size, s.if_size);
	sum->ring_size = max(sum->ring_size, s.ring_size);
	sum->buf_size = max(sum->buf_size, s.buf_size);
}

static int take_memory(const struct kdomain *d, const struct kport *p,
		       struct kmem **out)
{
	if (p->buf_size > ptn_region_shape(d->mem->region)->buf_size)
		return -ENOSPC;
	if (p->kind == PTN_PORT_VM && !d->mem->file)
		return kwhy(
			-EBUSY,
			"programs use the memory of domain %s since before it had VMs: they must close it first",
			d->name);
	*out = kmem_get(d->mem);
	return 0;
}

/* With a VM in it, it is a file, which that can map. */
static int make(const struct kdomain *d, const struct kport *p,
		struct kmem **out)
{
	bool vms = p->kind == PTN_PORT_VM;
	struct ptn_shape shape = {};
	const struct kport *other;

	add(&shape, p, SPARE_PORTS);
	list_for_each_entry(other, &d->ports, in_domain) {
		add(&shape, other, TIMES);
		vms |= other->kind == PTN_PORT_VM;
	}
	return vms ? kmem_new_file(out, &shape, d->name)
		   : kmem_new(out, &shape);
}

int kdomain_memory(struct kport *p, struct kmem **out)
{
	struct kdomain *d = p->shares;
	int err;

	if (d->mem)
		return take_memory(d, p, out);
	err = make(d, p, out);
	if (err)
		return err;
	d->mem = *out;
	d->mem->seen_by = &d->mem;
	return 0;
}
