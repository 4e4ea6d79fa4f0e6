/* SPDX-License-Identifier: BSD-2-Clause */
#include "qemu.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

__attribute__((format(printf, 2, 3))) static bool fail(struct qemu *q,
						       const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(q->why, sizeof(q->why), format, ap);
	va_end(ap);
	return false;
}

/* A descriptor comes with the first byte of its message. */
static ssize_t read_some(int sock, void *to, size_t size, int *fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {to, size};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct pollfd p = {.fd = sock, .events = POLLIN};
	struct cmsghdr *c;
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		return -1;
	n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return n;
}

static bool read_message(struct qemu *q, int64_t *value, int *fd)
{
	uint64_t raw;
	size_t have = 0;

	*fd = -1;
	while (have < sizeof(raw)) {
		ssize_t n = read_some(q->sock, (char *)&raw + have,
				      sizeof(raw) - have, fd);

		if (n <= 0)
			return fail(q, "read from server failed");
		have += (size_t)n;
	}
	*value = (int64_t)le64toh(raw);
	return true;
}

/* All of the file becomes a BAR, whose size is what fstat() says. */
static bool take_memory(struct qemu *q, int fd)
{
	struct stat st;

	if (fd < 0)
		return fail(q, "server sent the memory without a file");
	if (q->mem >= 0 || fstat(fd, &st))
		return fail(q, "server sent unexpected shared memory message");
	q->mem = fd;
	q->size = (size_t)st.st_size;
	if (!q->size || (q->size & (q->size - 1)))
		return fail(q, "the size of a BAR is a power of two");
	q->bar = mmap(NULL, q->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return q->bar != MAP_FAILED || fail(q, "mmap: %s", strerror(errno));
}

static bool take_eventfd(struct qemu *q, int64_t peer, int fd)
{
	int *fds = peer == q->id ? q->own : q->host;
	uint32_t *n = peer == q->id ? &q->n_own : &q->n_host;

	if (peer != q->id && peer != PTN_HOST_ID)
		return fail(q, "a peer %lld", (long long)peer);
	if (*n >= q->vectors) {
		close(fd);
		return fail(q,
			    "Too many eventfd received, device has %u vectors",
			    q->vectors);
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fds[(*n)++] = fd;
	return true;
}

static bool take(struct qemu *q, int64_t value, int fd)
{
	if (value < -1 || value >= QEMU_PEERS_MAX)
		return fail(q, "server sent invalid message %lld",
			    (long long)value);
	if (value == -1)
		return take_memory(q, fd);
	return fd < 0 || take_eventfd(q, value, fd);
}

static bool take_version_and_id(struct qemu *q)
{
	int64_t version = 0;
	int fd;

	if (!read_message(q, &version, &fd))
		return false;
	if (version || fd >= 0)
		return fail(q, "server sent version %lld, expecting 0",
			    (long long)version);
	if (!read_message(q, &q->id, &fd))
		return false;
	if (fd >= 0 || q->id < 0 || q->id >= QEMU_PEERS_MAX)
		return fail(q, "server sent invalid ID message");
	return true;
}

/* Device realize: nothing else of QEMU goes on until the memory is there. */
static bool realize(struct qemu *q)
{
	int64_t value = 0;
	int fd;

	if (!take_version_and_id(q))
		return false;
	do {
		if (!read_message(q, &value, &fd) || !take(q, value, fd))
			return false;
	} while (value != -1);
	return true;
}

bool qemu_start(struct qemu *q, const char *path, uint32_t vectors)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	*q = (struct qemu){.vectors = vectors, .mem = -1};
	q->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(sun.sun_path, path);
	if (connect(q->sock, (void *)&sun, sizeof(sun)))
		return fail(q, "Failed to connect to '%s'", path);
	return realize(q);
}

bool qemu_hear(struct qemu *q)
{
	struct pollfd p = {.fd = q->sock, .events = POLLIN};
	int64_t value = 0;
	int fd;

	while (poll(&p, 1, 0) == 1)
		if (!read_message(q, &value, &fd) || !take(q, value, fd))
			return false;
	return true;
}

void qemu_end(struct qemu *q)
{
	close(q->sock);
	if (q->bar)
		munmap(q->bar, q->size);
	if (q->mem >= 0)
		close(q->mem);
	for (uint32_t i = 0; i < q->n_host; i++)
		close(q->host[i]);
	for (uint32_t i = 0; i < q->n_own; i++)
		close(q->own[i]);
}

void qemu_doorbell(struct qemu *q, uint32_t vector)
{
	if (vector < q->n_host)
		eventfd_write(q->host[vector], 1);
}

bool qemu_interrupt(struct qemu *q, uint32_t vector, int ms)
{
	struct pollfd p = {.fd = q->own[vector], .events = POLLIN};
	eventfd_t count;

	return vector < q->n_own && poll(&p, 1, ms) == 1 &&
	       !eventfd_read(p.fd, &count);
}

bool qemu_start_whole(struct qemu *q, const char *path, uint32_t vectors)
{
	if (!qemu_start(q, path, vectors))
		return false;
	for (int ms = 0; ms < PATIENCE_MS && q->n_own < vectors; ms++) {
		if (!qemu_hear(q))
			return false;
		poll(NULL, 0, 1);
	}
	return (q->n_host == vectors && q->n_own == vectors) ||
	       fail(q, "%u and %u vectors", q->n_host, q->n_own);
}

struct ptn_config *qemu_config(const struct qemu *q)
{
	return (void *)(q->bar + q->id * PTN_WINDOW_SIZE);
}

int qemu_command(struct qemu *q, enum ptn_region_command cmd)
{
	struct ptn_config *config = qemu_config(q);
	struct ptn_control *c = (void *)(q->bar + config->control_ofs);
	const uint32_t seq =
		__atomic_load_n(&config->ack_seq, __ATOMIC_ACQUIRE) + 1;

	__atomic_store_n(&c->cmd, cmd, __ATOMIC_RELAXED);
	__atomic_store_n(&c->seq, seq, __ATOMIC_RELEASE);
	qemu_doorbell(q, PTN_VECTOR_CONTROL);
	while (__atomic_load_n(&config->ack_seq, __ATOMIC_ACQUIRE) != seq)
		if (!qemu_interrupt(q, PTN_VECTOR_CONTROL, PATIENCE_MS))
			return -ETIMEDOUT;
	return config->ack_status;
}
