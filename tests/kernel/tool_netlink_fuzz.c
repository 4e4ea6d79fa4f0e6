/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who tells the control family nonsense, from several processes at once:
 * messages that are right, nearly right, or bytes; transactions that are left
 * open, dumps that nobody reads; and beside them programs that open, use and
 * close ports by the names that come and go. Now and then one is killed in
 * the middle of it.
 *
 *	tool_netlink_fuzz SECONDS [SEED]
 *
 * Leaves objects. What became of them, and of the kernel, is for who runs it
 * to see.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include <ptnet/control.h>
#include <ptnet/netmap.h>
#include <ptnet/request.h>

enum {
	TELLERS = 3,
	USERS = 2,
	PROCESSES = TELLERS + USERS,
	SOCKETS = 4,
	FILES = 4,
	TURN_MS = 250,
	BYTES = 16 * 1024,
};

static int family, group;

/* One of a few names, so that they meet; seldom something else. */
static const char *name(const char *prefix)
{
	static char text[100];

	if (fuzz_one_in(40))
		memset(text, 'x', fuzz_below(sizeof(text) - 1) + 1);
	else
		snprintf(text, sizeof(text), "%s%u", prefix, fuzz_below(4));
	return text;
}

/* Messages */

static char message[BYTES];
static size_t length;

static size_t put(uint16_t type, const void *data, size_t n)
{
	struct nlattr a = {(uint16_t)(sizeof(a) + n), type};
	size_t at = length;

	if (length + sizeof(a) + n + 3 > sizeof(message))
		return at;
	memset(message + length, 0, NLA_ALIGN(sizeof(a) + n));
	memcpy(message + length, &a, sizeof(a));
	if (n)
		memcpy(message + length + sizeof(a), data, n);
	length += NLA_ALIGN(sizeof(a) + n);
	return at;
}

static void put_text(uint16_t type, const char *text)
{
	put(type, text, strlen(text) + !fuzz_one_in(60));
}

static void put_number(uint16_t type, uint32_t usual)
{
	uint32_t n = fuzz_one_in(20) ? (uint32_t)fuzz_next() >> fuzz_below(32)
				     : usual;

	put(type, &n, fuzz_one_in(60) ? fuzz_below(9) : sizeof(n));
}

static void put_byte(uint16_t type, uint8_t usual)
{
	uint8_t n = fuzz_one_in(30) ? (uint8_t)fuzz_next() : usual;

	put(type, &n, sizeof(n));
}

static size_t open_nest(uint16_t type)
{
	return put(type | (fuzz_one_in(50) ? 0 : NLA_F_NESTED), NULL, 0);
}

static void close_nest(size_t at)
{
	uint16_t n = (uint16_t)(length - at);

	memcpy(message + at, &n, sizeof(n));
}

static void put_mac(uint16_t type)
{
	uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)fuzz_below(8)};

	put(type, mac, fuzz_one_in(60) ? fuzz_below(9) : sizeof(mac));
}

static void put_switch(void)
{
	put_text(PTN_SW_NAME, name("s"));
	put_text(PTN_SW_OWNER, "t");
	put_number(PTN_SW_AGEING_MS, fuzz_below(3) * 1000);
	put_number(PTN_SW_FDB_SIZE, 64u << fuzz_below(2));
	while (fuzz_one_in(3)) {
		size_t entry = open_nest(PTN_SW_STATIC);

		put_mac(PTN_FDB_MAC);
		put_text(PTN_FDB_PORT, name("a"));
		close_nest(entry);
	}
}

static void put_pipe(void)
{
	put_text(PTN_PI_NAME, name("p"));
	put_text(PTN_PI_OWNER, "t");
	put_text(PTN_PI_DOMAIN, name("d"));
}

static void put_place(void)
{
	const uint32_t where = fuzz_below(6);

	if (where < 3) {
		put_text(PTN_PO_SWITCH, name("s"));
	} else if (where < 5) {
		put_text(PTN_PO_PIPE, name("p"));
		put_byte(PTN_PO_END, (uint8_t)fuzz_below(2));
	} else {
		put_text(PTN_PO_NIC, name("veth"));
		if (fuzz_one_in(2))
			put_text(PTN_PO_SWITCH, name("s"));
		put_byte(PTN_PO_HOST_STACK, (uint8_t)fuzz_below(2));
	}
	put_number(PTN_PO_KIND, where < 5 ? PTN_PORT_HOST : PTN_PORT_NIC);
}

