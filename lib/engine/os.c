/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's world in user space: grace periods, time, randomness, logging.
 */
#include "os/os.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/ptn_os_impl.h"

#include "base/log.h"

struct thread {
	u64 seen; /* epoch of the last quiescent state; 0: offline */
	struct thread *next;
	bool registered;
} __attribute__((aligned(64)));

static __thread struct thread self;
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread *threads; /* under threads_lock */
static u64 epoch = 1;

void os_quiescent(void)
{
	/* What this thread read before is done with before it says so. */
	ptn_store_release(self.seen, ptn_load_acquire(epoch));
}

void os_offline(void)
{
	ptn_store_release(self.seen, 0);
}

void os_online(void)
{
	/* Full barrier: the first read of this round comes after it shows. */
	__atomic_store_n(&self.seen, ptn_load_acquire(epoch), __ATOMIC_SEQ_CST);
	ptn_mb();
}

void os_thread_register(void)
{
	pthread_mutex_lock(&threads_lock);
	if (!self.registered) {
		self.registered = true;
		self.next = threads;
		threads = &self;
	}
	pthread_mutex_unlock(&threads_lock);
	os_online();
}

void os_thread_unregister(void)
{
	struct thread **at;

	os_offline();
	pthread_mutex_lock(&threads_lock);
	for (at = &threads; *at; at = &(*at)->next) {
		if (*at == &self) {
			*at = self.next;
			break;
		}
	}
	self.registered = false;
	pthread_mutex_unlock(&threads_lock);
}

static void wait_for(const struct thread *t, u64 target)
{
	const struct timespec pause = {.tv_nsec = 20000};

	for (;;) {
		u64 seen = ptn_load_acquire(t->seen);

		if (!seen || seen >= target)
			return;
		nanosleep(&pause, NULL);
	}
}

void ptn_rcu_synchronize(void)
{
	u64 target;

	pthread_mutex_lock(&threads_lock);
	target = __atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST);
	ptn_mb();
	for (const struct thread *t = threads; t; t = t->next)
		if (t != &self)
			wait_for(t, target);
	pthread_mutex_unlock(&threads_lock);
}

static bool heavy;

__attribute__((constructor)) static void find_heavy(void)
{
	const long can = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	heavy = can > 0 && can & MEMBARRIER_CMD_GLOBAL_EXPEDITED;
}

bool os_heavy(void)
{
	return heavy;
}

void ptn_mb_heavy(void)
{
	if (heavy)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
	ptn_mb();
}

u64 ptn_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

void ptn_random(void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		abort();
}

void ptn_log(int level, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_at(level, "%s", line);
}
