/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes and handlers. Knows paths, methods and types; what is asked is the
 * service's to answer. Called by http.c, tests and fuzzers.
 */
#include "rest/rest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "rest/body.h"
#include "rest/problem.h"
#include "service/change.h"
#include "service/view.h"

enum {
	TARGET_MAX = 1024,
	NAME_LENGTH_MAX = 255, /* longer ones are nobody's */
};

/* A request on its way through a handler. */
struct call {
	struct service *service;
	const struct request *rq;
	struct response *rs;
	const struct route *route;
	char name[NAME_LENGTH_MAX + 1]; /* what stood for NAME; else empty */
	char query[TARGET_MAX];
	struct refusal refusal;
};

struct route {
	const char *method;
	const char *path; /* NAME stands for one segment */
	void (*handle)(struct call *c);
	int detail; /* enum view_kind, or whether it is a dry run */
};

/* End a call by what the service said. */
static void answer(struct call *c, enum outcome o, json_t *value)
{
	if (o == OUTCOME_DONE)
		respond_json(c->rs, value);
	else
		problem_refusal(c->rs, o, &c->refusal);
}

static void get_health(struct call *c)
{
	json_t *value = NULL;
	enum outcome o = view_health(c->service, &value, &c->refusal);

	answer(c, o, value);
}

static void get_version(struct call *c)
{
	json_t *value = NULL;
	enum outcome o = view_version(c->service, &value, &c->refusal);

	answer(c, o, value);
}

static void get_status(struct call *c)
{
	json_t *value = NULL;
	enum outcome o = view_status(c->service, &value, &c->refusal);

	answer(c, o, value);
}

static void get_census(struct call *c)
{
	json_t *value = NULL;
	enum outcome o = view_census(c->service, &value, &c->refusal);

	answer(c, o, value);
}

static void get_topologies(struct call *c)
{
	json_t *value = NULL;
	enum outcome o = view_topologies(c->service, &value, &c->refusal);

	answer(c, o, value);
}

/* YAML for those who ask for it before JSON. */
static bool wants_yaml(const char *accept)
{
	const char *yaml = accept ? strstr(accept, "yaml") : NULL;
	const char *json = accept ? strstr(accept, "json") : NULL;

	return yaml && (!json || yaml < json);
}

static void get_topology(struct call *c)
{
	json_t *value = NULL;
	char *text = NULL;
	enum outcome o;

	if (!wants_yaml(c->rq->accept)) {
		o = view_topology(c->service, c->name, &value, &c->refusal);
		answer(c, o, value);
		return;
	}
	o = view_topology_yaml(c->service, c->name, &text, &c->refusal);
	if (o == OUTCOME_DONE)
		respond_text(c->rs, "application/yaml", text);
	else
		problem_refusal(c->rs, o, &c->refusal);
}

static void get_objects(struct call *c)
{
	json_t *value = NULL;
	enum outcome o =
		view_objects(c->service, (enum view_kind)c->route->detail,
			     c->name[0] ? c->name : NULL, &value, &c->refusal);

	answer(c, o, value);
}

static void get_fdb(struct call *c)
{
	json_t *value = NULL;
	enum outcome o = view_fdb(c->service, c->name, &value, &c->refusal);

	answer(c, o, value);
}

/* "?dryRun=true", "?dryRun=false"; anything else is refused. */
static bool read_dry_run(struct call *c, bool *dry_run)
{
	const char *q = c->query;

	if (!*q || strcmp(q, "dryRun=false") == 0)
		return true;
	if (strcmp(q, "dryRun=true") == 0 || strcmp(q, "dryRun=1") == 0) {
		*dry_run = true;
		return true;
	}
	rest_problem(c->rs, 400,
		     "the query may only be dryRun=true or dryRun=false");
	return false;
}

static void apply(struct call *c, const char *only)
{
	_cleanup_(body_fini) struct body body = {0};
	bool dry_run = c->route->detail;
	json_t *value = NULL;
	enum outcome o;

	if (!read_dry_run(c, &dry_run) ||
	    !body_sources(&body, c->rq, only != NULL, c->rs))
		return;
	o = change_apply(c->service, body.sources, body.count, only, dry_run,
			 &value, &c->refusal);
	answer(c, o, value);
}

static void post_apply(struct call *c)
{
	apply(c, NULL);
}

static void put_topology(struct call *c)
{
	apply(c, c->name);
}

static void delete_names(struct call *c, const char *const *names, size_t count)
{
	bool dry_run = false;
	json_t *value = NULL;
	enum outcome o;

	if (!read_dry_run(c, &dry_run))
		return;
	o = change_delete(c->service, names, count, dry_run, &value,
			  &c->refusal);
	answer(c, o, value);
}

static void delete_topology(struct call *c)
{
	const char *name = c->name;

	delete_names(c, &name, 1);
}

static void post_delete(struct call *c)
{
	_cleanup_(body_fini) struct body body = {0};

	if (body_names(&body, c->rq, c->rs))
		delete_names(c, body.names, body.count);
}