static void put_port(void)
{
	put_text(PTN_PO_NAME, name("a"));
	put_text(PTN_PO_OWNER, fuzz_one_in(2) ? "t" : "u");
	put_place();
	if (fuzz_one_in(3))
		put_text(PTN_PO_DOMAIN, name("d"));
	if (fuzz_one_in(2))
		put_mac(PTN_PO_MAC);
	put_number(PTN_PO_QUEUES, 1 + fuzz_below(2));
	put_number(PTN_PO_SLOTS, 64);
	put_number(PTN_PO_BUF_SIZE, 2048);
	put_number(PTN_PO_EXTRA_BUFS, fuzz_below(9));
}

static void put_object(uint16_t type)
{
	const size_t nest = open_nest(type);

	if (type == PTN_A_SWITCH)
		put_switch();
	else if (type == PTN_A_PIPE)
		put_pipe();
	else
		put_port();
	if (fuzz_one_in(40))
		put((uint16_t)fuzz_below(40), message, fuzz_below(64));
	close_nest(nest);
}

/* Begin and commit come often enough for whole transactions. */
static uint8_t command(void)
{
	static const uint8_t usual[] = {
		PTN_CMD_TXN_BEGIN,  PTN_CMD_TXN_COMMIT, PTN_CMD_TXN_ABORT,
		PTN_CMD_SWITCH_NEW, PTN_CMD_SWITCH_NEW, PTN_CMD_SWITCH_SET,
		PTN_CMD_SWITCH_DEL, PTN_CMD_PIPE_NEW,	PTN_CMD_PIPE_DEL,
		PTN_CMD_PORT_NEW,   PTN_CMD_PORT_NEW,	PTN_CMD_PORT_SET,
		PTN_CMD_PORT_DEL,   PTN_CMD_PORT_GET,	PTN_CMD_SWITCH_GET,
		PTN_CMD_PIPE_GET,   PTN_CMD_FDB_GET,	PTN_CMD_CENSUS_GET,
		PTN_CMD_INFO_GET};

	return fuzz_one_in(50) ? (uint8_t)fuzz_next()
			       : usual[fuzz_below(sizeof(usual))];
}

static void put_body(uint8_t cmd)
{
	const uint64_t revision = fuzz_next();

	if (cmd == PTN_CMD_TXN_BEGIN)
		put(PTN_A_REVISION, &revision, sizeof(revision));
	else if (cmd >= PTN_CMD_SWITCH_NEW && cmd <= PTN_CMD_SWITCH_GET)
		put_object(PTN_A_SWITCH);
	else if (cmd >= PTN_CMD_PIPE_NEW && cmd <= PTN_CMD_PIPE_GET)
		put_object(PTN_A_PIPE);
	else if (cmd >= PTN_CMD_PORT_NEW && cmd <= PTN_CMD_PORT_GET)
		put_object(PTN_A_PORT);
	else if (cmd == PTN_CMD_FDB_GET)
		put_object(PTN_A_SWITCH);
	if (fuzz_one_in(40))
		put((uint16_t)fuzz_below(20), message, fuzz_below(64));
}

static uint16_t flags(uint8_t cmd)
{
	const bool dumps = cmd == PTN_CMD_FDB_GET ||
			   cmd == PTN_CMD_SWITCH_GET ||
			   cmd == PTN_CMD_PIPE_GET || cmd == PTN_CMD_PORT_GET;

	if (fuzz_one_in(50))
		return (uint16_t)fuzz_next();
	return NLM_F_REQUEST | (fuzz_one_in(2) ? NLM_F_ACK : 0) |
	       (dumps && !fuzz_one_in(3) ? NLM_F_DUMP : 0);
}

/* One more, behind what is in the buffer already. */
static void compose(uint8_t cmd)
{
	const size_t at = length;
	struct nlmsghdr h = {.nlmsg_type = (uint16_t)family,
			     .nlmsg_flags = flags(cmd),
			     .nlmsg_seq = (uint32_t)fuzz_next()};
	const struct genlmsghdr g = {
		.cmd = cmd,
		.version = fuzz_one_in(60) ? 2 : PTN_FAMILY_VERSION};

	if (length + sizeof(h) + sizeof(g) > sizeof(message))
		return;
	length += sizeof(h);
	memcpy(message + length, &g, sizeof(g));
	length += sizeof(g);
	put_body(cmd);
	h.nlmsg_len = (uint32_t)(length - at);
	if (fuzz_one_in(60))
		h.nlmsg_len += fuzz_below(9) - 4;
	memcpy(message + at, &h, sizeof(h));
}

