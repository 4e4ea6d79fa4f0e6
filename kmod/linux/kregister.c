// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kregister.h"

#include "core/header.h"
#include "kctl.h"
#include "kcsb.h"
#include "kfile.h"
#include "kguest.h"
#include "kmem.h"
#include "kmonitor.h"
#include "koffsets.h"
#include "knic.h"
#include "kpipe.h"
#include "kport.h"
#include "kqueues.h"
#include "krequest.h"
#include "kresolve.h"

/* Extra buffers for which new memory has room. */
enum { EXTRA_MAX = 1 << 17 };

#define MONITOR_FLAGS (NR_MONITOR_TX | NR_MONITOR_RX)
#define KNOWN_FLAGS                                                            \
	(MONITOR_FLAGS | NR_ZCOPY_MON | NR_EXCLUSIVE | NR_RX_RINGS_ONLY |      \
	 NR_TX_RINGS_ONLY | NR_ACCEPT_VNET_HDR | NR_DO_RX_POLL |               \
	 NR_NO_TX_POLL)

/* What was asked for */

static int check_flags(const struct nmreq_register *reg)
{
	const u64 only = NR_RX_RINGS_ONLY | NR_TX_RINGS_ONLY;

	if (reg->nr_flags & ~(u64)KNOWN_FLAGS)
		return krefuse(-EINVAL, "flags %#llx are unknown",
			       reg->nr_flags & ~(u64)KNOWN_FLAGS);
	if ((reg->nr_flags & only) == only)
		return krefuse(-EINVAL, "neither rings to send nor to receive");
	if (reg->nr_mode > NR_REG_ONE_SW)
		return krefuse(-EINVAL, "there is no mode %u", reg->nr_mode);
	return 0;
}

/* Claims on rings; of an open port */

/* Whether the ring of this vector is one of the queues. */
static bool has_ring(const struct kport *p, const struct kqueues *q, u32 i)
{
	return i < p->tx_rings ? q->tx & BIT_ULL(i)
			       : q->rx & BIT_ULL(i - p->tx_rings);
}

static u32 vector_of(const struct kport *p, u32 i)
{
	return i < p->tx_rings ? PTN_VECTOR_TX(i)
			       : PTN_VECTOR_RX(i - p->tx_rings);
}

static int check_claim(struct krequest *rq, const struct kport *p,
		       const struct kqueues *q, const struct ptn_offsets *o)
{
	const bool exclusive = rq->body.reg.nr_flags & NR_EXCLUSIVE;

	for (u32 i = 0; i < p->tx_rings + p->rx_rings; i++) {
		const struct kring *r = &p->ring[i];
		int err;

		if (!has_ring(p, q, i))
			continue;
		if (r->exclusive || (exclusive && r->users))
			return krefuse(
				-EBUSY,
				"%s: another program has ring %u of it%s",
				p->name, i, r->exclusive ? " for itself" : "");
		err = koffsets_check(rq, p, vector_of(p, i), o);
		if (err)
			return err;
	}
	return 0;
}

static void set_offsets(struct kport *p, u32 vector,
			const struct ptn_offsets *o)
{
	if (!ptn_offsets_equal(ptn_port_offsets(p->core, vector), o))
		ptn_port_set_offsets(p->core, vector, o);
}

/* Who comes after another one finds its indices in order. */
static void renew(struct kport *p, struct kring *r, u32 vector,
		  const struct ptn_offsets *o)
{
	mutex_lock(&r->lock);
	ptn_header_anew(p->core, vector);
	set_offsets(p, vector, o);
	mutex_unlock(&r->lock);
}

static int claim(struct krequest *rq, struct kport *p, const struct kqueues *q)
{
	struct ptn_offsets o;
	int err = koffsets_read(&o, rq,
				ptn_region_shape(p->mem->region)->buf_size);

	if (!err)
		err = check_claim(rq, p, q, &o);
	if (err)
		return err;
	for (u32 i = 0; i < p->tx_rings + p->rx_rings; i++) {
		struct kring *r = &p->ring[i];

		if (!has_ring(p, q, i))
			continue;
		if (!r->users++)
			renew(p, r, vector_of(p, i), &o);
		r->exclusive = rq->body.reg.nr_flags & NR_EXCLUSIVE;
	}
	return 0;
}

