/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of backends; called by the daemon's main. */
#include "backend/backend.h"

#include <string.h>

/* Who runs is left alone: programs are attached to it. */
static const char *choose(const char *run_dir)
{
	return !backend_engine_is_there(run_dir) && backend_kernel_is_there()
		       ? backend_kernel.name
		       : backend_engine.name;
}

const struct backend_ops *backend_find(const char *name, const char *run_dir)
{
	const struct backend_ops *const backends[] = {
		&backend_kernel,
		&backend_engine,
		&backend_fake,
	};

	if (strcmp(name, "auto") == 0)
		name = choose(run_dir);
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	return NULL;
}
