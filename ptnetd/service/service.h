/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service: keeps what users declared, and the backend in step with it.
 *
 * Joins store, planner and backend; knows neither SQL nor messages nor HTTP.
 * Used from one thread. What it answers is JSON in the shape of docs/REST.md;
 * why it refuses is a struct refusal.
 */
#ifndef PTNETD_SERVICE_H
#define PTNETD_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/diag.h"
#include "store/store.h"

struct service;

enum outcome {
	OUTCOME_DONE,
	OUTCOME_NOT_FOUND,
	OUTCOME_CONFLICT, /* with another topology, or a foreign object */
	OUTCOME_TOO_BIG,
	OUTCOME_INVALID, /* findings tell what */
	OUTCOME_UNSUPPORTED, /* the backend cannot do it */
	OUTCOME_UNAVAILABLE, /* store or backend; try again */
	OUTCOME_FULL, /* the store */
	OUTCOME_FAILED,
};

/* Why something was not done. Zero-initialised is empty. */
struct refusal {
	char detail[768]; /* a sentence */
	struct diags diags;
};

/** refusal_fini - free the findings; it is empty then */
void refusal_fini(struct refusal *r);

/** refuse - fill in the sentence; returns @outcome */
__attribute__((format(printf, 3, 4))) enum outcome
refuse(struct refusal *r, enum outcome outcome, const char *format, ...);

struct service_config {
	const struct backend_ops *ops;
	struct backend_config backend; /* its strings outlive the service */
	const char *state_dir;
	const struct store_options *store; /* NULL for the defaults */
};

/**
 * service_open - open store and backend and bring the two in step
 *
 * Fails when one of the two cannot be opened. When the backend refuses what
 * is stored the service starts anyway, says so, and tries again.
 */
enum outcome service_open(struct service **out,
			  const struct service_config *config,
			  struct refusal *r);

/** service_close - let go of both; traffic goes on. Takes NULL. */
void service_close(struct service *s);

/**
 * service_death_fd - becomes readable when service_tick() must be called
 * @generation: changes whenever the descriptor is another one
 *
 * Returns -1 when there is none.
 */
int service_death_fd(const struct service *s, uint64_t *generation);

/** service_event_fd - readable when service_hear() must be called; or -1 */
int service_event_fd(const struct service *s);

/** service_hear - what happened in the backend; what is to do comes soon */
void service_hear(struct service *s);

/** service_hear_ms - call service_hear() after this time, too; -1: never */
int service_hear_ms(const struct service *s);

/** service_timeout_ms - call service_tick() after this time; -1: never */
int service_timeout_ms(const struct service *s);

/** service_tick - look after the backend: reopen it, bring it in step */
void service_tick(struct service *s);

/** service_summary - "revision 7, 3 topologies, ..." for the log */
void service_summary(const struct service *s, char *text, size_t size);

#endif
