/* SPDX-License-Identifier: BSD-2-Clause */
/* The client against servers that answer, hang, vanish and refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* A server for one connection. */
struct host {
	char directory[64], path[96];
	int listener;
	bool runs;
	pthread_t thread;
	size_t read_first; /* bytes of the request to wait for */
	const char *answer;
	bool trickle; /* a byte every now and then */
	bool stay; /* leave the connection open until the client goes */
	char request[512]; /* what came, as far as it fits */
};

static void answer(const struct host *h, int fd)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	const char *s = h->answer;

	if (!h->trickle) {
		send(fd, s, strlen(s), MSG_NOSIGNAL);
		return;
	}
	while (*s && send(fd, s++, 1, MSG_NOSIGNAL) == 1)
		nanosleep(&pause, NULL);
}

static void *serve(void *arg)
{
	struct host *h = arg;
	int fd = accept(h->listener, NULL, NULL);
	size_t n = 0;
	char byte;

	while (n < h->read_first && read(fd, &byte, 1) == 1) {
		if (n < sizeof(h->request) - 1)
			h->request[n] = byte;
		n++;
	}
	answer(h, fd);
	while (h->stay && read(fd, &byte, 1) == 1)
		;
	close(fd);
	return NULL;
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct host *h = calloc(1, sizeof(*h));
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	*state = h;
	snprintf(h->directory, sizeof(h->directory), "%.40s/client-XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(h->directory))
		return -1;
	snprintf(h->path, sizeof(h->path), "%s/ptnetd.sock", h->directory);
	strcpy(un.sun_path, h->path);
	h->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(h->listener, (struct sockaddr *)&un, sizeof(un))
		       ?: listen(h->listener, 1);
}

static void finish(struct host *h)
{
	if (h->runs)
		pthread_join(h->thread, NULL);
	h->runs = false;
}

static int teardown(void **state)
{
	struct host *h = *state;

	finish(h);
	close(h->listener);
	unlink(h->path);
	rmdir(h->directory);
	free(h);
	return 0;
}

static void start(struct host *h, const char *text, size_t read_first)
{
	h->answer = text;
	h->read_first = read_first;
	h->runs = true;
	assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
}

static struct client_server server_at(const struct host *h)
{
	struct client_server s;
	struct client_error error;

	assert_int_equal(client_server_parse(&s, h->path, &error), 0);
	return s;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int get(const struct host *h, unsigned timeout_ms,
	       struct http_response *r, struct client_error *error)
{
	struct client_server s = server_at(h);
	struct client_call call = {.method = "GET",
				   .target = "/healthz",
				   .timeout_ms = timeout_ms};

	return client_call(&s, &call, r, error);
}

static void a_request_is_answered(void **state)
{
	struct host *h = *state;
	struct client_error error;
	struct http_response r;

	start(h, ANSWER, 24);
	assert_int_equal(get(h, 0, &r, &error), 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "{}");
	finish(h);
	assert_string_equal(h->request, "GET /healthz HTTP/1.1\r\nH");
	http_response_fini(&r);
}

static void a_refused_body_still_gives_the_answer(void **state)
{
	static const char refusal[] =
		"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";
	struct host *h = *state;
	struct client_server s = server_at(h);
	size_t len = 8 << 20;
	char *body = calloc(1, len);
	struct client_call call = {.method = "POST",
				   .target = "/v1/apply",
				   .content_type = "application/json",
				   .body = body,
				   .body_len = len,
				   .timeout_ms = 5000};
	struct client_error error;
	struct http_response r;

	start(h, refusal, 300);
	assert_int_equal(client_call(&s, &call, &r, &error), 0);
	assert_int_equal(r.status, 413);
	assert_string_equal(r.body, "big");
	http_response_fini(&r);
	free(body);
}

static void all_of_a_large_body_is_sent(void **state)
{
	struct host *h = *state;
	struct client_server s = server_at(h);
	size_t len = 4 << 20;
	char *body = malloc(len);
	struct client_call call = {.method = "POST",
				   .target = "/v1/apply",
				   .content_type = "application/json",
				   .body = body,
				   .body_len = len,
				   .timeout_ms = 20000};
	struct client_error error;
	struct http_response r;

	memset(body, 'x', len);
	start(h, ANSWER, len + 100);
	assert_int_equal(client_call(&s, &call, &r, &error), 0);
	assert_int_equal(r.status, 200);
	http_response_fini(&r);
	free(body);
}

static void time_is_bounded_even_when_bytes_trickle_in(void **state)
{
	struct host *h = *state;
	struct client_error error;
	struct http_response r;
	double began = seconds();

	h->trickle = true;
	start(h, "HTTP/1.1 200 OK\r\nX-1: 1\r\nX-2: 2\r\nX-3: 3\r\n\r\n", 1);
	assert_int_equal(get(h, 200, &r, &error), -ETIMEDOUT);
	assert_true(seconds() - began < 0.8);
	assert_non_null(strstr(error.message, "within 0.2 s"));
	assert_null(r.body);
}

static void a_server_that_hangs_is_left_in_time(void **state)
{
	struct host *h = *state;
	struct client_error error;
	struct http_response r;

	h->stay = true;
	start(h, "", 1);
	assert_int_equal(get(h, 150, &r, &error), -ETIMEDOUT);
}

static void a_full_queue_ends_within_the_connect_time(void **state)
{
	struct host *h = *state;
	struct client_server s = server_at(h);
	struct client_error error;
	struct http_response r;
	int fds[8], n = 0;
	double began;

	/* Nobody accepts: the queue of the socket fills up. */
	for (n = 0; n < 8; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[n], (struct sockaddr *)&s.address,
			    s.address_len)) {
			close(fds[n]);
			break;
		}
	}
	began = seconds();
	assert_int_equal(get(h, 0, &r, &error), -ETIMEDOUT);
	assert_in_range((long)((seconds() - began) * 1000),
			CLIENT_CONNECT_MS - 50, CLIENT_CONNECT_MS + 500);
	while (n--)
		close(fds[n]);
}

