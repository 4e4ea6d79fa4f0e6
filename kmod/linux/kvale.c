// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kvale.h"

#include <linux/list.h>

#include "core/port.h"
#include "kctl.h"
#include "knic.h"
#include "kport.h"
#include "krequest.h"
#include "kresolve.h"
#include "kswitch.h"

/* All of them work under the locks of control. */
static int locked(struct krequest *rq, int (*handle)(struct krequest *rq))
{
	int err;

	kctl_enter();
	err = handle(rq);
	kctl_leave();
	return err;
}

/* vale[SW]:PORT, and where PORT begins. */
static int name_of(const struct krequest *rq, const char **name,
		   const char **port)
{
	*name = rq->header.nr_name;
	*port = kresolve_vale(*name);
	return *port ? 0
		     : krefuse(-EINVAL, "\"%s\" is no name of a switch's port",
			       *name);
}

/* On a switch */

static int attach_to(struct kswitch *s, const struct krequest *rq,
		     const char *device)
{
	const bool host = rq->body.attach.reg.nr_mode == NR_REG_NIC_SW;
	struct kport *p;
	int err = knic_get(&p, device);

	if (err)
		return krefuse(err, "there is no device or port %s", device);
	err = knic_attach(p, s, host);
	if (err)
		kport_settle(p);
	return err;
}

static int attach(struct krequest *rq)
{
	struct nmreq_vale_attach *body = &rq->body.attach;
	const char *name, *device;
	struct kswitch *s;
	int err = name_of(rq, &name, &device);

	if (err)
		return err;
	if (body->reg.nr_mode != NR_REG_DEFAULT &&
	    body->reg.nr_mode != NR_REG_ALL_NIC &&
	    body->reg.nr_mode != NR_REG_NIC_SW)
		return krefuse(-EINVAL, "no device is attached by mode %u",
			       body->reg.nr_mode);
	if (kport_find(name))
		return krefuse(-EBUSY, "%s is there already", name);
	err = kswitch_get(&s, name, device - 1 - name);
	if (err)
		return err;
	err = attach_to(s, rq, device);
	if (err) {
		kswitch_settle(s);
		return err;
	}
	body->port_index = knic_find(device)->switch_index;
	return 0;
}

int kvale_attach(struct krequest *rq)
{
	return locked(rq, attach);
}

static int find_attached(const struct krequest *rq, struct kport **out)
{
	const char *name, *port;
	int err = name_of(rq, &name, &port);

	if (err)
		return err;
	*out = kport_find(name);
	return *out ? 0 : krefuse(-ENXIO, "there is no %s", name);
}

static int detach(struct krequest *rq)
{
	struct nmreq_vale_detach *body = &rq->body.detach;
	struct kport *p;
	u32 index;
	int err = find_attached(rq, &p);

	if (err)
		return err;
	if (!p->nic || p->origin == KPORT_MANAGED)
		return krefuse(-EBUSY, "%s goes with who made it",
			       rq->header.nr_name);
	index = p->switch_index;
	err = knic_detach(p);
	if (!err)
		body->port_index = index;
	return err;
}

int kvale_detach(struct krequest *rq)
{
	return locked(rq, detach);
}

/* Listing */

/* Switches have the numbers of their places in the list. */
static u32 number_of(const struct kswitch *s)
{
	const struct kswitch *other;
	u32 n = 0;

	list_for_each_entry(other, &kswitch_list, node) {
		if (other == s)
			break;
		n++;
	}
	return n;
}

/* The first port of a switch with this number or a later one. */
static const struct kport *port_from(const struct kswitch *s, u32 index)
{
	const struct kport *p;

	list_for_each_entry(p, &s->ports, on_switch)
		if (p->switch_index >= index)
			return p;
	return NULL;
}

/* As programs name it, who know switches by names with "vale" only. */
static void name_port(const struct kport *p, char *name, size_t size)
{
	const char *sw = p->sw->name;
	const char *prefix = strncmp(sw, "vale", 4) ? "vale" : "";

	if (strchr(p->name, ':'))
		strscpy_pad(name, p->name, size);
	else
		scnprintf(name, size, "%s%s:%s", prefix, sw, p->name);
}

static int list_next(struct krequest *rq)
{
	struct nmreq_vale_list *body = &rq->body.list;
	u32 index = body->nr_port_idx, number = 0;
	const struct kswitch *s;

	list_for_each_entry(s, &kswitch_list, node) {
		const struct kport *p = NULL;

		if (number >= body->nr_bridge_idx)
			p = port_from(s, index);
		if (p) {
			body->nr_bridge_idx = number;
			body->nr_port_idx = p->switch_index;
			name_port(p, rq->header.nr_name,
				  sizeof(rq->header.nr_name));
			return 0;
		}
		if (number++ >= body->nr_bridge_idx)
			index = 0;
	}
	return -ENOENT;
}

