/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to ptnetd and what its answers mean: JSON, or a problem that is
 * told on stderr. The one place that knows of HTTP statuses.
 */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/json.h"
#include "progress.h"
#include "text.h"

static int find_server(const struct ctl *ctl, struct client_server *out,
		       struct client_error *error)
{
	const char *given = ctl->server ?: getenv("PTNET_SERVER");
	char text[128];
	int err;

	if (!given || !*given) {
		client_server_default(text, sizeof(text));
		given = text;
	}
	err = client_server_parse(out, given, error);
	if (err)
		snprintf(error->hint, sizeof(error->hint), "%s is \"%.200s\"",
			 ctl->server ? "--server" : "PTNET_SERVER", given);
	return err;
}

static void say_error(const struct client_error *error)
{
	ctl_error("%s", error->message);
	if (error->hint[0])
		ctl_hint("%s", error->hint);
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && *s ? s : NULL;
}

static uint32_t number_of(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void problem_entries(const json_t *list)
{
	struct diags found = {0};
	json_t *e;
	size_t i;

	json_array_foreach(list, i, e)
		diag_add(&found, string_of(e, "file"), number_of(e, "line"),
			 number_of(e, "column"), string_of(e, "path"),
			 string_of(e, "hint"), "%s",
			 string_of(e, "message") ?: "is refused");
	ctl_diags(&found);
	diags_fini(&found);
}

static int status_to_errno(unsigned status)
{
	switch (status) {
	case 404:
		return -ENOENT;
	case 409:
		return -EEXIST;
	case 413:
		return -EMSGSIZE;
	case 501:
		return -EOPNOTSUPP;
	case 503:
		return -EAGAIN;
	default:
		return -EINVAL;
	}
}

static void problem_words(const struct http_response *r, const json_t *problem,
			  struct client_error *error)
{
	const char *title = string_of(problem, "title");
	const char *detail = string_of(problem, "detail");

	if (title && detail)
		snprintf(error->message, sizeof(error->message),
			 "%.100s: %.280s", title, detail);
	else if (title || detail)
		snprintf(error->message, sizeof(error->message), "%.380s",
			 title ?: detail);
	else
		snprintf(error->message, sizeof(error->message),
			 "ptnetd answered %u %s", r->status,
			 *http_reason(r->status) ? http_reason(r->status)
						 : r->reason);
}

/* A response to its JSON; a problem to its words, or to its entries. */
static int understand(const struct http_response *r, bool entries, json_t **out,
		      struct client_error *error)
{
	_cleanup_json_ json_t *body = NULL;
	char why[JSON_REASON_MAX] = "";

	if (json_read(&body, r->body ?: "", r->body_len, why))
		body = NULL;
	if (r->status < 200 || r->status > 299) {
		const json_t *list = json_object_get(body, "errors");

		if (entries && json_array_size(list))
			problem_entries(list);
		else
			problem_words(r, body, error);
		return status_to_errno(r->status);
	}
	if (!body) {
		snprintf(error->message, sizeof(error->message),
			 "the answer of ptnetd is broken JSON: %.200s", why);
		return -EBADMSG;
	}
	*out = steal_ptr(&body);
	return 0;
}

static int ask(struct ctl *ctl, struct client_call *call, bool entries,
	       json_t **out, struct client_error *error)
{
	struct client_server server;
	_cleanup_(http_response_fini) struct http_response r = {0};
	int err;

	*out = NULL;
	err = find_server(ctl, &server, error);
	if (err)
		return err;
	call->timeout_ms = ctl->timeout_ms;
	err = client_call(&server, call, &r, error);
	return err ?: understand(&r, entries, out, error);
}

int ctl_try_get(struct ctl *ctl, const char *target, json_t **out,
		struct client_error *error)
{
	struct client_call call = {.method = "GET", .target = target};

	*error = (struct client_error){0};
	return ask(ctl, &call, false, out, error);
}

int ctl_get(struct ctl *ctl, const char *base, const char *name,
	    const char *tail, json_t **out)
{
	char target[512] = "";
	struct client_call call = {.method = "GET", .target = target};
	struct client_error error = {0};
	int err;

	snprintf(target, sizeof(target) - 64, "%s%s", base, name ? "/" : "");
	if (name && http_quote(target, sizeof(target) - 16, name)) {
		ctl_error("there is no such name: it is too long");
		return -ENOENT;
	}
	strncat(target, tail ?: "", sizeof(target) - strlen(target) - 1);
	err = ask(ctl, &call, true, out, &error);
	if (err && error.message[0])
		say_error(&error);
	return err;
}

int ctl_post(struct ctl *ctl, const char *target, const json_t *body,
	     const char *what, bool now, json_t **out)
{
	_cleanup_free_ char *text = json_dumps(body, JSON_COMPACT);
	struct client_call call = {
		.method = "POST",
		.target = target,
		.content_type = "application/json",
		.body = text,
		.body_len = text ? strlen(text) : 0,
	};
	struct client_error error = {0};
	struct progress progress;
	int err;

	*out = NULL;
	if (!text) {
		ctl_error("there is not enough memory for the request");
		return -ENOMEM;
	}
	if (what) {
		progress_init(&progress, what, call.body_len, now);
		call.progress = progress_show;
		call.arg = &progress;
	}
	err = ask(ctl, &call, true, out, &error);
	if (what)
		progress_clear(&progress);
	if (err && error.message[0])
		say_error(&error);
	return err;
}