static void spoil(void)
{
	for (uint32_t n = 1 + fuzz_below(4); n; n--)
		message[NLMSG_HDRLEN +
			fuzz_below((uint32_t)length - NLMSG_HDRLEN)] ^=
			(char)(1 << fuzz_below(8));
}

/* Some changes between a begin and a commit, in one datagram. */
static void compose_transaction(void)
{
	compose(PTN_CMD_TXN_BEGIN);
	for (uint32_t n = fuzz_below(8); n; n--)
		compose(command());
	compose(PTN_CMD_TXN_COMMIT);
}

/* Who tells */

static int sockets[SOCKETS];

static void renew(int *sock)
{
	const int big = 1 << 20;

	if (*sock >= 0)
		close(*sock);
	*sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_GENERIC);
	setsockopt(*sock, SOL_NETLINK, NETLINK_EXT_ACK, &big, sizeof(big));
	if (fuzz_one_in(4))
		setsockopt(*sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			   sizeof(group));
}

static void tell(void)
{
	static char answers[64 * 1024];
	int *sock = &sockets[fuzz_below(SOCKETS)];

	if (fuzz_one_in(100))
		renew(sock);
	length = 0;
	if (fuzz_one_in(4))
		compose_transaction();
	else
		compose(command());
	if (fuzz_one_in(8))
		spoil();
	(void)!send(*sock, message, length, 0);
	while (!fuzz_one_in(6) && recv(*sock, answers, sizeof(answers), 0) > 0)
		;
}

/* Who uses */

static int files[FILES];

static void port_name(char *out, size_t size)
{
	switch (fuzz_below(5)) {
	case 0:
		snprintf(out, size, "vales%u:a%u", fuzz_below(4),
			 fuzz_below(4));
		break;
	case 1:
		snprintf(out, size, "p%u%c0", fuzz_below(4),
			 fuzz_one_in(2) ? '{' : '}');
		break;
	case 2:
		snprintf(out, size, "vales%u:u%u", fuzz_below(4),
			 fuzz_below(4));
		break;
	case 3:
		snprintf(out, size, "a%u", fuzz_below(4));
		break;
	default:
		snprintf(out, size, "veth%u", fuzz_below(4));
	}
}

static void open_port(int *fd)
{
	struct nmreq_register body = {.nr_mode = NR_REG_ALL_NIC};
	struct nmreq_header h = {.nr_version = NETMAP_API,
				 .nr_reqtype = NETMAP_REQ_REGISTER,
				 .nr_body = (uintptr_t)&body};

	port_name(h.nr_name, sizeof(h.nr_name));
	*fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);
	(void)!ioctl(*fd, NIOCCTRL, &h);
}

static void use(void)
{
	int *fd = &files[fuzz_below(FILES)];

	if (*fd < 0) {
		open_port(fd);
	} else if (fuzz_one_in(8)) {
		close(*fd);
		*fd = -1;
	} else {
		(void)!ioctl(*fd, fuzz_one_in(2) ? NIOCTXSYNC : NIOCRXSYNC,
			     NULL);
	}
}

/* All of them */

static void live(int which)
{
	for (int i = 0; i < SOCKETS; i++) {
		sockets[i] = -1;
		renew(&sockets[i]);
	}
	for (int i = 0; i < FILES; i++)
		files[i] = -1;
	for (;;) {
		if (which < TELLERS)
			tell();
		else
			use();
	}
}

static void find_family(void)
{
	struct nl_sock *s = nl_socket_alloc();

	if (!s || genl_connect(s) < 0)
		exit(1);
	family = genl_ctrl_resolve(s, PTN_FAMILY_NAME);
	group = genl_ctrl_resolve_grp(s, PTN_FAMILY_NAME, PTN_EVENTS_GROUP);
	nl_socket_free(s);
	if (family < 0 || group < 0) {
		fprintf(stderr, "there is no family %s\n", PTN_FAMILY_NAME);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const int seconds = fuzz_begin(argc, argv);

	find_family();
	fuzz_run(seconds, PROCESSES, TURN_MS, live);
	return 0;
}
