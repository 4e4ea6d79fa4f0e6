/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables: cells are kept until every width is known. */
#include "writer.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct table_cell {
	char *text; /* safe */
	enum style style;
};

static const char *const colors[] = {
	[STYLE_PLAIN] = "",	   [STYLE_NUMBER] = "",
	[STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[31m",  [STYLE_DIM] = "\033[2m",
};

static struct table_cell *add_cell(struct table *t)
{
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 64;
		struct table_cell *cells =
			reallocarray(t->cells, room, sizeof(*cells));

		if (!cells)
			return NULL;
		t->cells = cells;
		t->room = room;
	}
	return &t->cells[t->count];
}

void table_cell(struct table *t, enum style style, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	struct table_cell *cell = add_cell(t);
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		text = NULL;
	if (!cell || !text) {
		t->failed = true;
		return;
	}
	cell->text = text_safe(text);
	cell->style = style;
	if (cell->text)
		t->count++;
	else
		t->failed = true;
}

static void print_cell(const struct table_cell *cell, size_t width, bool last,
		       FILE *to, bool color)
{
	size_t have = text_width(cell->text);
	int space = (int)(width > have ? width - have : 0);
	const char *on = color ? colors[cell->style] : "";

	if (cell->style == STYLE_NUMBER)
		fprintf(to, "%*s", space, "");
	fprintf(to, "%s%s%s", on, cell->text, *on ? "\033[0m" : "");
	if (cell->style != STYLE_NUMBER && !last)
		fprintf(to, "%*s", space, "");
	fputs(last ? "\n" : "  ", to);
}

void table_print(struct table *t, FILE *to, bool color)
{
	_cleanup_free_ size_t *widths = calloc(t->columns, sizeof(*widths));

	if (!widths || t->failed) {
		ctl_error("there is not enough memory for the table");
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		size_t width = text_width(t->cells[i].text);

		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	for (size_t i = 0; i < t->count; i++)
		print_cell(&t->cells[i], widths[i % t->columns],
			   i % t->columns == t->columns - 1, to, color);
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i].text);
	free(t->cells);
	*t = (struct table){.columns = t->columns};
}
