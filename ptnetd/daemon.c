/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wiring: directories and locks, the service, HTTP on its sockets, signals
 * and the service manager, all on one loop. Called by main.
 */
#include "daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "loop.h"
#include "rest/http.h"
#include "rest/listen.h"
#include "service/service.h"

enum { REASON_MAX = 512 };

struct daemon {
	const struct daemon_config *config;
	struct loop *loop;
	struct service *service;
	struct http *servers[1 + LISTEN_MAX];
	size_t n_servers;
	char *socket; /* removed at the end; NULL while it is not ours */
	int locks[2];
	int signals;
	int watchdog_ms; /* between two signs of life */
	int64_t watchdog_at; /* the next one; ms of the monotonic clock */
	int death; /* the loop's number of the death_fd */
	int events; /* the loop's number of the event_fd */
	uint64_t generation; /* of these descriptors */
	char summary[512]; /* told last */
};

/* Directories and locks. */

static int make_dir(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		if (mkdir(copy, 0755) && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(copy, mode) && errno != EEXIST ? -errno : 0;
}

/* Two daemons on one directory would undo each other's work. */
static int lock_dir(const char *dir, mode_t mode)
{
	_cleanup_free_ char *path = NULL;
	int err = make_dir(dir, mode);

	if (err) {
		log_err("cannot make the directory %s: %s", dir,
			strerror(-err));
		return err;
	}
	if (asprintf(&path, "%s/ptnetd.lock", dir) < 0)
		return -ENOMEM;
	err = file_lock(path);
	if (err == -EBUSY)
		log_err("another ptnetd is running on %s (it holds %s)", dir,
			path);
	else if (err < 0)
		log_err("cannot open %s: %s", path, strerror(-err));
	return err;
}

static int lock_dirs(struct daemon *d)
{
	bool one = strcmp(d->config->run_dir, d->config->state_dir) == 0;
	int fd = lock_dir(d->config->state_dir, 0700);

	if (fd < 0)
		return fd;
	d->locks[0] = fd;
	if (one)
		return 0;
	fd = lock_dir(d->config->run_dir, 0755);
	if (fd < 0)
		return fd;
	d->locks[1] = fd;
	return 0;
}

/* The service. */

static void fill_config(const struct daemon_config *from,
			struct service_config *to)
{
	*to = (struct service_config){
		.ops = backend_find(from->backend, from->run_dir),
		.backend = {.run_dir = from->run_dir,
			    .engine_path = from->engine,
			    .workers = from->workers},
		.state_dir = from->state_dir,
	};
}

static void log_refusal(const struct refusal *r)
{
	log_err("%s", r->detail);
	for (size_t i = 0; i < r->diags.count; i++) {
		_cleanup_free_ char *text = diag_format(&r->diags.list[i]);

		if (text)
			log_err("%s", text);
	}
}

static int open_service(struct daemon *d)
{
	struct service_config config;
	struct refusal r = {0};
	enum outcome o;

	fill_config(d->config, &config);
	o = service_open(&d->service, &config, &r);
	if (o != OUTCOME_DONE)
		log_refusal(&r);
	refusal_fini(&r);
	return o == OUTCOME_DONE ? 0 : -EIO;
}

static void on_service(void *context)
{
	struct daemon *d = context;

	service_tick(d->service);
}

static void on_event(void *context)
{
	struct daemon *d = context;

	service_hear(d->service);
}

static int event_timeout(void *context)
{
	struct daemon *d = context;

	return service_hear_ms(d->service);
}

static int service_timeout(void *context)
{
	struct daemon *d = context;

	return service_timeout_ms(d->service);
}

/* Serving. */

static void on_http(void *context)
{
	http_run(context);
}

static int http_timeout(void *context)
{
	return http_timeout_ms(context);
}

static int serve(struct daemon *d, int listen_fd, bool tcp)
{
	const struct http_config config = {
		.listen_fd = listen_fd,
		.tcp = tcp,
		.timeout_s = d->config->timeout_s,
		.service = d->service,
	};
	struct http *h = NULL;
	int err = http_start(&h, &config);

	if (err) {
		close(listen_fd);
		log_err("cannot start to serve: %s", strerror(-err));
		return err;
	}
	d->servers[d->n_servers++] = h;
	err = loop_add(d->loop, http_fd(h), on_http, http_timeout, h);
	return err < 0 ? err : 0;
}

static int serve_all(struct daemon *d)
{
	_cleanup_free_ char *path = NULL;
	char reason[REASON_MAX] = "";
	int fd, err;

	if (asprintf(&path, "%s/ptnetd.sock", d->config->run_dir) < 0)
		return -ENOMEM;
	fd = listen_unix(path, reason, sizeof(reason));
	if (fd >= 0)
		d->socket = steal_ptr(&path);
	err = fd < 0 ? fd : serve(d, fd, false);
	for (size_t i = 0; i < d->config->n_listen && !err; i++) {
		fd = listen_tcp(d->config->listen[i], reason, sizeof(reason));
		err = fd < 0 ? fd : serve(d, fd, true);
	}
	if (err && reason[0])
		log_err("%s", reason);
	return err;
}

/* Signals and the service manager. */

static void on_signal(void *context)
{
	struct daemon *d = context;
	struct signalfd_siginfo info;

	while (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			log_info("nothing to reload");
			continue;
		}
		log_info("%s: stopping; traffic goes on",
			 strsignal((int)info.ssi_signo));
		loop_stop(d->loop);
	}
}

