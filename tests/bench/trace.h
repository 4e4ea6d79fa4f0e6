/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * One trace of frames through two ports of the core, all roles in one thread,
 * in whatever home the core has: the same source measures user space and the
 * kernel. Knows ptn_os.h and the core only.
 */
#ifndef PTNET_BENCH_TRACE_H
#define PTNET_BENCH_TRACE_H

#include "core/ptn_os.h"

struct trace;

/** trace_new - over a pipe or a switch, of frames with @len bytes; or NULL */
struct trace *trace_new(bool pipe, u32 len);
void trace_free(struct trace *t);

/** trace_run - send and read @frames in batches; how many arrived */
u64 trace_run(struct trace *t, u64 frames, u32 batch);

#endif
