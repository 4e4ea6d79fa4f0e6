/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

enum { LASTS_MS = 400 };

void progress_init(struct progress *p, const char *what, size_t total, bool now)
{
	*p = (struct progress){
		.what = what,
		.total = total,
		.enabled = isatty(STDERR_FILENO),
	};
	if (now)
		progress_show(p, 0, LASTS_MS);
}

void progress_show(void *progress, size_t sent, unsigned elapsed_ms)
{
	struct progress *p = progress;

	if (!p->enabled || elapsed_ms < LASTS_MS)
		return;
	p->shown = true;
	if (sent < p->total)
		fprintf(stderr, "\r%s: sent %zu %% \033[K", p->what,
			sent * 100 / p->total);
	else
		fprintf(stderr, "\r%s: %.1f s \033[K", p->what,
			elapsed_ms / 1000.0);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
