/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and closing the service; called by the daemon. */
#include "service/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "service/reconcile.h"
#include "service/state.h"

DEFINE_CLEANUP(service, struct service *, service_close);

static enum outcome open_store(struct service *s, struct refusal *r)
{
	struct store_error error = {0};
	int err = store_open(&s->store, s->config.state_dir, s->config.store,
			     &error);

	return store_outcome(err, &error, r);
}

enum outcome service_open(struct service **out,
			  const struct service_config *config,
			  struct refusal *r)
{
	_cleanup_(cleanup_service) struct service *s = calloc(1, sizeof(*s));
	enum outcome o;

	if (!s)
		return refuse(r, OUTCOME_UNAVAILABLE, "no memory");
	s->config = *config;
	s->retry_at = -1;
	o = open_store(s, r);
	if (o == OUTCOME_DONE)
		o = state_load(s, r);
	if (o == OUTCOME_DONE)
		o = reconcile_open(s, r);
	if (o != OUTCOME_DONE)
		return o;
	if (reconcile_now(s, r) != OUTCOME_DONE) {
		log_err("%s; what is stored is not what is there", r->detail);
		refusal_fini(r);
	}
	*out = steal_ptr(&s);
	return OUTCOME_DONE;
}

void service_close(struct service *s)
{
	if (!s)
		return;
	s->config.ops->close(s->backend);
	store_close(s->store);
	wanted_fini(&s->wanted);
	free(s);
}

void service_summary(const struct service *s, char *text, size_t size)
{
	const struct objects *o = &s->wanted.objects;

	snprintf(text, size,
		 "revision %llu: %zu topologies with %zu switches, %zu pipes, "
		 "%zu ports",
		 (unsigned long long)s->revision, s->wanted.set.count,
		 o->n_switches, o->n_pipes, o->n_ports);
}
