// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kguest.h"

#include <linux/bitops.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "core/port.h"
#include "kctl.h"
#include "kfile.h"
#include "kmem.h"
#include "knic.h"
#include "krequest.h"

static LIST_HEAD(open_ports); /* under kctl_lock */

static u32 vector_of(const struct kguest *g, u32 i)
{
	const u32 tx = g->info.rings;

	return i < tx ? PTN_VECTOR_TX(i) : PTN_VECTOR_RX(i - tx);
}

static bool has_ring(const struct kguest *g, const struct kqueues *q, u32 i)
{
	const u32 tx = g->info.rings;

	return i < tx ? q->tx & BIT_ULL(i) : q->rx & BIT_ULL(i - tx);
}

/* What the device tells */

/* From its interrupts. */
static void wake(struct gport_user *user, u32 vector)
{
	struct kguest *g = container_of(user, struct kguest, user);

	for (u32 i = 0; i < g->n_rings; i++)
		if (!vector || vector == vector_of(g, i))
			wake_up(&g->ring[i].wait);
}

/* It goes: no sync is under way then, and none comes any more. */
static void revoke(struct gport_user *user)
{
	struct kguest *g = container_of(user, struct kguest, user);

	ASSERT_RTNL();
	mutex_lock(&kctl_lock);
	for (u32 i = 0; i < g->n_rings; i++) {
		mutex_lock(&g->ring[i].lock);
		g->ring[i].gone = true;
		mutex_unlock(&g->ring[i].lock);
	}
	kguest_unmap(g);
	g->dev = NULL;
	wake(user, 0);
	mutex_unlock(&kctl_lock);
}

/* Finding */

struct net_device *kguest_find(const char *name)
{
	struct net_device *dev = knic_device_here(name);

	ASSERT_RTNL();
	return dev && gport_type_of(dev) && dev->reg_state == NETREG_REGISTERED
		       ? dev
		       : NULL;
}

static struct kguest *find_open(const struct net_device *dev)
{
	struct kguest *g;

	kctl_assert_held();
	list_for_each_entry(g, &open_ports, node) {
		if (g->dev == dev)
			return g;
	}
	return NULL;
}

bool kguest_has(const struct net_device *dev)
{
	return find_open(dev);
}

const char *kguest_name(const struct kguest *g)
{
	return g->dev ? g->dev->name : "a device that is gone";
}

/* Opening and closing */

static void init_rings(struct kguest *g)
{
	g->n_rings = 2 * g->info.rings;
	for (u32 i = 0; i < g->n_rings; i++) {
		mutex_init(&g->ring[i].lock);
		init_waitqueue_head(&g->ring[i].wait);
	}
}

/* Two syncs of a ring may come from two programs, never before it is open. */
static int open_device(struct kguest *g, struct net_device *dev)
{
	int err;

	g->user = (struct gport_user){.wake = wake, .revoke = revoke};
	g->type = gport_type_of(dev);
	if (!try_module_get(g->type->owner))
		return -ENXIO;
	g->type->ops->info(dev, &g->info);
	init_rings(g);
	err = g->type->ops->open(dev, &g->user);
	if (err) {
		module_put(g->type->owner);
		return err;
	}
	g->type->ops->info(dev, &g->info);
	g->dev = dev;
	return 0;
}

static int new_port(struct kguest **out, struct net_device *dev)
{
	struct kguest *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	int id, err = -ENOMEM;

	if (!g)
		return err;
	INIT_LIST_HEAD(&g->programs);
	init_rwsem(&g->lock);
	g->nif = vmalloc_user(KGUEST_NIF_BYTES);
	if (!g->nif)
		goto err_port;
	id = kmem_reserve_id();
	err = id;
	if (id < 0)
		goto err_nif;
	g->mem_id = id;
	err = open_device(g, dev);
	if (err)
		goto err_id;
	list_add_tail(&g->node, &open_ports);
	*out = g;
	return 0;

err_id:
	kmem_free_id(g->mem_id);
err_nif:
	vfree(g->nif);
err_port:
	kfree(g);
	return err;
}

static int get_port(struct kguest **out, struct net_device *dev)
{
	*out = find_open(dev);
	return *out ? 0 : new_port(out, dev);
}

/* The last program is gone, or none came. */
static void settle(struct kguest *g)
{
	if (!list_empty(&g->programs))
		return;
	list_del(&g->node);
	if (g->dev)
		g->type->ops->close(g->dev);
	module_put(g->type->owner);
	kmem_free_id(g->mem_id);
	vfree(g->nif);
	kfree(g);
}

