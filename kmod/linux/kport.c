// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kport.h"

#include <linux/poll.h>
#include <linux/sched.h>

#include "kbind.h"
#include "kctl.h"
#include "kdomain.h"
#include "kevent.h"
#include "kmem.h"
#include "kname.h"
#include "knic.h"
#include "kmonitor.h"
#include "kpipe.h"
#include "kswitch.h"

/*
 * For so many pipes the memory of a port has room, when rings are not long:
 * what is not used is only a few bytes of books for a buffer.
 */
static const u32 PIPES_OF_PORT = 8, BUFS_OF_PIPES = 1 << 16;

LIST_HEAD(kport_list);

static DEFINE_HASHTABLE(names, KNAME_BITS);

/* What the core asks of its home. */

static void notify(void *home, u32 vector)
{
	struct kport *p = home;
	struct kring *r = kport_ring(p, vector);
	void (*special)(struct kring * r) = smp_load_acquire(&r->notify);

	if (special) {
		special(r);
		return;
	}
	/* both sides have had a full barrier: ksync.c */
	if (!waitqueue_active(&r->wait))
		return;
	if (vector & 1)
		wake_up_poll(&r->wait, EPOLLOUT | EPOLLWRNORM);
	else
		wake_up_poll(&r->wait, EPOLLIN | EPOLLRDNORM);
}

/* Another port made room: who waits in poll() looks again. */
static void wake(void *home, u32 queue)
{
	const struct kport *p = home;
	struct kbind *b = READ_ONCE(p->bind);

	if (b)
		kbind_wake(b);
	else
		notify(home, PTN_VECTOR_TX(queue));
}

static void fault(void *home, u32 vector, u64 total)
{
	const struct kport *p = home;
	struct kbind *b = READ_ONCE(p->bind);

	if (b)
		kbind_fault(b);
	if (is_power_of_2(total))
		pr_info_ratelimited(
			"ptnetmap: port %s: %s ring %u is corrupt, %llu times now\n",
			p->name, vector & 1 ? "transmit" : "receive",
			(vector - 1) / 2, total);
	if (is_power_of_2(total))
		kevent_port(p, PTN_EVENT_PORT_FAULT);
}

/* A VM that does so is stopped; a program is its own business. */
static void abuse(void *home)
{
	const struct kport *p = home;
	struct kbind *b = READ_ONCE(p->bind);

	if (b)
		kbind_fault(b);
}

static const struct ptn_port_ops core_ops = {
	.notify = notify,
	.wake = wake,
	.fault = fault,
	.abuse = abuse,
};

/* Life */

static void take_params(struct kport *p, const struct ptn_port_params *params)
{
	p->params = *params;
	p->params.name = p->name;
	if (!p->params.rx_queues)
		p->params.rx_queues = p->params.queues;
	if (!p->params.rx_slots)
		p->params.rx_slots = p->params.slots;
	p->tx_rings = p->params.queues + p->params.host_queues;
	p->rx_rings = p->params.rx_queues + p->params.host_queues;
}

int kport_new(struct kport **out, const struct ptn_port_params *params,
	      const struct kport_ops *ops)
{
	struct kport *p;
	int err;

	if (strlen(params->name) >= PTN_NAME_MAX)
		return -EINVAL;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	kref_init(&p->ref);
	INIT_LIST_HEAD(&p->node);
	INIT_LIST_HEAD(&p->on_switch);
	INIT_LIST_HEAD(&p->in_domain);
	strscpy(p->name, params->name, sizeof(p->name));
	p->ops = ops;
	p->kind = PTN_PORT_HOST;
	p->buf_size = PTN_BUF_SIZE_DEFAULT;
	err = ptn_port_new(&p->core, params, &core_ops, p);
	if (err) {
		kfree(p);
		return err;
	}
	take_params(p, params);
	*out = p;
	return 0;
}

static void free_port(struct kref *ref)
{
	struct kport *p = container_of(ref, struct kport, ref);

	if (p->ops && p->ops->free)
		p->ops->free(p);
	kdomain_leave(p);
	ptn_port_free(p->core);
	kfree(p);
}

