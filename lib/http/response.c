/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The response parser. Lines are collected in the parser, so that it does
 * not matter how the bytes were cut; bodies grow as bytes arrive, never by
 * what a header promises. Called by lib/client and the fuzzer.
 */
#include "http/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void http_parser_init(struct http_parser *p, size_t body_max)
{
	memset(p, 0, sizeof(*p));
	p->body_max = body_max ?: HTTP_BODY_MAX;
}

void http_parser_fini(struct http_parser *p)
{
	http_response_fini(&p->response);
}

void http_parser_take(struct http_parser *p, struct http_response *out)
{
	*out = p->response;
	p->response = (struct http_response){0};
}

static int fail(struct http_parser *p, int err, const char *error)
{
	p->state = HTTP_FAILED;
	p->error = error;
	return err;
}

static int body_append(struct http_parser *p, const char *data, size_t len)
{
	struct http_response *r = &p->response;

	if (len > p->body_max - r->body_len)
		return fail(p, -EMSGSIZE, "has too long a body");
	if (r->body_len + len + 1 > p->body_room) {
		size_t room = p->body_room ? p->body_room * 2 : 4096;
		char *body;

		if (room < r->body_len + len + 1)
			room = r->body_len + len + 1;
		body = realloc(r->body, room);
		if (!body)
			return fail(p, -ENOMEM, "does not fit into memory");
		r->body = body;
		p->body_room = room;
	}
	if (len)
		memcpy(r->body + r->body_len, data, len);
	r->body_len += len;
	r->body[r->body_len] = '\0';
	return 0;
}

/* All of @s, digits only: no sign, no space, no overflow. */
static bool number(const char *s, int base, uint64_t *out)
{
	uint64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		unsigned digit;

		if (!(base == 16 ? isxdigit(c) : isdigit(c)))
			return false;
		digit = isdigit(c) ? c - '0' + 0u : tolower(c) - 'a' + 10u;
		if (n > (UINT64_MAX - digit) / (unsigned)base)
			return false;
		n = n * (unsigned)base + digit;
	}
	*out = n;
	return true;
}

static int status_line(struct http_parser *p)
{
	struct http_response *r = &p->response;
	const char *s = p->line;
	char code[4] = "";
	uint64_t n;

	if (strncmp(s, "HTTP/1.", 7) || !isdigit((unsigned char)s[7]) ||
	    s[8] != ' ')
		return fail(p, -EBADMSG, "is not HTTP/1.1");
	strncpy(code, s + 9, 3);
	if (!number(code, 10, &n) || n < 100 || (s[12] != ' ' && s[12] != '\0'))
		return fail(p, -EBADMSG, "has a broken status line");
	r->status = (unsigned)n;
	r->reason[0] = '\0';
	if (s[12])
		strncat(r->reason, s + 13, sizeof(r->reason) - 1);
	p->state = HTTP_HEADER;
	return 0;
}

static int content_length(struct http_parser *p, const char *value)
{
	uint64_t n;

	if (!number(value, 10, &n))
		return fail(p, -EBADMSG, "has a broken Content-Length");
	if (p->has_length && n != p->left)
		return fail(p, -EBADMSG, "has two different lengths");
	if (n > p->body_max)
		return fail(p, -EMSGSIZE, "has too long a body");
	p->has_length = true;
	p->left = n;
	return 0;
}

static void content_type(struct http_response *r, const char *value)
{
	size_t n = strcspn(value, "; \t");

	if (n >= sizeof(r->content_type))
		n = sizeof(r->content_type) - 1;
	for (size_t i = 0; i < n; i++)
		r->content_type[i] = (char)tolower((unsigned char)value[i]);
	r->content_type[n] = '\0';
}

static int transfer_encoding(struct http_parser *p, const char *value)
{
	if (p->chunked || strcasecmp(value, "chunked"))
		return fail(p, -EBADMSG,
			    "has a Transfer-Encoding that is not supported");
	p->chunked = true;
	return 0;
}

static int header_line(struct http_parser *p)
{
	char *colon = strchr(p->line, ':'), *value, *end;

	/* A folded line begins with a space, which no name may hold. */
	if (!colon || colon == p->line ||
	    strcspn(p->line, " \t") < (size_t)(colon - p->line))
		return fail(p, -EBADMSG, "has a broken header");
	if (p->state == HTTP_TRAILER)
		return 0;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	if (!strcasecmp(p->line, "content-length"))
		return content_length(p, value);
	if (!strcasecmp(p->line, "transfer-encoding"))
		return transfer_encoding(p, value);
	if (!strcasecmp(p->line, "content-type"))
		content_type(&p->response, value);
	return 0;
}

