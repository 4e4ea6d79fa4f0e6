/* SPDX-License-Identifier: BSD-2-Clause */
/* What ptnetctl shows: tables, JSON, YAML, details, rates, safe text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../ptnetctl/rates.h"
#include "../../ptnetctl/text.h"
#include "../../ptnetctl/writer.h"
#include "json/json.h"

/* A page that a writer fills, and what it then holds. */
struct page {
	char *text;
	size_t size;
	FILE *to;
};

static int setup(void **state)
{
	struct page *p = calloc(1, sizeof(*p));

	*state = p;
	if (p)
		p->to = open_memstream(&p->text, &p->size);
	return p && p->to ? 0 : -1;
}

static int teardown(void **state)
{
	struct page *p = *state;

	fclose(p->to);
	free(p->text);
	free(p);
	return 0;
}

static const char *text_of(struct page *p)
{
	fflush(p->to);
	return p->text;
}

static json_t *parse(const char *text)
{
	json_t *value = NULL;
	char reason[JSON_REASON_MAX];

	if (json_read(&value, text, strlen(text), reason))
		fail_msg("%s", reason);
	return value;
}

static void text_is_safe_to_show(void **state)
{
	(void)state;
	static const struct {
		const char *text, *safe;
	} cases[] = {
		{"plain", "plain"},
		{"", ""},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7",
		 "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7"},
		{"\x1b[2J\n\t\x7f", "\\x1b[2J\\x0a\\x09\\x7f"},
		{"\xc2\x9b", "\\x9b"}, /* an escape in 8 bits */
		{"\x9b\xff", "\\x9b\\xff"}, /* not UTF-8 */
		{"\xc0\x80\xed\xa0\x80", "\\xc0\\x80\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
		{"\xe2\x82", "\\xe2\\x82"}, /* cut */
		{"a\xe2\x80\xae"
		 "b",
		 "a\\u202eb"}, /* right to left */
		{"\xef\xbb\xbf", "\\ufeff"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *safe = text_safe(cases[i].text);

		assert_string_equal(safe, cases[i].safe);
		free(safe);
	}
	assert_int_equal(text_width("\xc3\xa4\xe2\x82\xac"), 2);
}

static const struct column columns[] = {
	{"NAME", "name", COLUMN_TEXT, NULL},
	{"STATE", "status.state", COLUMN_STATE, NULL},
	{"TX", "counters.tx", COLUMN_NUMBER, NULL},
	{"DROPS", "counters.drops", COLUMN_SUM, NULL},
	{"STATIC", "static", COLUMN_BOOL, NULL},
	{0},
};

static void a_table_is_aligned(void **state)
{
	struct page *p = *state;
	_cleanup_json_ json_t *list =
		parse("[{\"name\":\"\\u00e4bc\",\"status\":{\"state\":\"up\"},"
		      "\"counters\":{\"tx\":12345,\"drops\":{\"a\":1,\"b\":2}},"
		      "\"static\":true},"
		      "{\"name\":\"longer\",\"static\":false},7]");

	write_table(p->to, list, columns, false);
	assert_string_equal(text_of(p), "NAME    STATE     TX  DROPS  STATIC\n"
					"\xc3\xa4"
					"bc     up     12345      3  yes\n"
					"longer  -          -      -  no\n"
					"-       -          -      -  -\n");
}

static void colour_does_not_move_columns(void **state)
{
	struct page *p = *state;
	_cleanup_json_ json_t *list =
		parse("[{\"name\":\"a\",\"status\":{\"state\":\"faulted\"}},"
		      "{\"name\":\"b\",\"status\":{\"state\":\"up\"}}]");

	write_table(p->to, list, columns, true);
	assert_non_null(strstr(text_of(p), "\n"
					   "a     \033[31mfaulted\033[0m"
					   "   -"));
	assert_non_null(strstr(text_of(p), "\n"
					   "b     \033[32mup\033[0m     "
					   "   -"));
}

static void json_is_the_same_value_and_safe(void **state)
{
	struct page *p = *state;
	static const char text[] =
		"{\"b\":\"\\u001b\\u009b\\u007f\\u202e\",\"a\":[1,null]}";
	_cleanup_json_ json_t *value = parse(text);
	json_t *again;

	write_json_line(p->to, value);
	assert_string_equal(text_of(p), "{\"b\":\"\\u001B\\u009B\\u007F\\u202E"
					"\",\"a\":[1,null]}\n");
	again = parse(text_of(p));
	assert_true(json_equal(value, again));
	json_decref(again);
}

static void yaml_quotes_what_is_not_plain(void **state)
{
	struct page *p = *state;
	_cleanup_json_ json_t *value = parse(
		"{\"a\":\"yes\",\"b\":\"vale0\",\"c\":[],\"d\":\"\\u007f\\u00e4"
		"\\u202e\"}");

	write_yaml(p->to, value);
	assert_string_equal(text_of(p),
			    "a: \"yes\"\nb: vale0\nc: []\nd: \"\\u007F\xc3\xa4"
			    "\\u202E\"\n");
}

static void details_are_nested_by_indentation(void **state)
{
	struct page *p = *state;
	_cleanup_json_ json_t *value =
		parse("{\"name\":\"a\\u001b\",\"spec\":{\"longer\":1,\"b\":"
		      "true,\"list\":[{\"x\":1,\"y\":null},\"z\",[2]]},\"e\":"
		      "{}}");

	write_details(p->to, value);
	assert_string_equal(text_of(p), "name:  a\\x1b\n"
					"spec:\n"
					"  longer:  1\n"
					"  b:       yes\n"
					"  list:\n"
					"    - x:  1\n"
					"      y:  -\n"
					"    - z\n"
					"    - \n"
					"      - 2\n"
					"e:     none\n");
}

static void rates_are_differences_over_time(void **state)
{
	(void)state;
	_cleanup_json_ json_t *before =
		parse("[{\"name\":\"a\",\"counters\":{\"tx_frames\":100,"
		      "\"rx_bytes\":1000,\"drops\":{\"x\":1,\"y\":2}}},"
		      "{\"name\":\"again\",\"counters\":{\"tx_frames\":900}}]");
	_cleanup_json_ json_t *now =
		parse("[{\"name\":\"a\",\"counters\":{\"tx_frames\":300,"
		      "\"rx_bytes\":1500,\"drops\":{\"x\":5,\"y\":2}}},"
		      "{\"name\":\"again\",\"counters\":{\"tx_frames\":50}},"
		      "{\"name\":\"new\",\"counters\":{\"tx_frames\":700}},"
		      "{},7]");
	_cleanup_json_ json_t *rates = rates_make(before, now, 2);
	_cleanup_json_ json_t *sorted = rates_sort(rates);
	const json_t *a = json_array_get(rates, 0);

	assert_int_equal(json_array_size(rates), 3);
	assert_int_equal(json_integer_value(json_object_get(a, "tx_pps")), 100);
	assert_int_equal(json_integer_value(json_object_get(a, "rx_bps")),
			 2000);
	assert_int_equal(json_integer_value(json_object_get(a, "drops_ps")), 2);
	/* made anew: what it has counted since */
	assert_int_equal(json_integer_value(
				 json_path(json_array_get(rates, 1), "tx_pps")),
			 25);
	assert_string_equal(
		json_string_value(json_path(json_array_get(sorted, 0), "name")),
		"new");
	assert_true(rates_sum(rates, "tx_pps") == 475);
}

static void rates_are_short(void **state)
{
	(void)state;
	static const struct {
		double rate;
		const char *text;
	} cases[] = {
		{0, "0"},	   {999.4, "999"},	{999.6, "1.00k"},
		{9994, "9.99k"},   {9996, "10.0k"},	{99960, "100k"},
		{999600, "1.00M"}, {14880952, "14.9M"}, {1e10, "10.0G"},
		{9.2e18, "9200P"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_strbuf_ struct strbuf b = {0};

		rate_format(&b, cases[i].rate);
		assert_string_equal(b.data, cases[i].text);
	}
}

#define ON_PAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_safe_to_show),
		ON_PAGE(a_table_is_aligned),
		ON_PAGE(colour_does_not_move_columns),
		ON_PAGE(json_is_the_same_value_and_safe),
		ON_PAGE(yaml_quotes_what_is_not_plain),
		ON_PAGE(details_are_nested_by_indentation),
		cmocka_unit_test(rates_are_differences_over_time),
		cmocka_unit_test(rates_are_short),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