void kport_get(struct kport *p)
{
	kref_get(&p->ref);
}

void kport_put(struct kport *p)
{
	kref_put(&p->ref, free_port);
}

int kport_set_params(struct kport *p, const struct ptn_port_params *params)
{
	struct ptn_port *core;
	struct ptn_port_params named = *params;
	int err;

	kctl_assert_held();
	if (p->mem || p->sw || p->pipe)
		return -EBUSY;
	named.name = p->name;
	err = ptn_port_new(&core, &named, &core_ops, p);
	if (err)
		return err;
	ptn_port_free(p->core);
	p->core = core;
	take_params(p, &named);
	return 0;
}

static struct kport *find_exactly(const char *name)
{
	const u32 hash = kname_hash(name, strlen(name));
	struct kport *p;

	hash_for_each_possible(names, p, by_name, hash) {
		if (!strcmp(p->name, name))
			return p;
	}
	return NULL;
}

int kport_publish(struct kport *p)
{
	kctl_assert_held();
	if (find_exactly(p->name))
		return -EEXIST;
	hash_add(names, &p->by_name, kname_hash(p->name, strlen(p->name)));
	list_add_tail(&p->node, &kport_list);
	kctl_generation++;
	if (p->origin != KPORT_MANAGED)
		kevent_port(p, PTN_EVENT_PORT_NEW);
	return 0;
}

int kport_rename(struct kport *p, const char *name)
{
	kctl_assert_held();
	if (strlen(name) >= sizeof(p->name))
		return -EINVAL;
	if (find_exactly(name))
		return -EEXIST;
	hash_del(&p->by_name);
	strscpy(p->name, name, sizeof(p->name));
	hash_add(names, &p->by_name, kname_hash(p->name, strlen(p->name)));
	kctl_generation++;
	return 0;
}

void kport_remove(struct kport *p)
{
	struct kpipe *pipe = p->pipe;
	struct kswitch *sw;

	kctl_assert_held();
	if (p->gone)
		return;
	if (p->origin != KPORT_MANAGED)
		kevent_port(p, PTN_EVENT_PORT_GONE);
	kport_hold(p);
	p->gone = true;
	kport_release(p);
	if (p->ops && p->ops->remove)
		p->ops->remove(p);
	sw = p->sw;
	hash_del(&p->by_name);
	list_del_init(&p->node);
	kctl_generation++;
	if (p->mem) {
		kmonitor_orphan(p);
		ptn_port_stop(p->core);
		kport_wake(p);
	}
	kswitch_detach(p);
	if (sw)
		kswitch_settle(sw);
	kpipe_detach(p);
	if (pipe)
		kpipe_settle(pipe);
	kport_put(p);
}

void kport_settle(struct kport *p)
{
	kctl_assert_held();
	if (p->opens || p->pins)
		return;
	kmem_put(p->kept);
	p->kept = NULL;
	if (p->origin == KPORT_EPHEMERAL)
		kport_remove(p);
}

/* Names */

/*
 * Network devices' ports are found by who is where the device is, and under
 * the device's name.
 */
static struct kport *find_or_device(const char *name)
{
	struct kport *p = find_exactly(name);

	if (p && (!p->nic || p->origin == KPORT_MANAGED || knic_is_here(p)))
		return p;
	p = knic_find(name);
	return p && p->origin != KPORT_MANAGED ? p : NULL;
}

static struct kport *find_on_switch(const char *name, const char *colon)
{
	const struct kswitch *s = kswitch_find(name, colon - name);
	struct kport *p = s ? find_or_device(colon + 1) : NULL;

	return p && p->sw == s ? p : NULL;
}

static struct kport *find_on_pipe(const char *name, const char *brace)
{
	char pipe[PTN_NAME_MAX];
	const struct kpipe *p;

	if (strcmp(brace + 1, "0") || brace - name >= sizeof(pipe))
		return NULL;
	memcpy(pipe, name, brace - name);
	pipe[brace - name] = 0;
	p = kpipe_find(pipe);
	return p && p->managed ? p->end[*brace == '}'] : NULL;
}

