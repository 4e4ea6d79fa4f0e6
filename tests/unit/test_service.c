/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service between store and backend: what a failure at each step leaves.
 * After each of them a new start must find store and backend in step, at what
 * was promised to whoever asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "backend/fake.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "json/json.h"
#include "service/change.h"
#include "service/view.h"

#define HEAD "apiVersion: ptnet/v1\nkind: Topology\nmetadata: {name: "
#define ONE                                                                    \
	HEAD "one}\nspec: {switches: [{name: s1}], ports: "                    \
	     "[{name: a, switch: s1}, {name: b, switch: s1}]}\n"
#define ONE_LESS                                                               \
	HEAD "one}\nspec: {switches: [{name: s1}], ports: "                    \
	     "[{name: a, switch: s1}]}\n"
#define TWO                                                                    \
	HEAD "two}\nspec: {switches: [{name: s2}], ports: "                    \
	     "[{name: c, switch: s2}]}\n"
#define GREEDY                                                                 \
	HEAD "greedy}\nspec:\n  switches: [{name: s9}]\n  ports:\n"            \
	     "    - {name: z, switch: s9}\n    - {name: a, switch: s9}\n"
#define UPLINK                                                                 \
	HEAD "up}\nspec: {switches: [{name: s3}, {name: s4}], "                \
	     "nics: [{device: eth9, switch: s3}]}\n"
#define UPLINK_MOVED                                                           \
	HEAD "up}\nspec: {switches: [{name: s3}, {name: s4}], "                \
	     "nics: [{device: eth9, switch: s4}]}\n"
#define STEPS_OF_ONE 3

static char dir[128];
static struct service *service;
static struct refusal refusal;
static struct store_options options;

static enum outcome open_service(void)
{
	const struct service_config config = {
		.ops = &backend_fake,
		.backend = {.run_dir = dir},
		.state_dir = dir,
		.store = &options,
	};

	refusal_fini(&refusal);
	return service_open(&service, &config, &refusal);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/ptnet-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	fake_forget();
	options = (struct store_options){.busy_ms = 10};
	return open_service() == OUTCOME_DONE ? 0 : -1;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	service_close(service);
	service = NULL;
	refusal_fini(&refusal);
	fake_forget();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void restart(void)
{
	service_close(service);
	service = NULL;
	if (open_service() != OUTCOME_DONE)
		fail_msg("%s", refusal.detail);
}

static enum outcome try_apply(const char *text, bool dry_run, json_t **result)
{
	const struct source source = {"t.yaml", text, strlen(text)};

	refusal_fini(&refusal);
	*result = NULL;
	return change_apply(service, &source, 1, NULL, dry_run, result,
			    &refusal);
}

static void assert_outcome(enum outcome o, enum outcome expected)
{
	if (o != expected)
		fail_msg("outcome %d, not %d: %s", o, expected, refusal.detail);
}

static void apply(const char *text)
{
	json_t *result;

	assert_outcome(try_apply(text, false, &result), OUTCOME_DONE);
	json_decref(result);
}

static enum outcome apply_fails(const char *text)
{
	json_t *result;
	enum outcome o = try_apply(text, false, &result);

	assert_null(result);
	assert_true(o == OUTCOME_DONE || refusal.detail[0]);
	return o;
}

static enum outcome remove_topology(const char *name)
{
	json_t *result = NULL;
	enum outcome o;

