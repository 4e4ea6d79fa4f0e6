/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store on SQLite. Knows SQL and files; must not know what a topology
 * says, nor backends. Called by the service.
 *
 * WAL with synchronous=FULL: a commit is on the disk when it returns. One
 * connection: SQLite 3.40 has a race between two that write and checkpoint.
 */
#include "store/store.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/migrate.h"

enum {
	BUSY_MS = 2000,
	MAX_PAGES = 1 << 20,
};

enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_REVISION,
	SQL_NEXT_REVISION,
	SQL_LIST,
	SQL_PUT_SOURCE,
	SQL_PUT,
	SQL_DELETE,
	SQL_COUNT,
};

static const char *const statements[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_REVISION] = "SELECT revision FROM state",
	[SQL_NEXT_REVISION] =
		"UPDATE state SET revision = revision + 1 RETURNING revision",
	[SQL_LIST] = "SELECT t.name, t.document, s.file, t.revision, t.applied"
		     " FROM topologies t JOIN sources s ON s.id = t.source"
		     " ORDER BY t.name",
	[SQL_PUT_SOURCE] = "INSERT INTO sources (file, text) VALUES (?1, ?2)",
	[SQL_PUT] =
		"INSERT INTO topologies (name, document, source, revision,"
		" applied) VALUES (?1, ?2, ?3, (SELECT revision FROM state), ?4)"
		" ON CONFLICT (name) DO UPDATE SET document = excluded.document,"
		" source = excluded.source, revision = excluded.revision,"
		" applied = excluded.applied",
	[SQL_DELETE] = "DELETE FROM topologies WHERE name = ?1",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *prepared[SQL_COUNT];
};

static void close_ptr(struct store **s)
{
	store_close(*s);
}

static sqlite3_stmt *statement(struct store *s, enum statement which)
{
	if (!s->prepared[which])
		sqlite3_prepare_v3(s->db, statements[which], -1,
				   SQLITE_PREPARE_PERSISTENT,
				   &s->prepared[which], NULL);
	return s->prepared[which];
}

/* Ready for its next use, and free of what was bound to it. */
static void reset(sqlite3_stmt **st)
{
	if (!*st)
		return;
	sqlite3_reset(*st);
	sqlite3_clear_bindings(*st);
}

/* Run to the end; @number is the first row's only column, may be NULL. */
static int run(struct store *s, sqlite3_stmt *st, const char *doing,
	       int64_t *number, struct store_error *error)
{
	_cleanup_(reset) sqlite3_stmt *used = st;
	int code;

	if (!st)
		return sql_fail(s->db, doing, error);
	while ((code = sqlite3_step(used)) == SQLITE_ROW)
		if (number)
			*number = sqlite3_column_int64(used, 0);
	return code == SQLITE_DONE ? 0 : sql_fail(s->db, doing, error);
}

/* Who reads it was not there when the file was chosen: it is named. */
static int open_fail(struct store *s, const char *path,
		     struct store_error *error)
{
	struct store_error why;
	int err = sql_fail(s->db, "open", &why);

	snprintf(error->message, sizeof(error->message), "%.200s: %.300s", path,
		 why.message);
	return err;
}

static int set_up(struct store *s, const char *path,
		  const struct store_options *o, struct store_error *error)
{
	char sql[256];

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, o->busy_ms ? (int)o->busy_ms : BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	snprintf(sql, sizeof(sql),
		 "PRAGMA trusted_schema = OFF;"
		 "PRAGMA foreign_keys = ON;"
		 "PRAGMA synchronous = FULL;"
		 "PRAGMA max_page_count = %u;",
		 o->max_pages ? o->max_pages : MAX_PAGES);
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return open_fail(s, path, error);
	return 0;
}

static int refuse_read_only(struct store *s, const char *path,
			    struct store_error *error)
{
	if (sqlite3_db_readonly(s->db, "main") != 1)
		return 0;
	snprintf(error->message, sizeof(error->message),
		 "%s cannot be written: check its permissions and the file "
		 "system",
		 path);
	return -EROFS;
}

static int check_whole(struct store *s, const char *path,
		       struct store_error *error)
{
	sqlite3_stmt *st = NULL;
	bool whole;

	sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
	whole = st && sqlite3_step(st) == SQLITE_ROW &&
		strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	if (!whole && st && (sqlite3_errcode(s->db) & 0xff) == SQLITE_BUSY) {
		sqlite3_finalize(st);
		return open_fail(s, path, error);
	}
	sqlite3_finalize(st);
	if (whole)
		return 0;
	snprintf(error->message, sizeof(error->message),
		 "%s is damaged: restore it from a copy, or move it away and "
		 "apply the topologies again",
		 path);
	return -EUCLEAN;
}

static int to_wal(struct store *s, const char *path, struct store_error *error)
{
	char *mode = NULL;

	if (sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL,
			 &mode) != SQLITE_OK) {
		sqlite3_free(mode);
		return open_fail(s, path, error);
	}
	return 0;
}

