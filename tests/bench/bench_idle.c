/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an engine costs while nothing happens: its CPU, wake-ups and memory
 * with many ports, first with nobody attached, then all attached by this
 * program, each with its own region; or with VMs, in whose place it takes what
 * QEMU's ivshmem device takes, and starts the rings as a driver does.
 *
 *	bench_idle programs|vms ENGINE [PORTS] [SECONDS]
 *
 * ENGINE is the program ptnet-engine.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/backend.h"
#include "bench.h"
#include "port/ptnet.h"
#include "unit/qemu.h"

enum { PORTS_MAX = 8192, SLOTS = 1024, BUF_SIZE = 2048, VECTORS = 3 };

static bool of_vms;

static char run_dir[64];
static struct backend *engine;
static pid_t pid;

/* The number after @key in a file of /proc, or 0. */
static long long number_in(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	long long value = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = atoll(line + strlen(key));
	if (f)
		fclose(f);
	return value;
}

static long long status(const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return number_in(path, key);
}

struct use {
	double cpu; /* seconds */
	long long switches; /* of context, by all threads */
};

/* utime and stime of /proc/PID/stat, in ticks of 10 ms. */
static double ticks(void)
{
	char path[64], line[1024], *at;
	unsigned long user = 0, kernel = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		exit(1);
	fclose(f);
	at = strrchr(line, ')');
	for (int i = 0; at && i < 12; i++)
		at = strchr(at + 1, ' ');
	if (at)
		sscanf(at, "%lu %lu", &user, &kernel);
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void add_thread(const char *thread, double *precise, struct use *u)
{
	char path[320];

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid,
		 thread);
	*precise += (double)number_in(path, "") * 1e-9;
	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid,
		 thread);
	u->switches += number_in(path, "voluntary_ctxt_switches:");
	u->switches += number_in(path, "nonvoluntary_ctxt_switches:");
}

/* By the scheduler's nanoseconds where the kernel counts them. */
static struct use use_now(void)
{
	struct use u = {0};
	double precise = 0;
	char path[64];
	const struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			add_thread(e->d_name, &precise, &u);
	if (d)
		closedir(d);
	u.cpu = precise > 0 ? precise : ticks();
	return u;
}

static void idle(const char *how, int ports, int seconds)
{
	struct use before, after;
	double coarse;

	sleep(1); /* what the change itself caused is over */
	before = use_now();
	coarse = ticks();
	sleep((unsigned)seconds);
	after = use_now();
	coarse = ticks() - coarse;
	printf("%d ports, %s, %d s: CPU %.4f %% (by ticks %.2f %%)  goal < 0.1 %%  context switches %lld\n",
	       ports, how, seconds, (after.cpu - before.cpu) / seconds * 100,
	       coarse / seconds * 100, after.switches - before.switches);
	fflush(stdout);
}

struct memory {
	long long anon, tables, shmem; /* KiB */
};

static struct memory memory_now(void)
{
	return (struct memory){status("RssAnon:"), status("VmPTE:"),
			       status("RssShmem:")};
}

static void memory_since(const char *how, const struct memory *was, int ports)
{
	const struct memory m = memory_now();
	const double n = ports;

	printf("memory a port, %s: %.1f KiB (%.1f anonymous, %.1f page tables)  goal <= 64 KiB  and %.1f KiB of its region touched by the engine\n",
	       how, (double)(m.anon + m.tables - was->anon - was->tables) / n,
	       (double)(m.anon - was->anon) / n,
	       (double)(m.tables - was->tables) / n,
	       (double)(m.shmem - was->shmem) / n);
	fflush(stdout);
}

static void must(int err, const struct backend_error *error)
{
	if (!err)
		return;
	fprintf(stderr, "engine: %s\n", error->message);
	exit(1);
}

