/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests and what both directions share. The response parser is in
 * response.c. Called by lib/client and ptnetctl.
 */
#include "http/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Visible ASCII, and spaces where @spaces allows them. */
static bool clean(const char *s, bool spaces)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s < ' ' || *s > '~' || (*s == ' ' && !spaces))
			return false;
	return true;
}

int http_request_head(char **out, size_t *len, const struct http_request *r)
{
	const char *accept = r->accept ?: "application/json";
	char body[160] = "";
	int n;

	if (!clean(r->method, false) || !clean(r->target, false) ||
	    r->target[0] != '/' || !clean(r->host, false) ||
	    !clean(accept, true))
		return -EINVAL;
	if (r->content_type) {
		if (!clean(r->content_type, true))
			return -EINVAL;
		n = snprintf(body, sizeof(body),
			     "Content-Type: %s\r\nContent-Length: %zu\r\n",
			     r->content_type, r->body_len);
		if (n >= (int)sizeof(body))
			return -EINVAL;
	}
	n = asprintf(out,
		     "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\n"
		     "User-Agent: ptnet/" PTNET_VERSION "\r\n"
		     "Connection: close\r\n%s\r\n",
		     r->method, r->target, r->host, accept, body);
	if (n < 0) {
		*out = NULL;
		return -ENOMEM;
	}
	*len = (size_t)n;
	return 0;
}

int http_quote(char *dst, size_t size, const char *text)
{
	size_t at = strlen(dst);

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (at + 4 > size)
			return -ENAMETOOLONG;
		if (isalnum(c) || strchr("-._~", c))
			dst[at++] = (char)c;
		else
			at += (size_t)snprintf(dst + at, size - at, "%%%02X",
					       c);
		dst[at] = '\0';
	}
	return 0;
}

void http_response_fini(struct http_response *r)
{
	free(r->body);
	*r = (struct http_response){0};
}

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{201, "Created"},
	{204, "No Content"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Content"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{507, "Insufficient Storage"},
};

const char *http_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}
