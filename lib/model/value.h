/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed readings of nodes. Each returns false for a node that is no such
 * value; what a field makes of it is the shape's business.
 */
#ifndef PTNET_MODEL_VALUE_H
#define PTNET_MODEL_VALUE_H

#include "base/mac.h"
#include "model/yaml.h"

/**
 * value_characters - how many a scalar's text has
 * @special: set to whether some are no text for people
 */
size_t value_characters(const struct yaml_node *n, bool *special);

/**
 * value_is_word - a string of letters, digits and @more, at most @max long,
 * that begins with a letter, a digit or one of @first
 */
bool value_is_word(const struct yaml_node *n, const char *first,
		   const char *more, size_t max);

/** value_integer - an integer, also one written as 1.0e+3 */
bool value_integer(const struct yaml_node *n, int64_t *value);

/** value_duration - such as 300s, in milliseconds */
bool value_duration(const struct yaml_node *n, uint32_t *ms);

/** value_mac - an Ethernet address of any kind */
bool value_mac(const struct yaml_node *n, uint8_t mac[MAC_LEN]);

#endif