static void declare(struct objects *o, int ports)
{
	const struct switch_spec sw = {.name = "vale0",
				       .owner = "bench",
				       .ageing_ms = 300000,
				       .fdb_size = 8192};

	objects_add_switch(o, &sw, NULL);
	for (int i = 0; i < ports; i++) {
		struct port_spec p = {
			.owner = "bench",
			.on_switch = "vale0",
			.kind = of_vms ? PTN_PORT_VM : PTN_PORT_HOST,
			.has_mac = of_vms,
			.mac = {2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i},
			.queues = 1,
			.slots = SLOTS,
			.buf_size = BUF_SIZE,
		};

		snprintf(p.name, sizeof(p.name), "p%d", i);
		objects_add_port(o, &p, NULL);
	}
	objects_sort(o);
}

static void apply_ports(int ports)
{
	struct backend_error error = {0};
	struct objects want = {0}, have = {0};
	struct plan plan;

	declare(&want, ports);
	if (plan_make(&plan, &want, &have))
		exit(1);
	must(backend_engine.apply(engine, &plan, 1, &error), &error);
	plan_fini(&plan);
	objects_fini(&want);
}

/* Who is at the other end of the engine's control socket. */
static pid_t pid_of_engine(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct ucred who = {0};
	socklen_t len = sizeof(who);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/engine.sock", run_dir);
	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
		exit(1);
	close(fd);
	return who.pid;
}

union client {
	struct ptnet_port *program;
	struct qemu vm;
};

static void give_up(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	exit(1);
}

/* Its driver sleeps until a frame comes. */
static void attach_vm(struct qemu *q, const char *path)
{
	const struct ptn_config *config;

	if (!qemu_start_whole(q, path, VECTORS))
		give_up(path, q->why);
	if (qemu_command(q, PTN_REGION_RESET) ||
	    qemu_command(q, PTN_REGION_START))
		give_up(path, "does not start");
	config = qemu_config(q);
	((struct nm_csb_atok *)(q->bar + config->atok_ofs))[1].appl_need_kick =
		1;
}

static void attach(union client *c, int i)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), "%s/ports/p%d.sock", run_dir, i);
	if (of_vms) {
		attach_vm(&c->vm, path);
		return;
	}
	err = ptnet_open(&c->program, path, NULL);
	if (err)
		give_up(path, strerror(-err));
}

static void detach(union client *c)
{
	if (of_vms)
		qemu_end(&c->vm);
	else
		ptnet_close(c->program);
}

static void measure(int ports, int seconds)
{
	union client *attached = calloc((size_t)ports, sizeof(*attached));
	struct memory was = memory_now();

	if (!attached)
		exit(1);

	apply_ports(ports);
	memory_since("not attached", &was, ports);
	idle("nobody attached", ports, seconds);
	was = memory_now();
	for (int i = 0; i < ports; i++)
		attach(&attached[i], i);
	memory_since("more once attached", &was, ports);
	if (!of_vms)
		printf("a region is %.0f KiB of rings and buffers\n",
		       (double)ptnet_buffers(attached[0].program) * BUF_SIZE /
			       1024);
	idle("all attached", ports, seconds);
	for (int i = 0; i < ports; i++)
		detach(&attached[i]);
	free(attached);
}

static void clean_up(void)
{
	backend_engine.teardown(engine);
	bench_remove_directory(run_dir);
}

int main(int argc, char **argv)
{
	const int ports = argc > 3 ? atoi(argv[3]) : 1000;
	const int seconds = argc > 4 ? atoi(argv[4]) : 10;
	struct backend_config config = {.run_dir = run_dir};
	struct backend_error error = {0};
	struct rlimit files;

	if (argc < 3 || ports < 1 || ports > PORTS_MAX || seconds < 1) {
		fprintf(stderr,
			"usage: bench_idle programs|vms ENGINE [PORTS] [SECONDS]\n");
		return 2;
	}
	of_vms = !strcmp(argv[1], "vms");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (!bench_directory(run_dir, sizeof(run_dir)))
		return 1;
	config.engine_path = argv[2];
	must(backend_engine.open(&engine, &config, &error), &error);
	atexit(clean_up);
	pid = pid_of_engine();
	measure(ports, seconds);
	return 0;
}