struct kport *kport_find(const char *name)
{
	struct kport *p = find_or_device(name);
	const char *mark = strpbrk(name, ":{}");

	kctl_assert_held();
	if (p || !mark)
		return p;
	return *mark == ':' ? find_on_switch(name, mark)
			    : find_on_pipe(name, mark);
}

/* Opening */

void kport_shape(const struct kport *p, struct ptn_shape *shape)
{
	const struct ptn_port_params *params = &p->params;
	const u32 rings = 2 * (params->queues + params->rx_queues);
	const u32 bufs = 2 * (params->queues * params->slots +
			      params->rx_queues * params->rx_slots);
	const u32 more = clamp(BUFS_OF_PIPES / bufs, 1U, PIPES_OF_PORT);

	ptn_shape_for_params(shape, params, p->buf_size);
	/* one client has all of it, and maps all of it */
	if (p->kind == PTN_PORT_VM)
		return;
	/* a program, or several with some of the rings each, or its pipes' */
	shape->if_count = 2 * (p->tx_rings + p->rx_rings) + 4 * more;
	shape->ring_count += more * rings;
	shape->buf_count += more * bufs + p->spare_bufs;
}

/* What it was asked to use may have gone, and the id be that of a VM's now. */
static int memory_asked_for(const struct kport *p, struct kmem **out)
{
	struct kmem *mem;

	if (p->mem_id == KMEM_GLOBAL_ID)
		return kmem_global(out);
	mem = kmem_find(p->mem_id);
	if (!mem)
		return -ENOENT;
	if (kmem_is_for_vms(mem)) {
		kmem_put(mem);
		return -ENOENT;
	}
	*out = mem;
	return 0;
}

int kport_memory(struct kport *p, struct kmem **out)
{
	struct ptn_shape shape;

	kctl_assert_held();
	if (p->mem || p->kept) {
		*out = kmem_get(p->mem ? p->mem : p->kept);
		return 0;
	}
	if (p->shares)
		return kdomain_memory(p, out);
	if (p->mem_id)
		return memory_asked_for(p, out);
	kport_shape(p, &shape);
	return p->kind == PTN_PORT_VM ? kmem_new_file(out, &shape, p->name)
				      : kmem_new(out, &shape);
}

int kport_memory_to_open(struct kport *p, struct kmem **out)
{
	kctl_assert_held();
	if (p->mem || p->kept || !p->ops || !p->ops->memory)
		return kport_memory(p, out);
	return p->ops->memory(p, out);
}

int kport_memory_for_pipes(struct kport *p, struct kmem **out)
{
	int err;

	kctl_assert_held();
	err = kport_memory_to_open(p, out);
	if (!err && !p->mem && !p->kept)
		p->kept = kmem_get(*out);
	return err;
}

static int make_rings(struct kport *p)
{
	const u32 n = p->tx_rings + p->rx_rings;

	p->ring = kvcalloc(n, sizeof(*p->ring), GFP_KERNEL_ACCOUNT);
	p->atok = kvcalloc(n, sizeof(*p->atok), GFP_KERNEL_ACCOUNT);
	p->ktoa = kvcalloc(n, sizeof(*p->ktoa), GFP_KERNEL_ACCOUNT);
	if (!p->ring || !p->atok || !p->ktoa)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		mutex_init(&p->ring[i].lock);
		init_waitqueue_head(&p->ring[i].wait);
		INIT_LIST_HEAD(&p->ring[i].monitors);
		p->ring[i].work = ptn_work_new();
		if (!p->ring[i].work)
			return -ENOMEM;
	}
	return 0;
}

static void free_rings(struct kport *p)
{
	for (u32 i = 0; p->ring && i < p->tx_rings + p->rx_rings; i++)
		ptn_work_free(p->ring[i].work);
	kvfree(p->ring);
	kvfree(p->atok);
	kvfree(p->ktoa);
	p->ring = NULL;
	p->atok = NULL;
	p->ktoa = NULL;
}

