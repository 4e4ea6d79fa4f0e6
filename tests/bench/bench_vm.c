/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of a measurement between two guests; tests/bench/vm runs it in both.
 *
 *	bench_vm netmap|raw send|receive|ping|pong DEVICE PEER SECONDS
 *	bench_vm tcp send ADDRESS SECONDS | tcp receive - SECONDS
 *
 * netmap: a program of /dev/netmap; raw: AF_PACKET past the queueing
 * discipline, in batches by sendmmsg() and recvmmsg(). PEER is an Ethernet
 * address. Who receives tells the switch or bridge first where it is. Prints
 * one number: frames a second, the microseconds of a round trip, Mbit/s.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kernel/abi.h"

enum {
	LEN = 60,
	BATCH = 256,
	TYPE = 0x88b5,
	PATIENCE_MS = 30 * 1000, /* for the other end's first frame */
	SILENCE_MS = 1000, /* it has ended */
	TCP_PORT = 7001,
	CHUNK = 65536,
};

static char frame[LEN];
static unsigned seconds;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool well, const char *what)
{
	if (well)
		return;
	perror(what);
	exit(1);
}

static void make_frame(const char *device, const char *peer)
{
	struct ifreq ifr = {0};
	unsigned b[6];
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(sscanf(peer, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3],
		    &b[4], &b[5]) == 6,
	     peer);
	for (int i = 0; i < 6; i++)
		frame[i] = (char)b[i];
	strncpy(ifr.ifr_name, device, IFNAMSIZ - 1);
	must(!ioctl(fd, SIOCGIFHWADDR, &ifr), device);
	memcpy(frame + 6, ifr.ifr_hwaddr.sa_data, 6);
	frame[12] = (char)(TYPE >> 8);
	frame[13] = (char)(TYPE & 0xff);
	close(fd);
}

/* A way to move frames. */
struct way {
	void (*open)(const char *device);
	void (*wait)(short events, int ms); /* until it is worth a try */
	unsigned (*send)(unsigned n); /* up to that many; how many */
	unsigned (*receive)(void);
};

/* netmap */

static struct abi_port port;

static void netmap_open(const char *device)
{
	abi_open(&port, device);
	for (uint32_t i = 0; i < abi_tx(&port, 0)->num_slots; i++) {
		struct netmap_ring *r = abi_tx(&port, 0);

		memcpy(abi_buf(r, r->slot[i].buf_idx), frame, LEN);
		r->slot[i].len = LEN;
	}
}

static void netmap_wait(short events, int ms)
{
	abi_poll(&port, events, ms);
}

static unsigned netmap_send(unsigned n)
{
	struct netmap_ring *r = abi_tx(&port, 0);
	const uint32_t space = abi_space(r);
	const unsigned some = n < space ? n : space;

	r->head = r->cur = (r->head + some) % r->num_slots;
	abi_txsync(&port);
	return some;
}

static unsigned netmap_receive(void)
{
	unsigned n = 0;

	for (unsigned q = 0; q < port.nifp->ni_rx_rings; q++) {
		struct netmap_ring *r = abi_rx(&port, q);

		n += abi_space(r);
		r->head = r->cur = r->tail;
	}
	return n;
}

/* AF_PACKET */

static int sock;

static void raw_open(const char *device)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(TYPE),
		.sll_ifindex = (int)if_nametoindex(device),
	};
	const int on = 1, room = 8 << 20;

	sock = socket(AF_PACKET, SOCK_RAW, htons(TYPE));
	must(sock >= 0 && !bind(sock, (void *)&at, sizeof(at)), device);
	setsockopt(sock, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
}

static void raw_wait(short events, int ms)
{
	struct pollfd p = {.fd = sock, .events = events};

	poll(&p, 1, ms);
}

/* Who is refused for want of room tries again. */
static unsigned raw_send(unsigned n)
{
	struct iovec iov = {frame, LEN};
	struct mmsghdr m[BATCH];
	int sent;

	for (unsigned i = 0; i < n; i++)
		m[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
	sent = sendmmsg(sock, m, n, 0);
	must(sent >= 0 || errno == ENOBUFS || errno == EAGAIN, "sendmmsg");
	return sent > 0 ? (unsigned)sent : 0;
}

static unsigned raw_receive(void)
{
	static char data[BATCH][LEN];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	int got;

	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){data[i], LEN};
		m[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
	}
	got = recvmmsg(sock, m, BATCH, MSG_DONTWAIT, NULL);
	return got > 0 ? (unsigned)got : 0;
}

