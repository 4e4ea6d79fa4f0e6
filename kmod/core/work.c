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
