/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of HTTP: what is taken, however it was cut, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* Feed @text in two parts and say that the connection ended. */
static int parse_cut(struct http_parser *p, const char *text, size_t cut)
{
	size_t len = strlen(text);
	int err = http_parser_feed(p, text, cut);

	if (!err)
		err = http_parser_feed(p, text + cut, len - cut);
	return err ? err : http_parser_end(p);
}

static const struct {
	const char *text;
	unsigned status;
	const char *type, *body;
} good[] = {
	{OK "Content-Length: 2\r\n\r\n{}", 200, "", "{}"},
	{OK "content-LENGTH:2 \r\nContent-Type: Text/JSON; x=y\r\n\r\n{}", 200,
	 "text/json", "{}"},
	{OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 200, "", "{}"},
	{OK "Transfer-Encoding: chunked\r\n\r\n"
	    "1\r\n{\r\n1;ext=1\r\n}\r\n0\r\nTrailer: x\r\n\r\n",
	 200, "", "{}"},
	{OK "Transfer-Encoding: Chunked\r\n\r\n0A \r\n0123456789\r\n0\r\n\r\n",
	 200, "", "0123456789"},
	{OK "\r\nuntil the end", 200, "", "until the end"},
	{"HTTP/1.0 503 Later\r\n\r\n", 503, "", ""},
	{"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, "", ""},
	{"HTTP/1.1 204 None\r\n\r\n", 204, "", ""},
	{"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", 200,
	 "", "x"},
	{OK "Content-Length: 1\r\n\r\nx and more", 200, "", "x"},
};

static void a_response_is_the_same_however_it_is_cut(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		for (size_t cut = 0; cut <= strlen(good[i].text); cut++) {
			struct http_parser p;
			struct http_response r;

			http_parser_init(&p, 0);
			assert_int_equal(parse_cut(&p, good[i].text, cut), 1);
			http_parser_take(&p, &r);
			http_parser_fini(&p);
			assert_int_equal(r.status, good[i].status);
			assert_string_equal(r.content_type, good[i].type);
			assert_int_equal(r.body_len, strlen(good[i].body));
			assert_string_equal(r.body, good[i].body);
			http_response_fini(&r);
		}
	}
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 101 Switching\r\n\r\n",
		"HTTP/1.1 200 OK\n\n",
		OK "X: \ry\r\n\r\n",
		OK "no colon\r\n\r\n",
		OK ": no name\r\n\r\n",
		OK "X : space\r\n\r\n",
		OK "X: a\r\n folded\r\n\r\n",
		OK "Content-Length: +2\r\n\r\n{}",
		OK "Content-Length: 2,2\r\n\r\n{}",
		OK "Content-Length: -1\r\n\r\n",
		OK "Content-Length: 0x2\r\n\r\n{}",
		OK "Content-Length: \r\n\r\n{}",
		OK "Content-Length: 99999999999999999999\r\n\r\n{}",
		OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
		OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
		OK "Transfer-Encoding: gzip\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n"
		   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		/* and what ends too early */
		"HTTP/1.1 200 OK\r\nContent-",
		OK "Content-Length: 3\r\n\r\n{}",
		OK "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t cut = 0; cut <= strlen(bad[i]); cut++) {
			struct http_parser p;

			http_parser_init(&p, 0);
			assert_true(parse_cut(&p, bad[i], cut) < 0);
			assert_non_null(p.error);
			/* What failed stays failed. */
			assert_true(http_parser_feed(&p, "x", 1) < 0);
			http_parser_fini(&p);
		}
	}
}

static void every_part_has_its_limit(void **state)
{
	(void)state;
	static const struct {
		const char *head, *again;
		int err;
	} cases[] = {
		{OK, "X: 0123456789\r\n", -EMSGSIZE}, /* many headers */
		{OK "X: ", "0123456789", -EMSGSIZE}, /* one long line */
		{"", "HTTP/1.1 100 Continue\r\n\r\n", -EMSGSIZE},
		{OK "\r\n", "0123456789", -EMSGSIZE}, /* to the end */
		{OK "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n",
		 -EMSGSIZE},
		{OK "Transfer-Encoding: chunked\r\n\r\n1;", "ext", -EMSGSIZE},
		{OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "T: x\r\n",
		 -EMSGSIZE},
		{OK "Content-Length: 1001\r\n\r\n", "", -EMSGSIZE},
		{OK "Transfer-Encoding: chunked\r\n\r\n3ea\r\n", "", -EMSGSIZE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_parser p;
		int err;

		http_parser_init(&p, 1000);
		err = http_parser_feed(&p, cases[i].head,
				       strlen(cases[i].head));
		for (int n = 0; n < 20000 && !err; n++)
			err = http_parser_feed(&p, cases[i].again,
					       strlen(cases[i].again));
		assert_int_equal(err, cases[i].err);
		http_parser_fini(&p);
	}
}

static void a_promised_length_takes_no_memory(void **state)
{
	(void)state;
	static const char head[] = OK "Content-Length: 60000000\r\n\r\nx";
	struct http_parser p;

	http_parser_init(&p, 0);
	assert_int_equal(http_parser_feed(&p, head, strlen(head)), 0);
	assert_true(p.body_room < 65536);
	http_parser_fini(&p);
}

static void a_request_is_what_the_standard_says(void **state)
{
	(void)state;
	struct http_request r = {
		.method = "POST",
		.target = "/v1/apply?dryRun=true",
		.host = "localhost",
		.content_type = "application/json",
		.body_len = 2,
	};
	char *head;
	size_t len;

	assert_int_equal(http_request_head(&head, &len, &r), 0);
	assert_int_equal(strlen(head), len);
	assert_string_equal(head, "POST /v1/apply?dryRun=true HTTP/1.1\r\n"
				  "Host: localhost\r\n"
				  "Accept: application/json\r\n"
				  "User-Agent: ptnet/" PTNET_VERSION "\r\n"
				  "Connection: close\r\n"
				  "Content-Type: application/json\r\n"
				  "Content-Length: 2\r\n\r\n");
	free(head);
}

static void nothing_breaks_out_of_a_request(void **state)
{
	(void)state;
	static const char *const targets[] = {
		"/a b", "/a\r\nX: y", "/\n", "", "relative", "/\x7f", "/\xc3",
	};
	struct http_request r = {.method = "GET", .host = "localhost"};
	char *head = NULL;
	char quoted[64] = "/v1/ports/";
	size_t len;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		r.target = targets[i];
		assert_int_equal(http_request_head(&head, &len, &r), -EINVAL);
		assert_null(head);
	}
	assert_int_equal(http_quote(quoted, sizeof(quoted), "a/b?\r\n\xc3~"),
			 0);
	assert_string_equal(quoted, "/v1/ports/a%2Fb%3F%0D%0A%C3~");
	assert_int_equal(http_quote(quoted, 32, "0123456789"), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_is_the_same_however_it_is_cut),
		cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
		cmocka_unit_test(every_part_has_its_limit),
		cmocka_unit_test(a_promised_length_takes_no_memory),
		cmocka_unit_test(a_request_is_what_the_standard_says),
		cmocka_unit_test(nothing_breaks_out_of_a_request),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