static int open_signals(struct daemon *d)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* a limit on files' sizes is an error of the store, not our end */
	signal(SIGXFSZ, SIG_IGN);
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals < 0)
		return -errno;
	err = loop_add(d->loop, d->signals, on_signal, NULL, d);
	return err < 0 ? err : 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int watchdog_timeout(void *context)
{
	const struct daemon *d = context;
	int64_t left = d->watchdog_at - now_ms();

	return left > 0 ? (int)left : 0;
}

static void on_watchdog(void *context)
{
	struct daemon *d = context;

	sd_notify(0, "WATCHDOG=1");
	d->watchdog_at = now_ms() + d->watchdog_ms;
}

static int open_watchdog(struct daemon *d)
{
	uint64_t us = 0;
	int err;

	if (sd_watchdog_enabled(0, &us) <= 0 || us < 2000)
		return 0;
	d->watchdog_ms = us / 2000 < INT_MAX ? (int)(us / 2000) : INT_MAX;
	on_watchdog(d);
	err = loop_add(d->loop, -1, on_watchdog, watchdog_timeout, d);
	return err < 0 ? err : 0;
}

/* What may be different after a round: the backend, and what to say of it. */
static void after_round(void *context)
{
	struct daemon *d = context;
	char summary[sizeof(d->summary)];
	uint64_t generation;
	int fd = service_death_fd(d->service, &generation);

	if (generation != d->generation) {
		d->generation = generation;
		loop_move(d->loop, d->death, fd);
		loop_move(d->loop, d->events, service_event_fd(d->service));
	}
	service_summary(d->service, summary, sizeof(summary));
	if (strcmp(summary, d->summary) == 0)
		return;
	memcpy(d->summary, summary, sizeof(summary));
	sd_notifyf(0, "STATUS=%s", summary);
}

static int start(struct daemon *d)
{
	int err = loop_new(&d->loop);

	if (!err)
		err = open_signals(d);
	if (!err)
		err = lock_dirs(d);
	if (!err)
		err = open_service(d);
	if (err)
		return err;
	d->death = loop_add(d->loop, -1, on_service, service_timeout, d);
	if (d->death < 0)
		return d->death;
	d->events = loop_add(d->loop, -1, on_event, event_timeout, d);
	if (d->events < 0)
		return d->events;
	err = serve_all(d);
	return err ? err : open_watchdog(d);
}

static void stop(struct daemon *d)
{
	if (d->socket)
		unlink(d->socket);
	for (size_t i = 0; i < d->n_servers; i++)
		http_stop(d->servers[i]);
	service_close(d->service);
	loop_free(d->loop);
	free(d->socket);
	if (d->signals >= 0)
		close(d->signals);
	for (size_t i = 0; i < 2; i++)
		if (d->locks[i] >= 0)
			close(d->locks[i]);
}

int daemon_run(const struct daemon_config *config)
{
	struct daemon d = {
		.config = config,
		.locks = {-1, -1},
		.signals = -1,
	};
	int err = start(&d);

	if (!err) {
		loop_after(d.loop, after_round, &d);
		service_summary(d.service, d.summary, sizeof(d.summary));
		log_info("ready on %s; %s", d.socket, d.summary);
		sd_notifyf(0, "READY=1\nSTATUS=%s", d.summary);
		err = loop_run(d.loop);
		sd_notify(0, "STOPPING=1");
	}
	stop(&d);
	return err;
}

/* Opening would start an engine just to end it. */
static bool is_running(const struct daemon_config *config)
{
	if (strcmp(config->backend, backend_kernel.name) == 0 ||
	    backend_engine_is_there(config->run_dir))
		return true;
	log_info("nothing runs in %s%s", config->run_dir,
		 backend_kernel_is_there()
			 ? "; --backend kernel ends what the kernel holds"
			 : "");
	return false;
}

int daemon_teardown(const struct daemon_config *config)
{
	_cleanup_close_ int lock = -1;
	struct backend_error error = {0};
	struct service_config service;
	struct backend *b = NULL;
	int err;

	if (!is_running(config))
		return 0;
	lock = lock_dir(config->run_dir, 0755);
	if (lock < 0) {
		log_err("stop it first: it would start the backend again");
		return lock;
	}
	fill_config(config, &service);
	err = service.ops->open(&b, &service.backend, &error);
	if (err) {
		log_err("%s", error.message);
		return err;
	}
	service.ops->teardown(b);
	service.ops->close(b);
	log_info("backend %s ended", service.ops->name);
	return 0;
}
