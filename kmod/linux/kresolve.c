// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kresolve.h"

#include <linux/netdevice.h>

#include <ptnet/request.h>

#include "kctl.h"
#include "kmem.h"
#include "kname.h"
#include "knic.h"
#include "kpipe.h"
#include "kport.h"
#include "krequest.h"
#include "kswitch.h"

enum {
	DEFAULT_SLOTS = 1024,
	SHORT_NAME = 16, /* of switches and their ports, with : or zero */
};

/* Names */

const char *kresolve_vale(const char *name)
{
	const char *colon = strchr(name, ':'), *port;

	if (!colon || strncmp(name, "vale", 4))
		return NULL;
	port = colon + 1;
	if (port - name >= SHORT_NAME || !kname_is_word(name, colon, "_"))
		return NULL;
	if (!*port || strlen(port) >= SHORT_NAME ||
	    !kname_is_word(port, port + strlen(port), "_"))
		return NULL;
	return port;
}

/* Where PARENT{ID or PARENT}ID is parted; NULL: it is no such name. */
static const char *brace_in(const char *name)
{
	const char *brace = strpbrk(name, "{}"), *id;

	if (!brace || brace == name || !brace[1])
		return NULL;
	id = brace + 1;
	return kname_is_word(id, id + strlen(id), "") ? brace : NULL;
}

static int check_name(const char *name)
{
	if (strpbrk(name, "{}"))
		return brace_in(name) ? 0 : -EINVAL;
	if (strchr(name, ':'))
		return kresolve_vale(name) ? 0 : -EINVAL;
	return dev_valid_name(name) ? 0 : -EINVAL;
}

/* New ports */

static u32 in_limits(u32 wanted, u32 otherwise, u32 low, u32 high)
{
	return clamp(wanted ?: otherwise, low, high);
}

void kresolve_params(struct ptn_port_params *params, const char *name,
		     const struct nmreq_register *want)
{
	*params = (struct ptn_port_params){
		.name = name,
		.queues = in_limits(want->nr_tx_rings, 1, 1, PTN_RINGS_MAX),
		.rx_queues = in_limits(want->nr_rx_rings, 1, 1, PTN_RINGS_MAX),
		.slots = in_limits(want->nr_tx_slots, DEFAULT_SLOTS,
				   PTN_SLOTS_MIN, PTN_SLOTS_MAX),
		.rx_slots = in_limits(want->nr_rx_slots, DEFAULT_SLOTS,
				      PTN_SLOTS_MIN, PTN_SLOTS_MAX),
	};
}

/* A port that goes when nobody needs it any more, found by its name. */
static int new_port(struct kport **out, const struct ptn_port_params *params,
		    const struct kport_ops *ops)
{
	int err = kport_new(out, params, ops);

	if (err)
		return err;
	(*out)->origin = KPORT_EPHEMERAL;
	err = kport_publish(*out);
	if (err)
		kport_put(*out);
	return err;
}

static int new_on_switch(struct kport **out, const char *name, const char *port,
			 const struct nmreq_register *want)
{
	struct ptn_port_params params;
	struct kswitch *s;
	struct kport *p;
	int err = kswitch_get(&s, name, port - 1 - name);

	if (err)
		return err;
	kresolve_params(&params, name, want);
	err = new_port(&p, &params, NULL);
	if (err)
		goto err_settle;
	p->mem_id = want->nr_mem_id;
	err = kswitch_attach(s, p);
	if (err)
		goto err_remove;
	*out = p;
	return 0;

err_remove:
	kport_remove(p);
err_settle:
	kswitch_settle(s);
	return err;
}

/* Pipes */

static int resolve(struct kport **out, const char *name,
		   const struct nmreq_register *want);

/* Nobody has this name: a port without a link, for its memory. */
static int get_parent(struct kport **out, const char *name,
		      const struct nmreq_register *want)
{
	struct ptn_port_params params;
	struct kport *p;
	int err = resolve(out, name, want);

	if (err != -ENXIO)
		return err;
	kresolve_params(&params, name, want);
	err = new_port(&p, &params, NULL);
	if (err)
		return err;
	p->mem_id = want->nr_mem_id;
	*out = p;
	return 0;
}

static int new_pipe(struct kpipe **out, const char *name, const char *parent,
		    const struct nmreq_register *want)
{
	struct kport *p;
	int err = get_parent(&p, parent, want);

	if (err)
		return err;
	if (p->monitor || p->pipe) {
		err = krefuse(-EINVAL, "%s is no port that can have pipes",
			      parent);
		goto err_settle;
	}
	/* its memory is mapped by a guest, and has room for its rings alone */
	if (p->kind == PTN_PORT_VM) {
		err = krefuse(-EBUSY,
			      "%s is a VM's: programs have no pipes on it",
			      parent);
		goto err_settle;
	}
	err = kpipe_new(out, name);
	if (err)
		goto err_settle;
	kpipe_set_parent(*out, p);
	kpipe_publish(*out);
	return 0;

err_settle:
	kport_settle(p);
	return err;
}

