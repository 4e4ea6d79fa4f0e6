/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backend's lifetime as the service sees it. A start is nothing special:
 * dump, plan, apply the difference. So are the death of a backend and a
 * change whose end is not known.
 *
 *	     open              reconcile
 *	DOWN ----> OUT OF STEP ---------> IN STEP
 *	 ^  \________/  ^  \_________/       |
 *	 |   again,     |   again, with      |
 *	 |   later      |   back-off         |
 *	 +------ lost --+------ in doubt ----+
 */
#include "service/reconcile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/strbuf.h"

enum {
	RETRY_FIRST_MS = 50,
	RETRY_MOST_MS = 5000,
	STEADY_MS = 10000, /* in step for so long: begin anew with the first */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void retry(struct service *s)
{
	s->retry_ms = s->retry_ms ? 2 * s->retry_ms : RETRY_FIRST_MS;
	if (s->retry_ms > RETRY_MOST_MS)
		s->retry_ms = RETRY_MOST_MS;
	s->retry_at = now_ms() + s->retry_ms;
}

void reconcile_in_step(struct service *s)
{
	if (s->out_of_step)
		s->in_step_since = now_ms();
	s->out_of_step = false;
	s->retry_at = -1;
	s->trouble[0] = 0;
}

void reconcile_later(struct service *s, const char *why)
{
	/* one that dies as soon as it runs is not started in a busy loop */
	if (!s->out_of_step && now_ms() - s->in_step_since > STEADY_MS)
		s->retry_ms = 0;
	s->out_of_step = true;
	copy_string(s->trouble, sizeof(s->trouble), why);
	retry(s);
}

void reconcile_lost(struct service *s, const char *why)
{
	s->config.ops->close(s->backend);
	s->backend = NULL;
	s->generation++;
	reconcile_later(s, why);
}

enum outcome reconcile_open(struct service *s, struct refusal *r)
{
	struct backend_error error = {0};
	int err = s->config.ops->open(&s->backend, &s->config.backend, &error);

	if (!err) {
		s->generation++;
		s->out_of_step = true;
		return OUTCOME_DONE;
	}
	s->backend = NULL;
	backend_outcome(s, err, &error, r);
	reconcile_later(s, r->detail);
	return OUTCOME_UNAVAILABLE;
}

static int apply_difference(struct service *s, const struct plan *plan,
			    struct backend_error *error)
{
	struct backend_info info;
	int err = s->config.ops->info(s->backend, &info, error);

	if (err || (!plan->count && info.revision == s->revision))
		return err;
	state_mark_later(&s->wanted.objects, &s->wanted.objects);
	err = s->config.ops->apply(s->backend, plan, s->revision, error);
	if (!err && plan->count)
		log_info("backend %s: %zu created, %zu changed, %zu replaced, "
			 "%zu deleted to match revision %llu",
			 s->config.ops->name, plan->creates, plan->changes,
			 plan->replaces, plan->deletes,
			 (unsigned long long)s->revision);
	return err;
}

static int bring_in_step(struct service *s, struct backend_error *error)
{
	struct objects have = {0};
	struct plan plan = {0};
	int err = s->config.ops->dump(s->backend, &have, error);

	if (!err)
		err = plan_make(&plan, &s->wanted.objects, &have);
	if (!err)
		err = apply_difference(s, &plan, error);
	plan_fini(&plan);
	objects_fini(&have);
	return err;
}

enum outcome reconcile_now(struct service *s, struct refusal *r)
{
	struct backend_error error = {0};
	enum outcome o;
	int err;

	if (!s->backend) {
		o = reconcile_open(s, r);
		if (o != OUTCOME_DONE)
			return o;
	}
	err = bring_in_step(s, &error);
	o = backend_outcome(s, err, &error, r);
	if (!err)
		reconcile_in_step(s);
	else if (backend_gone(err))
		reconcile_lost(s, r->detail);
	else
		reconcile_later(s, r->detail);
	return o;
}

/* While it is down, the time to try again is the loop's to know. */
static enum outcome dump_once(struct service *s, struct objects *out,
			      struct refusal *r)
{
	struct backend_error error = {0};
	enum outcome o;
	int err;

	if (!s->backend && service_timeout_ms(s) > 0)
		return refuse(r, OUTCOME_UNAVAILABLE, "%s", s->trouble);
	if (!s->backend) {
		o = reconcile_open(s, r);
		if (o != OUTCOME_DONE)
			return o;
	}
	err = s->config.ops->dump(s->backend, out, &error);
	o = backend_outcome(s, err, &error, r);
	if (backend_gone(err))
		reconcile_lost(s, r->detail);
	return o;
}

enum outcome reconcile_dump(struct service *s, struct objects *out,
			    struct refusal *r)
{
	bool was_there = s->backend;
	enum outcome o;

	*out = (struct objects){0};
	o = dump_once(s, out, r);
	if (o == OUTCOME_DONE || s->backend || !was_there)
		return o;
	/* it died a moment ago: what was asked can be done by the next one */
	if (reconcile_now(s, r) != OUTCOME_DONE)
		return OUTCOME_UNAVAILABLE;
	return dump_once(s, out, r);
}

int service_death_fd(const struct service *s, uint64_t *generation)
{
	*generation = s->generation;
	return s->backend ? s->config.ops->death_fd(s->backend) : -1;
}

int service_event_fd(const struct service *s)
{
	const struct backend_ops *ops = s->config.ops;

	return s->backend && ops->event_fd ? ops->event_fd(s->backend) : -1;
}

void service_hear(struct service *s)
{
	if (s->backend && s->config.ops->hear(s->backend))
		reconcile_later(s, "the backend has changed");
}

int service_hear_ms(const struct service *s)
{
	const struct backend_ops *ops = s->config.ops;

	return s->backend && ops->hear_ms ? ops->hear_ms(s->backend) : -1;
}

int service_timeout_ms(const struct service *s)
{
	int64_t left;

	if (s->retry_at < 0)
		return -1;
	left = s->retry_at - now_ms();
	return left > 0 ? (int)left : 0;
}

/* Readable means dead: nothing else is ever told through the death_fd. */
static bool has_died(const struct service *s)
{
	struct pollfd p = {.fd = -1, .events = POLLIN};

	if (!s->backend)
		return false;
	p.fd = s->config.ops->death_fd(s->backend);
	return p.fd >= 0 && poll(&p, 1, 0) > 0;
}

void service_tick(struct service *s)
{
	struct refusal r = {0};

	if (has_died(s)) {
		log_warn("backend %s died", s->config.ops->name);
		reconcile_lost(s, "the backend died");
	}
	if (!s->out_of_step || service_timeout_ms(s) != 0)
		return;
	if (reconcile_now(s, &r) == OUTCOME_DONE)
		log_info("backend %s is in step again", s->config.ops->name);
	else
		log_warn("%s; next attempt in %u ms", r.detail, s->retry_ms);
	refusal_fini(&r);
}
