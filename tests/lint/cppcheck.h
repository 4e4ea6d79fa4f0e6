/* SPDX-License-Identifier: BSD-2-Clause */
/* Macros of libraries whose headers cppcheck does not read. */
#define json_array_foreach(array, i, value)                                    \
	for (i = 0;                                                            \
	     i < json_array_size(array) && (value = json_array_get(array, i)); \
	     i++)
#define json_object_foreach(object, key, value)                                \
	for (void *it = json_object_iter(object);                              \
	     (key = json_object_iter_key(it)) &&                               \
	     (value = json_object_iter_value(it));                             \
	     it = json_object_iter_next(object, it))
#define nla_for_each_attr(pos, head, len, rem)                                 \
	for (pos = head, rem = len; nla_ok(pos, rem);                          \
	     pos = nla_next(pos, &(rem)))
#define nla_for_each_nested(pos, nla, rem)                                     \
	nla_for_each_attr(pos, nla_data(nla), nla_len(nla), rem)
