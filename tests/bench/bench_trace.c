/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace through the core in user space, to stand beside the same in the
 * kernel (tests/bench/kernel, tests/bench/kmod).
 *
 *	bench_trace
 *
 * Prints lines "KIND LENGTH BATCH MPPS".
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "bench/trace.h"

enum { FRAMES = 256 * 4000, WINDOWS = 5 };

static void measure(bool pipe, u32 len, u32 batch)
{
	struct trace *t = trace_new(pipe, len);
	double mpps[WINDOWS];

	if (!t)
		abort();
	for (int i = -1; i < WINDOWS; i++) {
		double from = bench_now();

		if (trace_run(t, FRAMES, batch) != FRAMES)
			abort();
		if (i >= 0)
			mpps[i] = FRAMES / (bench_now() - from) / 1e6;
	}
	printf("%s %u %u %.3f\n", pipe ? "pipe" : "vale", len, batch,
	       bench_median(mpps, WINDOWS));
	trace_free(t);
}

int main(void)
{
	measure(false, 60, 256);
	measure(true, 60, 256);
	measure(false, 1514, 256);
	return 0;
}
