// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "work.h"

struct ptn_work *ptn_work_new(void)
{
	struct ptn_work *w = ptn_alloc(sizeof(*w));

	if (w)
		w->limit = PTN_BATCH;
	return w;
}

void ptn_work_free(struct ptn_work *w)
{
	ptn_free(w);
}

void ptn_work_limit(struct ptn_work *w, u32 slots)
{
	w->limit = slots;
}

void ptn_work_become_odd(struct ptn_work *w)
{
	const u32 n = w->n_frames;

	if (w->odd)
		return;
	w->odd = true;
	w->n_frames = 0;
	for (u32 i = 0; i < n; i++)
		ptn_work_add_frame(w, i, 1, w->frag[i].len);
}
