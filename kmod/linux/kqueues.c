// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kqueues.h"

#include <linux/bits.h>

#include "core/port.h"
#include "krequest.h"

static u64 some(u32 first, u32 n)
{
	return n ? GENMASK_ULL(first + n - 1, first) : 0;
}

static u64 one(u32 first, u32 n, u32 i)
{
	return i < n ? BIT_ULL(first + i) : 0;
}

int kqueues_of(struct kqueues *q, const struct ptn_port_params *params,
	       const struct nmreq_register *reg)
{
	const u32 tx = params->queues, rx = params->rx_queues;
	const u32 host = params->host_queues;

	*q = (struct kqueues){};
	switch (reg->nr_mode) {
	case NR_REG_DEFAULT:
	case NR_REG_ALL_NIC:
	case NR_REG_PIPE_MASTER:
	case NR_REG_PIPE_SLAVE:
		*q = (struct kqueues){some(0, tx), some(0, rx)};
		break;
	case NR_REG_SW:
		*q = (struct kqueues){some(tx, host), some(rx, host)};
		break;
	case NR_REG_NIC_SW:
		if (host)
			*q = (struct kqueues){some(0, tx + host),
					      some(0, rx + host)};
		break;
	case NR_REG_ONE_NIC:
		*q = (struct kqueues){one(0, tx, reg->nr_ringid),
				      one(0, rx, reg->nr_ringid)};
		break;
	case NR_REG_ONE_SW:
		*q = (struct kqueues){one(tx, host, reg->nr_ringid),
				      one(rx, host, reg->nr_ringid)};
		break;
	}
	if (!q->tx && !q->rx && reg->nr_mode != NR_REG_NULL)
		return krefuse(-EINVAL, "%s has no rings for mode %u, ring %u",
			       params->name, reg->nr_mode, reg->nr_ringid);
	if (reg->nr_flags & NR_RX_RINGS_ONLY)
		q->tx = 0;
	if (reg->nr_flags & NR_TX_RINGS_ONLY)
		q->rx = 0;
	return 0;
}
