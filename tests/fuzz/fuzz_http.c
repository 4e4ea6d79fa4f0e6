/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile server: any bytes, cut anywhere. The first byte says where. What
 * comes out must not depend on the cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"

enum { BODY_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(struct http_parser *p, const uint8_t *data, size_t size,
		 size_t step)
{
	int err = 0;

	http_parser_init(p, BODY_MAX);
	while (size && !err) {
		size_t n = size < step ? size : step;

		err = http_parser_feed(p, data, n);
		data += n;
		size -= n;
	}
	return err ? err : http_parser_end(p);
}

static void check(const struct http_response *r)
{
	if (r->status < 200 || r->status > 999 || r->body_len > BODY_MAX ||
	    !r->body || r->body[r->body_len] ||
	    strlen(r->reason) >= sizeof(r->reason) ||
	    strlen(r->content_type) >= sizeof(r->content_type))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_parser whole, cut;
	struct http_response a, b;
	int first, second;

	if (!size)
		return 0;
	first = parse(&whole, data + 1, size - 1, size);
	second = parse(&cut, data + 1, size - 1, data[0] ? data[0] : 1);
	if (first != second)
		abort();
	http_parser_take(&whole, &a);
	http_parser_take(&cut, &b);
	if (first == 1) {
		check(&a);
		check(&b);
		if (a.status != b.status || a.body_len != b.body_len ||
		    memcmp(a.body, b.body, a.body_len) != 0)
			abort();
	}
	http_response_fini(&a);
	http_response_fini(&b);
	return 0;
}
