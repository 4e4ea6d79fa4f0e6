// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "work.h"

struct ptn_work *ptn_work_new(void)
{
	return ptn_alloc(sizeof(struct ptn_work));
}

void ptn_work_free(struct ptn_work *w)
{
	ptn_free(w);
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