static int list(struct krequest *rq)
{
	struct nmreq_vale_list *body = &rq->body.list;
	const char *name, *port;
	const struct kport *p;
	int err;

	if (!*rq->header.nr_name)
		return list_next(rq);
	err = name_of(rq, &name, &port);
	if (err)
		return err;
	p = kport_find(name);
	if (!p || !p->sw)
		return krefuse(-ENOENT, "there is no %s", name);
	body->nr_bridge_idx = number_of(p->sw);
	body->nr_port_idx = p->switch_index;
	return 0;
}

int kvale_list(struct krequest *rq)
{
	return locked(rq, list);
}

/* Persistent ports */

static int newif(struct krequest *rq)
{
	struct nmreq_vale_newif *body = &rq->body.newif;
	const struct nmreq_register want = {
		.nr_tx_slots = body->nr_tx_slots,
		.nr_rx_slots = body->nr_rx_slots,
		.nr_tx_rings = body->nr_tx_rings,
		.nr_rx_rings = body->nr_rx_rings,
	};
	struct ptn_port_params params;
	struct kport *p;
	int err = kresolve_memory(body->nr_mem_id);

	if (err)
		return err;
	kresolve_params(&params, rq->header.nr_name, &want);
	params.host_queues = 1;
	err = kvif_new(&p, &params, body->nr_mem_id);
	if (err)
		return err;
	body->nr_tx_slots = p->params.slots;
	body->nr_rx_slots = p->params.rx_slots;
	body->nr_tx_rings = p->params.queues;
	body->nr_rx_rings = p->params.rx_queues;
	return 0;
}

int kvale_newif(struct krequest *rq)
{
	return locked(rq, newif);
}

static int delif(struct krequest *rq)
{
	const char *name = rq->header.nr_name;
	struct kport *p = knic_find(name);

	if (!p || p->origin != KPORT_PERSISTENT)
		return krefuse(-ENXIO, "there is no persistent port %s", name);
	return kvif_delete(p);
}

int kvale_delif(struct krequest *rq)
{
	return locked(rq, delif);
}

/* Headers */

static int hdr_set(struct krequest *rq)
{
	const u32 len = rq->body.hdr.nr_hdr_len;
	const char *name = rq->header.nr_name;
	struct kport *p;
	int err = kresolve_find(&p, name);

	if (err)
		return krefuse(err, "there is no port %s", name);
	if (p->nic)
		return krefuse(-EOPNOTSUPP, "%s is a network device", name);
	if (p->kind == PTN_PORT_VM)
		return krefuse(-EPERM, "%s is a VM's, whose driver sets it",
			       name);
	err = ptn_port_set_hdr_len(p->core, len);
	if (err)
		return krefuse(err, "%u is no length of a header: 0, 10, 12",
			       len);
	p->params.hdr_len = len;
	return 0;
}

int kvale_hdr_set(struct krequest *rq)
{
	return locked(rq, hdr_set);
}

static int hdr_get(struct krequest *rq)
{
	struct kport *p;
	int err = kresolve_find(&p, rq->header.nr_name);

	if (err)
		return krefuse(err, "there is no port %s", rq->header.nr_name);
	rq->body.hdr.nr_hdr_len = p->params.hdr_len;
	return 0;
}

int kvale_hdr_get(struct krequest *rq)
{
	return locked(rq, hdr_get);
}

/* Polling */

static int polling_on(struct krequest *rq)
{
	struct kport *p;
	int err = find_attached(rq, &p);

	if (err)
		return err;
	if (!p->nic)
		return krefuse(-EINVAL, "%s is no network device",
			       rq->header.nr_name);
	return knic_poll_start(p, &rq->body.polling);
}

int kvale_polling_on(struct krequest *rq)
{
	return locked(rq, polling_on);
}

static int polling_off(struct krequest *rq)
{
	struct kport *p;
	int err = find_attached(rq, &p);

	if (err)
		return err;
	if (!p->nic)
		return krefuse(-EINVAL, "%s is no network device",
			       rq->header.nr_name);
	return knic_poll_stop(p, &rq->body.polling);
}

int kvale_polling_off(struct krequest *rq)
{
	return locked(rq, polling_off);
}
