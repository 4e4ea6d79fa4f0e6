/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store: what users declared, kept over restarts and power cuts.
 *
 * One file, one connection, one thread. Nobody else knows SQL. A change is
 * begun, written, and committed or rolled back; what was committed is on the
 * disk. All functions return 0 or a negative errno, and a sentence for people
 * in the store_error:
 *
 *	-EBUSY		another program holds the file's lock
 *	-EROFS, -EACCES	it cannot be written
 *	-ENOSPC		the disk (or the store's limit) is full
 *	-EUCLEAN	the file is damaged
 *	-EPROTO		the file is not a store, or of a newer ptnetd
 *	-EIO		the disk failed
 */
#ifndef PTNETD_STORE_H
#define PTNETD_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_FILE "ptnet.db"

struct store;

struct store_error {
	char message[512];
};

/* Zeros are the defaults; only tests want others. */
struct store_options {
	unsigned busy_ms; /* to wait for a lock; 0: 2,000 */
	unsigned max_pages; /* of 4 KiB; 0: 4 GiB's */
	const char *migrations; /* SQL in the form of schemas/store.sql */
};

struct stored_topology {
	const char *name;
	const char *document; /* JSON */
	const char *file; /* the source's name; may be NULL */
	uint64_t revision;
	int64_t applied; /* seconds since 1970 */
};

/**
 * store_open - open or make the store in a directory, brought up to date
 * @options: NULL for the defaults
 *
 * Before it brings an older file up to date it leaves a copy of it as
 * ptnet.db.vN. A damaged file or one of a newer ptnetd is refused and left as
 * it is.
 */
int store_open(struct store **out, const char *dir,
	       const struct store_options *options, struct store_error *error);

/** store_close - roll back what is not committed and close; takes NULL */
void store_close(struct store *s);

/** store_revision - of the last committed change; 0 in a new store */
int store_revision(struct store *s, uint64_t *out, struct store_error *error);

/**
 * store_list - call @each for every topology, by name
 *
 * The strings live as long as the call. Ends early with what @each returned
 * if that is not 0.
 */
int store_list(struct store *s,
	       int (*each)(void *context, const struct stored_topology *t),
	       void *context, struct store_error *error);

/**
 * store_begin - begin a change, which holds the write lock from here on
 * @revision: what the store will be at
 */
int store_begin(struct store *s, uint64_t *revision, struct store_error *error);

/**
 * store_put_source - keep the text that topologies came from
 * @file: its name or NULL
 * @id: for store_put()
 */
int store_put_source(struct store *s, const char *file, const char *text,
		     size_t len, int64_t *id, struct store_error *error);

/** store_put - write a topology, new or instead of the one of that name */
int store_put(struct store *s, const char *name, const char *document,
	      int64_t source, int64_t applied, struct store_error *error);

/** store_delete - -ENOENT when there is none of that name */
int store_delete(struct store *s, const char *name, struct store_error *error);

/**
 * store_flush - write all of the change to the disk, without committing
 *
 * Afterwards a commit has hardly anything left that can fail: a full disk is
 * found here.
 */
int store_flush(struct store *s, struct store_error *error);

/** store_commit - make the change lasting; on failure it is rolled back */
int store_commit(struct store *s, struct store_error *error);

/** store_rollback - forget the change; harmless without one */
void store_rollback(struct store *s);

#endif
