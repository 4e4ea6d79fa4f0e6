/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What backends tell unasked, in the control family's words: read, and said in
 * the log. Whose socket it is and what it is told is the backend's business.
 */
#ifndef PTNETD_BACKEND_EVENTS_H
#define PTNETD_BACKEND_EVENTS_H

#include <stdbool.h>

/**
 * events_hear - read and log all that has come
 * @ended: set to whether the other side has closed the connection
 *
 * Returns whether the backend may hold something else now.
 */
bool events_hear(int fd, bool *ended);

#endif
