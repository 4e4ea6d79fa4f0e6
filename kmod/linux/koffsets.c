// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "koffsets.h"

#include <linux/bits.h>

#include "core/port.h"
#include "kport.h"
#include "krequest.h"

enum { PTR_BITS = 64 };

static struct nmreq_opt_offsets *option(const struct krequest *rq)
{
	return (void *)rq->option[NETMAP_REQ_OPT_OFFSETS];
}

static bool small(const struct nmreq_opt_offsets *w)
{
	return w->nro_max_offset <= U32_MAX &&
	       w->nro_initial_offset <= U32_MAX && w->nro_min_gap <= U32_MAX &&
	       w->nro_offset_bits <= PTR_BITS;
}

int koffsets_read(struct ptn_offsets *out, struct krequest *rq, u32 buf_size)
{
	struct nmreq_opt_offsets *want = option(rq);

	*out = (struct ptn_offsets){};
	if (!want)
		return 0;
	if (!want->nro_offset_bits)
		want->nro_offset_bits = PTR_BITS;
	if (small(want)) {
		*out = (struct ptn_offsets){
			.mask = GENMASK_ULL(want->nro_offset_bits - 1, 0),
			.max = want->nro_max_offset,
			.initial = want->nro_initial_offset,
			.gap = want->nro_min_gap,
			.align = want->nro_tx_align,
		};
		if (ptn_offsets_possible(out, buf_size))
			return krequest_claim(rq, NETMAP_REQ_OPT_OFFSETS, 0);
	}
	krefuse(-EINVAL,
		"no offsets of %llu (initial %llu) in %u bits, aligned to %u, with a gap of %llu, in buffers of %u bytes",
		want->nro_max_offset, want->nro_initial_offset,
		want->nro_offset_bits, want->nro_tx_align, want->nro_min_gap,
		buf_size);
	return krequest_claim(rq, NETMAP_REQ_OPT_OFFSETS, -EINVAL);
}

int koffsets_check(struct krequest *rq, const struct kport *p, u32 vector,
		   const struct ptn_offsets *o)
{
	const struct ptn_offsets *now = ptn_port_offsets(p->core, vector);

	if (!kport_ring(p, vector)->users || ptn_offsets_equal(now, o))
		return 0;
	krefuse(-EBUSY, "%s: another program has ring %u with %s offsets",
		p->name, (vector - 1) / 2, now->mask ? "other" : "no");
	return option(rq) ? krequest_claim(rq, NETMAP_REQ_OPT_OFFSETS, -EBUSY)
			  : -EBUSY;
}