	refusal_fini(&refusal);
	o = change_delete(service, &name, 1, false, &result, &refusal);
	json_decref(result);
	return o;
}

/* "one:1 two:2 | a b c | rev 2 in step" */
static void describe(struct strbuf *out)
{
	json_t *value, *one;
	size_t i;

	refusal_fini(&refusal);
	assert_outcome(view_topologies(service, &value, &refusal),
		       OUTCOME_DONE);
	json_array_foreach(value, i, one)
		strbuf_addf(out, "%s:%d ",
			    json_string_value(json_object_get(one, "name")),
			    (int)json_integer_value(
				    json_object_get(one, "revision")));
	json_decref(value);
	assert_outcome(view_objects(service, VIEW_PORTS, NULL, &value,
				    &refusal),
		       OUTCOME_DONE);
	strbuf_add(out, "|");
	json_array_foreach(value, i, one)
		strbuf_addf(out, " %s",
			    json_string_value(json_object_get(one, "name")));
	json_decref(value);
	assert_outcome(view_status(service, &value, &refusal), OUTCOME_DONE);
	strbuf_addf(out, " | rev %d%s",
		    (int)json_integer_value(json_object_get(value, "revision")),
		    json_is_true(json_object_get(value, "inSync"))
			    ? ""
			    : " out of step");
	json_decref(value);
}

static void assert_is(const char *expected)
{
	_cleanup_strbuf_ struct strbuf text = {0};

	describe(&text);
	assert_string_equal(text.data, expected);
}

/* Now, and for whoever comes next. */
static void assert_lasts(const char *expected)
{
	assert_is(expected);
	restart();
	assert_is(expected);
}

/* Let the loop's part run until nothing is due any more. */
static void settle(void)
{
	int ms;

	for (int i = 0; i < 20; i++) {
		uint64_t generation;
		struct pollfd p = {service_death_fd(service, &generation),
				   POLLIN, 0};

		ms = service_timeout_ms(service);
		if (poll(&p, 1, ms < 0 ? 0 : ms) == 0 && ms < 0)
			return;
		service_tick(service);
	}
	fail_msg("it does not settle");
}

static void applies_and_deletes(void **state)
{
	(void)state;
	apply(ONE);
	assert_lasts("one:1 | a b | rev 1");
	apply(TWO);
	assert_lasts("one:1 two:2 | a b c | rev 2");
	apply(ONE_LESS);
	assert_lasts("one:3 two:2 | a c | rev 3");
	assert_outcome(remove_topology("one"), OUTCOME_DONE);
	assert_lasts("two:2 | c | rev 4");
	assert_outcome(remove_topology("one"), OUTCOME_NOT_FOUND);
	assert_lasts("two:2 | c | rev 4");
}

static void nothing_new_is_no_change(void **state)
{
	json_t *result;

	(void)state;
	apply(ONE);
	assert_outcome(try_apply("# a comment\n" ONE, false, &result),
		       OUTCOME_DONE);
	assert_true(json_is_false(json_object_get(result, "changed")));
	json_decref(result);
	assert_lasts("one:1 | a b | rev 1");
}

static void a_dry_run_changes_nothing(void **state)
{
	json_t *result;

	(void)state;
	assert_outcome(try_apply(ONE, true, &result), OUTCOME_DONE);
	assert_int_equal(json_array_size(json_object_get(result, "steps")),
			 STEPS_OF_ONE);
	json_decref(result);
	assert_lasts("| | rev 0");
}

static void several_sources_are_one_change(void **state)
{
	const struct source good[] = {{"1.yaml", ONE, strlen(ONE)},
				      {"2.yaml", TWO, strlen(TWO)}};
	const struct source bad[] = {{"1.yaml", ONE_LESS, strlen(ONE_LESS)},
				     {"2.yaml", "kind: 7", 7},
				     {"3.yaml", "[", 1}};
	const struct source twice[] = {{"1.yaml", ONE, strlen(ONE)},
				       {"2.yaml", ONE, strlen(ONE)}};
	json_t *result = NULL;

	(void)state;
	assert_outcome(change_apply(service, good, 2, NULL, false, &result,
				    &refusal),
		       OUTCOME_DONE);
	json_decref(result);
	assert_outcome(change_apply(service, bad, 3, NULL, false, &result,
				    &refusal),
		       OUTCOME_INVALID);
	/* findings of all sources */
	assert_string_equal(refusal.diags.list[0].file, "2.yaml");
	assert_string_equal(refusal.diags.list[refusal.diags.count - 1].file,
			    "3.yaml");
	refusal_fini(&refusal);
	assert_outcome(change_apply(service, twice, 2, NULL, false, &result,
				    &refusal),
		       OUTCOME_INVALID);
	assert_lasts("one:1 two:1 | a b c | rev 1");
}

static void nobody_takes_anothers_objects(void **state)
{
	const struct diag *d;

	(void)state;
	apply(ONE);
	for (int again = 0; again < 2; again++) {
		assert_outcome(apply_fails(GREEDY), OUTCOME_CONFLICT);
		assert_int_equal(refusal.diags.count, 1);
		d = &refusal.diags.list[0];
		assert_string_equal(d->file, "t.yaml");
		assert_int_equal(d->line, 8);
		assert_int_equal(d->column, 14);
		assert_non_null(strstr(d->message, "topology one"));
		/* whose place is known until its text is gone */
		assert_true(!again == !!strstr(d->message, "line 4"));
		restart();
	}
	assert_lasts("one:1 | a b | rev 1");
}

/* Refused at each of its steps in turn: nothing of it is ever seen. */
static void the_backend_refuses(void **state)
{
	(void)state;
	apply(TWO);
	for (unsigned step = 1; step <= STEPS_OF_ONE; step++) {
		fake_fail_next(FAKE_REFUSE, step);
		assert_outcome(apply_fails(ONE), OUTCOME_UNAVAILABLE);
		assert_non_null(strstr(refusal.detail, "told to refuse"));
		/* the sentence comes with the place of the declaration */
		assert_int_equal(refusal.diags.count, 1);
		assert_int_equal(refusal.diags.list[0].line, 4);
		assert_lasts("two:1 | c | rev 1");
	}
	apply(ONE);
	assert_lasts("one:2 two:1 | a b c | rev 2");
}

/* It dies in the middle, with all it held, at each step in turn. */
static void the_backend_dies(void **state)
{
	(void)state;
	apply(TWO);
	for (unsigned step = 1; step <= STEPS_OF_ONE; step++) {
		fake_fail_next(FAKE_DIE, step);
		assert_outcome(apply_fails(ONE), OUTCOME_UNAVAILABLE);
		settle();
		assert_lasts("two:1 | c | rev 1");
	}
	apply(ONE);
	assert_lasts("one:2 two:1 | a b c | rev 2");
}

/* It did all of it, but nobody heard: then it was not done. */
static void the_answer_is_lost(void **state)
{
	(void)state;
	apply(TWO);
	fake_fail_next(FAKE_LOSE, 0);
	assert_outcome(apply_fails(ONE), OUTCOME_UNAVAILABLE);
	settle();
	assert_lasts("two:1 | c | rev 1");
	fake_fail_next(FAKE_LOSE, 0);
	assert_outcome(remove_topology("two"), OUTCOME_UNAVAILABLE);
	settle();
	assert_lasts("two:1 | c | rev 1");
}

/* The daemon dies right after the backend's part, before the commit. */
static void we_die_before_the_commit(void **state)
{
	(void)state;
	apply(TWO);
	fake_fail_next(FAKE_LOSE, 0);
	apply_fails(ONE);
	/* no tick: the next start finds a backend that is one ahead */
	restart();
	assert_lasts("two:1 | c | rev 1");
}

static void it_dies_while_nobody_asks(void **state)
{
	(void)state;
	apply(ONE);
	fake_die();
	settle();
	assert_lasts("one:1 | a b | rev 1");
	/* and right before somebody asks */
	fake_die();
	apply(TWO);
	assert_lasts("one:1 two:2 | a b c | rev 2");
}

static void it_does_not_come_back_at_once(void **state)
{
	json_t *value = NULL;

	(void)state;
	apply(ONE);
	fake_fail_next(FAKE_NO_OPEN, 3);
	fake_die();
	service_tick(service);
	refusal_fini(&refusal);
	assert_outcome(view_health(service, &value, &refusal),
		       OUTCOME_UNAVAILABLE);
	assert_outcome(apply_fails(TWO), OUTCOME_UNAVAILABLE);
	/* what is stored can be read meanwhile */
	assert_outcome(view_topology(service, "one", &value, &refusal),
		       OUTCOME_DONE);
	json_decref(value);
	assert_outcome(view_status(service, &value, &refusal), OUTCOME_DONE);
	assert_true(json_is_false(json_object_get(value, "inSync")));
	json_decref(value);
	settle();
	assert_lasts("one:1 | a b | rev 1");
}

/* What is declared for the first time must be there, what was before may not.
 */
static void a_device_that_is_missing(void **state)
{
	(void)state;
	fake_lack("eth9");
	assert_outcome(apply_fails(UPLINK), OUTCOME_FAILED);
	assert_non_null(strstr(refusal.detail, "no network device eth9"));
	assert_lasts("| | rev 0");
	fake_lack(NULL);
	apply(UPLINK);
	fake_lack("eth9");
	fake_die();
	settle();
	assert_lasts("up:1 | eth9 | rev 1");
	/* nor is it in the way of another change, which makes it, too */
	fake_die();
	service_tick(service);
	fake_fail_next(FAKE_REFUSE, 1);
	poll(NULL, 0, service_timeout_ms(service) + 1);
	service_tick(service);
	assert_is("up:1 | eth9 | rev 1 out of step");
	apply(TWO);
	assert_lasts("two:2 up:1 | c eth9 | rev 2");
	assert_outcome(apply_fails(UPLINK_MOVED), OUTCOME_FAILED);
	assert_lasts("two:2 up:1 | c eth9 | rev 2");
}

/* One that dies as soon as it runs must not be started in a busy loop. */
static void it_dies_again_and_again(void **state)
{
	int before = 0, now;

	(void)state;
	apply(ONE);
	for (int i = 0; i < 3; i++) {
		fake_die();
		service_tick(service);
		now = service_timeout_ms(service);
		assert_true(now > before);
		before = now;
		settle();
		assert_is("one:1 | a b | rev 1");
	}
}

static sqlite3 *lock_store(void)
{
	char path[160];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 SQLITE_OK);
	return db;
}

