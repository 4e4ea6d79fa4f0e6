// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The trace in a kernel thread, when the module is loaded; loading fails then
 * on purpose, so that nothing stays. The log has lines "ptnbench: KIND LENGTH
 * BATCH FRAMES NANOSECONDS" of the median window.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sort.h>

#include "trace.h"

enum { FRAMES = 256 * 4000, WINDOWS = 5 };

static DECLARE_COMPLETION(done);
static int result;

void ptn_log(int level, const char *format, ...)
{
}

static int by_value(const void *a, const void *b)
{
	const u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int measure(bool pipe, u32 len, u32 batch)
{
	struct trace *t = trace_new(pipe, len);
	u64 ns[WINDOWS + 1];

	if (!t)
		return -ENOMEM;
	for (int i = 0; i <= WINDOWS; i++) {
		const u64 from = ktime_get_ns();

		if (trace_run(t, FRAMES, batch) != FRAMES)
			result = -EIO;
		ns[i] = ktime_get_ns() - from;
		cond_resched();
	}
	sort(ns + 1, WINDOWS, sizeof(*ns), by_value, NULL);
	pr_info("%s %u %u %u %llu\n", pipe ? "pipe" : "vale", len, batch,
		FRAMES, ns[1 + WINDOWS / 2]);
	trace_free(t);
	return result;
}

static int run(void *arg)
{
	result = measure(false, 60, 256);
	if (!result)
		result = measure(true, 60, 256);
	if (!result)
		result = measure(false, 1514, 256);
	complete(&done);
	return 0;
}

static int __init bench_init(void)
{
	struct task_struct *thread = kthread_run(run, NULL, "ptnbench");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wait_for_completion(&done);
	return result ?: -ECANCELED;
}

module_init(bench_init);
MODULE_DESCRIPTION("measures ptnet's data path");
MODULE_LICENSE("Dual BSD/GPL");
