/* SPDX-License-Identifier: BSD-2-Clause */
/* The API without HTTP: routes, bodies, and what each refusal looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/fake.h"
#include "base/log.h"
#include "json/json.h"
#include "rest/rest.h"

#define EDGE                                                                   \
	"apiVersion: ptnet/v1\n"                                               \
	"kind: Topology\n"                                                     \
	"metadata: {name: edge}\n"                                             \
	"spec:\n"                                                              \
	"  switches: [{name: vale0, staticMacs: "                              \
	"[{mac: \"02:00:00:00:00:07\", port: probe}]}]\n"                      \
	"  pipes: [{name: p0, domain: trusted}]\n"                             \
	"  nics: [{device: eth1, switch: vale0}]\n"                            \
	"  ports: [{name: probe, switch: vale0}]\n"                            \
	"  vms:\n"                                                             \
	"    - name: fw\n"                                                     \
	"      domain: trusted\n"                                              \
	"      interfaces: [{name: in, switch: vale0}, "                       \
	"{name: out, pipe: p0, end: b}]\n"

static char dir[128];
static struct service *service;
static struct response answer;
static json_t *value; /* of the answer */

static int setup(void **state)
{
	struct service_config config = {.ops = &backend_fake,
					.backend = {.run_dir = dir},
					.state_dir = dir};
	struct refusal r = {0};

	(void)state;
	snprintf(dir, sizeof(dir), "%s/ptnet-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	fake_forget();
	return service_open(&service, &config, &r) == OUTCOME_DONE ? 0 : -1;
}

static void forget(void)
{
	response_fini(&answer);
	json_decref(value);
	value = NULL;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	forget();
	service_close(service);
	service = NULL;
	fake_forget();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* Every body is JSON but for one type. */
static unsigned ask_as(const char *method, const char *target, const char *type,
		       const char *body, size_t len)
{
	const struct request rq = {.method = method,
				   .target = target,
				   .content_type = type,
				   .body = body,
				   .len = len};

	forget();
	rest_handle(service, &rq, &answer);
	assert_non_null(answer.body);
	assert_int_equal(json_read(&value, answer.body, answer.len, NULL), 0);
	if (answer.status != 200) {
		assert_string_equal(answer.content_type,
				    "application/problem+json");
		assert_int_equal(
			json_integer_value(json_object_get(value, "status")),
			answer.status);
		assert_true(json_string_length(
				    json_object_get(value, "detail")) > 0);
	}
	return answer.status;
}

static unsigned ask(const char *method, const char *target)
{
	return ask_as(method, target, NULL, "", 0);
}

static unsigned send_text(const char *method, const char *target,
			  const char *type, const char *body)
{
	return ask_as(method, target, type, body, strlen(body));
}

static void apply_edge(void)
{
	assert_int_equal(
		send_text("POST", "/v1/apply", "application/yaml", EDGE), 200);
}

/* A value in the answer: "status.state", "0.name". */
static json_t *at(const char *path)
{
	char copy[128], *rest = copy, *key;
	json_t *v = value;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((key = strsep(&rest, ".")))
		v = json_is_array(v) ? json_array_get(v, (size_t)atoi(key))
				     : json_object_get(v, key);
	return v;
}

static void assert_text(const char *path, const char *expected)
{
	const char *text = json_string_value(at(path));

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void every_route_answers(void **state)
{
	static const char *const targets[] = {
		"/healthz",
		"/version",
		"/v1/status",
		"/v1/topologies",
		"/v1/topologies/edge",
		"/v1/switches",
		"/v1/switches/vale0",
		"/v1/switches/vale0/fdb",
		"/v1/pipes",
		"/v1/pipes/p0",
		"/v1/ports",
		"/v1/ports/probe",
		"/v1/ports/fw.in",
		"/v1/ports/eth1",
		"/v1/nics",
		"/v1/nics/eth1",
		"/v1/vms",
		"/v1/vms/fw",
		"/v1/ports/%70robe",
	};

	(void)state;
	apply_edge();
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (ask("GET", targets[i]) != 200)
			fail_msg("%s: %u", targets[i], answer.status);
		assert_int_equal(ask("HEAD", targets[i]), 200);
	}
}

static void objects_have_their_shape(void **state)
{
	(void)state;
	apply_edge();
	ask("GET", "/v1/ports");
	assert_int_equal(json_array_size(value), 4);
	ask("GET", "/v1/ports/fw.out");
	assert_text("kind", "Port");
	assert_text("type", "vm");
	assert_text("topology", "edge");
	assert_text("spec.pipe", "p0");
	assert_text("spec.end", "b");
	assert_text("status.state", "down");
	assert_int_equal(json_integer_value(at("counters.drops.rx_full")), 0);
	ask("GET", "/v1/nics");
	assert_int_equal(json_array_size(value), 1);
	assert_text("0.spec.device", "eth1");
	ask("GET", "/v1/vms/fw");
	assert_text("kind", "VM");
	assert_text("status.interfaces.0.name", "fw.in");
	ask("GET", "/v1/pipes/p0");
	assert_text("status.ends.b", "fw.out");
	assert_true(json_is_null(at("status.ends.a")));
	ask("GET", "/v1/switches/vale0/fdb");
	assert_text("0.mac", "02:00:00:00:00:07");
	ask("GET", "/v1/status");
	assert_int_equal(json_integer_value(at("counts.vms")), 1);
	assert_true(json_is_true(at("inSync")));
}

/* The backend has lost all, and refuses to take it again. */
static void what_is_missing_says_so(void **state)
{
	(void)state;
	apply_edge();
	fake_die();
	fake_fail_next(FAKE_REFUSE, 1);
	service_tick(service); /* lets go */
	while (service_timeout_ms(service) > 0)
		usleep(1000);
	service_tick(service); /* comes back, is refused */
	assert_int_equal(ask("GET", "/v1/ports/probe"), 200);
	assert_text("status.state", "missing");
	assert_true(json_is_null(at("status.socket")));
	ask("GET", "/v1/switches/vale0");
	assert_text("status.state", "missing");
	ask("GET", "/v1/pipes/p0");
	assert_text("status.state", "missing");
	ask("GET", "/v1/status");
	assert_true(json_is_false(at("inSync")));
	assert_non_null(strstr(json_string_value(at("backend.trouble")),
			       "told to refuse"));
}

static void unknown_things_are_404(void **state)
{
	static const char *const targets[] = {
		"/",
		"/nothing",
		"/v1",
		"/v1/",
		"/v1/ports/",
		"/v1/ports/none",
		"/v1/ports/probe/x",
		"/v1/switches/none/fdb",
		"/v1/nics/probe",
		"/v1/vms/probe",
		"/v1/topologies/none",
		"//healthz",
		"/healthz/",
		"/v1/ports/%",
		"/v1/ports/%7",
		"/v1/ports/%zz",
		"/v1/ports/%00",
		"/v1/ports/probe%2fx",
		"/v1/ports/..",
	};

	(void)state;
	apply_edge();
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (ask("GET", targets[i]) != 404)
			fail_msg("%s: %u", targets[i], answer.status);
	assert_int_equal(ask("DELETE", "/v1/topologies/none"), 404);
}

static void other_methods_are_405(void **state)
{
	(void)state;
	assert_int_equal(ask("POST", "/healthz"), 405);
	assert_string_equal(answer.allow, "GET, HEAD");
	assert_int_equal(ask("GET", "/v1/apply"), 405);
	assert_string_equal(answer.allow, "POST");
	assert_int_equal(ask("BREW", "/v1/topologies/x"), 405);
	assert_string_equal(answer.allow, "GET, HEAD, PUT, DELETE");
	assert_int_equal(ask("GET", "/v1/topologies"), 200);
	assert_string_equal(answer.allow, "");
}

static void other_types_are_415(void **state)
{
	(void)state;
	assert_int_equal(send_text("POST", "/v1/apply", "text/plain", EDGE),
			 415);
	assert_int_equal(send_text("POST", "/v1/apply", NULL, EDGE), 415);
	assert_int_equal(
		send_text("POST", "/v1/apply", "application/jsonx", "{}"), 415);
	assert_int_equal(
		send_text("POST", "/v1/delete", "application/yaml", "{}"), 415);
	assert_int_equal(send_text("POST", "/v1/plan",
				   "Application/YAML; charset=utf-8", EDGE),
			 200);
}

static void bodies_of_other_shapes_are_400(void **state)
{
	static const char *const bodies[] = {
		"",
		"{",
		"nothing",
		"[]",
		"{}",
		"7",
		"null",
		"{\"sources\":[]}",
		"{\"sources\":{}}",
		"{\"sources\":[7]}",
		"{\"sources\":[{}]}",
		"{\"sources\":[{\"name\":\"x\"}]}",
		"{\"sources\":[{\"text\":7}]}",
		"{\"sources\":[{\"text\":\"\",\"name\":7}]}",
		"{\"sources\":[{\"text\":\"\",\"name\":\"a\\nb\"}]}",
		"{\"sources\":[{\"text\":\"\",\"more\":1}]}",
		"{\"sources\":[{\"text\":\"a\",\"text\":\"b\"}]}",
		"{\"sources\":[{\"text\":\"\"}],\"more\":1}",
		"{\"sources\":[{\"text\":\"\"}]} trailing",
		"{\"sources\":[{\"text\":\"\\ud800\"}]}",
		"{\"sources\":[{\"text\":\"\xff\"}]}",
		"{\"sources\":[{\"text\":\"\\u0000\"}]}",
	};
	static const char *const names[] = {
		"{}",
		"[]",
		"{\"topologies\":[]}",
		"{\"topologies\":[7]}",
		"{\"topologies\":\"edge\"}",
		"{\"topologies\":[\"a\"],\"x\":1}",
	};
	char deep[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (send_text("POST", "/v1/apply", "application/json",
			      bodies[i]) != 400)
			fail_msg("%s: %u", bodies[i], answer.status);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (send_text("POST", "/v1/delete", "application/json",
			      names[i]) != 400)
			fail_msg("%s: %u", names[i], answer.status);
	memset(deep, '[', sizeof(deep));
	assert_int_equal(ask_as("POST", "/v1/apply", "application/json", deep,
				sizeof(deep)),
			 400);
	assert_int_equal(ask("DELETE", "/v1/topologies/x?force=true"), 400);
	assert_int_equal(ask("GET", "http://localhost/healthz"), 400);
}

static void findings_have_their_place(void **state)
{
	(void)state;
	assert_int_equal(
		send_text("POST", "/v1/apply", "application/json",
			  "{\"sources\":[{\"name\":\"e.yaml\",\"text\":"
			  "\"apiVersion: ptnet/v1\\nkind: Topology\\n"
			  "metadata: {name: edge}\\nspec:\\n"
			  "  switches: [{name: vale0}]\\n"
			  "  ports: [{name: a, switch: vale1}]\\n\"}]}"),
		422);
	assert_text("title", "Unprocessable Content");
	assert_text("errors.0.file", "e.yaml");
	assert_int_equal(json_integer_value(at("errors.0.line")), 6);
	assert_text("errors.0.path", "spec.ports[0].switch");
	assert_true(json_is_string(at("errors.0.message")));
	assert_non_null(
		strstr(json_string_value(at("errors.0.hint")), "vale0"));
}

static void a_put_is_about_its_name(void **state)
{
	static const char document[] =
		"{\"apiVersion\":\"ptnet/v1\",\"kind\":\"Topology\","
		"\"metadata\":{\"name\":\"edge\"},"
		"\"spec\":{\"switches\":[{\"name\":\"vale0\"}]}}";

	(void)state;
	assert_int_equal(send_text("PUT", "/v1/topologies/other",
				   "application/json", document),
			 422);
	assert_text("errors.0.path", "metadata.name");
	assert_int_equal(send_text("PUT", "/v1/topologies/edge",
				   "application/json", document),
			 200);
	assert_int_equal(send_text("PUT", "/v1/topologies/edge",
				   "application/yaml", EDGE "---\n" EDGE),
			 422);
	assert_int_equal(send_text("PUT", "/v1/topologies/edge?dryRun=true",
				   "application/yaml", EDGE),
			 200);
	assert_true(json_is_true(at("changed")));
	assert_int_equal(ask("GET", "/v1/pipes/p0"), 404);
}

static void too_much_is_413(void **state)
{
	size_t len = REST_BODY_MAX + 1, room;
	_cleanup_free_ char *text = NULL;
	json_t *json;
	_cleanup_free_ char *big = malloc(len + 1);

	(void)state;
	assert_non_null(big);
	memset(big, ' ', len);
	assert_int_equal(
		ask_as("POST", "/v1/apply", "application/json", big, len), 413);
	assert_int_equal(ask_as("POST", "/v1/apply", "application/yaml", big,
				REST_YAML_MAX + 1),
			 413);
	/* room for JSON is not room for more text */
	room = REST_YAML_MAX + 1;
	json = json_pack("{s:[{s:s%}]}", "sources", "text", big, room);
	text = json_write(json);
	json_decref(json);
	assert_int_equal(
		send_text("POST", "/v1/apply", "application/json", text), 413);
}

static void bytes_that_are_no_text_are_quoted_safely(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/v1/\xff\xfe"), 404);
	assert_int_equal(ask("B\xffR", "/healthz"), 405);
	assert_int_equal(ask_as("POST", "/v1/apply", "\xff", "", 0), 415);
	assert_int_equal(ask_as("POST", "/v1/apply", "application/yaml",
				"\xff\xfe\x00\x01", 4),
			 422);
}

static void unavailable_says_when_to_try_again(void **state)
{
	(void)state;
	fake_fail_next(FAKE_NO_OPEN, 9);
	fake_die();
	service_tick(service);
	assert_int_equal(ask("GET", "/healthz"), 503);
	assert_int_equal(answer.retry_after, 1);
	assert_int_equal(ask("GET", "/v1/ports"), 503);
	assert_int_equal(ask("GET", "/v1/status"), 200);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_route_answers),
		TEST(objects_have_their_shape),
		TEST(what_is_missing_says_so),
		TEST(unknown_things_are_404),
		TEST(other_methods_are_405),
		TEST(other_types_are_415),
		TEST(bodies_of_other_shapes_are_400),
		TEST(findings_have_their_place),
		TEST(a_put_is_about_its_name),
		TEST(too_much_is_413),
		TEST(bytes_that_are_no_text_are_quoted_safely),
		TEST(unavailable_says_when_to_try_again),
	};

	log_set_level(LOG_LEVEL_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
