/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_value);
	return values[n / 2];
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

pthread_t bench_thread(int cpu, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (pthread_create(&thread, &attr, run, arg))
		abort();
	pthread_attr_destroy(&attr);
	return thread;
}

bool bench_directory(char *path, size_t size)
{
	const char *in = getenv("TMPDIR");
	int n = snprintf(path, size, "%s/ptnet-bench.XXXXXX", in ? in : "/tmp");

	if (n < 0 || (size_t)n >= size || !mkdtemp(path)) {
		fprintf(stderr, "no directory %s\n", path);
		return false;
	}
	return true;
}

void bench_remove_directory(const char *path)
{
	char inside[128];

	snprintf(inside, sizeof(inside), "%s/engine.log", path);
	unlink(inside);
	snprintf(inside, sizeof(inside), "%s/ports", path);
	rmdir(inside);
	rmdir(path);
}
