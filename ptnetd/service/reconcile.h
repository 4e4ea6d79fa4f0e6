/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping the backend in step with the store; for the service alone. */
#ifndef PTNETD_SERVICE_RECONCILE_H
#define PTNETD_SERVICE_RECONCILE_H

#include "service/state.h"

/** reconcile_open - start or find the backend */
enum outcome reconcile_open(struct service *s, struct refusal *r);

/** reconcile_lost - the connection broke: let go, try again soon */
void reconcile_lost(struct service *s, const char *why);

/** reconcile_later - what the backend holds is in doubt: look again soon */
void reconcile_later(struct service *s, const char *why);

/** reconcile_in_step - the backend holds what the store holds */
void reconcile_in_step(struct service *s);

/**
 * reconcile_now - dump, plan, apply what differs from the store
 *
 * Leaves the service in step, or down or out of step with a time to try again.
 */
enum outcome reconcile_now(struct service *s, struct refusal *r);

/**
 * reconcile_dump - everything there is; one that went away is opened again
 *
 * The caller frees *out.
 */
enum outcome reconcile_dump(struct service *s, struct objects *out,
			    struct refusal *r);

#endif
