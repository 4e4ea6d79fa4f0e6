/* SPDX-License-Identifier: BSD-2-Clause */
/* problem+json and the other bodies. Called by rest.c and http.c. */
#include "rest/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "json/json.h"

static const unsigned statuses[] = {
	[OUTCOME_DONE] = 200,	     [OUTCOME_NOT_FOUND] = 404,
	[OUTCOME_CONFLICT] = 409,    [OUTCOME_TOO_BIG] = 413,
	[OUTCOME_INVALID] = 422,     [OUTCOME_UNSUPPORTED] = 501,
	[OUTCOME_UNAVAILABLE] = 503, [OUTCOME_FULL] = 507,
	[OUTCOME_FAILED] = 500,
};

void response_fini(struct response *r)
{
	free(r->body);
	*r = (struct response){0};
}

static void set_body(struct response *rs, const char *content_type, char *text)
{
	free(rs->body);
	rs->content_type = content_type;
	rs->body = text;
	rs->len = text ? strlen(text) : 0;
}

/* Words from outside may not be UTF-8, which JSON must be. */
static json_t *words(const char *text)
{
	json_t *value = json_string(text);
	_cleanup_free_ char *plain = NULL;

	if (value || !(plain = strdup(text)))
		return value;
	for (char *c = plain; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(plain);
}

static json_t *words_or_null(const char *text)
{
	return text ? words(text) : json_null();
}

static json_t *number_or_null(unsigned n)
{
	return n ? json_integer(n) : json_null();
}

static json_t *finding_to_json(const struct diag *d)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "file",
			 words_or_null(d->file), "line",
			 number_or_null(d->line), "column",
			 number_or_null(d->column), "path",
			 words_or_null(d->path), "message",
			 words_or_null(d->message), "hint",
			 words_or_null(d->hint));
}

static json_t *findings_to_json(const struct diags *diags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < diags->count; i++)
		json_array_append_new(list, finding_to_json(&diags->list[i]));
	return list;
}

static void problem(struct response *rs, unsigned status, const char *detail,
		    const struct diags *diags)
{
	_cleanup_json_ json_t *value =
		json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank",
			  "title", http_reason(status), "status", (int)status,
			  "detail", words(detail));

	if (diags && diags_any(diags))
		json_object_set_new(value, "errors", findings_to_json(diags));
	rs->status = status;
	/* without memory it is a status without words */
	set_body(rs, "application/problem+json",
		 value ? json_write(value) : NULL);
	if (status == 503)
		rs->retry_after = 1;
}

void rest_problem(struct response *rs, unsigned status, const char *format, ...)
{
	char detail[768];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	problem(rs, status, detail, NULL);
}

void problem_refusal(struct response *rs, enum outcome outcome,
		     const struct refusal *r)
{
	problem(rs, statuses[outcome], r->detail, &r->diags);
}

void respond_text(struct response *rs, const char *content_type, char *text)
{
	if (!text) {
		rest_problem(rs, 503, "no memory");
		return;
	}
	rs->status = 200;
	set_body(rs, content_type, text);
}

void respond_json(struct response *rs, json_t *value)
{
	respond_text(rs, "application/json", json_write(value));
	json_decref(value);
}
