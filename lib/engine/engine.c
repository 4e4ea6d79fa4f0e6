/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/attach.h"
#include "engine/control.h"
#include "engine/keep.h"
#include "engine/os/os.h"
#include "engine/state.h"
#include "engine/txn.h"
#include "wire/wire.h"

struct sentence {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int
fail(const struct sentence *s, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(s->text, s->size, format, ap);
	va_end(ap);
	return err;
}

/* Each second, while there is something to do. */

static void set_timer(struct engine *e, bool on)
{
	struct itimerspec t = {0};

	if (on == e->ticking)
		return;
	t.it_value.tv_sec = on;
	t.it_interval.tv_sec = on;
	timerfd_settime(e->timer.fd, 0, &t, NULL);
	e->ticking = on;
}

void engine_tick(struct engine *e)
{
	set_timer(e, true);
}

struct worker *engine_worker(const struct engine *e)
{
	struct worker *best = NULL;

	for (uint32_t i = 0; i < e->n_workers; i++)
		if (!best || worker_load(e->workers[i]) < worker_load(best))
			best = e->workers[i];
	return best;
}

static bool age(struct engine *e)
{
	struct table_node *n;
	bool any = false;

	for (n = table_next(&e->switches, NULL); n;
	     n = table_next(&e->switches, n)) {
		struct vswitch *s = loop_owner(n, struct vswitch, node);

		if (ptn_vale_fdb_used(s->vale) <= s->spec.n_statics)
			continue;
		ptn_vale_age(s->vale);
		any = true;
	}
	return any;
}

static void timer_heard(struct loop_source *source, uint32_t events)
{
	struct engine *e = loop_owner(source, struct engine, timer);
	uint64_t count;

	(void)events;
	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
	attach_tick(e);
	if (!age(e) && !e->n_attached && !e->n_uplinks)
		set_timer(e, false);
}

static void faults_heard(struct loop_source *source, uint32_t events)
{
	eventfd_t count;

	(void)events;
	if (!eventfd_read(source->fd, &count))
		attach_faults(loop_owner(source, struct engine, faults));
}

static void signals_heard(struct loop_source *source, uint32_t events)
{
	struct engine *e = loop_owner(source, struct engine, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		e->ending = true;
}

/* Beginning. */

static int open_signals(struct engine *e)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	e->signals.heard = signals_heard;
	e->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (e->signals.fd < 0)
		return -errno;
	return loop_add(&e->loop, &e->signals, EPOLLIN);
}

static int open_timers(struct engine *e)
{
	int err;

	e->timer.heard = timer_heard;
	e->timer.fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	e->faults.heard = faults_heard;
	e->faults.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->timer.fd < 0 || e->faults.fd < 0)
		return -errno;
	err = loop_add(&e->loop, &e->timer, EPOLLIN);
	return err ? err : loop_add(&e->loop, &e->faults, EPOLLIN);
}

/* Ports, and even more clients of ports, need many descriptors. */
static void raise_limit(struct engine *e)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	getrlimit(RLIMIT_NOFILE, &r);
	e->fds_max = r.rlim_cur > INT_MAX ? INT_MAX : (uint32_t)r.rlim_cur;
}

/*
 * With threads the kernel waits for all CPUs whenever the table of
 * descriptors doubles (8 to 20 ms in the first apply of 100 ports): let it
 * grow while there are none. It does not shrink; 512 KiB.
 */
static void grow_descriptors(const struct engine *e)
{
	enum { READY = 65536 };
	int last = (int)(e->fds_max < READY ? e->fds_max : READY) - 1;
	int fd = fcntl(e->lock_fd, F_DUPFD_CLOEXEC, last);

	if (fd >= 0)
		close(fd);
}

static int make_dir(const char *path, mode_t mode)
{
	return mkdir(path, mode) && errno != EEXIST ? -errno : 0;
}

