/* SPDX-License-Identifier: BSD-2-Clause */
/* The store: what it keeps, and what it refuses, on real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "store/store.h"

static char dir[128], db_path[160];
static struct store_error error;

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/ptnet-store-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(db_path, sizeof(db_path), "%s/" STORE_FILE, dir);
	error.message[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct store *open_store(const struct store_options *options)
{
	struct store *s = NULL;

	if (store_open(&s, dir, options, &error))
		fail_msg("%s", error.message);
	return s;
}

static void put(struct store *s, const char *name, const char *document)
{
	int64_t source;

	assert_int_equal(
		store_put_source(s, "a.yaml", "text", 4, &source, &error), 0);
	assert_int_equal(store_put(s, name, document, source, 7, &error), 0);
}

static uint64_t begin(struct store *s)
{
	uint64_t revision;

	if (store_begin(s, &revision, &error))
		fail_msg("%s", error.message);
	return revision;
}

static int add_line(void *context, const struct stored_topology *t)
{
	strbuf_addf(context, "%s=%s@%s:%d ", t->name, t->document,
		    t->file ? t->file : "-", (int)t->revision);
	return 0;
}

static void assert_holds(struct store *s, const char *expected)
{
	_cleanup_strbuf_ struct strbuf text = {0};

	strbuf_add(&text, "");
	assert_int_equal(store_list(s, add_line, &text, &error), 0);
	assert_string_equal(text.data ? text.data : "", expected);
}

/* Something another program does to the file. */
static void sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void keeps_what_is_committed(void **state)
{
	struct store *s = open_store(NULL);
	uint64_t revision = 99;

	(void)state;
	assert_int_equal(store_revision(s, &revision, &error), 0);
	assert_int_equal(revision, 0);
	assert_int_equal(begin(s), 1);
	put(s, "edge", "{}");
	put(s, "core", "{}");
	assert_int_equal(store_commit(s, &error), 0);
	assert_int_equal(begin(s), 2);
	put(s, "edge", "{1}");
	assert_int_equal(store_delete(s, "core", &error), 0);
	assert_int_equal(store_commit(s, &error), 0);
	store_close(s);
	s = open_store(NULL);
	assert_int_equal(store_revision(s, &revision, &error), 0);
	assert_int_equal(revision, 2);
	assert_holds(s, "edge={1}@a.yaml:2 ");
	store_close(s);
}

static void forgets_what_is_not(void **state)
{
	struct store *s = open_store(NULL);
	uint64_t revision;

	(void)state;
	begin(s);
	put(s, "edge", "{}");
	store_rollback(s);
	assert_holds(s, "");
	begin(s);
	put(s, "edge", "{}");
	store_close(s); /* in the middle */
	s = open_store(NULL);
	assert_holds(s, "");
	assert_int_equal(store_revision(s, &revision, &error), 0);
	assert_int_equal(revision, 0);
	store_close(s);
}

