/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets; called by the daemon. */
#include "rest/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { BACKLOG = 64 };

__attribute__((format(printf, 4, 5))) static int
fail(char *reason, size_t size, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, size, format, args);
	va_end(args);
	return err;
}

/*
 * Only a socket that refuses a connection is a dead daemon's: one that is
 * busy, or that we may not connect to, is left alone.
 */
static int remove_stale(const struct sockaddr_un *a, char *reason, size_t size)
{
	_cleanup_close_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return fail(reason, size, -errno, "no socket: %m");
	if (lstat(a->sun_path, &st))
		return errno == ENOENT ? 0
				       : fail(reason, size, -errno, "%s: %m",
					      a->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return fail(reason, size, -EEXIST,
			    "%s is there and no socket: move it away",
			    a->sun_path);
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
	    errno == EAGAIN)
		return fail(reason, size, -EADDRINUSE,
			    "another daemon answers on %s", a->sun_path);
	if (errno != ECONNREFUSED)
		return fail(reason, size, -errno, "%s: %m", a->sun_path);
	if (unlink(a->sun_path))
		return fail(reason, size, -errno, "cannot remove %s: %m",
			    a->sun_path);
	return 0;
}

/* The mode is there from the first moment on. */
static int bind_with_mode(int fd, const struct sockaddr_un *a)
{
	mode_t mask = umask(0117);
	int err = bind(fd, (const struct sockaddr *)a, sizeof(*a)) ? -errno : 0;

	umask(mask);
	return err;
}

int listen_unix(const char *path, char *reason, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	int err;

	if (strlen(path) >= sizeof(a.sun_path))
		return fail(reason, size, -ENAMETOOLONG,
			    "%s is too long for a socket's path (at most %zu "
			    "bytes): choose a shorter --run-dir",
			    path, sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	err = remove_stale(&a, reason, size);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(reason, size, -errno, "no socket: %m");
	err = bind_with_mode(fd, &a);
	if (err || listen(fd, BACKLOG))
		return fail(reason, size, err ? err : -errno,
			    "cannot listen on %s: %s", path,
			    strerror(err ? -err : errno));
	return steal_fd(&fd);
}

/* "127.0.0.1:PORT" or "[::1]:PORT" into @a; its length, 0 for others. */
static socklen_t parse_tcp(const char *text, struct sockaddr_storage *a)
{
	static const char v4[] = "127.0.0.1:", v6[] = "[::1]:";
	bool is_v6 = strncmp(text, v6, strlen(v6)) == 0;
	struct sockaddr_in *in = (void *)a;
	struct sockaddr_in6 *in6 = (void *)a;
	unsigned long port;
	char *end;

	if (!is_v6 && strncmp(text, v4, strlen(v4)) != 0)
		return 0;
	text += is_v6 ? strlen(v6) : strlen(v4);
	port = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || port < 1 || port > 65535)
		return 0;
	memset(a, 0, sizeof(*a));
	if (is_v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		in6->sin6_addr = in6addr_loopback;
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(*in);
}

int listen_tcp(const char *address, char *reason, size_t size)
{
	struct sockaddr_storage a;
	socklen_t len = parse_tcp(address, &a);
	_cleanup_close_ int fd = -1;
	int one = 1;

	if (!len)
		return fail(reason, size, -EINVAL,
			    "--listen %s: only 127.0.0.1:PORT and [::1]:PORT "
			    "are possible, since the API knows no passwords",
			    address);
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(reason, size, -errno, "no socket: %m");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&a, len) || listen(fd, BACKLOG))
		return fail(reason, size, -errno, "cannot listen on %s: %m",
			    address);
	return steal_fd(&fd);
}