/* The lock is the engine's presence: it goes with the process. */
static int open_dir(struct engine *e, const char *run_dir,
		    const struct sentence *s)
{
	char ports[PATH_MAX];
	int err = make_dir(run_dir, 0755);

	if (!err)
		e->run_dir = realpath(run_dir, NULL);
	if (err || !e->run_dir)
		return fail(s, err ? err : -errno, "%s: %s", run_dir,
			    strerror(err ? -err : errno));
	snprintf(ports, sizeof(ports), "%s/ports", e->run_dir);
	/* whoever can read a directory can lock it */
	err = make_dir(ports, 0711);
	e->lock_fd = open(ports, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (err || e->lock_fd < 0)
		return fail(s, err ? err : -errno, "%s: %s", ports,
			    strerror(err ? -err : errno));
	if (flock(e->lock_fd, LOCK_EX | LOCK_NB))
		return fail(s, -EBUSY,
			    "%s: another engine serves this directory",
			    run_dir);
	return 0;
}

static uint32_t default_workers(void)
{
	cpu_set_t cpus;
	int n = 1;

	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		n = CPU_COUNT(&cpus) - 1;
	return n < 1 ? 1 : (uint32_t)n;
}

static int start_workers(struct engine *e, uint32_t n)
{
	int err;

	n = n ? n : default_workers();
	e->workers = calloc(n, sizeof(struct worker *));
	if (!e->workers)
		return -ENOMEM;
	err = watch_new(&e->watch);
	if (err)
		return err;
	watch_join(e->watch, &e->watched);
	for (uint32_t i = 0; i < n; i++) {
		err = worker_new(&e->workers[i], i, e->watch);

		if (err)
			return err;
		e->n_workers++;
	}
	return 0;
}

static int open_outside(struct engine *e, const char *run_dir,
			const struct sentence *s)
{
	int err = open_dir(e, run_dir, s);

	if (err)
		return err;
	raise_limit(e);
	grow_descriptors(e);
	err = open_signals(e);
	if (!err)
		err = control_new(&e->control, e);
	if (err)
		return fail(s, err, "%s/engine.sock: %s", run_dir,
			    strerror(-err));
	wire_keep_spare(&e->spare_fd);
	return 0;
}

static int open_all(struct engine *e, const struct engine_config *config,
		    const struct sentence *s)
{
	int err = loop_init(&e->loop);

	if (!err)
		err = open_timers(e);
	if (err)
		return fail(s, err, "no event loop: %s", strerror(-err));
	if (config->workers > ENGINE_WORKERS_MAX)
		return fail(s, -EINVAL, "%u workers: expected at most %d",
			    config->workers, ENGINE_WORKERS_MAX);
	err = config->run_dir ? open_outside(e, config->run_dir, s) : 0;
	if (err)
		return err;
	/* the directory is ours: so is what is kept for it */
	err = keep_new(&e->keep, config->keeper);
	if (err)
		return fail(s, err, "no memory");
	err = start_workers(e, config->workers);
	if (err)
		return fail(s, err, "worker %u cannot be started: %s",
			    e->n_workers, strerror(-err));
	ptn_random(&e->instance, sizeof(e->instance));
	ptn_random(&e->generation, sizeof(e->generation));
	return 0;
}

int engine_new(struct engine **out, const struct engine_config *config,
	       char *text, size_t size)
{
	const struct sentence s = {text, size};
	struct engine *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return fail(&s, -ENOMEM, "no memory");
	e->loop.epoll = e->timer.fd = e->faults.fd = e->signals.fd = -1;
	e->links.fd = -1;
	e->lock_fd = e->spare_fd = -1;
	err = open_all(e, config, &s);
	if (err) {
		engine_free(e);
		return err;
	}
	*out = e;
	return 0;
}

int engine_run(struct engine *e)
{
	int err = 0;

	while (!err && !e->ending)
		err = loop_turn(&e->loop);
	return err;
}

static void close_source(struct engine *e, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	loop_remove(&e->loop, source);
	close(source->fd);
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	control_free(e->control);
	txn_clear(e);
	for (uint32_t i = 0; i < e->n_workers; i++)
		worker_free(e->workers[i]);
	free(e->workers);
	close_source(e, &e->timer);
	close_source(e, &e->faults);
	close_source(e, &e->signals);
	close_source(e, &e->links);
	if (e->watch)
		watch_leave(e->watch, &e->watched);
	watch_free(e->watch);
	keep_free(e->keep);
	loop_fini(&e->loop);
	table_fini(&e->switches);
	table_fini(&e->pipes);
	table_fini(&e->ports);
	table_fini(&e->domains);
	if (e->spare_fd >= 0)
		close(e->spare_fd);
	if (e->lock_fd >= 0)
		close(e->lock_fd);
	free(e->run_dir);
	free(e);
}