/* A process that dies right after its commit, without closing anything. */
static void survives_a_kill(void **state)
{
	pid_t child = fork();
	struct store *s;
	int status;

	(void)state;
	if (child == 0) {
		s = open_store(NULL);
		begin(s);
		put(s, "edge", "{}");
		if (store_commit(s, &error))
			_exit(1);
		begin(s);
		put(s, "core", "{}");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	s = open_store(NULL);
	assert_holds(s, "edge={}@a.yaml:1 ");
	store_close(s);
}

static void sources_go_with_their_topologies(void **state)
{
	struct store *s = open_store(NULL);
	sqlite3_stmt *st;
	sqlite3 *db;

	(void)state;
	for (int i = 0; i < 3; i++) {
		begin(s);
		put(s, "edge", "{}");
		assert_int_equal(store_commit(s, &error), 0);
	}
	begin(s);
	assert_int_equal(store_delete(s, "edge", &error), 0);
	assert_int_equal(store_delete(s, "edge", &error), -ENOENT);
	assert_string_equal(error.message, "there is no topology edge");
	assert_int_equal(store_commit(s, &error), 0);
	store_close(s);
	assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "SELECT count(*) FROM sources", -1, &st, NULL);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void is_not_for_all_eyes(void **state)
{
	struct stat st;

	(void)state;
	store_close(open_store(NULL));
	assert_int_equal(stat(db_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void assert_refused(int err, const char *word)
{
	struct store *s = NULL;

	assert_int_equal(store_open(&s, dir, NULL, &error), err);
	assert_null(s);
	if (!strstr(error.message, word) || !strstr(error.message, db_path))
		fail_msg("\"%s\" lacks \"%s\" or %s", error.message, word,
			 db_path);
}

static void refuses_newer(void **state)
{
	struct store *s;

	(void)state;
	store_close(open_store(NULL));
	sql("PRAGMA user_version = 1000");
	assert_refused(-EPROTO, "newer ptnetd");
	sql("PRAGMA user_version = 1");
	s = open_store(NULL);
	store_close(s);
}

static void refuses_other_programs(void **state)
{
	(void)state;
	sql("CREATE TABLE bookmarks (url TEXT)");
	assert_refused(-EPROTO, "another program");
}

static void scribble(off_t at, size_t len)
{
	_cleanup_close_ int fd = open(db_path, O_RDWR | O_CREAT, 0600);
	_cleanup_free_ char *junk = malloc(len);

	memset(junk, 0x5a, len);
	assert_int_equal(pwrite(fd, junk, len, at), (ssize_t)len);
}

static void refuses_damaged(void **state)
{
	(void)state;
	scribble(0, 8192);
	assert_refused(-EUCLEAN, "damaged");
	unlink(db_path);
	store_close(open_store(NULL));
	scribble(4096 + 8, 3000);
	assert_refused(-EUCLEAN, "damaged");
}

static void refuses_what_is_no_directory(void **state)
{
	(void)state;
	rmdir(dir);
	assert_refused(-EACCES, "cannot be opened");
	mkdir(dir, 0700);
	mkdir(db_path, 0700);
	assert_refused(-EACCES, "cannot be opened");
}

static void waits_for_locks_not_for_ever(void **state)
{
	static const struct store_options brief = {.busy_ms = 20};
	struct store *s = open_store(&brief);
	uint64_t revision;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	assert_int_equal(store_begin(s, &revision, &error), -EBUSY);
	assert_non_null(strstr(error.message, "another program"));
	assert_holds(s, ""); /* reading goes on */
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	begin(s);
	put(s, "edge", "{}");
	assert_int_equal(store_commit(s, &error), 0);
	sqlite3_close(db);
	store_close(s);
}

static void full_loses_nothing(void **state)
{
	static const struct store_options small = {.max_pages = 16};
	size_t len = 1 << 20;
	_cleanup_free_ char *big = calloc(1, len + 1);
	struct store *s = open_store(&small);
	int64_t source;

	(void)state;
	memset(big, 'x', len);
	begin(s);
	put(s, "edge", "{}");
	assert_int_equal(store_commit(s, &error), 0);
	begin(s);
	assert_int_equal(store_put_source(s, NULL, big, len, &source, &error),
			 -ENOSPC);
	assert_non_null(strstr(error.message, "no space"));
	store_rollback(s);
	assert_holds(s, "edge={}@a.yaml:1 ");
	assert_int_equal(begin(s), 2);
	assert_int_equal(store_delete(s, "edge", &error), 0);
	assert_int_equal(store_commit(s, &error), 0);
	store_close(s);
}

#define V1                                                                     \
	"\n-- migration 1\n"                                                   \
	"CREATE TABLE state (id INTEGER PRIMARY KEY, revision INTEGER) "       \
	"STRICT;\nINSERT INTO state VALUES (1, 5);\n"
#define V2                                                                     \
	V1 "\n-- migration 2\n"                                                \
	   "ALTER TABLE state ADD COLUMN note TEXT;\n"                         \
	   "\n-- migration 3\n"                                                \
	   "UPDATE state SET revision = revision + 1;\n"
#define BROKEN                                                                 \
	V1 "\n-- migration 2\n"                                                \
	   "UPDATE state SET revision = 100; SELECT * FROM nowhere;\n"

static uint64_t revision_with(const char *migrations, const char *at_dir)
{
	const struct store_options o = {.migrations = migrations};
	uint64_t revision = 0;
	struct store *s = NULL;

	if (store_open(&s, at_dir, &o, &error))
		fail_msg("%s", error.message);
	assert_int_equal(store_revision(s, &revision, &error), 0);
	store_close(s);
	return revision;
}

static void migrates_and_keeps_a_copy(void **state)
{
	const struct store_options broken = {.migrations = BROKEN};
	struct store *s = NULL;
	char copy[192], command[1024];

	(void)state;
	assert_int_equal(revision_with(V1, dir), 5);
	snprintf(copy, sizeof(copy), "%s.v1", db_path);
	assert_int_equal(access(copy, F_OK), -1);
	/* a migration that fails leaves the store as it was */
	assert_int_not_equal(store_open(&s, dir, &broken, &error), 0);
	assert_int_equal(revision_with(V1, dir), 5);
	assert_int_equal(revision_with(V2, dir), 6);
	assert_int_equal(revision_with(V2, dir), 6);
	/* and the copy is what was there before */
	snprintf(command, sizeof(command),
		 "mv %s %s.keep && rm -f %s* && mv %s.keep %s", copy, dir,
		 db_path, dir, db_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(revision_with(V1, dir), 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_is_committed),
		TEST(forgets_what_is_not),
		TEST(survives_a_kill),
		TEST(sources_go_with_their_topologies),
		TEST(is_not_for_all_eyes),
		TEST(refuses_newer),
		TEST(refuses_other_programs),
		TEST(refuses_damaged),
		TEST(refuses_what_is_no_directory),
		TEST(waits_for_locks_not_for_ever),
		TEST(full_loses_nothing),
		TEST(migrates_and_keeps_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