static int get_pipe(struct kpipe **out, const char *name, const char *brace,
		    const struct nmreq_register *want)
{
	char parent[PTN_NAME_MAX], pipe[PTN_NAME_MAX];

	strscpy(pipe, name, sizeof(pipe));
	pipe[brace - name] = '/';
	strscpy(parent, name, sizeof(parent));
	parent[brace - name] = 0;
	*out = kpipe_find(pipe);
	if (*out && (*out)->managed)
		return krefuse(-EINVAL, "%s is a pipe's name", pipe);
	return *out ? 0 : new_pipe(out, pipe, parent, want);
}

/* What one end sends, the other receives: the second is made like the first. */
static void mirror(struct ptn_port_params *params, const struct kport *other)
{
	params->queues = other->params.rx_queues;
	params->rx_queues = other->params.queues;
	params->slots = other->params.rx_slots;
	params->rx_slots = other->params.slots;
}

static int new_pipe_end(struct kport **out, const char *name, const char *brace,
			const struct nmreq_register *want)
{
	const unsigned int end = *brace == '}';
	struct ptn_port_params params;
	struct kpipe *pipe;
	struct kport *p;
	int err = get_pipe(&pipe, name, brace, want);

	if (err)
		return err;
	kresolve_params(&params, name, want);
	if (pipe->end[!end])
		mirror(&params, pipe->end[!end]);
	err = new_port(&p, &params, &kpipe_end_ops);
	if (err)
		goto err_settle;
	p->buf_size = pipe->parent->buf_size;
	err = kpipe_attach(pipe, end, p);
	if (err)
		goto err_remove;
	*out = p;
	return 0;

err_remove:
	kport_remove(p);
err_settle:
	kpipe_settle(pipe);
	return err;
}

/* Both */

int kresolve_find(struct kport **out, const char *name)
{
	kctl_assert_held();
	*out = kport_find(name);
	/* what people declared may have names that no program could make */
	if (check_name(name) && (!*out || (*out)->origin != KPORT_MANAGED))
		return krefuse(-EINVAL, "\"%s\" is no name of a port", name);
	/* a device of this name elsewhere is another one */
	if (*out && (*out)->nic && !knic_is_here(*out))
		*out = NULL;
	return *out ? 0 : -ENXIO;
}

/* The memory that was asked for is there, and not other than what it has. */
static int check_memory(const struct kport *p,
			const struct nmreq_register *want)
{
	const struct kmem *mem = p->mem ?: p->kept;

	if (!want->nr_mem_id || !mem || mem->id == want->nr_mem_id)
		return 0;
	return krefuse(-EINVAL, "%s is in memory %u, not %u", p->name, mem->id,
		       want->nr_mem_id);
}

/* *@out: NULL when none is asked for, or the global one, which may yet come. */
static int find_memory(struct kmem **out, u16 id)
{
	*out = NULL;
	if (!id || id == KMEM_GLOBAL_ID)
		return 0;
	*out = kmem_find(id);
	return *out ? 0 : krefuse(-EINVAL, "there is no memory %u", id);
}

int kresolve_memory(u16 id)
{
	struct kmem *mem;
	int err = find_memory(&mem, id);

	if (!err && mem && kmem_is_for_vms(mem))
		err = krefuse(
			-EINVAL,
			"memory %u is mapped by VMs: nothing is put there by its id",
			id);
	kmem_put(mem);
	return err;
}

int kresolve_parents_memory(u16 id)
{
	struct kmem *mem;
	int err = find_memory(&mem, id);

	kmem_put(mem);
	return err;
}

/* Of what was asked for, a device's port takes memory and host rings. */
static int new_on_device(struct kport **out, const char *name,
			 const struct nmreq_register *want)
{
	const u32 host = max(want->nr_host_tx_rings, want->nr_host_rx_rings);
	struct ptn_port_params params;
	int err = knic_get(out, name);

	if (err)
		return err;
	if ((*out)->kind == PTN_PORT_VM)
		return krefuse(-EBUSY,
			       "network device %s is a VM's, as port %s", name,
			       (*out)->name);
	/* what people declared stays as it is */
	if ((*out)->mem || (*out)->sw || (*out)->origin == KPORT_MANAGED)
		return 0;
	if ((*out)->origin == KPORT_EPHEMERAL)
		(*out)->mem_id = want->nr_mem_id;
	if (!host)
		return 0;
	params = (*out)->params;
	params.host_queues = min_t(u32, host, PTN_RINGS_MAX);
	err = kport_set_params(*out, &params);
	if (err)
		kport_settle(*out);
	return err;
}

static int make(struct kport **out, const char *name,
		const struct nmreq_register *want)
{
	const char *mark = strpbrk(name, "{}");
	int err = mark ? kresolve_parents_memory(want->nr_mem_id)
		       : kresolve_memory(want->nr_mem_id);

	if (err)
		return err;
	if (mark)
		return new_pipe_end(out, name, mark, want);
	mark = kresolve_vale(name);
	if (mark)
		return new_on_switch(out, name, mark, want);
	return new_on_device(out, name, want);
}

static int resolve(struct kport **out, const char *name,
		   const struct nmreq_register *want)
{
	int err = kresolve_find(out, name);

	if (!err)
		return check_memory(*out, want);
	return err == -ENXIO ? make(out, name, want) : err;
}

int kresolve(struct kport **out, const char *name,
	     const struct nmreq_register *want)
{
	int err = resolve(out, name, want);

	return err == -ENXIO ? krefuse(err, "there is no port %s", name) : err;
}
