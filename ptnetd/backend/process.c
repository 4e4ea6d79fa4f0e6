/* SPDX-License-Identifier: BSD-2-Clause */
#include "backend/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

enum {
	START_MS = 5000,
	RETRY_MS = 2,
	END_MS = 5000,
	LOG_TAIL = 1024,
};

int64_t process_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int process_init(struct process *p, const char *run_dir, const char *program,
		 unsigned workers)
{
	*p = (struct process){.workers = workers, .pidfd = -1};
	p->run_dir = strdup(run_dir);
	p->program = strdup(program);
	return p->run_dir && p->program ? 0 : -ENOMEM;
}

static void reap(struct process *p)
{
	if (p->child && waitpid(p->child, NULL, WNOHANG) == p->child)
		p->child = 0;
}

void process_fini(struct process *p)
{
	reap(p);
	if (p->pidfd >= 0)
		close(p->pidfd);
	free(p->run_dir);
	free(p->program);
}

static void note_peer(struct process *p, int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (p->pidfd >= 0)
		close(steal_fd(&p->pidfd));
	if (!getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	    peer.pid > 0)
		p->pidfd = pidfd_open(peer.pid, 0);
}

int process_connect(struct process *p)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int sock = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/engine.sock",
			 p->run_dir);

	if (n >= (int)sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	if (sock < 0 || connect(sock, (struct sockaddr *)&sun, sizeof(sun)))
		return -errno;
	note_peer(p, sock);
	return steal_fd(&sock);
}

/* Starting. */

static int set_files(posix_spawn_file_actions_t *f, const char *log)
{
	int err =
		posix_spawn_file_actions_addopen(f, 0, "/dev/null", O_RDWR, 0);

	if (!err)
		err = posix_spawn_file_actions_adddup2(f, 0, 1);
	if (!err)
		err = posix_spawn_file_actions_addopen(
			f, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0640);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(f, 3);
	return err;
}

/* A session of its own: what ends ptnetd's terminal or group spares it. */
static int set_attributes(posix_spawnattr_t *a)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(a, &none);
	posix_spawnattr_setsigdefault(a, &all);
	return posix_spawnattr_setflags(a, POSIX_SPAWN_SETSID |
						   POSIX_SPAWN_SETSIGMASK |
						   POSIX_SPAWN_SETSIGDEF);
}

static int spawn(struct process *p, const char *log)
{
	char workers[16];
	char *argv[] = {(char *)"ptnet-engine",
			(char *)"--run-dir",
			p->run_dir,
			p->workers ? (char *)"--workers" : NULL,
			workers,
			NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int err;

	snprintf(workers, sizeof(workers), "%u", p->workers % 100000);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	err = set_files(&files, log);
	if (!err)
		err = set_attributes(&attributes);
	if (!err)
		err = posix_spawnp(&p->child, p->program, &files, &attributes,
				   argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	if (err)
		p->child = 0;
	return -err;
}

/* The last line of the log, without the line's end. */
static void read_tail(const char *log, char *out, size_t size)
{
	_cleanup_close_ int fd = open(log, O_RDONLY | O_CLOEXEC);
	char tail[LOG_TAIL + 1], *line;
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t n = 0;

	snprintf(out, size, "%s says nothing", log);
	if (end > 0)
		n = pread(fd, tail, LOG_TAIL,
			  end > LOG_TAIL ? end - LOG_TAIL : 0);
	while (n > 0 && tail[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	tail[n] = 0;
	line = strrchr(tail, '\n');
	copy_string(out, size, line ? line + 1 : tail);
}

static int wait_start(struct process *p, const char *log, char *text,
		      size_t size)
{
	int64_t deadline = process_now_ms() + START_MS;
	char tail[LOG_TAIL / 4];

	for (;;) {
		int sock = process_connect(p);

		if (sock >= 0)
			return sock;
		if (waitpid(p->child, NULL, WNOHANG) == p->child) {
			p->child = 0;
			read_tail(log, tail, sizeof(tail));
			snprintf(text, size, "the engine did not start: %s",
				 tail);
			return -ECONNREFUSED;
		}
		if (process_now_ms() > deadline) {
			snprintf(text, size,
				 "the engine did not answer within %d s of its "
				 "start; see %s",
				 START_MS / 1000, log);
			process_end(p);
			return -ETIMEDOUT;
		}
		poll(NULL, 0, RETRY_MS);
	}
}

int process_find(struct process *p, char *text, size_t size)
{
	_cleanup_free_ char *log = NULL;
	int sock = process_connect(p);
	int err;

	if (sock >= 0)
		return sock;
	if (sock != -ENOENT && sock != -ECONNREFUSED) {
		snprintf(text, size, "%s/engine.sock: %s", p->run_dir,
			 strerror(-sock));
		return sock;
	}
	if (asprintf(&log, "%s/engine.log", p->run_dir) < 0) {
		log = NULL;
		snprintf(text, size, "no memory");
		return -ENOMEM;
	}
	err = spawn(p, log);
	if (err) {
		snprintf(text, size, "%s cannot be started: %s", p->program,
			 strerror(-err));
		return err;
	}
	return wait_start(p, log, text, size);
}

/* Ending. */

static bool gone(int pidfd, int ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, ms) > 0;
}

void process_end(struct process *p)
{
	_cleanup_close_ int own = -1;
	int fd = p->pidfd;

	if (fd < 0 && p->child)
		fd = own = pidfd_open(p->child, 0);
	if (fd < 0)
		return;
	pidfd_send_signal(fd, SIGTERM, NULL, 0);
	if (!gone(fd, END_MS)) {
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
		gone(fd, END_MS);
	}
	reap(p);
}