static const struct route routes[] = {
	{"GET", "/healthz", get_health, 0},
	{"GET", "/version", get_version, 0},
	{"GET", "/v1/status", get_status, 0},
	{"GET", "/v1/census", get_census, 0},
	{"GET", "/v1/topologies", get_topologies, 0},
	{"GET", "/v1/topologies/NAME", get_topology, 0},
	{"PUT", "/v1/topologies/NAME", put_topology, false},
	{"DELETE", "/v1/topologies/NAME", delete_topology, 0},
	{"POST", "/v1/apply", post_apply, false},
	{"POST", "/v1/plan", post_apply, true},
	{"POST", "/v1/delete", post_delete, 0},
	{"GET", "/v1/switches", get_objects, VIEW_SWITCHES},
	{"GET", "/v1/switches/NAME", get_objects, VIEW_SWITCHES},
	{"GET", "/v1/switches/NAME/fdb", get_fdb, 0},
	{"GET", "/v1/pipes", get_objects, VIEW_PIPES},
	{"GET", "/v1/pipes/NAME", get_objects, VIEW_PIPES},
	{"GET", "/v1/ports", get_objects, VIEW_PORTS},
	{"GET", "/v1/ports/NAME", get_objects, VIEW_PORTS},
	{"GET", "/v1/nics", get_objects, VIEW_NICS},
	{"GET", "/v1/nics/NAME", get_objects, VIEW_NICS},
	{"GET", "/v1/vms", get_objects, VIEW_VMS},
	{"GET", "/v1/vms/NAME", get_objects, VIEW_VMS},
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo %XX in one segment. False for broken escapes and zero bytes. */
static bool unescape(char *to, size_t size, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (c == '%') {
			int high = len - i > 2 ? hex(from[i + 1]) : -1;
			int low = len - i > 2 ? hex(from[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (!c || n + 1 >= size)
			return false;
		to[n++] = c;
	}
	to[n] = 0;
	return n > 0;
}

/* Whether @path is what a route is for; takes NAME out of it. */
static bool matches(const char *pattern, const char *path, char *name,
		    size_t size)
{
	while (*pattern && *path) {
		size_t a = strcspn(pattern + 1, "/") + 1;
		size_t b = strcspn(path + 1, "/") + 1;

		if (a == 5 && strncmp(pattern, "/NAME", 5) == 0) {
			if (!unescape(name, size, path + 1, b - 1))
				return false;
		} else if (a != b || strncmp(pattern, path, a) != 0) {
			return false;
		}
		pattern += a;
		path += b;
	}
	return !*pattern && !*path;
}

static bool same_method(const char *route, const char *asked)
{
	return strcmp(route, asked) == 0 ||
	       (strcmp(route, "GET") == 0 && strcmp(asked, "HEAD") == 0);
}

static void allow(struct response *rs, const char *method)
{
	size_t len = strlen(rs->allow);

	snprintf(rs->allow + len, sizeof(rs->allow) - len, "%s%s%s",
		 len ? ", " : "", method,
		 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

/* Finds the route, or says what is wrong: no path, or no such method. */
static const struct route *find_route(struct call *c, const char *path)
{
	const char *method = c->rq->method;

	for (size_t i = 0; i < ROUTES; i++) {
		c->name[0] = 0;
		if (!matches(routes[i].path, path, c->name, sizeof(c->name)))
			continue;
		if (same_method(routes[i].method, method)) {
			c->rs->allow[0] = 0;
			return &routes[i];
		}
		allow(c->rs, routes[i].method);
	}
	if (c->rs->allow[0])
		rest_problem(c->rs, 405, "%s is not possible here, only %s",
			     method, c->rs->allow);
	else
		rest_problem(c->rs, 404, "there is nothing at %s", path);
	return NULL;
}

static bool split_target(struct call *c, char *path, size_t size)
{
	const char *target = c->rq->target;
	size_t len = strcspn(target, "?");

	if (target[0] != '/' || strlen(target) >= size) {
		rest_problem(c->rs, 400,
			     "the path must begin with / and be shorter than "
			     "%zu bytes",
			     size);
		return false;
	}
	memcpy(path, target, len);
	path[len] = 0;
	copy_string(c->query, sizeof(c->query),
		    target[len] ? target + len + 1 : "");
	return true;
}

void rest_handle(struct service *s, const struct request *rq,
		 struct response *rs)
{
	struct call c = {.service = s, .rq = rq, .rs = rs};
	char path[TARGET_MAX];

	if (rq->len > rest_body_max(rq->content_type)) {
		rest_problem(rs, 413, "the body is larger than %d MiB",
			     REST_YAML_MAX >> 20);
		return;
	}
	if (!split_target(&c, path, sizeof(path)))
		return;
	c.route = find_route(&c, path);
	if (c.route)
		c.route->handle(&c);
	refusal_fini(&c.refusal);
}
