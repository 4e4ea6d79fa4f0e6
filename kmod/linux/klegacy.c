// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "klegacy.h"

#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kfile.h"
#include "krequest.h"

/* What REGISTER and VALE_ATTACH make of it. */
static int to_register(const struct nmreq *n, struct nmreq_register *reg)
{
	static const u32 modes_of_old[] = {
		[0] = NR_REG_ALL_NIC,
		[NETMAP_SW_RING >> 13] = NR_REG_SW,
		[NETMAP_HW_RING >> 13] = NR_REG_ONE_NIC,
	};
	const u16 bits = n->nr_ringid;
	u32 mode = n->nr_flags & NR_REG_MASK;

	if (mode == NR_REG_DEFAULT) {
		if ((bits & NETMAP_SW_RING) && (bits & NETMAP_HW_RING))
			return krefuse(-EINVAL, "ring id %#x is not possible",
				       bits);
		mode = modes_of_old[(bits &
				     (NETMAP_SW_RING | NETMAP_HW_RING)) >>
				    13];
	}
	*reg = (struct nmreq_register){
		.nr_tx_slots = n->nr_tx_slots,
		.nr_rx_slots = n->nr_rx_slots,
		.nr_tx_rings = n->nr_tx_rings,
		.nr_rx_rings = n->nr_rx_rings,
		.nr_mem_id = n->nr_arg2,
		.nr_ringid = bits & NETMAP_RING_MASK,
		.nr_mode = mode,
		.nr_extra_bufs = n->nr_arg3,
		.nr_flags = n->nr_flags & ~(u32)NR_REG_MASK,
	};
	if (bits & NETMAP_NO_TX_POLL)
		reg->nr_flags |= NR_NO_TX_POLL;
	if (bits & NETMAP_DO_RX_POLL)
		reg->nr_flags |= NR_DO_RX_POLL;
	return 0;
}

static void from_register(const struct nmreq_register *reg, struct nmreq *n)
{
	n->nr_offset = reg->nr_offset;
	n->nr_memsize = reg->nr_memsize;
	n->nr_tx_slots = reg->nr_tx_slots;
	n->nr_rx_slots = reg->nr_rx_slots;
	n->nr_tx_rings = reg->nr_tx_rings;
	n->nr_rx_rings = reg->nr_rx_rings;
	n->nr_arg2 = reg->nr_mem_id;
	n->nr_arg3 = reg->nr_extra_bufs;
}

static void from_port_info(const struct nmreq_port_info_get *info,
			   struct nmreq *n)
{
	n->nr_offset = 0;
	n->nr_memsize = info->nr_memsize;
	n->nr_tx_slots = info->nr_tx_slots;
	n->nr_rx_slots = info->nr_rx_slots;
	n->nr_tx_rings = info->nr_tx_rings;
	n->nr_rx_rings = info->nr_rx_rings;
	n->nr_arg2 = info->nr_mem_id;
}

/* What nr_cmd asks for, or REGISTER. */
static const u16 requests[] = {
	[0] = NETMAP_REQ_REGISTER,
	[NETMAP_BDG_ATTACH] = NETMAP_REQ_VALE_ATTACH,
	[NETMAP_BDG_DETACH] = NETMAP_REQ_VALE_DETACH,
	[NETMAP_BDG_VNET_HDR] = NETMAP_REQ_PORT_HDR_SET,
	[NETMAP_VNET_HDR_GET] = NETMAP_REQ_PORT_HDR_GET,
	[NETMAP_BDG_NEWIF] = NETMAP_REQ_VALE_NEWIF,
	[NETMAP_BDG_DELIF] = NETMAP_REQ_VALE_DELIF,
	[NETMAP_BDG_POLLING_ON] = NETMAP_REQ_VALE_POLLING_ENABLE,
	[NETMAP_BDG_POLLING_OFF] = NETMAP_REQ_VALE_POLLING_DISABLE,
};

static int to_request(const struct nmreq *n, struct krequest *rq)
{
	union krequest_body *b = &rq->body;
	int err = 0;

	switch (rq->header.nr_reqtype) {
	case NETMAP_REQ_REGISTER:
		return to_register(n, &b->reg);
	case NETMAP_REQ_PORT_INFO_GET:
		b->port_info.nr_mem_id = n->nr_arg2;
		break;
	case NETMAP_REQ_VALE_ATTACH:
		err = to_register(n, &b->attach.reg);
		if (n->nr_arg1 & NETMAP_BDG_HOST)
			b->attach.reg.nr_mode = NR_REG_NIC_SW;
		else
			b->attach.reg.nr_mode = NR_REG_ALL_NIC;
		break;
	case NETMAP_REQ_VALE_LIST:
		b->list.nr_bridge_idx = n->nr_arg1;
		b->list.nr_port_idx = n->nr_arg2;
		break;
	case NETMAP_REQ_PORT_HDR_SET:
		b->hdr.nr_hdr_len = n->nr_arg1;
		break;
	case NETMAP_REQ_VALE_NEWIF:
		b->newif = (struct nmreq_vale_newif){
			.nr_tx_slots = n->nr_tx_slots,
			.nr_rx_slots = n->nr_rx_slots,
			.nr_tx_rings = n->nr_tx_rings,
			.nr_rx_rings = n->nr_rx_rings,
			.nr_mem_id = n->nr_arg2,
		};
		break;
	case NETMAP_REQ_VALE_POLLING_ENABLE:
	case NETMAP_REQ_VALE_POLLING_DISABLE:
		b->polling = (struct nmreq_vale_polling){
			.nr_mode = n->nr_flags & NR_REG_MASK,
			.nr_first_cpu_id = n->nr_ringid,
			.nr_num_polling_cpus = n->nr_arg1,
		};
		break;
	}
	return err;
}

