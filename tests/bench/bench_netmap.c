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
 *"netmap:veth0"). Prints the frames a second that arrived, in Mpps: the median
 *of windows of a fifth of a second.
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

enum { WINDOW_MS = 200, SECONDS_MAX = 60, SETTLE_MS = 300 };

struct end {
	const char *name;
	uint32_t len; /* 0: it receives */
	uint32_t batch;
	int cpu; /* -1: where the scheduler wants it */
};

static _Atomic uint64_t *arrived; /* in memory of all */

static void fail(const char *what, int err)
{
	fprintf(stderr, "bench_netmap: %s: %s\n", what, strerror(err));
	exit(1);
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
		for (n = n < e->batch ? n : e->batch; n; n--) {
			r->slot[at].len = (uint16_t)e->len;
			r->slot[at].flags = 0;
			at = ptnet_next(r, at);
		}
		r->head = r->cur = at;
		ptnet_sync_tx(p, 0);
	}
}

static void receive_all(struct ptnet_port *p)
{
	struct netmap_ring *r = ptnet_rx_ring(p, 0);

	for (uint32_t i = 0; i < r->num_slots; i++)
		limit_write(ptnet_buf(r, r->slot[i].buf_idx), 60, i);
	for (;;) {
		wait_for(p, PTNET_RX);
		atomic_fetch_add_explicit(arrived, ptnet_space(r),
					  memory_order_relaxed);
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
	if (e->len)
		send_all(p, e);
	receive_all(p);
	exit(1);
}

static double measure(int seconds)
{
	static double windows[SECONDS_MAX * 1000 / WINDOW_MS];
	const int n = seconds * 1000 / WINDOW_MS;
	double from = bench_now();
	uint64_t was = atomic_load(arrived);

	for (int i = 0; i < n; i++) {
		uint64_t is;
		double now;

		usleep(WINDOW_MS * 1000);
		is = atomic_load(arrived);
		now = bench_now();
		windows[i] = (double)(is - was) / (now - from) / 1e6;
		was = is;
		from = now;
	}
	return bench_median(windows, n);
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
	from.len = (uint32_t)atoi(argv[3]);
	from.batch = (uint32_t)atoi(argv[4]);
	seconds = atoi(argv[5]);
	if (argc == 8) {
		from.cpu = atoi(argv[6]);
		to.cpu = atoi(argv[7]);
	}
	if (from.len < 60 || from.len > 1514 || !from.batch || seconds < 1 ||
	    seconds > SECONDS_MAX)
		return usage();
	arrived = mmap(NULL, sizeof(*arrived), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (arrived == MAP_FAILED)
		fail("memory", errno);
	reader = start(&to);
	usleep(SETTLE_MS * 1000);
	sender = start(&from);
	usleep(SETTLE_MS * 1000);
	printf("%.4f\n", measure(seconds));
	kill(sender, SIGKILL);
	kill(reader, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
