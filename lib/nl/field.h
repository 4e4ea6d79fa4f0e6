/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields: const tables that say which attribute is which member of a struct.
 * One table both writes and reads, so that the two cannot drift apart.
 *
 * Knows attributes and bytes, no message and no object. Called by message.c.
 */
#ifndef PTNET_NL_FIELD_H
#define PTNET_NL_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

enum field_kind {
	FIELD_U8, /* uint8_t or bool */
	FIELD_BOOL, /* bool: 0 or 1 on the wire */
	FIELD_U32, /* uint32_t or an enum */
	FIELD_U64,
	FIELD_STRING, /* char [size]; left out when empty */
	FIELD_BYTES, /* uint8_t [size] */
	FIELD_COUNTERS, /* uint64_t [size]: a nest, index by attribute */
	FIELD_NEST, /* the caller writes and reads it */
};

struct field {
	uint16_t attr; /* below 32 */
	uint16_t kind; /* enum field_kind */
	uint16_t offset; /* of the member */
	uint16_t size; /* of strings and bytes; number of counters */
	const char *name; /* for people */
};

/* An object's fields: @n of them, @what for people. */
struct field_table {
	const char *what;
	const struct field *fields;
	size_t n;
};

#define FIELD_BIT(attr) (UINT32_C(1) << (attr))

/**
 * field_put - write the members of @object whose bits are in @mask
 *
 * Returns 0 or -EMSGSIZE.
 */
int field_put(struct nl_msg *msg, const struct field_table *table,
	      const void *object, uint32_t mask);

/**
 * field_get - read one attribute into its member
 * @text: for a sentence when it is refused, @size bytes
 *
 * Returns 0, -ENOENT when no field of the table has this attribute, or
 * -EINVAL with the sentence.
 */
int field_get(const struct nlattr *attr, const struct field_table *table,
	      void *object, char *text, size_t size);

#endif
