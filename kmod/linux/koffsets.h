/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * NETMAP_REQ_OPT_OFFSETS: frames that do not begin where their buffers do.
 * Offsets belong to rings, from the first program that binds one to the last.
 */
#ifndef PTN_KOFFSETS_H
#define PTN_KOFFSETS_H

#include "core/offset.h"

struct kport;
struct krequest;

/**
 * koffsets_read - what a REGISTER wants in buffers of @buf_size bytes
 *
 * Claims the option, whose body says then what is granted. All zero without
 * it. Returns 0, -EINVAL.
 */
int koffsets_read(struct ptn_offsets *out, struct krequest *rq, u32 buf_size);

/**
 * koffsets_check - whether one more program can use a ring with these
 *
 * Returns 0, or -EBUSY when others have it with other ones.
 */
int koffsets_check(struct krequest *rq, const struct kport *p, u32 vector,
		   const struct ptn_offsets *o);

#endif