static void from_request(const struct krequest *rq, struct nmreq *n)
{
	const union krequest_body *b = &rq->body;

	switch (rq->header.nr_reqtype) {
	case NETMAP_REQ_REGISTER:
		from_register(&b->reg, n);
		break;
	case NETMAP_REQ_PORT_INFO_GET:
		from_port_info(&b->port_info, n);
		break;
	case NETMAP_REQ_VALE_ATTACH:
	case NETMAP_REQ_VALE_DETACH:
		break;
	case NETMAP_REQ_VALE_LIST:
		n->nr_arg1 = b->list.nr_bridge_idx;
		n->nr_arg2 = b->list.nr_port_idx;
		strscpy_pad(n->nr_name, rq->header.nr_name, sizeof(n->nr_name));
		break;
	case NETMAP_REQ_PORT_HDR_GET:
		n->nr_arg1 = b->hdr.nr_hdr_len;
		break;
	case NETMAP_REQ_VALE_NEWIF:
		n->nr_tx_slots = b->newif.nr_tx_slots;
		n->nr_rx_slots = b->newif.nr_rx_slots;
		n->nr_tx_rings = b->newif.nr_tx_rings;
		n->nr_rx_rings = b->newif.nr_rx_rings;
		n->nr_arg2 = b->newif.nr_mem_id;
		break;
	}
	n->nr_version = NETMAP_API;
}

/* LIST is a question, whichever call it comes by. */
static int type_of(const struct nmreq *n, unsigned int cmd, u16 *type)
{
	if (n->nr_cmd == NETMAP_BDG_LIST)
		*type = NETMAP_REQ_VALE_LIST;
	else if (cmd == NIOCGINFO)
		*type = NETMAP_REQ_PORT_INFO_GET;
	else if (n->nr_cmd < ARRAY_SIZE(requests) &&
		 (!n->nr_cmd || requests[n->nr_cmd]))
		*type = requests[n->nr_cmd];
	else if (n->nr_cmd == NETMAP_PT_HOST_CREATE ||
		 n->nr_cmd == NETMAP_PT_HOST_DELETE ||
		 n->nr_cmd == NETMAP_BDG_REGOPS)
		return krefuse(-EOPNOTSUPP, "nr_cmd %u is not supported",
			       n->nr_cmd);
	else
		return krefuse(-EINVAL, "there is no nr_cmd %u", n->nr_cmd);
	return 0;
}

static int run(struct krequest *rq, struct nmreq *n, unsigned int cmd)
{
	int err;

	if (n->nr_version < NETMAP_MIN_API)
		return krefuse(-EINVAL, "API version %u is not %d",
			       n->nr_version, NETMAP_API);
	if (strnlen(n->nr_name, sizeof(n->nr_name)) == sizeof(n->nr_name))
		return krefuse(-EINVAL, "the port's name does not end");
	strscpy(rq->header.nr_name, n->nr_name, sizeof(rq->header.nr_name));
	err = type_of(n, cmd, &rq->header.nr_reqtype);
	if (!err)
		err = to_request(n, rq);
	if (!err)
		err = krequest_run(rq);
	if (!err)
		from_request(rq, n);
	return err;
}

int klegacy_ioctl(struct kfile *f, unsigned int cmd, struct nmreq __user *arg)
{
	struct krequest *rq;
	struct nmreq n;
	int err;

	/* and back: an answer that could not be given, found before it is done
	 */
	if (copy_from_user(&n, arg, sizeof(n)) ||
	    copy_to_user(arg, &n, sizeof(n)))
		return -EFAULT;
	rq = kzalloc(sizeof(*rq), GFP_KERNEL_ACCOUNT);
	if (!rq)
		return -ENOMEM;
	rq->file = f;
	rq->narrow = true;
	INIT_LIST_HEAD(&rq->given);
	err = run(rq, &n, cmd);
	kfree(rq);
	if (!err && copy_to_user(arg, &n, sizeof(n)))
		err = -EFAULT;
	return err;
}
