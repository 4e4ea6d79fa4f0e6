/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two programs of the kernel module's: one hands over batches as fast as they
 * are taken, the other gives back what came, both in poll() when there is
 * nothing to do. The frames stand in the buffers from the start, as a packet
 * generator's do: what is measured is the way between the rings.
 *
 *	bench_netmap FROM TO LENGTH BATCH SECONDS [CPU CPU]
 *
 * FROM and TO are what ptnet_open() takes ("vale0:a", "netmap:p{1",
 * "netmap:veth0"). Prints the frames a second that arrived and those that were
 * sent, in Mpps: medians of windows of a fifth of a second. A switch drops what
 * the receiver has no room for; a pipe and a device make the sender wait. The
 * first and the last frame of each batch that arrives are looked into.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "limit.h"
#include "port/ptnet.h"

enum {
	WINDOW_MS = 200,
	SECONDS_MAX = 60,
	SETTLE_MS = 300,
	START_MS = 20000,
	FRAME_MAX = 2048,
};

struct end {
	const char *name;
	uint32_t len;
	uint32_t batch; /* 0: it receives */
	int cpu; /* -1: where the scheduler wants it */
};

/* In memory of all, each on a cache line of its writer. */
struct counts {
	_Atomic uint64_t sent __attribute__((aligned(64)));
	_Atomic uint64_t arrived __attribute__((aligned(64)));
	_Atomic uint64_t open __attribute__((aligned(64))); /* receivers */
};

static struct counts *counts;

static void fail(const char *what, int err)
{
	fprintf(stderr, "bench_netmap: %s: %s\n", what, strerror(err));
	exit(1);
}

/* There is one writer. */
static void count(_Atomic uint64_t *n, uint32_t more)
{
	uint64_t was = atomic_load_explicit(n, memory_order_relaxed);

	atomic_store_explicit(n, was + more, memory_order_relaxed);
}

static void wait_for(struct ptnet_port *p, int what)
{
	int ready = ptnet_wait(p, what, -1);

	if (ready < 0 && ready != -EINTR)
		fail("wait", -ready);
}

/* A frame in every buffer, also in those that come by swapping. */
static void fill(struct netmap_ring *r, uint32_t len)
{
	for (uint32_t i = 0; i < r->num_slots; i++)
		limit_write(ptnet_buf(r, r->slot[i].buf_idx), len, i);
}

static void send_all(struct ptnet_port *p, const struct end *e)
{
	struct netmap_ring *r = ptnet_tx_ring(p, 0);

	fill(r, e->len);
	for (;;) {
		uint32_t n = ptnet_space(r), at = r->head;

		if (!n) {
			wait_for(p, PTNET_TX);
			continue;
		}
		n = n < e->batch ? n : e->batch;
		for (uint32_t i = 0; i < n; i++) {
			r->slot[at].len = (uint16_t)e->len;
			r->slot[at].flags = 0;
			at = ptnet_next(r, at);
		}
		r->head = r->cur = at;
		ptnet_sync_tx(p, 0);
		count(&counts->sent, n);
	}
}

/* It is one of those that fill() wrote, and as long. */
static void check(struct netmap_ring *r, uint32_t at, uint32_t len)
{
	char sample[FRAME_MAX];
	const char *frame = ptnet_buf(r, r->slot[at].buf_idx);

	limit_write(sample, len, (unsigned char)frame[12]);
	if (r->slot[at].len != len || memcmp(frame, sample, len) != 0)
		fail("a frame that nobody sent", EBADMSG);
}

static void receive_all(struct ptnet_port *p, uint32_t len)
{
	struct netmap_ring *r = ptnet_rx_ring(p, 0);

	fill(r, len);
	count(&counts->open, 1);
	for (;;) {
		uint32_t n;

		wait_for(p, PTNET_RX);
		n = ptnet_space(r);
		n = ptnet_space(r);
		if (!n)
			continue;
		check(r, r->head, len);
		check(r, r->tail ? r->tail - 1 : r->num_slots - 1, len);
		count(&counts->arrived, n);
		r->head = r->cur = r->tail;
	}
}

static pid_t start(const struct end *e)
{
	struct ptnet_port *p;
	pid_t pid = fork();
	int err;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (e->cpu >= 0)
		bench_pin(e->cpu);
	err = ptnet_open(&p, e->name, NULL);
	if (err)
		fail(e->name, -err);
	if (e->batch)
		send_all(p, e);
	receive_all(p, e->len);
	exit(1);
}

static void check_children(void)
{
	if (waitpid(-1, NULL, WNOHANG))
		fail("a program ended before its time", ECHILD);
}

/* It is more than 0: how long programs take to start is not measured. */
static void wait_until(const _Atomic uint64_t *n)
{
	for (int i = 0; !atomic_load(n); i++) {
		if (i == START_MS)
			fail("nothing came", ETIMEDOUT);
		check_children();
		usleep(1000);
	}
}

/* Two series at once: what each writer's count grew by in a window. */
static void measure(int seconds)
{
	static double sent[SECONDS_MAX * 1000 / WINDOW_MS];
	static double arrived[SECONDS_MAX * 1000 / WINDOW_MS];
	const int n = seconds * 1000 / WINDOW_MS;

	for (int i = 0; i < n; i++) {
		const uint64_t s = atomic_load(&counts->sent);
		const uint64_t a = atomic_load(&counts->arrived);
		const double from = bench_now();
		double us;

		usleep(WINDOW_MS * 1000);
		us = (bench_now() - from) * 1e6;
		sent[i] = (double)(atomic_load(&counts->sent) - s) / us;
		arrived[i] = (double)(atomic_load(&counts->arrived) - a) / us;
	}
	printf("%.4f %.4f\n", bench_median(arrived, n), bench_median(sent, n));
}

static int usage(void)
{
	fprintf(stderr, "usage: bench_netmap FROM TO LENGTH BATCH SECONDS "
			"[CPU CPU]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct end from = {.cpu = -1}, to = {.cpu = -1};
	pid_t reader, sender;
	int seconds;

	if (argc != 6 && argc != 8)
		return usage();
	from.name = argv[1];
	to.name = argv[2];
	from.len = to.len = (uint32_t)atoi(argv[3]);
	from.batch = (uint32_t)atoi(argv[4]);
	seconds = atoi(argv[5]);
	if (argc == 8) {
		from.cpu = atoi(argv[6]);
		to.cpu = atoi(argv[7]);
	}
	if (from.len < 60 || from.len > 1514 || !from.batch || seconds < 1 ||
	    seconds > SECONDS_MAX)
		return usage();
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		fail("memory", errno);
	reader = start(&to);
	wait_until(&counts->open);
	sender = start(&from);
	wait_until(&counts->arrived);
	usleep(SETTLE_MS * 1000);
	measure(seconds);
	check_children();
	kill(sender, SIGKILL);
	kill(reader, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
