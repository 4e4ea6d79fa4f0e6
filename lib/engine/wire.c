/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/wire.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ptnet/region.h>

enum {
	WIRE_VERSION = 0,
	WIRE_MEMORY = -1,
};

static int say(int sock, int64_t value, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	int64_t raw = (int64_t)htole64((uint64_t)value);
	struct iovec iov = {.iov_base = &raw, .iov_len = sizeof(raw)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(raw))
		return -errno;
	return 0;
}

int wire_greet(int fd, uint32_t id, int memory, uint32_t vectors,
	       const int *host_fds, const int *client_fds)
{
	int err = say(fd, WIRE_VERSION, -1);

	if (!err)
		err = say(fd, id, -1);
	if (!err)
		err = say(fd, WIRE_MEMORY, memory);
	for (uint32_t i = 0; i < vectors && !err; i++)
		err = say(fd, PTN_HOST_ID, host_fds[i]);
	for (uint32_t i = 0; i < vectors && !err; i++)
		err = say(fd, id, client_fds[i]);
	return err;
}

void wire_refuse(int fd, int err)
{
	say(fd, err, -1);
}

pid_t wire_peer_pid(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return 0;
	return peer.pid;
}

void wire_keep_spare(int *spare)
{
	if (*spare < 0)
		*spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int wire_accept_spare(int listener, int *spare)
{
	int fd;

	if (*spare >= 0)
		close(*spare);
	*spare = -1;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		wire_keep_spare(spare);
	return fd;
}