static void the_store_is_locked(void **state)
{
	sqlite3 *db;

	(void)state;
	apply(ONE);
	db = lock_store();
	assert_outcome(apply_fails(TWO), OUTCOME_UNAVAILABLE);
	assert_is("one:1 | a b | rev 1");
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	apply(TWO);
	assert_lasts("one:1 two:2 | a b c | rev 2");
}

static void the_store_is_full(void **state)
{
	_cleanup_strbuf_ struct strbuf big = {0};

	(void)state;
	apply(ONE);
	service_close(service);
	service = NULL;
	options.max_pages = 24;
	assert_outcome(open_service(), OUTCOME_DONE);
	strbuf_add(&big, "# ");
	for (int i = 0; i < 300000; i++)
		strbuf_add(&big, "x");
	strbuf_add(&big, "\n" TWO);
	assert_outcome(apply_fails(big.data), OUTCOME_FULL);
	assert_lasts("one:1 | a b | rev 1");
	apply(TWO);
	assert_lasts("one:1 two:2 | a b c | rev 2");
}

/*
 * The commit fails when the backend's part is done: SQLite is told so by its
 * own hook. The backend must be put back.
 */
static int refuse_commit(void *context)
{
	(void)context;
	return 1;
}

static sqlite3 *store_db;

static int remember_db(sqlite3 *db, const char **message, const void *api)
{
	(void)message;
	(void)api;
	store_db = db;
	return SQLITE_OK;
}

