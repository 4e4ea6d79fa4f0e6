/* SPDX-License-Identifier: BSD-2-Clause */
#include "nl/field.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int bytes; /* on the wire; 0: it depends */
} kinds[] = {
	[FIELD_U8] = {"an 8-bit number", 1},
	[FIELD_BOOL] = {"0 or 1", 1},
	[FIELD_U32] = {"a 32-bit number", 4},
	[FIELD_U64] = {"a 64-bit number", 8},
	[FIELD_STRING] = {"a string that fits", 0},
	[FIELD_BYTES] = {"an address", 0},
	[FIELD_COUNTERS] = {"a nest of counters", 0},
	[FIELD_NEST] = {"a nest", 0},
};

static int put_counters(struct nl_msg *msg, const struct field *f,
			const uint64_t *counters)
{
	struct nlattr *nest = nla_nest_start(msg, f->attr);

	if (!nest)
		return -EMSGSIZE;
	for (int i = 1; i < f->size; i++)
		if (nla_put_u64(msg, i, counters[i]) < 0)
			return -EMSGSIZE;
	return nla_nest_end(msg, nest) < 0 ? -EMSGSIZE : 0;
}

static int put_one(struct nl_msg *msg, const struct field *f, const void *from)
{
	switch ((enum field_kind)f->kind) {
	case FIELD_STRING:
		if (!*(const char *)from)
			return 0;
		return nla_put_string(msg, f->attr, from) < 0 ? -EMSGSIZE : 0;
	case FIELD_COUNTERS:
		return put_counters(msg, f, from);
	case FIELD_NEST:
		return 0;
	case FIELD_BYTES:
		return nla_put(msg, f->attr, f->size, from) < 0 ? -EMSGSIZE : 0;
	case FIELD_U8:
	case FIELD_BOOL:
	case FIELD_U32:
	case FIELD_U64:
		break;
	}
	return nla_put(msg, f->attr, kinds[f->kind].bytes, from) < 0 ? -EMSGSIZE
								     : 0;
}

int field_put(struct nl_msg *msg, const struct field_table *table,
	      const void *object, uint32_t mask)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct field *f = &table->fields[i];
		int err;

		if (!(mask & FIELD_BIT(f->attr)))
			continue;
		err = put_one(msg, f, (const char *)object + f->offset);
		if (err)
			return err;
	}
	return 0;
}

static bool get_string(const struct nlattr *attr, const struct field *f,
		       char *to)
{
	int len = nla_len(attr);
	const char *s = nla_data(attr);

	if (len < 1 || len > f->size || s[len - 1] ||
	    memchr(s, 0, (size_t)len) != s + len - 1)
		return false;
	memcpy(to, s, (size_t)len);
	return true;
}

/* Counters that this side does not know are left out. */
static bool get_counters(const struct nlattr *attr, const struct field *f,
			 uint64_t *to)
{
	struct nlattr *one;
	int left;

	nla_for_each_nested(one, attr, left) {
		if (nla_len(one) != 8)
			return false;
		if (nla_type(one) > 0 && nla_type(one) < f->size)
			to[nla_type(one)] = nla_get_u64(one);
	}
	return left <= 0;
}

static bool get_fixed(const struct nlattr *attr, int bytes, void *to)
{
	if (nla_len(attr) != bytes)
		return false;
	memcpy(to, nla_data(attr), (size_t)bytes);
	return true;
}

static bool get_one(const struct nlattr *attr, const struct field *f, void *to)
{
	switch ((enum field_kind)f->kind) {
	case FIELD_STRING:
		return get_string(attr, f, to);
	case FIELD_COUNTERS:
		return get_counters(attr, f, to);
	case FIELD_NEST:
		return true;
	case FIELD_BYTES:
		return get_fixed(attr, f->size, to);
	case FIELD_BOOL:
		if (nla_len(attr) != 1 || *(uint8_t *)nla_data(attr) > 1)
			return false;
		*(bool *)to = *(uint8_t *)nla_data(attr);
		return true;
	case FIELD_U8:
	case FIELD_U32:
	case FIELD_U64:
		break;
	}
	return get_fixed(attr, kinds[f->kind].bytes, to);
}

int field_get(const struct nlattr *attr, const struct field_table *table,
	      void *object, char *text, size_t size)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct field *f = &table->fields[i];

		if (f->attr != nla_type(attr))
			continue;
		if (get_one(attr, f, (char *)object + f->offset))
			return 0;
		snprintf(text, size, "%s of a %s: expected %s, got %d bytes",
			 f->name, table->what, kinds[f->kind].name,
			 nla_len(attr));
		return -EINVAL;
	}
	return -ENOENT;
}
