/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings and the small things of lib/base. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mac.h"
#include "base/strbuf.h"

static void assert_formatted(const struct diag *one, const char *expected)
{
	char *text = diag_format(one);

	assert_string_equal(text, expected);
	free(text);
}

static void format_leaves_out_what_is_unknown(void **state)
{
	(void)state;
	struct diag one = {.file = (char *)"a.yaml",
			   .line = 3,
			   .column = 7,
			   .path = (char *)"spec.ports[0].switch",
			   .message = (char *)"no switch vale9",
			   .hint = (char *)"did you mean vale0?"};

	assert_formatted(&one, "a.yaml:3:7: spec.ports[0].switch: no switch "
			       "vale9 (did you mean vale0?)");
	one.file = one.hint = NULL;
	assert_formatted(&one, "3:7: spec.ports[0].switch: no switch vale9");
	one.line = 0;
	one.path = NULL;
	assert_formatted(&one, "no switch vale9");
}

static void a_list_keeps_order_and_counts_past_its_limit(void **state)
{
	(void)state;
	struct diags d = {0};

	for (unsigned i = 1; i <= DIAGS_MAX + 3; i++)
		diag_add(&d, "f", i, 1, NULL, NULL, "finding %u", i);
	assert_int_equal(d.count, DIAGS_MAX);
	assert_int_equal(d.dropped, 3);
	assert_string_equal(d.list[0].message, "finding 1");
	assert_int_equal(d.list[DIAGS_MAX - 1].line, DIAGS_MAX);
	diags_fini(&d);
	assert_false(diags_any(&d));
}

static void what_is_quoted_cannot_harm_a_terminal(void **state)
{
	(void)state;
	struct diags d = {0};

	diag_add(&d, "a\x1b[2Jb", 1, 1, "p\n", "h\r", "%s|%s|%s|%s|%.1s|%s|%s",
		 "tab\t", "\xc2\x9b", "\xc3\xa4", "\xed\xa0\x80", "\xc3\xa4",
		 "\xf0\x9f\x98\x80", "\xc0\x80");
	assert_string_equal(d.list[0].message,
			    "tab?|??|\xc3\xa4|???|?|\xf0\x9f\x98\x80|??");
	assert_string_equal(d.list[0].file, "a?[2Jb");
	assert_string_equal(d.list[0].path, "p?");
	assert_string_equal(d.list[0].hint, "h?");
	diags_fini(&d);
}

static void near_miss_finds_typing_errors_only(void **state)
{
	(void)state;
	static const char *const names[] = {"vale0", "switch", "macAgeing"};
	static const struct {
		const char *word, *expected;
	} cases[] = {
		{"vael0", "vale0"},
		{"Vale0", "vale0"},
		{"vale", "vale0"},
		{"swich", "switch"},
		{"macAging", "macAgeing"},
		{"macageing", "macAgeing"},
		{"completely-other", NULL},
		{"", NULL},
		{"va", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = near_miss(cases[i].word, names, 3);

		if (cases[i].expected)
			assert_string_equal(got, cases[i].expected);
		else
			assert_null(got);
	}
	assert_null(near_miss("vale0", NULL, 0));
}

static void macs_are_six_pairs_with_colons(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"02:00:00:00:00",
		"02:00:00:00:00:0",
		"02:00:00:00:00:01 ",
		"02-00-00-00-00-01",
		"02:00:00:00:00:0g",
		"2:00:00:00:00:01",
		"02:00:00:00:00:01:02",
	};
	uint8_t mac[MAC_LEN];
	char text[MAC_TEXT];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mac_parse(mac, bad[i]), -EINVAL);
	assert_int_equal(mac_parse(mac, "02:aB:00:ff:00:01"), 0);
	assert_string_equal(mac_format(text, mac), "02:ab:00:ff:00:01");
	assert_true(mac_is_unicast(mac));
	assert_int_equal(mac_parse(mac, "ff:ff:ff:ff:ff:ff"), 0);
	assert_false(mac_is_unicast(mac));
	assert_int_equal(mac_parse(mac, "00:00:00:00:00:00"), 0);
	assert_false(mac_is_unicast(mac));
}

static void names_have_stable_local_macs(void **state)
{
	(void)state;
	uint8_t a[MAC_LEN], b[MAC_LEN], again[MAC_LEN];

	mac_from_name(a, "port-a");
	mac_from_name(b, "port-b");
	mac_from_name(again, "port-a");
	assert_memory_equal(a, again, MAC_LEN);
	assert_memory_not_equal(a, b, MAC_LEN);
	assert_int_equal(a[0] & 3, 2);
	assert_int_equal(b[0] & 3, 2);
}

static void strings_grow_and_are_handed_over(void **state)
{
	(void)state;
	struct strbuf b = {0};
	char *text, small[4];

	for (int i = 0; i < 100; i++)
		strbuf_addf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 200);
	text = strbuf_steal(&b);
	assert_int_equal(strlen(text), 200);
	free(text);
	text = strbuf_steal(&b);
	assert_string_equal(text, "");
	free(text);

	assert_true(copy_string(small, sizeof(small), "abc"));
	assert_false(copy_string(small, sizeof(small), "abcd"));
	assert_string_equal(small, "abc");
}

static void reading_stops_at_the_limit(void **state)
{
	(void)state;
	char *text = NULL;
	size_t len;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fd_write_all(fd[1], "0123456789", 10), 0);
	close(fd[1]);
	assert_int_equal(fd_read_all(fd[0], 9, &text, &len), -EFBIG);
	assert_null(text);
	close(fd[0]);

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fd_write_all(fd[1], "0123456789", 10), 0);
	close(fd[1]);
	assert_int_equal(fd_read_all(fd[0], 10, &text, &len), 0);
	assert_int_equal(len, 10);
	assert_string_equal(text, "0123456789");
	free(text);
	close(fd[0]);
	assert_int_equal(file_read("/nonexistent/x", 9, &text, &len), -ENOENT);
}

/* Runs log calls with stderr in a pipe and returns what came. */
static char *logged(void (*calls)(void))
{
	int fd[2], saved = dup(STDERR_FILENO);
	char *text = NULL;
	size_t len;

	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], STDERR_FILENO);
	close(fd[1]);
	calls();
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(fd_read_all(fd[0], 65536, &text, &len), 0);
	close(fd[0]);
	return text;
}

static void log_two(void)
{
	log_init("prog");
	log_warn("first\nline %d", 1);
	log_debug("hidden");
}

static void a_log_record_is_one_line(void **state)
{
	(void)state;
	char *text = logged(log_two);

	assert_string_equal(text, "prog: warning: first line 1\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_leaves_out_what_is_unknown),
		cmocka_unit_test(a_list_keeps_order_and_counts_past_its_limit),
		cmocka_unit_test(what_is_quoted_cannot_harm_a_terminal),
		cmocka_unit_test(near_miss_finds_typing_errors_only),
		cmocka_unit_test(macs_are_six_pairs_with_colons),
		cmocka_unit_test(names_have_stable_local_macs),
		cmocka_unit_test(strings_grow_and_are_handed_over),
		cmocka_unit_test(reading_stops_at_the_limit),
		cmocka_unit_test(a_log_record_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
