/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limit loops on two cores: the same memory and work as limit.c, and nothing
 * but an index in a cache line of its own for each direction.
 */
#include <stdlib.h>

#include "bench.h"
#include "limit.h"

struct index {
	uint64_t value;
	char pad[120];
} __attribute__((aligned(128)));

struct cross {
	struct index head; /* frames written, and the end when negative */
	struct index tail; /* frames switched */
	struct limit *l;
	bool pipe;
	uint32_t batch;
	uint64_t frames;
};

static void *switch_thread(void *arg)
{
	struct cross *c = arg;
	uint64_t at = 0;

	while (at < c->frames) {
		uint64_t n =
			__atomic_load_n(&c->head.value, __ATOMIC_ACQUIRE) - at;

		if (!n)
			continue;
		if (n > c->batch)
			n = c->batch;
		limit_move(c->l, c->pipe, (uint32_t)at, (uint32_t)n);
		at += n;
		__atomic_store_n(&c->tail.value, at, __ATOMIC_RELEASE);
	}
	return NULL;
}

void limit_cross(struct limit *l, bool pipe, uint64_t frames, uint32_t batch,
		 uint32_t len, int cpu)
{
	struct cross c = {
		.l = l, .pipe = pipe, .batch = batch, .frames = frames};
	uint64_t written = 0, read = 0;
	pthread_t thread;

	thread = bench_thread(cpu, switch_thread, &c);
	while (read < frames) {
		uint64_t tail;

		if (written < frames && written - read + batch < LIMIT_SLOTS) {
			limit_produce(l, (uint32_t)written, batch, len);
			written += batch;
			__atomic_store_n(&c.head.value, written,
					 __ATOMIC_RELEASE);
		}
		tail = __atomic_load_n(&c.tail.value, __ATOMIC_ACQUIRE);
		limit_consume(l, (uint32_t)read, (uint32_t)(tail - read));
		read = tail;
	}
	pthread_join(thread, NULL);
}

double limit_cross_latency(struct limit *l, int cpu)
{
	enum { N = 20001 };
	static double took[N];
	struct cross c = {.l = l, .batch = 1, .frames = N};
	pthread_t thread;

	thread = bench_thread(cpu, switch_thread, &c);
	for (uint64_t i = 0; i < N; i++) {
		const double t0 = bench_now();

		limit_produce(l, (uint32_t)i, 1, 60);
		__atomic_store_n(&c.head.value, i + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&c.tail.value, __ATOMIC_ACQUIRE) == i)
			;
		limit_consume(l, (uint32_t)i, 1);
		took[i] = (bench_now() - t0) * 1e9;
	}
	pthread_join(thread, NULL);
	return bench_median(took, N);
}

static void *bounce_thread(void *arg)
{
	struct cross *c = arg;

	for (uint64_t i = 1; i <= c->frames; i++) {
		while (__atomic_load_n(&c->head.value, __ATOMIC_ACQUIRE) != i)
			;
		__atomic_store_n(&c->head.value, i | 1ULL << 63,
				 __ATOMIC_RELEASE);
	}
	return NULL;
}

double limit_bounce(int cpu)
{
	struct cross c = {.frames = 20000};
	pthread_t thread;
	double t0;

	thread = bench_thread(cpu, bounce_thread, &c);
	t0 = bench_now();
	for (uint64_t i = 1; i <= c.frames; i++) {
		__atomic_store_n(&c.head.value, i, __ATOMIC_RELEASE);
		while (__atomic_load_n(&c.head.value, __ATOMIC_ACQUIRE) == i)
			;
	}
	t0 = bench_now() - t0;
	pthread_join(thread, NULL);
	return t0 / (double)c.frames * 1e9;
}