static const struct way ways[] = {
	{netmap_open, netmap_wait, netmap_send, netmap_receive},
	{raw_open, raw_wait, raw_send, raw_receive},
};

/* What is measured */

static void send_all(const struct way *w)
{
	const double end = now() + seconds;
	uint64_t n = 0;

	while (now() < end) {
		const unsigned sent = w->send(BATCH);

		n += sent;
		if (!sent)
			w->wait(POLLOUT, SILENCE_MS);
	}
	printf("%.0f\n", (double)n / seconds);
}

/* From the first frame to the last one. */
static void receive_all(const struct way *w)
{
	double begin, last;
	uint64_t n = 0;
	unsigned got;

	w->send(1);
	w->wait(POLLIN, PATIENCE_MS);
	begin = last = now();
	for (;;) {
		got = w->receive();
		if (got)
			last = now();
		else if (now() - last > SILENCE_MS / 1000.0)
			break;
		n += got;
		w->wait(POLLIN, SILENCE_MS);
	}
	must(n > 0 && last > begin, "no frames came");
	printf("%.0f\n", (double)n / (last - begin));
}

static bool hear(const struct way *w, int ms)
{
	const double end = now() + ms / 1000.0;

	do {
		w->wait(POLLIN, ms);
		if (w->receive())
			return true;
	} while (now() < end);
	return false;
}

static void ping(const struct way *w)
{
	double begin, end;
	uint64_t n = 0;
	int tries = 0;

	do {
		must(tries++ < 100, "no answer");
		w->send(1);
	} while (!hear(w, 300));
	hear(w, 500); /* answers to frames that were sent again */
	begin = now();
	do {
		while (!w->send(1))
			w->wait(POLLOUT, SILENCE_MS);
		must(hear(w, PATIENCE_MS), "a frame was lost");
		n++;
		end = now();
	} while (end < begin + seconds);
	printf("%.1f\n", (end - begin) * 1e6 / (double)n);
}

static void pong(const struct way *w)
{
	w->send(1);
	for (int ms = PATIENCE_MS; hear(w, ms); ms = 3 * SILENCE_MS)
		while (!w->send(1))
			w->wait(POLLOUT, SILENCE_MS);
}

static void tcp_send(const char *address)
{
	static char data[CHUNK];
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(TCP_PORT),
				 .sin_addr.s_addr = inet_addr(address)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	double end;
	int tries = 0;

	while (connect(fd, (void *)&to, sizeof(to))) {
		must(tries++ < 100, address);
		usleep(100 * 1000);
	}
	for (end = now() + seconds; now() < end;)
		must(write(fd, data, sizeof(data)) > 0, "write");
	close(fd);
}

static void tcp_receive(void)
{
	static char data[CHUNK];
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(TCP_PORT)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	double begin, bytes = 0;
	ssize_t got;
	int peer;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(!bind(fd, (void *)&at, sizeof(at)) && !listen(fd, 1), "listen");
	peer = accept(fd, NULL, NULL);
	begin = now();
	while ((got = read(peer, data, sizeof(data))) > 0)
		bytes += (double)got;
	printf("%.1f\n", bytes * 8 / 1e6 / (now() - begin));
}

static int usage(void)
{
	fputs("bench_vm netmap|raw|tcp send|receive|ping|pong "
	      "DEVICE|ADDRESS [PEER] SECONDS\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static void (*const what[])(
		const struct way *) = {send_all, receive_all, ping, pong};
	static const char *const names[] = {"send", "receive", "ping", "pong"};
	const struct way *w;

	if (argc < 5)
		return usage();
	seconds = (unsigned)strtoul(argv[argc - 1], NULL, 10);
	if (!strcmp(argv[1], "tcp")) {
		if (!strcmp(argv[2], "send"))
			tcp_send(argv[3]);
		else
			tcp_receive();
		return 0;
	}
	w = &ways[!strcmp(argv[1], "raw")];
	make_frame(argv[3], argv[4]);
	w->open(argv[3]);
	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(argv[2], names[i]))
			what[i](w);
	return 0;
}