/* Claims on rings */

static int check_claim(const struct kguest *g, const struct kqueues *q,
		       bool exclusive)
{
	for (u32 i = 0; i < g->n_rings; i++) {
		const struct kguest_ring *r = &g->ring[i];

		if (has_ring(g, q, i) &&
		    (r->exclusive || (exclusive && r->users)))
			return krefuse(
				-EBUSY,
				"%s: another program has ring %u of it%s",
				kguest_name(g), i,
				r->exclusive ? " for itself" : "");
	}
	return 0;
}

/* Who comes after another one finds its indices in order. */
static void claim(struct kguest *g, const struct kqueues *q, bool exclusive)
{
	for (u32 i = 0; i < g->n_rings; i++) {
		struct kguest_ring *r = &g->ring[i];

		if (!has_ring(g, q, i))
			continue;
		if (!r->users++)
			g->type->ops->renew(g->dev, vector_of(g, i));
		r->exclusive = exclusive;
	}
}

static void unclaim(struct kguest *g, const struct kqueues *q)
{
	for (u32 i = 0; i < g->n_rings; i++) {
		struct kguest_ring *r = &g->ring[i];

		if (!has_ring(g, q, i))
			continue;
		r->users--;
		r->exclusive = false;
	}
}

/* Interface objects */

static u64 nif_ofs(u32 number)
{
	return (u64)number * KGUEST_NIF_SIZE;
}

static int take_nif(struct kguest *g, u32 *number)
{
	if (!~g->nifs)
		return krefuse(-ENOMEM, "%s has %u programs already",
			       kguest_name(g), KGUEST_NIFS);
	*number = ffz(g->nifs);
	g->nifs |= BIT_ULL(*number);
	return 0;
}

static void show(const struct kguest *g, u32 number, const struct kqueues *q)
{
	const u64 ofs = nif_ofs(number);
	struct netmap_if *s = (void *)(g->nif + ofs);

	memset(s, 0, KGUEST_NIF_SIZE);
	strscpy(s->ni_name, g->dev->name, sizeof(s->ni_name));
	s->ni_version = NETMAP_API;
	s->ni_flags = NI_PRIV_MEM;
	s->ni_tx_rings = g->info.rings;
	s->ni_rx_rings = g->info.rings;
	for (u32 i = 0; i < g->n_rings; i++)
		if (has_ring(g, q, i))
			s->ring_ofs[i] =
				KGUEST_NIF_BYTES + g->info.ring_ofs[i] - ofs;
}

/* REGISTER */

static void params_of(const struct gport_info *info, const char *name,
		      struct ptn_port_params *out)
{
	*out = (struct ptn_port_params){
		.name = name,
		.queues = info->rings,
		.rx_queues = info->rings,
	};
}

static int check_options(const struct krequest *rq, const char *name)
{
	for (u32 i = 1; i <= NETMAP_REQ_OPT_MAX; i++) {
		if (!rq->option[i])
			continue;
		rq->option[i]->nro_status = EOPNOTSUPP;
		return krefuse(-EOPNOTSUPP,
			       "%s is a port of the host, without option %u",
			       name, i);
	}
	return 0;
}

static int check_request(const struct krequest *rq, struct net_device *dev,
			 const struct gport_info *info)
{
	const struct nmreq_register *reg = &rq->body.reg;

	if (reg->nr_flags & (NR_MONITOR_TX | NR_MONITOR_RX))
		return krefuse(-EINVAL,
			       "%s is a port of the host, without monitors",
			       dev->name);
	if (rq->narrow && KGUEST_NIF_BYTES + info->bytes > U32_MAX)
		return krefuse(
			-EOVERFLOW,
			"%s: %llu bytes of memory are too much for NIOCREGIF",
			dev->name, KGUEST_NIF_BYTES + info->bytes);
	if (knic_find(dev->name))
		return krefuse(
			-EBUSY,
			"%s is in use as a network device of this machine",
			dev->name);
	return check_options(rq, dev->name);
}

