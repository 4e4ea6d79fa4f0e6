/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writers: the same JSON as a table for people, JSON, YAML or names.
 *
 * What they print comes from ptnetd and is shown safely (text.h). Numbers and
 * names in JSON and YAML are ptnetd's own; tables may leave things out.
 */
#ifndef PTNETCTL_WRITER_H
#define PTNETCTL_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "ctl.h"

/* How a cell looks. */
enum style {
	STYLE_PLAIN,
	STYLE_NUMBER, /* to the right */
	STYLE_GOOD, /* green */
	STYLE_WARN, /* yellow */
	STYLE_BAD, /* red */
	STYLE_DIM,
};

/*
 * A table by hand: cells row by row, printed when all widths are known.
 * Zero-initialised with its number of columns.
 */
struct table {
	size_t columns;
	struct table_cell *cells;
	size_t count, room;
	bool failed; /* out of memory: said by table_print() */
};

/** table_cell - the next cell, to the right where STYLE_NUMBER */
__attribute__((format(printf, 3, 4))) void
table_cell(struct table *t, enum style style, const char *format, ...);

/** table_print - all rows, columns two spaces apart */
void table_print(struct table *t, FILE *to, bool color);

/** table_fini - free the cells */
void table_fini(struct table *t);

/* What a column of a list holds. */
enum column_format {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_STATE, /* coloured by what it says */
	COLUMN_BOOL, /* yes or no */
	COLUMN_SUM, /* of the numbers of an object */
};

struct column {
	const char *title; /* NULL ends the list */
	const char *path; /* "status.state" in the object */
	enum column_format format;
	/* instead of the path */
	void (*text)(struct strbuf *out, const json_t *object);
};

/** json_path - "status.ends.a" in @object, or NULL */
json_t *json_path(const json_t *object, const char *path);

/**
 * write_list - an array of objects by ctl->output
 * @what: "ports": said on stderr instead of an empty table
 *
 * Returns an exit status.
 */
int write_list(struct ctl *ctl, const json_t *list,
	       const struct column *columns, const char *what);

/** write_table - the same as a table, wherever it goes */
void write_table(FILE *to, const json_t *list, const struct column *columns,
		 bool color);

/**
 * write_value - any value as JSON or YAML
 *
 * For commands whose table is their own: call it when ctl->output is
 * OUTPUT_JSON or OUTPUT_YAML. Returns an exit status.
 */
int write_value(struct ctl *ctl, const json_t *value);

/** write_json - indented, one final newline. Returns 0 or -ENOMEM */
int write_json(FILE *to, const json_t *value);

/** write_json_line - the same on one line */
int write_json_line(FILE *to, const json_t *value);

/** write_yaml - block style. Returns 0 or -ENOMEM */
int write_yaml(FILE *to, const json_t *value);

/** write_details - "Name:  value" lines for people, nested by indentation */
void write_details(FILE *to, const json_t *object);

/** use_color - whether stdout may have colours */
bool use_color(const struct ctl *ctl);

#endif
