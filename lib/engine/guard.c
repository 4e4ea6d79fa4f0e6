/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct guarded {
	uintptr_t base; /* 0: free; written last, read first */
	size_t bytes, page;
	bool hit;
};

static struct guarded guarded[GUARDS_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct guarded *find(uintptr_t at)
{
	for (int i = 0; i < GUARDS_MAX; i++) {
		struct guarded *g = &guarded[i];
		const uintptr_t base =
			__atomic_load_n(&g->base, __ATOMIC_ACQUIRE);

		if (base && at >= base && at - base < g->bytes)
			return g;
	}
	return NULL;
}

static void patch(struct guarded *g, uintptr_t at)
{
	void *page = (void *)(at - (at - g->base) % g->page);

	if (mmap(page, g->page, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0) == MAP_FAILED)
		signal(SIGBUS, SIG_DFL);
	__atomic_store_n(&g->hit, true, __ATOMIC_RELEASE);
}

/* Any other SIGBUS ends the program: the access is tried again. */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
	const int err = errno;
	struct guarded *g = find((uintptr_t)info->si_addr);

	(void)number;
	(void)context;
	if (g)
		patch(g, (uintptr_t)info->si_addr);
	else
		signal(SIGBUS, SIG_DFL);
	errno = err;
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = on_sigbus,
				   .sa_flags = SA_SIGINFO};

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

int guard_add(void *base, size_t bytes, size_t page)
{
	pthread_once(&once, install);
	for (int i = 0; i < GUARDS_MAX; i++) {
		struct guarded *g = &guarded[i];

		if (__atomic_load_n(&g->base, __ATOMIC_RELAXED))
			continue;
		g->bytes = bytes;
		g->page = page;
		__atomic_store_n(&g->hit, false, __ATOMIC_RELAXED);
		__atomic_store_n(&g->base, (uintptr_t)base, __ATOMIC_RELEASE);
		return 0;
	}
	return -ENOSPC;
}

void guard_remove(void *base)
{
	struct guarded *g = base ? find((uintptr_t)base) : NULL;

	if (g)
		__atomic_store_n(&g->base, 0, __ATOMIC_RELEASE);
}

bool guard_hit(const void *base)
{
	const struct guarded *g = find((uintptr_t)base);

	return g && __atomic_load_n(&g->hit, __ATOMIC_ACQUIRE);
}