static void unclaim(struct kport *p, const struct kqueues *q)
{
	static const struct ptn_offsets none;

	for (u32 i = 0; i < p->tx_rings + p->rx_rings; i++) {
		struct kring *r = &p->ring[i];

		if (!has_ring(p, q, i))
			continue;
		r->exclusive = false;
		if (--r->users)
			continue;
		mutex_lock(&r->lock);
		set_offsets(p, vector_of(p, i), &none);
		mutex_unlock(&r->lock);
	}
}

/* Extra buffers are granted as far as there are some. */
static int show(struct kfile *f, struct kport *p, const char *name,
		const struct kqueues *q, struct nmreq_register *reg)
{
	struct ptn_nif_params params = {
		.name = name,
		.tx = q->tx,
		.rx = q->rx,
		.extra_bufs = reg->nr_extra_bufs,
		.shares_region = p->mem->id == KMEM_GLOBAL_ID,
	};
	int err;

	for (;;) {
		err = ptn_nif_new(&f->nif, p->core, &params);
		if (err != -ENOMEM || !params.extra_bufs)
			break;
		params.extra_bufs /= 2;
	}
	if (err)
		return krefuse(err, "%s: its memory has no room left", name);
	reg->nr_extra_bufs = params.extra_bufs;
	return 0;
}

static void tell(const struct kport *p, struct nmreq_register *reg)
{
	reg->nr_tx_slots = p->params.slots;
	reg->nr_rx_slots = p->params.rx_slots;
	reg->nr_tx_rings = p->params.queues;
	reg->nr_rx_rings = p->params.rx_queues;
	reg->nr_host_tx_rings = p->params.host_queues;
	reg->nr_host_rx_rings = p->params.host_queues;
	reg->nr_mem_id = p->mem->id;
	reg->nr_memsize = p->mem->bytes;
}

static int join_csb(struct krequest *rq, struct kport *p,
		    const struct kqueues *q)
{
	int err = kcsb_join(rq->csb, p, q->tx, q->rx);

	if (err)
		return krequest_claim(rq, NETMAP_REQ_OPT_CSB, err);
	rq->file->csb = rq->csb;
	rq->csb = NULL;
	return 0;
}

static int bind_rings(struct krequest *rq, struct kport *p, const char *name,
		      const struct kqueues *q)
{
	struct nmreq_register *reg = &rq->body.reg;
	struct kfile *f = rq->file;
	int err;

	if (rq->narrow && p->mem->bytes > U32_MAX)
		return krefuse(
			-EOVERFLOW,
			"%s: %zu bytes of memory are too much for NIOCREGIF",
			name, p->mem->bytes);
	/* a monitor's, a pipe's or a declared port's may not be its choice */
	if (reg->nr_mem_id && reg->nr_mem_id != p->mem->id)
		return krefuse(-EINVAL, "%s is in memory %u, not %u", name,
			       p->mem->id, reg->nr_mem_id);
	err = claim(rq, p, q);
	if (err)
		return err;
	err = show(f, p, name, q, reg);
	if (err)
		goto err_claim;
	reg->nr_offset = ptn_nif_ofs(f->nif);
	tell(p, reg);
	if (rq->csb) {
		err = join_csb(rq, p, q);
		if (err)
			goto err_show;
	}
	f->tx = q->tx;
	f->rx = q->rx;
	f->flags = reg->nr_flags;
	f->mem = p->mem;
	smp_store_release(&f->port, p);
	return 0;

err_show:
	ptn_nif_free(f->nif);
err_claim:
	unclaim(p, q);
	return err;
}

/* The descriptor becomes the port's program; else the port may go. */
static int bind(struct krequest *rq, struct kport *p, const char *name,
		const struct kqueues *q)
{
	int err = kport_open(p);

	if (err) {
		kport_settle(p);
		return krefuse(err, "%s cannot be opened", name);
	}
	err = bind_rings(rq, p, name, q);
	if (err)
		kport_close(p);
	return err;
}

/* Memory that is yet to be made has room for extra buffers. */
static void want_room(struct kport *p, u32 bufs)
{
	struct kport *owner = p->pipe && p->pipe->parent ? p->pipe->parent : p;

	if (!owner->mem && !owner->kept)
		owner->spare_bufs = min_t(u32, bufs, EXTRA_MAX);
}

