/* SPDX-License-Identifier: BSD-2-Clause */
/* A place in a source text. */
#ifndef PTNET_MODEL_POSITION_H
#define PTNET_MODEL_POSITION_H

#include <stdint.h>

struct position {
	uint32_t line, column; /* from 1 */
};

#endif
