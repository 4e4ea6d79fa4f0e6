// SPDX-License-Identifier: BSD-2-Clause
/*
 * The client's side of the ivshmem server protocol: a connection, and what
 * arrives over it. Believes nothing: every message is the one that must come
 * next, and brings a descriptor exactly where one belongs. Knows neither the
 * memory nor the rings. Called by ptnet.c alone.
 */
#include "attach.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"

enum {
	ATTACH_VERSION = 0,
	ATTACH_MEMORY = -1,
	ERRNO_MAX = 4095,
	RETRY_MS = 5,
	FDS_MAX = 4, /* more than one is an error; to close them all */
};

struct message {
	int64_t value;
	int fd;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Sleep until the socket has something, or is closed. */
static int readable(int sock, int64_t deadline)
{
	struct pollfd pfd = {.fd = sock, .events = POLLIN};
	int n = poll(&pfd, 1, deadline_left(deadline));

	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

/* Keep the first descriptor of a message if @m has none; close the others. */
static int take_fds(struct message *m, struct msghdr *hdr)
{
	struct cmsghdr *c;
	int err = hdr->msg_flags & MSG_CTRUNC ? -EPROTO : 0;

	for (c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (m->fd < 0) {
				m->fd = fd;
				continue;
			}
			close(fd);
			err = -EPROTO;
		}
	}
	return err;
}

static ssize_t receive_some(int sock, struct message *m, void *buf, size_t len)
{
	_Alignas(
		struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr hdr = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(sock, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int err;

	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	err = take_fds(m, &hdr);
	if (err)
		return err;
	return n ? n : -ECONNRESET;
}

/* On an error m->fd may be there nevertheless: the caller closes it. */
static int receive(int sock, struct message *m, int64_t deadline)
{
	uint64_t raw = 0;
	size_t got = 0;

	m->fd = -1;
	while (got < sizeof(raw)) {
		int err = readable(sock, deadline);
		ssize_t n;

		if (err)
			return err;
		n = receive_some(sock, m, (char *)&raw + got,
				 sizeof(raw) - got);
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		got += n > 0 ? (size_t)n : 0;
	}
	m->value = (int64_t)le64toh(raw);
	return 0;
}

/* A message without a descriptor. */
static int receive_value(int sock, int64_t *value, int64_t deadline)
{
	struct message m;
	int err = receive(sock, &m, deadline);

	if (!err && m.fd >= 0)
		err = -EPROTO;
	close_fd(&m.fd);
	*value = err ? 0 : m.value;
	return err;
}

/* The message @value with a descriptor, which goes to @fd. */
static int receive_fd(int sock, int64_t value, int *fd, int64_t deadline)
{
	struct message m;
	int err = receive(sock, &m, deadline);

	if (!err && (m.value != value || m.fd < 0))
		err = -EPROTO;
	if (err)
		close_fd(&m.fd);
	*fd = m.fd;
	return err;
}

/*
 * A write to a pipe or a socket could end the program by SIGPIPE, one to
 * anything that blocks could hold it up.
 */
static int receive_eventfd(int sock, int64_t value, int *fd, int64_t deadline)
{
	struct stat st;
	int flags, err = receive_fd(sock, value, fd, deadline);

	if (err)
		return err;
	if (fstat(*fd, &st) || (st.st_mode & S_IFMT))
		return -EPROTO;
	flags = fcntl(*fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) != O_RDWR)
		return -EPROTO;
	if (!(flags & O_NONBLOCK) && fcntl(*fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return 0;
}

static int connect_to(int sock, const char *path, int64_t deadline)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	while (connect(sock, (struct sockaddr *)&sun, sizeof(sun))) {
		if (errno != EAGAIN)
			return -errno;
		/* The listener's queue is full; nothing tells when it moves. */
		if (!deadline_left(deadline))
			return -ETIMEDOUT;
		if (poll(NULL, 0, RETRY_MS) < 0)
			return -errno;
	}
	return 0;
}

int attach_open(struct attach *a, const char *path, int64_t deadline)
{
	int64_t value = 0;
	int err;

	*a = (struct attach){.mem = -1};
	a->sock =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->sock < 0)
		return -errno;
	err = connect_to(a->sock, path, deadline);
	if (!err)
		err = receive_value(a->sock, &value, deadline);
	if (err)
		return err;
	if (value < 0 && value >= -ERRNO_MAX)
		return (int)value;
	if (value != ATTACH_VERSION)
		return -EPROTO;
	err = receive_value(a->sock, &value, deadline);
	if (err)
		return err;
	if (value < 0 || value >= PTN_WINDOWS_MAX || value == PTN_HOST_ID)
		return -EPROTO;
	a->id = (unsigned)value;
	return receive_fd(a->sock, ATTACH_MEMORY, &a->mem, deadline);
}

int attach_vectors(struct attach *a, unsigned vectors, int64_t deadline)
{
	int err = 0;

	for (unsigned i = 0; i < PTN_VECTORS_MAX; i++)
		a->host[i] = a->own[i] = -1;
	a->vectors = vectors;
	for (unsigned i = 0; i < vectors && !err; i++)
		err = receive_eventfd(a->sock, PTN_HOST_ID, &a->host[i],
				      deadline);
	for (unsigned i = 0; i < vectors && !err; i++)
		err = receive_eventfd(a->sock, a->id, &a->own[i], deadline);
	return err;
}

void attach_close(struct attach *a)
{
	close_fd(&a->sock);
	close_fd(&a->mem);
	for (unsigned i = 0; i < a->vectors; i++) {
		close_fd(&a->host[i]);
		close_fd(&a->own[i]);
	}
	a->vectors = 0;
}

int attach_alive(const struct attach *a)
{
	char buf[256];
	ssize_t n;

	/* Bounded: a host that never stops talking must not hold us here. */
	for (int i = 0; i < 16; i++) {
		n = recv(a->sock, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0
								 : -ECONNRESET;
	}
	return 0;
}
