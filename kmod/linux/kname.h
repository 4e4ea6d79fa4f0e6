/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Objects by name: hash tables of a fixed size, so that what a transaction
 * makes can be entered without fail.
 */
#ifndef PTN_KNAME_H
#define PTN_KNAME_H

#include <linux/hashtable.h>
#include <linux/string.h>
#include <linux/stringhash.h>

enum { KNAME_BITS = 12 };

static inline u32 kname_hash(const char *name, size_t len)
{
	return full_name_hash(NULL, name, len);
}

#endif
