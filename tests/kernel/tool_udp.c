// SPDX-License-Identifier: BSD-2-Clause
/*
 * UDP in large packets, for guests: who sends gives the stack many datagrams at
 * once (UDP_SEGMENT), who receives looks at each, and says so after each lot.
 *
 *	tool_udp serve PORT LOTS
 *	tool_udp send ADDRESS PORT LOTS
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { SIZE = 1001, LOT = 30, LAST = 77, SEGMENT = 103, PATIENCE_S = 20 };

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* Datagram @i of a lot; the last one is shorter. */
static size_t size_of(unsigned i)
{
	return i + 1 < LOT ? SIZE : LAST;
}

static char byte_of(unsigned lot, unsigned i, size_t at)
{
	return (char)(lot * 31 + i * 7 + at);
}

static int open_socket(void)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
	return fd;
}

static int receive_one(int fd, unsigned lot, unsigned i,
		       struct sockaddr_in6 *from)
{
	static char got[65536];
	socklen_t len = sizeof(*from);
	ssize_t n = recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)from,
			     &len);

	if (n < 0)
		return fail("recvfrom");
	for (size_t at = 0; at < size_of(i); at++)
		if ((size_t)n != size_of(i) || got[at] != byte_of(lot, i, at)) {
			fprintf(stderr, "lot %u, datagram %u: %zd bytes\n", lot,
				i, n);
			return 1;
		}
	return 0;
}

static int serve(uint16_t port, unsigned lots)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6,
				 .sin6_port = htons(port)};
	int fd = open_socket();

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return fail("bind");
	puts("ready");
	fflush(stdout);
	for (unsigned lot = 0; lot < lots; lot++) {
		for (unsigned i = 0; i < LOT; i++)
			if (receive_one(fd, lot, i, &a))
				return 1;
		if (sendto(fd, "", 1, 0, (struct sockaddr *)&a, sizeof(a)) < 0)
			return fail("sendto");
	}
	return 0;
}

static int send_lot(int fd, unsigned lot)
{
	static char data[LOT * SIZE];
	size_t len = 0;

	for (unsigned i = 0; i < LOT; i++)
		for (size_t at = 0; at < size_of(i); at++)
			data[len++] = byte_of(lot, i, at);
	if (send(fd, data, len, 0) != (ssize_t)len)
		return fail("send");
	if (recv(fd, data, 1, 0) != 1)
		return fail("recv");
	return 0;
}

static int send_all(const char *address, uint16_t port, unsigned lots)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6,
				 .sin6_port = htons(port)};
	const int size = SIZE;
	int fd = open_socket();

	if (fd < 0 || inet_pton(AF_INET6, address, &a.sin6_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    setsockopt(fd, IPPROTO_UDP, SEGMENT, &size, sizeof(size)))
		return fail("connect");
	for (unsigned lot = 0; lot < lots; lot++)
		if (send_lot(fd, lot))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve((uint16_t)atoi(argv[2]), (unsigned)atoi(argv[3]));
	if (argc == 5 && strcmp(argv[1], "send") == 0)
		return send_all(argv[2], (uint16_t)atoi(argv[3]),
				(unsigned)atoi(argv[4]));
	fprintf(stderr, "usage: tool_udp serve PORT LOTS\n"
			"       tool_udp send ADDRESS PORT LOTS\n");
	return 2;
}
