/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON in and out, and the YAML that people see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

static int read_text(json_t **out, const char *text, char *reason)
{
	return json_read(out, text, strlen(text), reason);
}

static void garbage_is_refused_with_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"", "line 1"},
		{"{", "line 1"},
		{"{\n\"a\": 1,\n\"a\": 2}", "duplicate"},
		{"1 2", "end of file"},
		{"\"\\ud800\"", "line 1"},
		{"{\"a\": nul}", "line 1"},
	};
	char reason[JSON_REASON_MAX];
	json_t *value = NULL;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(&value, cases[i].text, reason),
				 -EINVAL);
		assert_non_null(strstr(reason, cases[i].reason));
		assert_null(value);
	}
}

static void nesting_is_limited(void **state)
{
	(void)state;
	char text[2 * JSON_DEPTH_MAX + 3] = "";
	char reason[JSON_REASON_MAX];
	_cleanup_json_ json_t *value = NULL, *brackets = NULL;

	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(read_text(&value, text, reason), 0);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(read_text(NULL, text, reason), -EINVAL);
	assert_non_null(strstr(reason, "deeper than 64"));

	memset(text, '[', sizeof(text) - 2);
	text[0] = text[sizeof(text) - 2] = '"';
	assert_int_equal(read_text(&brackets, text, reason), 0);
}

static void assert_yaml(const char *json, const char *yaml)
{
	_cleanup_json_ json_t *value = NULL;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(read_text(&value, json, NULL), 0);
	text = json_to_yaml(value);
	assert_string_equal(text, yaml);
}

static void yaml_is_in_blocks(void **state)
{
	(void)state;
	assert_yaml("{\"a\":{\"b\":[1,true,null,[],{}]},"
		    "\"c\":[{\"d\":1,\"e\":[2,[3,4]]}]}",
		    "a:\n  b:\n    - 1\n    - true\n    - null\n"
		    "    - []\n    - {}\n"
		    "c:\n  - d: 1\n    e:\n      - 2\n      - - 3\n"
		    "        - 4\n");
	assert_yaml("[]", "[]\n");
	assert_yaml("\"x\"", "x\n");
	assert_yaml("[1.5,1e22,2.5e-1,-0.0]",
		    "- 1.5\n- 1.0e+22\n- 0.25\n- -0.0\n");
	assert_yaml("[[1],2]", "- - 1\n- 2\n");
}

static void yaml_quotes_what_could_be_something_else(void **state)
{
	(void)state;
	assert_yaml("[\"vale0\",\"a b\",\"\",\"yes\",\"On\",\"null\",\"1\","
		    "\"1e3\",\"0x10\",\"02:00:00:00:00:01\",\"~\",\"a: b\","
		    "\"-\",\"300s\",\"500ms\",\"12:30\",\"a#b\",\"y\","
		    "\"x\\n\\u0001\",\"\\u00e4\",\"ptnet/v1\",\".inf\"]",
		    "- vale0\n- \"a b\"\n- \"\"\n- \"yes\"\n- \"On\"\n"
		    "- \"null\"\n- \"1\"\n- \"1e3\"\n- \"0x10\"\n"
		    "- \"02:00:00:00:00:01\"\n- \"~\"\n- \"a: b\"\n- \"-\"\n"
		    "- 300s\n- 500ms\n- \"12:30\"\n- \"a#b\"\n- \"y\"\n"
		    "- \"x\\n\\u0001\"\n- \"\xc3\xa4\"\n- ptnet/v1\n"
		    "- \".inf\"\n");
	assert_yaml(
		"[\"\\\"\\\\ \\ud83d\\ude00\\u0085\\u2028\\ufeff\\u007f\"]",
		"- \"\\\"\\\\ \xf0\x9f\x98\x80\\u0085\\u2028\\uFEFF\\u007F\"\n");
	assert_yaml("{\"no\":1,\"a b\":2}", "\"no\": 1\n\"a b\": 2\n");
}

static void counters_saturate(void **state)
{
	(void)state;
	_cleanup_json_ json_t *value = json_u64(UINT64_MAX);

	assert_true(json_integer_value(value) == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_is_refused_with_its_place),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(yaml_is_in_blocks),
		cmocka_unit_test(yaml_quotes_what_could_be_something_else),
		cmocka_unit_test(counters_saturate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