static int check_port(const struct kport *p, const char *name, u64 flags)
{
	if (p->kind == PTN_PORT_VM)
		return krefuse(-EBUSY, "%s is a VM's, by its attach socket",
			       name);
	if (!p->params.hdr_len || flags & NR_ACCEPT_VNET_HDR)
		return 0;
	return krefuse(-EIO, "%s has headers of %u bytes before its frames",
		       name, p->params.hdr_len);
}

/* A port that was made for this goes if it fails. */
static int register_port(struct krequest *rq, struct kport *p, const char *name)
{
	const struct nmreq_register *reg = &rq->body.reg;
	struct kqueues q;
	int err = kqueues_of(&q, &p->params, reg);

	if (!err)
		err = check_port(p, name, reg->nr_flags);
	if (err) {
		kport_settle(p);
		return err;
	}
	want_room(p, reg->nr_extra_bufs);
	return bind(rq, p, name, &q);
}

/* Ports that nobody finds by a name: for memory only, and monitors */

static int register_null(struct krequest *rq, const char *name)
{
	const u16 mem_id = rq->body.reg.nr_mem_id;
	const struct ptn_port_params params = {
		.name = "null",
		.queues = 1,
		.slots = PTN_SLOTS_MIN,
	};
	struct kport *p;
	int err = kresolve_memory(mem_id);

	if (!err)
		err = kport_new(&p, &params, NULL);
	if (err)
		return err;
	p->mem_id = mem_id;
	return register_port(rq, p, name);
}

/*
 * As a program sees its device. A device that is its port's program sends into
 * the switch what comes from the wire.
 */
static int monitored_queues(struct kmonitor_params *out,
			    const struct kport *parent,
			    const struct nmreq_register *reg)
{
	struct ptn_port_params shape = parent->params;
	const bool turned = knic_is_program(parent);
	struct kqueues q;
	int err;

	if (turned)
		swap(shape.queues, shape.rx_queues);
	err = kqueues_of(&q, &shape, reg);
	if (err)
		return err;
	if (reg->nr_flags & NR_MONITOR_TX)
		out->tx = q.tx;
	if (reg->nr_flags & NR_MONITOR_RX)
		out->rx = q.rx;
	if (turned)
		swap(out->tx, out->rx);
	return 0;
}

/* One without copies has its rings beside its parent's. */
static int check_monitors_memory(const struct kport *parent,
				 const struct nmreq_register *reg)
{
	if (!(reg->nr_flags & NR_ZCOPY_MON))
		return kresolve_memory(reg->nr_mem_id);
	if (parent->kind == PTN_PORT_VM)
		return krefuse(
			-EBUSY,
			"%s is a VM's: programs see copies of its frames",
			parent->name);
	return kresolve_parents_memory(reg->nr_mem_id);
}

static int register_monitor(struct krequest *rq, const char *name)
{
	const struct nmreq_register *reg = &rq->body.reg;
	struct kmonitor_params params = {
		.zero_copy = reg->nr_flags & NR_ZCOPY_MON,
	};
	struct kqueues q;
	struct kport *parent, *p;
	int err = kresolve_find(&parent, name);

	if (err)
		return krefuse(err == -ENXIO ? -EINVAL : err,
			       "%s is not there to be monitored", name);
	err = monitored_queues(&params, parent, reg);
	if (!err)
		err = check_monitors_memory(parent, reg);
	if (err)
		return err;
	params.slots = reg->nr_rx_slots;
	err = kmonitor_new(&p, parent, &params);
	if (err == -EOPNOTSUPP)
		return krefuse(err,
			       "what %s receives is not monitored in CSB mode",
			       name);
	if (err)
		return krefuse(err, "%s cannot be monitored", name);
	p->mem_id = reg->nr_mem_id; /* copies may be in any memory */
	q = (struct kqueues){.rx = params.tx | params.rx};
	return bind(rq, p, name, &q);
}

