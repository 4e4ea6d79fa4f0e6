/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/wire.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#include <ptnet/region.h>

enum {
	WIRE_VERSION = 0,
	WIRE_MEMORY = -1,
	LISTEN_BACKLOG = 16,
};

/* Listening */

static int bind_path(int fd, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	strcpy(sun.sun_path, path);
	/* One that was killed left it: the directory is its server's alone. */
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) &&
	    (errno != EADDRINUSE || unlink(path) ||
	     bind(fd, (struct sockaddr *)&sun, sizeof(sun))))
		return -errno;
	/* Connecting takes the right to write, whatever the umask is. */
	return chmod(path, 0660) ? -errno : 0;
}

int wire_listen(const char *path)
{
	_cleanup_close_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (strlen(path) >= WIRE_PATH_MAX)
		return -ENAMETOOLONG;
	if (fd < 0)
		return -errno;
	err = bind_path(fd, path);
	if (err)
		return err;
	if (listen(fd, LISTEN_BACKLOG)) {
		err = -errno;
		unlink(path);
		return err;
	}
	return steal_fd(&fd);
}

int wire_open_vectors(uint32_t vectors, int *host_fds, int *client_fds)
{
	for (uint32_t i = 0; i < vectors; i++)
		host_fds[i] = client_fds[i] = -1;
	for (uint32_t i = 0; i < vectors; i++) {
		host_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		client_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (host_fds[i] < 0 || client_fds[i] < 0)
			return -errno;
	}
	return 0;
}

void wire_close_vectors(uint32_t vectors, const int *host_fds,
			const int *client_fds)
{
	for (uint32_t i = 0; i < vectors; i++) {
		if (host_fds[i] >= 0)
			close(host_fds[i]);
		if (client_fds[i] >= 0)
			close(client_fds[i]);
	}
}

/* Messages */

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

void wire_keep_refused(int *refused, int fd)
{
	if (*refused >= 0)
		close(*refused);
	if (fd >= 0)
		shutdown(fd, SHUT_WR);
	*refused = fd;
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
