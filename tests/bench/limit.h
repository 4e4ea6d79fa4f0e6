/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limit loops: what a machine can do at most on the memory that ports use,
 * with nothing around it. Benchmarks print ratios to these, taken in the same
 * run.
 */
#ifndef PTNET_BENCH_LIMIT_H
#define PTNET_BENCH_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <ptnet/netmap.h>

enum { LIMIT_SLOTS = 1024, LIMIT_BUF = 2048 };

/* Two rings of LIMIT_SLOTS slots with a buffer each, as a port has them. */
struct limit {
	struct netmap_slot *tx, *rx;
	char *bufs;
	uint64_t table[8192]; /* addresses */
	uint64_t sum; /* what the consumer saw */
};

struct limit *limit_new(void);
void limit_free(struct limit *l);

/* @frames frames in batches, all roles in this thread: write each frame,
 * parse, learn, look up, copy, read. */
void limit_vale(struct limit *l, uint64_t frames, uint32_t batch, uint32_t len);

/* The same by exchanging buffer indices. */
void limit_pipe(struct limit *l, uint64_t frames, uint32_t batch, uint32_t len);

/* The roles one by one, for @n frames from slot @at on. */
void limit_produce(struct limit *l, uint32_t at, uint32_t n, uint32_t len);
void limit_move(struct limit *l, bool pipe, uint32_t at, uint32_t n);
void limit_consume(struct limit *l, uint32_t at, uint32_t n);

/*
 * Two cores: write and read in this thread, switch or swap in one on @cpu.
 * Indices pass through a cache line a direction, as through a CSB; each role
 * moves at most @batch frames for one publication of its index.
 */
void limit_cross(struct limit *l, bool pipe, uint64_t frames, uint32_t batch,
		 uint32_t len, int cpu);

/* One frame in flight, all polling: median nanoseconds until it is there. */
double limit_cross_latency(struct limit *l, int cpu);

/* A cache line's way to the other core and back, nanoseconds. */
double limit_bounce(int cpu);

/* The producer's and the consumer's part of every loop. */
static inline void limit_write(char *buf, uint32_t len, uint64_t mark)
{
	__builtin_memset(buf + 12, (int)mark, len - 12);
	((uint32_t *)(void *)buf)[0] = 0x00000002;
	((uint32_t *)(void *)buf)[1] = 0x00020200;
	((uint32_t *)(void *)buf)[2] = 0x00000003;
}

static inline uint64_t limit_read(const char *buf)
{
	return *(const volatile uint64_t *)(const void *)(buf + 16);
}

#endif
