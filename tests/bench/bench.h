/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What benchmarks share: time, medians, a CPU to stay on.
 */
#ifndef PTNET_BENCH_H
#define PTNET_BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Monotonic seconds. */
double bench_now(void);

/* Sorts; the middle one. */
double bench_median(double *values, int n);

/* A thread that starts on a CPU and stays there. */
pthread_t bench_thread(int cpu, void *(*run)(void *), void *arg);

/* Keep the calling thread on a CPU. */
void bench_pin(int cpu);

/* A new directory in $TMPDIR or /tmp, with a path short enough for sockets. */
bool bench_directory(char *path, size_t size);

/* Remove it, with what an engine that has ended leaves there. */
void bench_remove_directory(const char *path);

#endif