static void the_commit_fails(void **state)
{
	(void)state;
	sqlite3_auto_extension((void (*)(void))remember_db);
	restart();
	sqlite3_cancel_auto_extension((void (*)(void))remember_db);
	apply(TWO);
	sqlite3_commit_hook(store_db, refuse_commit, NULL);
	assert_int_not_equal(apply_fails(ONE), OUTCOME_DONE);
	assert_is("two:1 | c | rev 1");
	assert_int_not_equal(remove_topology("two"), OUTCOME_DONE);
	assert_is("two:1 | c | rev 1");
	sqlite3_commit_hook(store_db, NULL, NULL);
	apply(ONE);
	assert_lasts("one:2 two:1 | a b c | rev 2");
	/* and the putting back fails, too: then later */
	sqlite3_auto_extension((void (*)(void))remember_db);
	restart();
	sqlite3_cancel_auto_extension((void (*)(void))remember_db);
	sqlite3_commit_hook(store_db, refuse_commit, NULL);
	fake_fail_after(1, FAKE_REFUSE, 1);
	assert_int_not_equal(remove_topology("two"), OUTCOME_DONE);
	assert_is("one:2 two:1 | a b c | rev 2 out of step");
	settle();
	assert_lasts("one:2 two:1 | a b c | rev 2");
}

