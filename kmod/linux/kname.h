/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Objects by name: hash tables of a fixed size, so that what a transaction
 * makes can be entered without fail.
 */
#ifndef PTN_KNAME_H
#define PTN_KNAME_H

#include <linux/ctype.h>
#include <linux/hashtable.h>
#include <linux/string.h>
#include <linux/stringhash.h>

enum { KNAME_BITS = 12 };

static inline u32 kname_hash(const char *name, size_t len)
{
	return full_name_hash(NULL, name, len);
}

/* ASCII letters, digits and @more: what isalnum() takes beyond is Latin 1. */
static inline bool kname_is_word(const char *from, const char *to,
				 const char *more)
{
	for (; from < to; from++)
		if (!isascii(*from) ||
		    (!isalnum(*from) && !strchr(more, *from)))
			return false;
	return true;
}

/* Of objects that people name: they begin with a letter or digit. */
static inline bool kname_is_valid(const char *name)
{
	return *name && kname_is_word(name, name + 1, "") &&
	       kname_is_word(name + 1, name + strlen(name), "_-.");
}

#endif