static void who_is_not_there_is_named_with_a_remedy(void **state)
{
	struct host *h = *state;
	struct client_error error;
	struct http_response r;

	close(h->listener);
	assert_int_equal(get(h, 0, &r, &error), -ECONNREFUSED);
	assert_non_null(strstr(error.message, h->path));
	unlink(h->path);
	assert_int_equal(get(h, 0, &r, &error), -ECONNREFUSED);
	assert_non_null(strstr(error.message, h->path));
	assert_non_null(strstr(error.hint, "systemctl start ptnetd"));
	assert_non_null(strstr(error.hint, "ptnetd --run-dir "));
	assert_non_null(strstr(error.hint, h->directory));
}

static void broken_answers_are_told(void **state)
{
	struct host *h = *state;
	struct client_error error;
	struct http_response r;

	start(h, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", 1);
	assert_int_equal(get(h, 0, &r, &error), -EBADMSG);
	assert_non_null(strstr(error.message, "ends too early"));
	assert_null(r.body);
}

static void addresses_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int err;
		const char *name, *host;
	} cases[] = {
		{"unix:/run/x.sock", 0, "unix:/run/x.sock", "localhost"},
		{"/run/x.sock", 0, "unix:/run/x.sock", "localhost"},
		{"http://127.0.0.1:80", 0, "http://127.0.0.1:80",
		 "127.0.0.1:80"},
		{"http://localhost:8080/", 0, "http://localhost:8080",
		 "localhost:8080"},
		{"http://[::1]:1", 0, "http://[::1]:1", "[::1]:1"},
		{"unix:", -EINVAL, NULL, NULL},
		{"", -EINVAL, NULL, NULL},
		{"https://127.0.0.1:1", -EINVAL, NULL, NULL},
		{"http://127.0.0.1", -EINVAL, NULL, NULL},
		{"http://127.0.0.1:0", -EINVAL, NULL, NULL},
		{"http://127.0.0.1:65536", -EINVAL, NULL, NULL},
		{"http://127.0.0.1:+1", -EINVAL, NULL, NULL},
		{"http://127.0.0.1:1/path", -EINVAL, NULL, NULL},
		{"http://10.0.0.1:80", -EINVAL, NULL, NULL},
		{"http://[::]:80", -EINVAL, NULL, NULL},
		{"http://a\r\nb:80", -EINVAL, NULL, NULL},
	};
	char path[200];
	struct client_server s;
	struct client_error error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(client_server_parse(&s, cases[i].text, &error),
				 cases[i].err);
		if (cases[i].err) {
			assert_true(error.message[0]);
			continue;
		}
		assert_string_equal(s.name, cases[i].name);
		assert_string_equal(s.host, cases[i].host);
	}
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	path[0] = '/';
	assert_int_equal(client_server_parse(&s, path, &error), -EINVAL);
}

#define HOSTED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED(a_request_is_answered),
		HOSTED(a_refused_body_still_gives_the_answer),
		HOSTED(all_of_a_large_body_is_sent),
		HOSTED(time_is_bounded_even_when_bytes_trickle_in),
		HOSTED(a_server_that_hangs_is_left_in_time),
		HOSTED(a_full_queue_ends_within_the_connect_time),
		HOSTED(who_is_not_there_is_named_with_a_remedy),
		HOSTED(broken_answers_are_told),
		cmocka_unit_test(addresses_are_checked),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