/* The older way to say PARENT{ID */
static int name_of(const struct krequest *rq, char name[PTN_NAME_MAX])
{
	const struct nmreq_register *reg = &rq->body.reg;
	const bool master = reg->nr_mode == NR_REG_PIPE_MASTER;
	int len;

	if (!master && reg->nr_mode != NR_REG_PIPE_SLAVE) {
		strscpy(name, rq->header.nr_name, PTN_NAME_MAX);
		return 0;
	}
	len = snprintf(name, PTN_NAME_MAX, "%s%c%u", rq->header.nr_name,
		       master ? '{' : '}', reg->nr_ringid);
	return len < PTN_NAME_MAX ? 0 : krefuse(-EINVAL, "a name too long");
}

/*
 * To the libraries of programs NAME-1 is ring 1 of NAME. People call their
 * ports so, and mean all of it: where nothing is called NAME, it is theirs.
 */
static void take_number_back(struct nmreq_register *reg,
			     char name[PTN_NAME_MAX])
{
	char whole[PTN_NAME_MAX];
	const struct kport *p;

	if (reg->nr_mode != NR_REG_ONE_NIC || kport_find(name) ||
	    snprintf(whole, sizeof(whole), "%s-%u", name, reg->nr_ringid) >=
		    sizeof(whole))
		return;
	p = kport_find(whole);
	if (!p || p->origin != KPORT_MANAGED)
		return;
	strscpy(name, whole, PTN_NAME_MAX);
	reg->nr_mode = NR_REG_ALL_NIC;
	reg->nr_ringid = 0;
}

static int do_register(struct krequest *rq)
{
	struct nmreq_register *reg = &rq->body.reg;
	char name[PTN_NAME_MAX];
	struct net_device *dev;
	struct kport *p;
	int err = name_of(rq, name);

	if (err)
		return err;
	if (reg->nr_mode == NR_REG_NULL)
		return register_null(rq, name);
	take_number_back(reg, name);
	dev = kguest_find(name);
	if (dev)
		return kguest_register(rq, dev);
	if (reg->nr_flags & MONITOR_FLAGS)
		return register_monitor(rq, name);
	err = kresolve(&p, name, reg);
	return err ?: register_port(rq, p, name);
}

/* Options by which the program lends memory; it may take its time with that. */

static int take_memory(struct krequest *rq, struct kmem **out)
{
	struct nmreq_opt_extmem *o = (void *)rq->option[NETMAP_REQ_OPT_EXTMEM];
	struct nmreq_register *reg = &rq->body.reg;
	int err = -EINVAL;

	if (!o)
		return 0;
	if (reg->nr_mem_id)
		krefuse(err, "memory of the program's own, and memory %u",
			reg->nr_mem_id);
	else
		err = kmem_from_user(out, o->nro_usrptr, &o->nro_info);
	if (err)
		krefuse(err, "%llu bytes at %#llx cannot be netmap memory",
			o->nro_info.nr_memsize, o->nro_usrptr);
	else
		reg->nr_mem_id = (*out)->id;
	return krequest_claim(rq, NETMAP_REQ_OPT_EXTMEM, err);
}

static int take_csb(struct krequest *rq)
{
	if (!rq->option[NETMAP_REQ_OPT_CSB])
		return 0;
	if (rq->body.reg.nr_flags & NR_EXCLUSIVE)
		return kcsb_new(&rq->csb, rq);
	krefuse(-EINVAL, "CSB mode needs NR_EXCLUSIVE");
	return krequest_claim(rq, NETMAP_REQ_OPT_CSB, -EINVAL);
}

int kregister(struct krequest *rq)
{
	struct kmem *lent = NULL;
	int err;

	if (rq->file->port || rq->file->guest)
		return krefuse(-EBUSY, "the descriptor has a port already");
	err = check_flags(&rq->body.reg);
	if (err)
		return err;
	err = take_csb(rq);
	if (!err)
		err = take_memory(rq, &lent);
	if (!err) {
		kctl_enter();
		err = do_register(rq);
		kmem_put(lent); /* the port has it now */
		kctl_leave();
	}
	if (err)
		kcsb_free(rq->csb);
	return err;
}

void kregister_release(struct kfile *f)
{
	const struct kqueues q = {f->tx, f->rx};

	if (!f->port && !f->guest)
		return;
	kctl_enter();
	if (f->guest) {
		kguest_release(f->guest);
		kctl_leave();
		return;
	}
	kcsb_leave(f->csb);
	ptn_nif_free(f->nif);
	unclaim(f->port, &q);
	kport_close(f->port);
	kctl_leave();
	kcsb_free(f->csb);
}

