/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing a database up to date; for store.c alone. */
#ifndef PTNETD_STORE_MIGRATE_H
#define PTNETD_STORE_MIGRATE_H

#include <sqlite3.h>

#include "store/store.h"

/** migrate_builtin - schemas/store.sql as this program carries it */
const char *migrate_builtin(void);

/**
 * migrate - run the migrations that @db has not seen
 * @path: of the database, to make the copy beside it
 *
 * Refuses files that are no store or newer than @migrations.
 */
int migrate(sqlite3 *db, const char *path, const char *migrations,
	    struct store_error *error);

/** sql_flush - write what is in memory to the log, without committing */
int sql_flush(sqlite3 *db, struct store_error *error);

/** sql_fail - the errno of SQLite's last error, with a sentence */
int sql_fail(sqlite3 *db, const char *doing, struct store_error *error);

#endif
