/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

struct set {
	LIST_ENTRY(set) link;
	struct keep_record record;
	int fd[KEEP_FDS_MAX];
	uint32_t n;
};

struct keeper {
	char path[108];
	int listener;
	int engine; /* -1: there is none */
	LIST_HEAD(, set) sets;
	uint32_t count;
};

/* Datagrams. */

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(KEEP_FDS_MAX * sizeof(int))];
};

int keeper_send(int sock, const struct keep_record *r, const int *fds,
		uint32_t n)
{
	union control control = {0};
	struct iovec iov = {(void *)(uintptr_t)r, sizeof(*r)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n) {
		struct cmsghdr *c;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void close_all(const int *fds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		close(fds[i]);
}

static uint32_t take_fds(struct msghdr *m, int *fds)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	uint32_t n;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	return n;
}

int keeper_receive(int sock, struct keep_record *r, int *fds, uint32_t *n)
{
	union control control;
	struct iovec iov = {r, sizeof(*r)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	*n = 0;
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*n = take_fds(&m, fds);
	if (got == sizeof(*r) && !(m.msg_flags & MSG_CTRUNC))
		return 0;
	close_all(fds, *n);
	*n = 0;
	return got ? -EPROTO : -ECONNRESET;
}

/* The process. */

static void drop(struct keeper *k, struct set *s)
{
	LIST_REMOVE(s, link);
	k->count--;
	close_all(s->fd, s->n);
	free(s);
}

static void drop_named(struct keeper *k, const char *name)
{
	struct set *s, *next;

	for (s = LIST_FIRST(&k->sets); s; s = next) {
		next = LIST_NEXT(s, link);
		if (!strcmp(s->record.name, name))
			drop(k, s);
	}
}

static void keep(struct keeper *k, const struct keep_record *r, const int *fds,
		 uint32_t n)
{
	struct set *s = n > KEEP_CONNECTION ? calloc(1, sizeof(*s)) : NULL;

	if (!s) {
		close_all(fds, n);
		return;
	}
	drop_named(k, r->name);
	s->record = *r;
	s->n = n;
	memcpy(s->fd, fds, n * sizeof(*fds));
	LIST_INSERT_HEAD(&k->sets, s, link);
	k->count++;
}

static int hand_over(struct keeper *k)
{
	const struct keep_record end = {.op = KEEP_END};
	struct set *s;

	LIST_FOREACH(s, &k->sets, link)
	{
		struct pollfd p = {.fd = k->engine, .events = POLLOUT};
		int err = keeper_send(k->engine, &s->record, s->fd, s->n);

		/* it is being read: a moment later there is room */
		while (err == -EAGAIN && poll(&p, 1, 1000) > 0)
			err = keeper_send(k->engine, &s->record, s->fd, s->n);
		if (err)
			return err;
	}
	return keeper_send(k->engine, &end, NULL, 0);
}

/* Returns 0 or what ends the connection. */
static int hear(struct keeper *k)
{
	struct keep_record r = {0};
	int fds[KEEP_FDS_MAX];
	uint32_t n;
	int err = keeper_receive(k->engine, &r, fds, &n);

	if (err)
		return err == -EAGAIN ? 0 : err;
	r.name[sizeof(r.name) - 1] = 0;
	if (r.op == KEEP_PUT) {
		keep(k, &r, fds, n);
		return 0;
	}
	close_all(fds, n);
	if (r.op == KEEP_DROP)
		drop_named(k, r.name);
	return r.op == KEEP_HELLO ? hand_over(k) : 0;
}

static void lose_engine(struct keeper *k)
{
	if (k->engine >= 0)
		close(k->engine);
	k->engine = -1;
}

static void welcome(struct keeper *k)
{
	k->engine =
		accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void look_at_sets(struct keeper *k, const struct pollfd *p)
{
	struct set *s, *next;

	for (s = LIST_FIRST(&k->sets); s; s = next, p++) {
		next = LIST_NEXT(s, link);
		if (p->revents)
			drop(k, s);
	}
}

/* One look at everything; false when memory is out. */
static bool turn(struct keeper *k)
{
	_cleanup_free_ struct pollfd *p = calloc(k->count + 2, sizeof(*p));
	struct set *s;
	nfds_t n = 2;

	if (!p)
		return false;
	/* one at a time: who is refused the directory takes nothing away */
	p[0] = (struct pollfd){.fd = k->engine < 0 ? k->listener : -1,
			       .events = POLLIN};
	p[1] = (struct pollfd){.fd = k->engine, .events = POLLIN};
	LIST_FOREACH(s, &k->sets, link)
	p[n++] = (struct pollfd){.fd = s->fd[KEEP_CONNECTION],
				 .events = POLLRDHUP};
	if (poll(p, n, -1) < 0)
		return errno == EINTR;
	look_at_sets(k, p + 2);
	if (p[1].revents && hear(k))
		lose_engine(k);
	if (p[0].revents)
		welcome(k);
	return true;
}

static int listen_at(struct keeper *k)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	strcpy(sun.sun_path, k->path);
	unlink(k->path);
	if (fchmod(fd, 0600) ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) || listen(fd, 4))
		return -errno;
	k->listener = steal_fd(&fd);
	return 0;
}

/* Everything but the engine's socket belongs to others. */
static void detach(int sock)
{
	struct rlimit r;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	close_range(3, (unsigned)sock - 1, 0);
	close_range((unsigned)sock + 1, ~0U, 0);
	setsid();
	prctl(PR_SET_NAME, "ptnet-keeper");
	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	signal(SIGPIPE, SIG_IGN);
}

/*
 * Who comes while it is about to end is still served. After that nobody finds
 * the socket any more.
 */
static bool has_ended(struct keeper *k)
{
	if (k->engine >= 0 || k->count)
		return false;
	unlink(k->path);
	welcome(k);
	close(k->listener);
	return k->engine < 0 || listen_at(k);
}

static int set_path(char path[108], const char *run_dir)
{
	return snprintf(path, 108, "%s/keeper.sock", run_dir) >= 108
		       ? -ENAMETOOLONG
		       : 0;
}

/* The one before has the lock until it has removed its socket. */
int keeper_serve(const char *run_dir, int sock)
{
	struct keeper k = {.listener = -1, .engine = sock};
	_cleanup_close_ int lock = -1;
	int err = set_path(k.path, run_dir);

	detach(sock);
	lock = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && (lock < 0 || flock(lock, LOCK_EX)))
		err = -errno;
	if (!err)
		err = listen_at(&k);
	while (!err && !has_ended(&k))
		err = turn(&k) ? 0 : -ENOMEM;
	return err;
}

int keeper_find(const char *run_dir)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = set_path(sun.sun_path, run_dir);

	if (err)
		return err;
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
		return -errno;
	return steal_fd(&fd);
}
