/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of findings and the words that people see. Knows nothing of what is
 * being checked; the model, the service and the command line use it.
 */
#include "base/diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/utf8.h"

enum { NEAR_WORD_MAX = 64 };

static void one_fini(struct diag *one)
{
	free(one->file);
	free(one->path);
	free(one->message);
	free(one->hint);
}

/*
 * Findings quote what came from outside, perhaps cut in the middle of a
 * character, and go to terminals and into JSON.
 */
static void clean(char *s)
{
	uint32_t c;

	while (*s) {
		size_t len = utf8_check(s, &c);

		if (!len || utf8_is_special(c))
			memset(s, '?', len ? len : 1);
		s += len ? len : 1;
	}
}

static bool copy_optional(char **out, const char *s)
{
	*out = s ? strdup(s) : NULL;
	if (*out)
		clean(*out);
	return *out || !s;
}

/* Room for one more; doubles at powers of two. */
static bool reserve(struct diags *d)
{
	struct diag *list;

	if (d->count & (d->count - 1))
		return true;
	list = realloc(d->list, (d->count ? 2 * d->count : 1) * sizeof(*list));
	if (!list)
		return false;
	d->list = list;
	return true;
}

void diag_add(struct diags *d, const char *file, uint32_t line, uint32_t column,
	      const char *path, const char *hint, const char *format, ...)
{
	struct diag one = {.line = line, .column = column};
	va_list args;
	bool ok;

	if (d->count >= DIAGS_MAX) {
		d->dropped++;
		return;
	}
	va_start(args, format);
	if (vasprintf(&one.message, format, args) < 0)
		one.message = NULL;
	va_end(args);
	if (one.message)
		clean(one.message);

	ok = one.message && copy_optional(&one.file, file) &&
	     copy_optional(&one.path, path) && copy_optional(&one.hint, hint) &&
	     reserve(d);
	if (!ok) {
		one_fini(&one);
		d->dropped++;
		return;
	}
	d->list[d->count++] = one;
}

void diags_fini(struct diags *d)
{
	for (size_t i = 0; i < d->count; i++)
		one_fini(&d->list[i]);
	free(d->list);
	*d = (struct diags){0};
}

char *diag_format(const struct diag *one)
{
	_cleanup_strbuf_ struct strbuf out = {0};

	if (one->file)
		strbuf_addf(&out, "%s:", one->file);
	if (one->line)
		strbuf_addf(&out, "%u:", one->line);
	if (one->line && one->column)
		strbuf_addf(&out, "%u:", one->column);
	if (out.len)
		strbuf_add(&out, " ");
	if (one->path && *one->path)
		strbuf_addf(&out, "%s: ", one->path);
	strbuf_add(&out, one->message ? one->message : "unknown error");
	if (one->hint)
		strbuf_addf(&out, " (%s)", one->hint);
	return strbuf_steal(&out);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance (Levenshtein), a swap of neighbours counting as one. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][NEAR_WORD_MAX + 1];
	size_t *last2 = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			bool differ = tolower((unsigned char)a[i - 1]) !=
				      tolower((unsigned char)b[j - 1]);

			row[j] = min3(last[j] + 1, row[j - 1] + 1,
				      last[j - 1] + differ);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && last2[j - 2] + 1 < row[j])
				row[j] = last2[j - 2] + 1;
		}
		spare = last2;
		last2 = last;
		last = row;
		row = spare;
	}
	return last[nb];
}

const char *near_miss(const char *word, const char *const *names, size_t count)
{
	size_t len = strlen(word), best_distance = SIZE_MAX;
	const char *best = NULL;

	if (len > NEAR_WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(names[i]), longer = n > len ? n : len;
		size_t shorter = n > len ? len : n, d;

		if (n > NEAR_WORD_MAX || (longer - shorter) * 3 > longer)
			continue;
		d = distance(word, len, names[i], n);
		if (d * 3 <= longer && d < best_distance) {
			best_distance = d;
			best = names[i];
		}
	}
	return best;
}
