/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migrations of the store. Knows versions and how to copy a database; not
 * what is in the tables. Called when the store opens it.
 */
#include "store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* "ptnt": tells our files from other programs' databases. */
#define APPLICATION_ID 0x70746e74
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define MARK "\n-- migration "

/* One source of truth: the file itself, ended by a zero. */
__asm__(".section .rodata\n"
	"store_sql:\n"
	".incbin \"schemas/store.sql\"\n"
	".byte 0\n"
	".previous\n");
extern const char store_sql[];

DEFINE_CLEANUP(sqlite_text, char *, sqlite3_free);
DEFINE_CLEANUP(statement, sqlite3_stmt *, sqlite3_finalize);

const char *migrate_builtin(void)
{
	return store_sql;
}

__attribute__((format(printf, 3, 4))) static int
refuse(struct store_error *error, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return err;
}

static const struct {
	int sqlite, err;
	const char *sentence;
} failures[] = {
	{SQLITE_BUSY, -EBUSY, "another program holds its lock"},
	{SQLITE_LOCKED, -EBUSY, "another program holds its lock"},
	{SQLITE_READONLY, -EROFS, "it cannot be written"},
	{SQLITE_CANTOPEN, -EACCES, "the file cannot be opened"},
	{SQLITE_PERM, -EACCES, "no permission"},
	{SQLITE_AUTH, -EACCES, "no permission"},
	{SQLITE_FULL, -ENOSPC, "there is no space left"},
	{SQLITE_CORRUPT, -EUCLEAN, "the file is damaged"},
	{SQLITE_NOTADB, -EUCLEAN, "the file is damaged or no database"},
	{SQLITE_NOMEM, -ENOMEM, "no memory"},
	{SQLITE_TOOBIG, -EFBIG, "it is too much"},
	{SQLITE_CONSTRAINT, -EIO, "it was refused"},
};

/* Writing past a limit of the process or the user is as good as full. */
static bool is_full(int code, int system)
{
	return (code & 0xff) == SQLITE_IOERR &&
	       (system == EFBIG || system == EDQUOT || system == ENOSPC);
}

static int fail(int code, int system, const char *words, const char *doing,
		struct store_error *error)
{
	code = is_full(code, system) ? SQLITE_FULL : code & 0xff;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].sqlite == code)
			return refuse(error, failures[i].err,
				      "cannot %s the store: %s", doing,
				      failures[i].sentence);
	return refuse(error, -EIO, "cannot %s the store: %s", doing, words);
}

int sql_fail(sqlite3 *db, const char *doing, struct store_error *error)
{
	if (!db)
		return fail(SQLITE_NOMEM, 0, "", doing, error);
	return fail(sqlite3_errcode(db), sqlite3_system_errno(db),
		    sqlite3_errmsg(db), doing, error);
}

int sql_flush(sqlite3 *db, struct store_error *error)
{
	int code, system;

	errno = 0;
	code = sqlite3_db_cacheflush(db);
	system = errno;
	return code == SQLITE_OK ? 0
				 : fail(code, system, sqlite3_errstr(code),
					"write", error);
}

static int read_number(sqlite3 *db, const char *sql, int64_t *out,
		       struct store_error *error)
{
	_cleanup_(cleanup_statement) sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		return sql_fail(db, "read", error);
	*out = sqlite3_column_int64(st, 0);
	return 0;
}

/* Migrations in @text: its marks' highest number, which come in order. */
static int newest(const char *text)
{
	const char *at = text;
	int n = 0;

	while ((at = strstr(at, MARK))) {
		at += strlen(MARK);
		n = atoi(at);
	}
	return n;
}

/* The SQL of migration @n as a new string. */
static char *extract(const char *text, int n)
{
	const char *at = text, *end;

	while ((at = strstr(at, MARK))) {
		at += strlen(MARK);
		if (atoi(at) != n)
			continue;
		at += strcspn(at, "\n");
		end = strstr(at, MARK);
		return strndup(at, end ? (size_t)(end - at) : strlen(at));
	}
	return NULL;
}

static int check_version(sqlite3 *db, const char *path, int known,
			 int64_t *version, struct store_error *error)
{
	int64_t id = 0, tables = 0;
	int err;

	err = read_number(db, "PRAGMA application_id", &id, error);
	if (!err)
		err = read_number(db, "PRAGMA user_version", version, error);
	if (!err)
		err = read_number(db, "SELECT count(*) FROM sqlite_schema",
				  &tables, error);
	if (err)
		return err;
	if (id != APPLICATION_ID && (tables || id || *version))
		return refuse(error, -EPROTO,
			      "%s is a database of another program", path);
	if (*version > known)
		return refuse(error, -EPROTO,
			      "%s was written by a newer ptnetd (schema %lld, "
			      "this one knows %d): install that version, or "
			      "move the file away to start afresh",
			      path, (long long)*version, known);
	return 0;
}

static int sync_path(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

/*
 * What is there before a migration stays as PATH.vN. Written under another
 * name first, so that a copy of that name is always a whole one.
 */
static int keep_copy(sqlite3 *db, const char *path, int64_t version,
		     struct store_error *error)
{
	_cleanup_free_ char *copy = NULL, *half = NULL;
	_cleanup_(cleanup_sqlite_text) char *sql = NULL;

	if (asprintf(&copy, "%s.v%lld", path, (long long)version) < 0 ||
	    asprintf(&half, "%s.half", copy) < 0 ||
	    !(sql = sqlite3_mprintf("VACUUM INTO %Q", half)))
		return refuse(error, -ENOMEM, "no memory");
	unlink(half);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(db, "copy", error);
	if (sync_path(half) || rename(half, copy))
		return refuse(error, -errno, "cannot keep a copy as %s: %s",
			      copy, strerror(errno));
	return 0;
}

static int run(sqlite3 *db, const char *migrations, int n,
	       struct store_error *error)
{
	_cleanup_free_ char *body = extract(migrations, n), *sql = NULL;
	int err;

	if (!body)
		return refuse(error, -EINVAL, "migration %d is missing", n);
	if (asprintf(&sql,
		     "BEGIN IMMEDIATE;%s;PRAGMA user_version = %d;"
		     "PRAGMA application_id = " TEXT(APPLICATION_ID) ";COMMIT;",
		     body, n) < 0)
		return refuse(error, -ENOMEM, "no memory");
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	err = sql_fail(db, "bring up to date", error);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int migrate(sqlite3 *db, const char *path, const char *migrations,
	    struct store_error *error)
{
	int known = newest(migrations);
	int64_t version = 0;
	int err;

	err = check_version(db, path, known, &version, error);
	if (!err && version > 0 && version < known)
		err = keep_copy(db, path, version, error);
	for (int n = (int)version + 1; n <= known && !err; n++)
		err = run(db, migrations, n, error);
	return err;
}
