/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the values of one declared object are possible. Pure functions:
 * what else is there does not matter. Called by txn.c at the door.
 */
#ifndef PTNET_ENGINE_CHECK_H
#define PTNET_ENGINE_CHECK_H

#include "model/objects.h"

/**
 * check_switch, check_pipe, check_port
 * @text: the sentence, @size bytes
 *
 * Return 0, -EINVAL, or -EOPNOTSUPP for what the engine cannot do.
 */
int check_switch(const struct switch_spec *s, char *text, size_t size);
int check_pipe(const struct pipe_spec *s, char *text, size_t size);
int check_port(const struct port_spec *s, char *text, size_t size);

/** check_name - letters, digits, '_', '-', '.'; not first '-' or '.' */
bool check_name(const char *name);

#endif