/* Asking */

/* What it is, or would be if the port were opened now. */
static int plan_of_port(struct kport *p, struct nmreq_pools_info *info)
{
	struct kmem *mem;
	int err = 0;

	if (p->mem || p->kept || p->mem_id || p->ops) {
		err = kport_memory_to_open(p, &mem);
		if (!err)
			kmem_info(mem, info);
		if (!err)
			kmem_put(mem);
	} else {
		struct ptn_shape shape;

		kport_shape(p, &shape);
		kmem_plan(&shape, info);
	}
	return err;
}

/* Of a VM's as well: how large it is gives nobody a way in. */
static int plan_of_id(u16 id, struct nmreq_pools_info *info)
{
	struct kmem *mem;

	if (!id || id == KMEM_GLOBAL_ID) {
		kmem_plan_global(info);
		return 0;
	}
	mem = kmem_find(id);
	if (!mem)
		return krefuse(-EINVAL, "there is no memory %u", id);
	kmem_info(mem, info);
	kmem_put(mem);
	return 0;
}

/*
 * The memory of a port by its name, or without one of the descriptor, of an
 * id, or the global one. *@port, if there is one, is the caller's to settle.
 */
static int plan_of(const struct krequest *rq, u16 id, struct kport **port,
		   struct nmreq_pools_info *info)
{
	const struct nmreq_register want = {.nr_mem_id = id};
	int err;

	*port = rq->file->port;
	if (*rq->header.nr_name) {
		*port = NULL;
		err = kresolve(port, rq->header.nr_name, &want);
		if (err)
			return err;
	}
	return *port ? plan_of_port(*port, info) : plan_of_id(id, info);
}

static void tell_rings(const struct kport *p, struct nmreq_port_info_get *info)
{
	info->nr_tx_slots = p->params.slots;
	info->nr_rx_slots = p->params.rx_slots;
	info->nr_tx_rings = p->params.queues;
	info->nr_rx_rings = p->params.rx_queues;
	info->nr_host_tx_rings = p->params.host_queues;
	info->nr_host_rx_rings = p->params.host_queues;
}

/* A port of the host's, by its name or the descriptor's; NULL: another one. */
static int guest_asked(const struct krequest *rq, struct net_device **out)
{
	const struct kguest_program *u = rq->file->guest;

	*out = NULL;
	if (*rq->header.nr_name)
		*out = kguest_find(rq->header.nr_name);
	else if (u)
		*out = u->port->dev;
	return u && !*rq->header.nr_name && !*out ? -ENXIO : 0;
}

static int port_info(struct krequest *rq)
{
	struct nmreq_port_info_get *info = &rq->body.port_info;
	struct nmreq_pools_info pools;
	struct kport *p = NULL;
	int err = plan_of(rq, info->nr_mem_id, &p, &pools);

	if (!err) {
		*info = (struct nmreq_port_info_get){
			.nr_memsize = pools.nr_memsize,
			.nr_mem_id = pools.nr_mem_id,
		};
		if (p)
			tell_rings(p, info);
	}
	if (p)
		kport_settle(p);
	return err;
}

int kregister_port_info(struct krequest *rq)
{
	struct net_device *dev;
	int err;

	kctl_enter();
	err = guest_asked(rq, &dev);
	if (dev)
		kguest_info(dev, &rq->body.port_info);
	else if (!err)
		err = port_info(rq);
	kctl_leave();
	return err;
}

static int pools_info(struct krequest *rq)
{
	struct nmreq_pools_info pools;
	struct kport *p = NULL;
	int err = plan_of(rq, rq->body.pools.nr_mem_id, &p, &pools);

	if (!err)
		rq->body.pools = pools;
	if (p)
		kport_settle(p);
	return err;
}

int kregister_pools_info(struct krequest *rq)
{
	struct net_device *dev;
	int err;

	kctl_enter();
	err = guest_asked(rq, &dev);
	if (dev)
		kguest_pools(dev, &rq->body.pools);
	else if (!err)
		err = pools_info(rq);
	kctl_leave();
	return err;
}