/* A child that applies until it is killed, at some moment of its own. */
static void killed_at_any_moment(void **state)
{
	(void)state;
	apply(TWO);
	service_close(service);
	service = NULL;
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			open_service();
			for (;;) {
				apply(ONE);
				apply(ONE_LESS);
			}
		}
		usleep((useconds_t)(300 * i));
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		fake_forget(); /* its world died with it */
		assert_outcome(open_service(), OUTCOME_DONE);
		_cleanup_strbuf_ struct strbuf text = {0};

		describe(&text);
		assert_non_null(strstr(text.data, "two:1 |"));
		assert_null(strstr(text.data, "out of step"));
		service_close(service);
		service = NULL;
	}
	assert_outcome(open_service(), OUTCOME_DONE);
}

static void foreign_objects_are_left_alone(void **state)
{
	struct switch_spec theirs = {.name = "s1", .fdb_size = 64};
	struct plan_step step = {.action = PLAN_CREATE,
				 .kind = OBJECT_SWITCH,
				 .want_switch = &theirs};
	struct plan plan = {.steps = &step, .count = 1};
	struct backend_config config = {.run_dir = dir};
	struct backend_error error;
	struct backend *b;
	json_t *value;

	(void)state;
	service_close(service);
	service = NULL;
	assert_int_equal(backend_fake.open(&b, &config, &error), 0);
	assert_int_equal(backend_fake.apply(b, &plan, 0, &error), 0);
	backend_fake.close(b);
	assert_outcome(open_service(), OUTCOME_DONE);
	assert_outcome(apply_fails(ONE), OUTCOME_CONFLICT);
	assert_int_equal(refusal.diags.list[0].line, 4);
	refusal_fini(&refusal);
	assert_outcome(view_objects(service, VIEW_SWITCHES, "s1", &value,
				    &refusal),
		       OUTCOME_DONE);
	assert_true(json_is_null(json_object_get(value, "topology")));
	json_decref(value);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(applies_and_deletes),
		TEST(nothing_new_is_no_change),
		TEST(a_dry_run_changes_nothing),
		TEST(several_sources_are_one_change),
		TEST(nobody_takes_anothers_objects),
		TEST(the_backend_refuses),
		TEST(the_backend_dies),
		TEST(the_answer_is_lost),
		TEST(we_die_before_the_commit),
		TEST(it_dies_while_nobody_asks),
		TEST(it_does_not_come_back_at_once),
		TEST(a_device_that_is_missing),
		TEST(it_dies_again_and_again),
		TEST(the_store_is_locked),
		TEST(the_store_is_full),
		TEST(the_commit_fails),
		TEST(killed_at_any_moment),
		TEST(foreign_objects_are_left_alone),
	};

	log_set_level(LOG_LEVEL_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
