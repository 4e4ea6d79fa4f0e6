/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of any kind through the handler, without sockets: each input is a
 * run of requests, the parts of each ended by zero bytes: method, target,
 * type, body. The service behind is a real one on the fake backend. Whatever
 * comes, there is an answer, it is of the API's types, and the service is as
 * sound as before.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/fake.h"
#include "base/log.h"
#include "json/json.h"
#include "rest/rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[128];
static struct service *service;

static void must(int truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void clean_up(void)
{
	char command[160];

	service_close(service);
	fake_forget();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	must(system(command) == 0, "the directory goes");
}

static void start(void)
{
	struct service_config config = {.ops = &backend_fake,
					.backend = {.run_dir = dir},
					.state_dir = dir};
	struct refusal r = {0};

	snprintf(dir, sizeof(dir), "%s/ptnet-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	must(mkdtemp(dir) != NULL, "there is a directory");
	log_set_level(LOG_LEVEL_ERR);
	must(service_open(&service, &config, &r) == OUTCOME_DONE,
	     "the service opens");
	atexit(clean_up);
}

static int is_json(const char *type)
{
	return strcmp(type, "application/json") == 0 ||
	       strcmp(type, "application/problem+json") == 0;
}

static void check(const struct response *rs)
{
	json_t *value = NULL;

	must(rs->status >= 200 && rs->status < 600, "there is a status");
	must(rs->body && rs->content_type, "there is a body");
	if (!is_json(rs->content_type))
		return;
	must(json_read(&value, rs->body, rs->len, NULL) == 0, "JSON is JSON");
	must(rs->status == 200 ||
		     json_is_string(json_object_get(value, "detail")),
	     "problems have words");
	json_decref(value);
}

static void ask(const struct request *rq)
{
	struct response rs = {0};

	rest_handle(service, rq, &rs);
	check(&rs);
	response_fini(&rs);
}

static unsigned status_of(const char *target)
{
	struct request rq = {.method = "GET", .target = target, .body = ""};
	struct response rs = {0};
	unsigned status;

	rest_handle(service, &rq, &rs);
	check(&rs);
	status = rs.status;
	response_fini(&rs);
	return status;
}

/* The next part as a string; the last may end without a zero. */
static char *part(const uint8_t **data, size_t *size, size_t *len)
{
	const uint8_t *end = *size ? memchr(*data, 0, *size) : NULL;
	char *text;

	*len = end ? (size_t)(end - *data) : *size;
	text = malloc(*len + 1);
	must(text != NULL, "there is memory");
	if (*len)
		memcpy(text, *data, *len);
	text[*len] = 0;
	*data += end ? *len + 1 : *len;
	*size -= end ? *len + 1 : *len;
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!service)
		start();
	for (int i = 0; i < 16 && size; i++) {
		char *parts[4];
		size_t len = 0;

		for (int k = 0; k < 4; k++)
			parts[k] = part(&data, &size, &len);
		ask(&(struct request){
			.method = parts[0],
			.target = parts[1],
			.content_type = parts[2][0] ? parts[2] : NULL,
			.accept = parts[2],
			.body = parts[3],
			.len = len,
		});
		for (int k = 0; k < 4; k++)
			free(parts[k]);
	}
	must(status_of("/healthz") == 200, "it is alive");
	must(status_of("/v1/status") == 200, "it is sound");
	return 0;
}
