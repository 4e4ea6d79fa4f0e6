/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet.h"

enum {
	ETH_P_EVERY = 3,
	RX_BYTES = 1 << 22,
	SRC_MAC = 6,
	NONE = -1,
};

int wire_namespace(void)
{
	return unshare(CLONE_NEWNET);
}

void wire_run(const char *format, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (system(command)) /* NOLINT(cert-env33-c): a test's own words */
		fail_msg("%s", command);
}

static void quiet(const char *device)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
		 device);
	f = fopen(path, "we");
	if (!f)
		return; /* a kernel without IPv6 */
	fputs("1", f);
	fclose(f);
}

void wire_wait(const char *device, const char *far)
{
	wire_run(
		"for i in $(seq 1000); do"
		"	[ $(ip link show | grep -cE ' (%s|%s)@.*state UP') = 2 ]"
		"		&& exit;"
		"	sleep 0.01;"
		"done; exit 1",
		device, far);
}

void wire_make(const char *device, const char *far)
{
	wire_run("ip link add %s type veth peer name %s", device, far);
	quiet(device);
	quiet(far);
	wire_run("ip link set %s up; ip link set %s up", device, far);
	wire_wait(device, far);
}

void wire_remove(const char *device)
{
	if (if_nametoindex(device))
		wire_run("ip link del %s", device);
}

int wire_promiscuity(const char *device)
{
	char command[96];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command),
		 "ip -d link show %s | grep -o 'promiscuity [0-9]*'", device);
	f = popen(command, "re"); /* NOLINT(cert-env33-c) */
	assert_non_null(f);
	assert_int_equal(fscanf(f, "promiscuity %d", &n), 1);
	pclose(f);
	return n;
}

int wire_open(const char *far, bool headers)
{
	const struct timeval patience = {WIRE_PATIENCE_MS / 1000, 0};
	const struct sockaddr_ll a = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_EVERY),
				      .sll_ifindex = (int)if_nametoindex(far)};
	const int bytes = RX_BYTES, one = 1, wanted = headers;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_EVERY));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &wanted,
				    sizeof(wanted)),
			 0);
	return fd;
}

void wire_send(int fd, const uint8_t *frame, uint32_t len)
{
	assert_int_equal(send(fd, frame, len, 0), len);
}

static ssize_t put_tag(uint8_t *frame, ssize_t n,
		       const struct tpacket_auxdata *aux)
{
	memmove(frame + 16, frame + 12, (size_t)n - 12);
	frame[12] = (uint8_t)(aux->tp_vlan_tpid >> 8);
	frame[13] = (uint8_t)aux->tp_vlan_tpid;
	frame[14] = (uint8_t)(aux->tp_vlan_tci >> 8);
	frame[15] = (uint8_t)aux->tp_vlan_tci;
	return n + 4;
}

/* Another's, not what the socket itself has sent. */
static ssize_t receive(int fd, uint8_t *frame, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {frame, PACKET_MAX};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &m, flags);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	struct tpacket_auxdata aux = {0};

	if (c && c->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	return aux.tp_status & TP_STATUS_VLAN_VALID ? put_tag(frame, n, &aux)
						    : n;
}

static ssize_t next_of(int fd, uint64_t from, uint8_t *frame, int flags)
{
	ssize_t n;

	do {
		n = receive(fd, frame, flags);
		if (n < 0)
			return NONE;
	} while (memcmp(frame + SRC_MAC, &from, SRC_MAC) != 0);
	return n;
}

uint32_t wire_take(int fd, uint64_t from, uint8_t *frame)
{
	const ssize_t n = next_of(fd, from, frame, 0);

	if (n < 0)
		fail_msg("no frame on the wire");
	return (uint32_t)n;
}

void wire_take_all(int fd, const struct packet *shortest, uint32_t n)
{
	static uint8_t got[PACKET_MAX], due[PACKET_MAX];
	const uint32_t least = packet_write(shortest, due);
	bool seen[WIRE_LENGTHS] = {false};

	while (n--) {
		const uint32_t len = wire_take(fd, shortest->src, got);
		struct packet p = *shortest;

		assert_in_range(len, least, least + WIRE_LENGTHS - 1);
		p.payload += len - least;
		p.seed += len - least;
		assert_int_equal(packet_write(&p, due), len);
		assert_memory_equal(got, due, len);
		assert_false(seen[len - least]);
		seen[len - least] = true;
	}
}

bool wire_is_silent(int fd, uint64_t from)
{
	static uint8_t frame[PACKET_MAX];

	return next_of(fd, from, frame, MSG_DONTWAIT) < 0;
}