/* The file has topologies of everybody on this host: not for all eyes. */
static int open_file(struct store *s, const char *path,
		     struct store_error *error)
{
	mode_t mask = umask(0077);
	int code = sqlite3_open_v2(
		path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	umask(mask);
	return code == SQLITE_OK ? 0 : open_fail(s, path, error);
}

int store_open(struct store **out, const char *dir,
	       const struct store_options *options, struct store_error *error)
{
	static const struct store_options defaults;
	_cleanup_(close_ptr) struct store *s = calloc(1, sizeof(*s));
	const struct store_options *o = options ? options : &defaults;
	_cleanup_free_ char *path = NULL;
	int err;

	if (!s || asprintf(&path, "%s/" STORE_FILE, dir) < 0) {
		snprintf(error->message, sizeof(error->message), "no memory");
		return -ENOMEM;
	}
	err = open_file(s, path, error);
	if (!err)
		err = set_up(s, path, o, error);
	if (!err)
		err = refuse_read_only(s, path, error);
	if (!err)
		err = check_whole(s, path, error);
	if (!err)
		err = migrate(s->db, path,
			      o->migrations ? o->migrations : migrate_builtin(),
			      error);
	if (!err)
		err = to_wal(s, path, error);
	if (!err)
		*out = steal_ptr(&s);
	return err;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->db)
		store_rollback(s);
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->prepared[i]);
	sqlite3_close(s->db);
	free(s);
}

int store_revision(struct store *s, uint64_t *out, struct store_error *error)
{
	int64_t revision = 0;
	int err = run(s, statement(s, SQL_REVISION), "read", &revision, error);

	*out = (uint64_t)revision;
	return err;
}

static const char *column_text(sqlite3_stmt *st, int column)
{
	return (const char *)sqlite3_column_text(st, column);
}

static int each_row(sqlite3_stmt *st,
		    int (*each)(void *context, const struct stored_topology *t),
		    void *context)
{
	struct stored_topology t = {
		.name = column_text(st, 0),
		.document = column_text(st, 1),
		.file = column_text(st, 2),
		.revision = (uint64_t)sqlite3_column_int64(st, 3),
		.applied = sqlite3_column_int64(st, 4),
	};

	return t.name && t.document ? each(context, &t) : -ENOMEM;
}

int store_list(struct store *s,
	       int (*each)(void *context, const struct stored_topology *t),
	       void *context, struct store_error *error)
{
	_cleanup_(reset) sqlite3_stmt *st = statement(s, SQL_LIST);
	int code, err;

	if (!st)
		return sql_fail(s->db, "read", error);
	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		err = each_row(st, each, context);
		if (err)
			return err;
	}
	return code == SQLITE_DONE ? 0 : sql_fail(s->db, "read", error);
}

int store_begin(struct store *s, uint64_t *revision, struct store_error *error)
{
	int64_t next = 0;
	int err = run(s, statement(s, SQL_BEGIN), "write", NULL, error);

	if (err)
		return err;
	err = run(s, statement(s, SQL_NEXT_REVISION), "write", &next, error);
	if (err)
		store_rollback(s);
	*revision = (uint64_t)next;
	return err;
}

int store_put_source(struct store *s, const char *file, const char *text,
		     size_t len, int64_t *id, struct store_error *error)
{
	sqlite3_stmt *st = statement(s, SQL_PUT_SOURCE);
	int err;

	if (st) {
		sqlite3_bind_text(st, 1, file, -1, SQLITE_STATIC);
		sqlite3_bind_text64(st, 2, text, len, SQLITE_STATIC,
				    SQLITE_UTF8);
	}
	err = run(s, st, "write", NULL, error);
	*id = sqlite3_last_insert_rowid(s->db);
	return err;
}

int store_put(struct store *s, const char *name, const char *document,
	      int64_t source, int64_t applied, struct store_error *error)
{
	sqlite3_stmt *st = statement(s, SQL_PUT);

	if (st) {
		sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 2, document, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 3, source);
		sqlite3_bind_int64(st, 4, applied);
	}
	return run(s, st, "write", NULL, error);
}

int store_delete(struct store *s, const char *name, struct store_error *error)
{
	sqlite3_stmt *st = statement(s, SQL_DELETE);
	int err;

	if (st)
		sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	err = run(s, st, "write", NULL, error);
	if (!err && !sqlite3_changes(s->db)) {
		snprintf(error->message, sizeof(error->message),
			 "there is no topology %s", name);
		return -ENOENT;
	}
	return err;
}

int store_flush(struct store *s, struct store_error *error)
{
	return sql_flush(s->db, error);
}

int store_commit(struct store *s, struct store_error *error)
{
	int err = run(s, statement(s, SQL_COMMIT), "write", NULL, error);

	if (err)
		store_rollback(s);
	return err;
}

void store_rollback(struct store *s)
{
	struct store_error ignored;

	/* some errors have rolled back already */
	if (!sqlite3_get_autocommit(s->db))
		run(s, statement(s, SQL_ROLLBACK), "write", NULL, &ignored);
}
