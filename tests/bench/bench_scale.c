/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What control of the kernel module takes when there is much of it, where it
 * is loaded and holds nothing: transactions as ptnetd sends them, dumps, and
 * the opening of ports: REGISTER alone, and all from open() to close().
 *
 * Prints lines of a name and milliseconds, medians of five.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <ptnet/netmap.h>
#include <ptnet/request.h>

#include "backend/backend.h"
#include "base/strbuf.h"

enum { ROUNDS = 5, PORTS = 1000, SWITCHES = 64, OPENS = 20 };

static struct backend *backend;
static struct backend_error error;
static uint64_t revision;

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what,
		error.message[0] ? error.message : strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void say(const char *name, double took[ROUNDS])
{
	qsort(took, ROUNDS, sizeof(*took), compare);
	printf("%s %.3f\n", name, took[ROUNDS / 2]);
	fflush(stdout);
}

static void want_switches(struct objects *want, int n)
{
	struct switch_spec s = {
		.owner = "scale", .fdb_size = 8192, .ageing_ms = 300000};

	for (int i = 0; i < n; i++) {
		snprintf(s.name, sizeof(s.name), "s%02d", i);
		if (objects_add_switch(want, &s, NULL))
			fail("memory");
	}
}

static void want_ports(struct objects *want, int n)
{
	struct port_spec p = {.owner = "scale",
			      .kind = PTN_PORT_HOST,
			      .queues = 1,
			      .slots = 1024,
			      .buf_size = 2048};
	const int switches = (int)want->n_switches;

	for (int i = 0; i < n; i++) {
		snprintf(p.name, sizeof(p.name), "port%04d", i);
		snprintf(p.on_switch, sizeof(p.on_switch), "s%02d",
			 i % switches);
		if (objects_add_port(want, &p, NULL))
			fail("memory");
	}
}

/* From what is there to what is wanted; the time of the transaction alone. */
static double apply(const struct objects *want)
{
	struct objects have;
	struct plan plan;
	double start, took;

	if (backend_kernel.dump(backend, &have, &error) ||
	    plan_make(&plan, want, &have))
		fail("plan");
	start = now_ms();
	if (backend_kernel.apply(backend, &plan, ++revision, &error))
		fail("apply");
	took = now_ms() - start;
	plan_fini(&plan);
	objects_fini(&have);
	return took;
}

static double dump(void)
{
	struct objects have;
	double start = now_ms();

	if (backend_kernel.dump(backend, &have, &error))
		fail("dump");
	start = now_ms() - start;
	objects_fini(&have);
	return start;
}

static void transactions(const char *name, int ports, int switches)
{
	double made[ROUNDS], told[ROUNDS], gone[ROUNDS];
	struct objects want = {0}, none = {0};
	char text[64];

	want_switches(&want, switches);
	want_ports(&want, ports);
	objects_sort(&want);
	for (int i = 0; i < ROUNDS; i++) {
		made[i] = apply(&want);
		told[i] = dump();
		gone[i] = apply(&none);
	}
	snprintf(text, sizeof(text), "make-%s", name);
	say(text, made);
	snprintf(text, sizeof(text), "dump-%s", name);
	say(text, told);
	snprintf(text, sizeof(text), "delete-%s", name);
	say(text, gone);
	objects_fini(&want);
}

/* Returns what REGISTER takes. */
static double open_and_close(const char *name, uint32_t slots)
{
	struct nmreq_register body = {.nr_mode = NR_REG_ALL_NIC,
				      .nr_tx_slots = slots,
				      .nr_rx_slots = slots};
	struct nmreq_header h = {.nr_version = NETMAP_API,
				 .nr_reqtype = NETMAP_REQ_REGISTER,
				 .nr_body = (uintptr_t)&body};
	int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);
	double took = now_ms();
	void *mem;

	copy_string(h.nr_name, sizeof(h.nr_name), name);
	if (fd < 0 || ioctl(fd, NIOCCTRL, &h))
		fail(name);
	took = now_ms() - took;
	mem = mmap(NULL, body.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	if (mem == MAP_FAILED)
		fail(name);
	munmap(mem, body.nr_memsize);
	close(fd);
	return took;
}

static void opens(const char *what, const char *name, uint32_t slots)
{
	double reg[ROUNDS] = {0}, all[ROUNDS];
	char text[64];

	for (int i = 0; i < ROUNDS; i++) {
		all[i] = now_ms();
		for (int k = 0; k < OPENS; k++)
			reg[i] += open_and_close(name, slots) / OPENS;
		all[i] = (now_ms() - all[i]) / OPENS;
	}
	snprintf(text, sizeof(text), "register-%s", what);
	say(text, reg);
	snprintf(text, sizeof(text), "open-%s", what);
	say(text, all);
}

int main(void)
{
	const struct backend_config config = {.run_dir = "/tmp"};
	struct objects want = {0}, none = {0};

	if (backend_kernel.open(&backend, &config, &error))
		fail("the kernel");
	transactions("1000-ports-1-switch", PORTS, 1);
	transactions("1024-ports-64-switches", 16 * SWITCHES, SWITCHES);
	want_switches(&want, 1);
	want_ports(&want, PORTS);
	objects_sort(&want);
	apply(&want);
	opens("managed-1024-slots", "vales00:port0999", 0);
	opens("vale-1024-slots", "vale0:a", 1024);
	opens("vale-64-slots", "vale0:a", 64);
	apply(&none);
	backend_kernel.teardown(backend);
	backend_kernel.close(backend);
	objects_fini(&want);
	return 0;
}
