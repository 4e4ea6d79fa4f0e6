/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/1.1 as a client speaks it: bytes in, values out.
 *
 * Writes the head of a request and reads one response. Knows no sockets, no
 * clock and no JSON; lib/client moves the bytes. What a server sends is not
 * trusted: every length is bounded and every framing that two readers could
 * understand differently is refused.
 */
#ifndef PTNET_HTTP_H
#define PTNET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_LINE_MAX = 8192, /* bytes of one line, its end included */
	HTTP_HEAD_MAX = 65536, /* of status line, headers and trailers */
	HTTP_BODY_MAX = 64 * 1024 * 1024, /* when the caller names no limit */
};

struct http_request {
	const char *method;
	const char *target; /* path and query, already quoted */
	const char *host;
	const char *accept; /* NULL: application/json */
	const char *content_type; /* NULL: there is no body */
	size_t body_len;
};

/**
 * http_request_head - the bytes before the body
 *
 * One request a connection ("Connection: close"). On success *@out is a new
 * string of *@len bytes that the caller frees. Returns 0, -EINVAL for a
 * field that would break out of its place, -ENOMEM.
 */
int http_request_head(char **out, size_t *len, const struct http_request *r);

/**
 * http_quote - append @text to @dst as one segment of a path
 *
 * @dst is a string in a buffer of @size bytes. Returns 0 or -ENAMETOOLONG.
 */
int http_quote(char *dst, size_t size, const char *text);

struct http_response {
	unsigned status; /* 200 to 999 */
	char reason[64]; /* as sent, cut */
	char content_type[96]; /* in lower case, without parameters */
	char *body; /* ends with a zero that body_len leaves out; owned */
	size_t body_len;
};

/** http_response_fini - free the body; takes an empty one too */
void http_response_fini(struct http_response *r);

/** http_reason - "Not Found" for 404; "" for a number that is not known */
const char *http_reason(unsigned status);

enum http_state {
	HTTP_STATUS,
	HTTP_HEADER,
	HTTP_BODY_LENGTH,
	HTTP_BODY_TO_END,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_DONE,
	HTTP_FAILED,
};

/* Fields are the parser's own, but for response and error. */
struct http_parser {
	enum http_state state;
	bool head_only; /* of a HEAD request */
	bool chunked;
	bool has_length;
	bool cr; /* the last byte of a line was a carriage return */
	uint64_t left; /* of the body or of this chunk */
	size_t head_len;
	size_t body_max;
	size_t body_room;
	size_t line_len;
	char line[HTTP_LINE_MAX + 1];
	struct http_response response; /* complete once feed returned 1 */
	const char *error; /* a sentence without subject: "has ..." */
};

/** http_parser_init - start; @body_max 0 is HTTP_BODY_MAX */
void http_parser_init(struct http_parser *p, size_t body_max);

/** http_parser_fini - free a response that nobody took */
void http_parser_fini(struct http_parser *p);

/**
 * http_parser_feed - take the next bytes
 *
 * Returns 0 when more is needed, 1 when the response is complete (what comes
 * after it is ignored), -EBADMSG, -EMSGSIZE or -ENOMEM with p->error set.
 */
int http_parser_feed(struct http_parser *p, const void *data, size_t len);

/**
 * http_parser_end - the server has closed the connection
 *
 * Returns 1 when the response is complete, -EBADMSG when something lacks.
 */
int http_parser_end(struct http_parser *p);

/** http_parser_take - hand the response over; the caller then owns it */
void http_parser_take(struct http_parser *p, struct http_response *out);

#endif
