/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "os/ptn_os_impl.h"

int test_alloc_budget = -1;
u64 test_now_ms = 1000000;
void (*test_in_copy)(void);

u64 ptn_now_ms(void)
{
	return test_now_ms;
}

void ptn_random(void *buf, size_t len)
{
	memset(buf, 0x5a, len); /* the same hash in every run */
}

void ptn_log(int level, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "core log %d: ", level);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Tests of this world stop ports only while no other thread syncs. */
void ptn_rcu_synchronize(void)
{
}

void ptn_mb_heavy(void)
{
	ptn_mb();
}
