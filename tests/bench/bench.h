/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What benchmarks share: time, medians, a CPU to stay on.
 */
#ifndef PTNET_BENCH_H
#define PTNET_BENCH_H

/* Monotonic seconds. */
double bench_now(void);

/* Sorts; the middle one. */
double bench_median(double *values, int n);

/* Keep the calling thread on a CPU. */
void bench_pin(int cpu);

#endif
