/* SPDX-License-Identifier: BSD-2-Clause */
#include "limit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const uint64_t MASK = 0xffffffffffffULL;

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

enum {
	SLOT_BYTES = LIMIT_SLOTS * sizeof(struct netmap_slot),
	BUF_BYTES = 2 * LIMIT_SLOTS * LIMIT_BUF,
};

struct limit *limit_new(void)
{
	struct limit *l = map(sizeof(*l));

	l->tx = map(SLOT_BYTES);
	l->rx = map(SLOT_BYTES);
	l->bufs = map(BUF_BYTES);
	memset(l->bufs, 1, BUF_BYTES);
	for (uint32_t i = 0; i < LIMIT_SLOTS; i++) {
		l->tx[i].buf_idx = i;
		l->rx[i].buf_idx = LIMIT_SLOTS + i;
	}
	return l;
}

void limit_free(struct limit *l)
{
	munmap(l->tx, SLOT_BYTES);
	munmap(l->rx, SLOT_BYTES);
	munmap(l->bufs, BUF_BYTES);
	munmap(l, sizeof(*l));
}

static char *buf(struct limit *l, const struct netmap_slot *s)
{
	return l->bufs + (size_t)s->buf_idx * LIMIT_BUF;
}

static uint64_t hash(uint64_t mac)
{
	return mac * 0x9e3779b97f4a7c15ULL >> 51;
}

static uint64_t load_mac(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word & MASK;
}

void limit_produce(struct limit *l, uint32_t at, uint32_t n, uint32_t len)
{
	for (uint32_t i = 0; i < n; i++) {
		struct netmap_slot *s = &l->tx[(at + i) % LIMIT_SLOTS];

		limit_write(buf(l, s), len, at + i);
		s->len = (uint16_t)len;
		s->flags = 0;
	}
}

void limit_consume(struct limit *l, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		l->sum += limit_read(buf(l, &l->rx[(at + i) % LIMIT_SLOTS]));
}

static void copy_switch(struct limit *l, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct netmap_slot *s = &l->tx[(at + i) % LIMIT_SLOTS];
		struct netmap_slot *d = &l->rx[(at + i) % LIMIT_SLOTS];
		const char *from = buf(l, s);
		const uint64_t src = load_mac(from + 6);

		l->table[hash(src)] = src;
		if (l->table[hash(load_mac(from))] == MASK)
			continue;
		memcpy(buf(l, d), from, s->len);
		d->len = s->len;
	}
}

static void swap_pipe(struct limit *l, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct netmap_slot *s = &l->tx[(at + i) % LIMIT_SLOTS];
		struct netmap_slot *d = &l->rx[(at + i) % LIMIT_SLOTS];
		const uint32_t idx = d->buf_idx;

		d->buf_idx = s->buf_idx;
		d->len = s->len;
		s->buf_idx = idx;
	}
}

void limit_move(struct limit *l, bool pipe, uint32_t at, uint32_t n)
{
	(pipe ? swap_pipe : copy_switch)(l, at, n);
}

void limit_vale(struct limit *l, uint64_t frames, uint32_t batch, uint32_t len)
{
	for (uint64_t at = 0; at < frames; at += batch) {
		limit_produce(l, (uint32_t)at, batch, len);
		copy_switch(l, (uint32_t)at, batch);
		limit_consume(l, (uint32_t)at, batch);
	}
}

void limit_pipe(struct limit *l, uint64_t frames, uint32_t batch, uint32_t len)
{
	for (uint64_t at = 0; at < frames; at += batch) {
		limit_produce(l, (uint32_t)at, batch, len);
		swap_pipe(l, (uint32_t)at, batch);
		limit_consume(l, (uint32_t)at, batch);
	}
}