static void close_core(struct kport *p)
{
	u64 counters[PTN_C_MAX + 1];

	ptn_port_counters(p->core, counters);
	for (int i = 0; i <= PTN_C_MAX; i++)
		p->past[i] += counters[i];
	ptn_port_close(p->core);
}

/* Whose memory the indices travel in: ours, or the client's window. */
static int open_core(struct kport *p, const struct kmem *mem)
{
	if (p->bind)
		return kbind_open(p->bind);
	return ptn_port_open(p->core, mem->region, p->atok, p->ktoa);
}

static int open_first(struct kport *p)
{
	struct kmem *mem;
	int err;

	err = kport_memory_to_open(p, &mem);
	if (err)
		return err;
	err = make_rings(p);
	if (err)
		goto err_rings;
	err = open_core(p, mem);
	if (err)
		goto err_rings;
	p->mem = mem;
	if (p->ops && p->ops->open) {
		err = p->ops->open(p);
		if (err)
			goto err_close;
	}
	if (p->huge_pages)
		pr_info_ratelimited(
			"ptnetmap: port %s: no huge pages in the kernel's memory, small ones are used\n",
			p->name);
	p->pid = p->bind ? kbind_pid(p->bind) : task_tgid_nr(current);
	/* a client says when */
	if (!p->bind)
		ptn_port_start(p->core);
	kevent_port(p, PTN_EVENT_PORT_UP);
	return 0;

err_close:
	p->mem = NULL;
	ptn_port_close(p->core);
err_rings:
	free_rings(p);
	kmem_put(mem);
	return err;
}

int kport_open(struct kport *p)
{
	int err;

	kctl_assert_held();
	if (p->gone)
		return -ENXIO;
	err = p->opens ? 0 : open_first(p);
	if (err)
		return err;
	p->opens++;
	kport_get(p);
	return 0;
}

static void close_last(struct kport *p)
{
	kmonitor_orphan(p);
	ptn_port_stop(p->core);
	if (p->ops && p->ops->close)
		p->ops->close(p);
	close_core(p);
	free_rings(p);
	if (p->pins && !p->kept)
		p->kept = p->mem;
	else
		kmem_put(p->mem);
	p->mem = NULL;
	kevent_port(p, PTN_EVENT_PORT_DOWN);
	p->pid = 0;
}

void kport_close(struct kport *p)
{
	kctl_assert_held();
	if (!--p->opens) {
		close_last(p);
		kport_settle(p);
	}
	kport_put(p);
}

/* While it is open */

void kport_hold(struct kport *p)
{
	kctl_assert_held();
	for (u32 i = 0; p->ring && i < p->tx_rings + p->rx_rings; i++)
		mutex_lock_nest_lock(&p->ring[i].lock, &kctl_lock);
}

void kport_release(struct kport *p)
{
	for (u32 i = 0; p->ring && i < p->tx_rings + p->rx_rings; i++)
		mutex_unlock(&p->ring[i].lock);
}

void kport_hold_memory(const struct kmem *m)
{
	struct kport *p;

	list_for_each_entry(p, &kport_list, node)
		if (p->mem == m)
			kport_hold(p);
}

void kport_release_memory(const struct kmem *m)
{
	struct kport *p;

	list_for_each_entry(p, &kport_list, node)
		if (p->mem == m)
			kport_release(p);
}

void kport_wake(struct kport *p)
{
	rcu_read_lock();
	for (u32 i = 0; p->ring && i < p->tx_rings + p->rx_rings; i++) {
		struct kring *r = &p->ring[i];
		void (*special)(struct kring * r) =
			smp_load_acquire(&r->notify);

		if (special)
			special(r);
		wake_up_all(&r->wait);
	}
	rcu_read_unlock();
}

void kport_counters(const struct kport *p, u64 out[PTN_C_MAX + 1])
{
	ptn_port_counters(p->core, out);
	for (int i = 0; i <= PTN_C_MAX; i++)
		out[i] += p->past[i];
}
