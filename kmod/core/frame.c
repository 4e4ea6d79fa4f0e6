// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "frame.h"

#include "checksum.h"

/* The next bytes of a frame that lie in one piece. */
struct piece {
	const struct ptn_frag *frag;
	const char *at;
	u32 len;
};

/* The first of those from @from on, up to @n. */
static struct piece begin(const struct ptn_work *w, u32 frame, u32 from, u32 n)
{
	struct piece p = {.frag = ptn_work_frame(w, frame)};

	if (!n)
		return p;
	for (; from >= p.frag->len; p.frag++)
		from -= p.frag->len;
	p.at = p.frag->addr + from;
	p.len = p.frag->len - from;
	if (p.len > n)
		p.len = n;
	return p;
}

/* What follows, up to @n. */
static void next(struct piece *p, u32 n)
{
	if (!n)
		return;
	p->frag++;
	p->at = p->frag->addr;
	p->len = p->frag->len < n ? p->frag->len : n;
}

void ptn_frame_read(const struct ptn_work *w, u32 frame, u32 from, void *to,
		    u32 n)
{
	struct piece p = begin(w, frame, from, n);
	char *end = to;

	while (n) {
		memcpy(end, p.at, p.len);
		end += p.len;
		n -= p.len;
		next(&p, n);
	}
}

u32 ptn_frame_pieces(const struct ptn_work *w, u32 frame, u32 from, u32 n,
		     struct ptn_frag *to)
{
	struct piece p = begin(w, frame, from, n);
	u32 pieces = 0;

	while (n) {
		to[pieces].addr = p.at;
		to[pieces].len = p.len;
		to[pieces].flags = 0;
		pieces++;
		n -= p.len;
		next(&p, n);
	}
	return pieces;
}

u64 ptn_frame_sum(const struct ptn_work *w, u32 frame, u32 from, u32 n)
{
	struct piece p = begin(w, frame, from, n);
	bool odd = false;
	u64 sum = 0;

	while (n) {
		const u64 part = ptn_sum(0, p.at, p.len);

		sum = ptn_sum_add(sum, odd ? ptn_sum_swap(part) : part);
		odd ^= p.len & 1;
		n -= p.len;
		next(&p, n);
	}
	return sum;
}
