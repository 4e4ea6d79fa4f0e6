/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes that each have a port: one sends what it can, the other reads
 * all that comes; both sleep when there is nothing to do. With AF_PACKET the
 * sender keeps a window of frames in flight, so that no switch is flooded
 * (overload costs some most of what they can do); a ring is such a window.
 *
 *	bench_packet packet IFNAME IFNAME LENGTH SECONDS	AF_PACKET
 *	bench_packet ptnet SOCKET SOCKET LENGTH SECONDS	libptnet
 *
 * Prints the frames a second that arrived, in Mpps: the median of windows of
 * a fifth of a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "limit.h"
#include "port/ptnet.h"

enum {
	BATCH = 64,
	WINDOW = 512,
	FRAME_MAX = 2048,
	WINDOW_MS = 200,
	START_MS = 20000,
	SECONDS_MAX = 60
};

/* What the reader has seen; in memory of both. */
struct seen {
	_Atomic uint64_t frames;
	uint64_t sum;
};

/* Wait for room in the window; what does not come within a while is lost. */
static void pace(const struct seen *seen, uint64_t *sent)
{
	uint64_t is = atomic_load_explicit(&seen->frames, memory_order_relaxed);

	for (int i = 0; *sent - is + BATCH > WINDOW && i < 50; i++) {
		usleep(20);
		is = atomic_load_explicit(&seen->frames, memory_order_relaxed);
	}
	if (*sent - is + BATCH > WINDOW)
		*sent = is;
	*sent += BATCH;
}

static void fail(const char *what, int err)
{
	fprintf(stderr, "bench_packet: %s: %s\n", what, strerror(err));
	exit(1);
}

/* AF_PACKET, a batch a system call. */

struct batch {
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	char data[BATCH][FRAME_MAX];
};

static struct batch *batch_new(uint32_t len)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		fail("memory", ENOMEM);
	for (int i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){b->data[i], len};
		b->m[i].msg_hdr.msg_iov = &b->iov[i];
		b->m[i].msg_hdr.msg_iovlen = 1;
	}
	return b;
}

static int packet_open(const char *name, uint16_t protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(protocol)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	const int one = 1, room = 8 << 20;

	at.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || !at.sll_ifindex || bind(fd, (void *)&at, sizeof(at)))
		fail(name, errno);
	if (protocol) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
			   sizeof(one));
	}
	return fd;
}

static void packet_send(const char *name, const struct seen *seen, uint32_t len)
{
	struct batch *b = batch_new(len);
	int fd = packet_open(name, 0);
	uint64_t sent = 0;

	for (uint64_t mark = 0;; mark++) {
		pace(seen, &sent);
		for (int i = 0; i < BATCH; i++)
			limit_write(b->data[i], len, mark);
		if (sendmmsg(fd, b->m, BATCH, 0) < 0 && errno != ENOBUFS)
			fail(name, errno);
	}
}

static void packet_receive(const char *name, struct seen *seen)
{
	struct batch *b = batch_new(FRAME_MAX);
	int fd = packet_open(name, ETH_P_ALL);

	for (;;) {
		int n = recvmmsg(fd, b->m, BATCH, MSG_WAITFORONE, NULL);

		if (n < 0)
			fail(name, errno);
		for (int i = 0; i < n; i++)
			seen->sum += limit_read(b->data[i]);
		atomic_fetch_add_explicit(&seen->frames, (uint64_t)n,
					  memory_order_relaxed);
	}
}

/* libptnet */

static struct ptnet_port *port_open(const char *path)
{
	struct ptnet_port *p;
	int err = ptnet_open(&p, path, NULL);

	if (err)
		fail(path, -err);
	return p;
}

static void port_wait(struct ptnet_port *p, int what)
{
	int ready = ptnet_wait(p, what, -1);

	if (ready < 0 && ready != -EINTR)
		fail("wait", -ready);
}

static void port_send(const char *path, uint32_t len)
{
	struct ptnet_port *p = port_open(path);
	struct netmap_ring *r = ptnet_tx_ring(p, 0);

	for (uint64_t mark = 0;; mark++) {
		uint32_t n = ptnet_space(r);

		if (!n) {
			port_wait(p, PTNET_TX);
			continue;
		}
		for (n = n < BATCH ? n : BATCH; n; n--) {
			struct netmap_slot *slot = &r->slot[r->head];

			limit_write(ptnet_buf(r, slot->buf_idx), len, mark);
			slot->len = (uint16_t)len;
			slot->flags = 0;
			r->head = r->cur = ptnet_next(r, r->head);
		}
		ptnet_sync_tx(p, 0);
	}
}

static void port_receive(const char *path, struct seen *seen)
{
	struct ptnet_port *p = port_open(path);
	struct netmap_ring *r = ptnet_rx_ring(p, 0);

	for (;;) {
		uint32_t n = ptnet_space(r);

		if (!n) {
			port_wait(p, PTNET_RX);
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			seen->sum += limit_read(
				ptnet_buf(r, r->slot[r->head].buf_idx));
			r->head = r->cur = ptnet_next(r, r->head);
		}
		atomic_fetch_add_explicit(&seen->frames, n,
					  memory_order_relaxed);
		ptnet_sync_rx(p, 0);
	}
}

/* A child that ends with us; it reads when @len is 0. */
static pid_t start(bool ptnet, const char *at, struct seen *seen, uint32_t len)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	if (ptnet && len)
		port_send(at, len);
	else if (ptnet)
		port_receive(at, seen);
	else if (len)
		packet_send(at, seen, len);
	else
		packet_receive(at, seen);
	exit(1);
}

/* How long programs take to start is not measured. */
static void wait_for_frames(const struct seen *seen)
{
	for (int i = 0; !atomic_load(&seen->frames); i++) {
		if (i == START_MS || waitpid(-1, NULL, WNOHANG))
			fail("nothing came", ETIMEDOUT);
		usleep(1000);
	}
}

static double measure(const struct seen *seen, int seconds)
{
	static double windows[SECONDS_MAX * 1000 / WINDOW_MS];
	const int n = seconds * 1000 / WINDOW_MS;
	double from = bench_now();
	uint64_t was = atomic_load(&seen->frames);

	for (int i = 0; i < n; i++) {
		uint64_t is;
		double now;

		usleep(WINDOW_MS * 1000);
		is = atomic_load(&seen->frames);
		now = bench_now();
		windows[i] = (double)(is - was) / (now - from) / 1e6;
		was = is;
		from = now;
	}
	return bench_median(windows, n);
}

int main(int argc, char **argv)
{
	const bool ptnet = argc > 1 && strcmp(argv[1], "ptnet") == 0;
	const int len = argc > 5 ? atoi(argv[4]) : 0;
	const int seconds = argc > 5 ? atoi(argv[5]) : 0;
	struct seen *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t reader, sender;

	if (len < 60 || len > 1514 || seconds < 1 || seconds > SECONDS_MAX ||
	    seen == MAP_FAILED) {
		fprintf(stderr,
			"usage: bench_packet packet|ptnet FROM TO LENGTH SECONDS\n");
		return 2;
	}
	reader = start(ptnet, argv[3], seen, 0);
	usleep(200000); /* it is there before the first frame */
	sender = start(ptnet, argv[2], seen, (uint32_t)len);
	wait_for_frames(seen);
	usleep(300000);
	printf("%.4f\n", measure(seen, seconds));
	kill(sender, SIGKILL);
	kill(reader, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