static int head_done(struct http_parser *p)
{
	unsigned status = p->response.status;

	if (p->chunked && p->has_length)
		return fail(p, -EBADMSG, "has two different lengths");
	if (status == 101)
		return fail(p, -EBADMSG, "changes the protocol");
	if (status < 200) {
		/* An interim response: the real one follows. */
		if (p->chunked || p->has_length)
			return fail(p, -EBADMSG, "has a body where none is");
		p->response.content_type[0] = '\0';
		p->state = HTTP_STATUS;
		return 0;
	}
	if (p->head_only || status == 204 || status == 304)
		p->state = HTTP_DONE;
	else if (p->chunked)
		p->state = HTTP_CHUNK_SIZE;
	else if (!p->has_length)
		p->state = HTTP_BODY_TO_END;
	else
		p->state = p->left ? HTTP_BODY_LENGTH : HTTP_DONE;
	return body_append(p, "", 0);
}

static int chunk_size(struct http_parser *p)
{
	/* Extensions carry nothing that anybody uses. */
	p->line[strcspn(p->line, "; \t")] = '\0';
	if (!number(p->line, 16, &p->left))
		return fail(p, -EBADMSG, "has a broken chunk");
	if (p->left > p->body_max - p->response.body_len)
		return fail(p, -EMSGSIZE, "has too long a body");
	p->state = p->left ? HTTP_CHUNK_DATA : HTTP_TRAILER;
	return 0;
}

static int line_done(struct http_parser *p)
{
	switch (p->state) {
	case HTTP_STATUS:
		return status_line(p);
	case HTTP_HEADER:
		return p->line_len ? header_line(p) : head_done(p);
	case HTTP_CHUNK_SIZE:
		return chunk_size(p);
	case HTTP_CHUNK_END:
		if (p->line_len)
			return fail(p, -EBADMSG, "has a broken chunk");
		p->state = HTTP_CHUNK_SIZE;
		return 0;
	case HTTP_TRAILER:
		if (p->line_len)
			return header_line(p);
		p->state = HTTP_DONE;
		return 0;
	case HTTP_BODY_LENGTH:
	case HTTP_BODY_TO_END:
	case HTTP_CHUNK_DATA:
	case HTTP_DONE:
	case HTTP_FAILED:
		break;
	}
	return fail(p, -EBADMSG, "is broken");
}

/* One byte of a line; only CR LF ends one. */
static int line_byte(struct http_parser *p, char c)
{
	bool cr = p->cr;
	int err;

	/* Chunks are bounded by the body; only their sizes are lines. */
	if (p->state != HTTP_CHUNK_SIZE && p->state != HTTP_CHUNK_END &&
	    ++p->head_len > HTTP_HEAD_MAX)
		return fail(p, -EMSGSIZE, "has too long a head");
	p->cr = false;
	if (cr != (c == '\n') || c == '\0')
		return fail(p, -EBADMSG, "has a broken line");
	if (c == '\r') {
		p->cr = true;
		return 0;
	}
	if (c != '\n') {
		if (p->line_len >= HTTP_LINE_MAX)
			return fail(p, -EMSGSIZE, "has too long a line");
		p->line[p->line_len++] = c;
		return 0;
	}
	p->line[p->line_len] = '\0';
	err = line_done(p);
	p->line_len = 0;
	return err;
}

static int data_bytes(struct http_parser *p, const char *data, size_t len)
{
	int err = body_append(p, data, len);

	if (err || p->state == HTTP_BODY_TO_END)
		return err;
	p->left -= len;
	if (!p->left)
		p->state = p->chunked ? HTTP_CHUNK_END : HTTP_DONE;
	return 0;
}

int http_parser_feed(struct http_parser *p, const void *data, size_t len)
{
	const char *s = data;
	int err = 0;

	while (len && !err && p->state != HTTP_DONE) {
		size_t n = 1;

		if (p->state == HTTP_FAILED)
			return -EBADMSG;
		if (p->state == HTTP_BODY_LENGTH || p->state == HTTP_CHUNK_DATA)
			n = p->left < len ? (size_t)p->left : len;
		else if (p->state == HTTP_BODY_TO_END)
			n = len;
		if (p->state == HTTP_BODY_LENGTH ||
		    p->state == HTTP_CHUNK_DATA || p->state == HTTP_BODY_TO_END)
			err = data_bytes(p, s, n);
		else
			err = line_byte(p, *s);
		s += n;
		len -= n;
	}
	return err ?: p->state == HTTP_DONE;
}

int http_parser_end(struct http_parser *p)
{
	if (p->state == HTTP_BODY_TO_END)
		p->state = HTTP_DONE;
	if (p->state == HTTP_DONE)
		return 1;
	if (p->state == HTTP_FAILED)
		return -EBADMSG;
	if (p->state == HTTP_STATUS && !p->head_len)
		return fail(p, -EBADMSG, "is empty");
	return fail(p, -EBADMSG, "ends too early");
}