static void tell(const struct kguest *g, u32 nif, struct nmreq_register *reg)
{
	reg->nr_offset = nif_ofs(nif);
	reg->nr_memsize = KGUEST_NIF_BYTES + g->info.bytes;
	reg->nr_tx_slots = g->info.tx_slots;
	reg->nr_rx_slots = g->info.rx_slots;
	reg->nr_tx_rings = g->info.rings;
	reg->nr_rx_rings = g->info.rings;
	reg->nr_host_tx_rings = 0;
	reg->nr_host_rx_rings = 0;
	reg->nr_mem_id = g->mem_id;
	reg->nr_extra_bufs = 0;
}

static int add_program(struct krequest *rq, struct kguest *g,
		       const struct kqueues *q)
{
	struct nmreq_register *reg = &rq->body.reg;
	const bool exclusive = reg->nr_flags & NR_EXCLUSIVE;
	struct kguest_program *u;
	int err = check_claim(g, q, exclusive);

	if (err)
		return err;
	if (g->info.hdr_len && !(reg->nr_flags & NR_ACCEPT_VNET_HDR))
		return krefuse(-EIO,
			       "%s has headers of %u bytes before its frames",
			       kguest_name(g), g->info.hdr_len);
	if (reg->nr_mem_id && reg->nr_mem_id != g->mem_id)
		return krefuse(-EINVAL, "%s is in memory %u, not %u",
			       kguest_name(g), g->mem_id, reg->nr_mem_id);
	u = kzalloc(sizeof(*u), GFP_KERNEL_ACCOUNT);
	if (!u)
		return -ENOMEM;
	err = take_nif(g, &u->nif);
	if (err) {
		kfree(u);
		return err;
	}
	u->port = g;
	u->queues = *q;
	u->flags = reg->nr_flags;
	claim(g, q, exclusive);
	show(g, u->nif, q);
	tell(g, u->nif, reg);
	list_add_tail(&u->node, &g->programs);
	smp_store_release(&rq->file->guest, u);
	return 0;
}

int kguest_register(struct krequest *rq, struct net_device *dev)
{
	struct ptn_port_params params;
	struct gport_info info;
	struct kqueues q;
	struct kguest *g;
	int err;

	gport_type_of(dev)->ops->info(dev, &info);
	err = check_request(rq, dev, &info);
	if (err)
		return err;
	params_of(&info, dev->name, &params);
	err = kqueues_of(&q, &params, &rq->body.reg);
	if (err)
		return err;
	err = get_port(&g, dev);
	if (err)
		return krefuse(err, "%s: its host does not start it",
			       dev->name);
	err = add_program(rq, g, &q);
	if (err)
		settle(g);
	return err;
}

void kguest_release(struct kguest_program *u)
{
	struct kguest *g = u->port;

	kctl_assert_held();
	unclaim(g, &u->queues);
	g->nifs &= ~BIT_ULL(u->nif);
	list_del(&u->node);
	settle(g);
	kfree(u);
}

/* Asking */

static u16 id_of(const struct net_device *dev)
{
	const struct kguest *g = find_open(dev);

	return g ? g->mem_id : 0;
}

void kguest_info(struct net_device *dev, struct nmreq_port_info_get *out)
{
	struct gport_info info;

	gport_type_of(dev)->ops->info(dev, &info);
	*out = (struct nmreq_port_info_get){
		.nr_memsize = KGUEST_NIF_BYTES + info.bytes,
		.nr_tx_slots = info.tx_slots,
		.nr_rx_slots = info.rx_slots,
		.nr_tx_rings = info.rings,
		.nr_rx_rings = info.rings,
		.nr_mem_id = id_of(dev),
	};
}

void kguest_pools(struct net_device *dev, struct nmreq_pools_info *out)
{
	struct gport_info info;

	gport_type_of(dev)->ops->info(dev, &info);
	*out = (struct nmreq_pools_info){
		.nr_memsize = KGUEST_NIF_BYTES + info.bytes,
		.nr_mem_id = id_of(dev),
		.nr_if_pool_objtotal = KGUEST_NIFS,
		.nr_if_pool_objsize = KGUEST_NIF_SIZE,
		.nr_ring_pool_offset = KGUEST_NIF_BYTES + info.ring_pool.offset,
		.nr_ring_pool_objtotal = info.ring_pool.count,
		.nr_ring_pool_objsize = info.ring_pool.size,
		.nr_buf_pool_offset = KGUEST_NIF_BYTES + info.buf_pool.offset,
		.nr_buf_pool_objtotal = info.buf_pool.count,
		.nr_buf_pool_objsize = info.buf_pool.size,
	};
}
