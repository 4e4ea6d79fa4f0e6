/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine with real programs' means: ports opened by libptnet, frames
 * written and read on CPU 0, the engine's worker on CPU 1, against the limit
 * loop in the same places.
 *
 *	bench_engine ENGINE [ROUNDS [BATCH]]
 *
 * ENGINE is the program ptnet-engine. With a BATCH only VALE is measured,
 * with that.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/backend.h"
#include "bench.h"
#include "limit.h"
#include "port/ptnet.h"

enum { ROUNDS_MAX = 101, ENGINE_CPU = 1 };

struct pair {
	struct ptnet_port *tx, *rx;
	uint64_t sum;
};

static struct ptnet_port *open_port(const char *dir, const char *name)
{
	struct ptnet_port *p;
	char path[256];
	int err;

	snprintf(path, sizeof(path), "%s/%s.sock", dir, name);
	err = ptnet_open(&p, path, NULL);
	if (err) {
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
		exit(1);
	}
	return p;
}

/* Frames to 02:00:00:00:00:02, which is s1; answers go to ..:03, s0. */
static uint32_t produce(struct ptnet_port *p, uint32_t n, uint32_t len)
{
	struct netmap_ring *r = ptnet_tx_ring(p, 0);
	char *bufs = ptnet_buf(r, 0);
	uint32_t head = r->head;

	if (ptnet_space(r) < n && ptnet_sync_tx(p, 0) < (int)n)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		struct netmap_slot *slot = &r->slot[head];

		limit_write(bufs + (size_t)slot->buf_idx * LIMIT_BUF, len, i);
		slot->len = (uint16_t)len;
		slot->flags = 0;
		head = head + 1 == LIMIT_SLOTS ? 0 : head + 1;
	}
	r->head = r->cur = head;
	ptnet_sync_tx(p, 0);
	return n;
}

static void answer(struct ptnet_port *p)
{
	struct netmap_ring *r = ptnet_tx_ring(p, 0);
	struct netmap_slot *slot = &r->slot[r->head];

	limit_write(ptnet_buf(r, slot->buf_idx), 60, 0);
	ptnet_buf(r, slot->buf_idx)[5] = 3;
	slot->len = 60;
	slot->flags = 0;
	r->head = r->cur = ptnet_next(r, r->head);
	ptnet_sync_tx(p, 0);
}

static uint32_t consume(struct pair *p)
{
	struct netmap_ring *r = ptnet_rx_ring(p->rx, 0);
	const char *bufs = ptnet_buf(r, 0);
	uint32_t head = r->head, n = 0;
	uint64_t sum = 0;

	ptnet_sync_rx(p->rx, 0);
	for (const uint32_t tail = r->tail; head != tail; n++) {
		sum += limit_read(bufs +
				  (size_t)r->slot[head].buf_idx * LIMIT_BUF);
		head = head + 1 == LIMIT_SLOTS ? 0 : head + 1;
	}
	p->sum += sum;
	r->head = r->cur = head;
	if (n)
		ptnet_sync_rx(p->rx, 0);
	return n;
}

/* Never more in flight than the receiver has room for: nothing is lost. */
static void run_engine(struct pair *p, uint64_t frames, uint32_t batch,
		       uint32_t len)
{
	const double stuck = bench_now() + 20;
	uint64_t written = 0, read = 0;
	uint32_t turns = 0;

	while (read < frames) {
		if (written < frames && written - read + batch < LIMIT_SLOTS)
			written += produce(p->tx, batch, len);
		read += consume(p);
		if (!(++turns % 65536) && bench_now() > stuck) {
			fprintf(stderr, "stuck: %llu written, %llu read\n",
				(unsigned long long)written,
				(unsigned long long)read);
			exit(1);
		}
	}
}

struct samples {
	double limit[ROUNDS_MAX], engine[ROUNDS_MAX], ratio[ROUNDS_MAX];
	double bounce[ROUNDS_MAX];
	int n;
};

static double goal(bool pipe, uint32_t batch)
{
	if (pipe)
		return 0.45;
	return batch == 1 ? 0.65 : 0.5;
}

static void compare(struct pair *p, bool pipe, uint32_t batch, uint32_t len,
		    int rounds)
{
	const uint64_t frames = (len > 1000 ? 100000 : 500000) /
				(batch == 1 ? 4 : 1) / 256 * 256;
	struct samples s = {.n = 0};

	for (int i = -1; i < rounds; i++) {
		struct limit *l = limit_new();
		const double before = limit_bounce(ENGINE_CPU);
		double t0 = bench_now(), t1, t2, after;

		limit_cross(l, pipe, frames, batch, len, ENGINE_CPU);
		t1 = bench_now();
		run_engine(p, frames, batch, len);
		t2 = bench_now();
		after = limit_bounce(ENGINE_CPU);
		limit_free(l);
		/* the machine must not have changed its state meanwhile */
		if (i < 0 || after > 1.5 * before || before > 1.5 * after)
			continue;
		s.limit[s.n] = (double)frames / (t1 - t0) / 1e6;
		s.engine[s.n] = (double)frames / (t2 - t1) / 1e6;
		s.ratio[s.n] = s.engine[s.n] / s.limit[s.n];
		s.bounce[s.n++] = before;
	}
	if (!s.n) {
		printf("%-5s %5u B  batch %3u  no steady run\n",
		       pipe ? "pipe" : "vale", len, batch);
		return;
	}
	printf("%-5s %5u B  batch %3u  limit %7.1f Mpps  engine %7.1f Mpps  ratio %.2f  goal %.2f  (line bounce %.0f ns, %d runs)\n",
	       pipe ? "pipe" : "vale", len, batch, bench_median(s.limit, s.n),
	       bench_median(s.engine, s.n), bench_median(s.ratio, s.n),
	       goal(pipe, batch), bench_median(s.bounce, s.n), s.n);
	fflush(stdout);
}

/* Latency */

static double poll_latency(struct pair *p)
{
	enum { N = 20001 };
	static double took[N];

	for (int i = 0; i < N; i++) {
		const double t0 = bench_now();

		produce(p->tx, 1, 60);
		while (!consume(p))
			;
		took[i] = (bench_now() - t0) * 1e9;
	}
	return bench_median(took, N);
}

static void latency(struct pair *p, int rounds)
{
	double limit[ROUNDS_MAX], engine[ROUNDS_MAX], ratio[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++) {
		struct limit *l = limit_new();

		limit[i] = limit_cross_latency(l, ENGINE_CPU);
		engine[i] = poll_latency(p);
		ratio[i] = engine[i] / limit[i];
		limit_free(l);
	}
	printf("poll latency, one in flight: limit %.0f ns  engine %.0f ns  ratio %.2f  goal 1.28\n",
	       bench_median(limit, rounds), bench_median(engine, rounds),
	       bench_median(ratio, rounds));
	fflush(stdout);
}

/* Blocking */

enum { PINGS = 3000 };

struct echo {
	int in, out;
	struct ptnet_port *port;
};

static void *echo_eventfd(void *arg)
{
	const struct echo *e = arg;
	uint64_t v;

	for (int i = 0; i < PINGS; i++)
		if (read(e->in, &v, 8) != 8 || write(e->out, &v, 8) != 8)
			abort();
	return NULL;
}

static double eventfd_round_trip(void)
{
	struct echo e = {.in = eventfd(0, 0), .out = eventfd(0, 0)};
	uint64_t v = 1;
	pthread_t thread;
	double t0;

	thread = bench_thread(ENGINE_CPU, echo_eventfd, &e);
	t0 = bench_now();
	for (int i = 0; i < PINGS; i++)
		if (write(e.in, &v, 8) != 8 || read(e.out, &v, 8) != 8)
			abort();
	t0 = bench_now() - t0;
	pthread_join(thread, NULL);
	close(e.in);
	close(e.out);
	return t0 / PINGS * 1e6;
}

static void must_wait(struct ptnet_port *p)
{
	int ready;

	do
		ready = ptnet_wait(p, PTNET_RX, 5000);
	while (ready == -EINTR);
	if (ready <= 0) {
		fprintf(stderr, "no frame came: %d\n", ready);
		exit(1);
	}
}

static void *echo_port(void *arg)
{
	struct pair p = {.rx = ((struct echo *)arg)->port};

	for (int i = 0; i < PINGS;) {
		uint32_t n;

		must_wait(p.rx);
		n = consume(&p);
		for (uint32_t k = 0; k < n; k++)
			answer(p.rx);
		i += (int)n;
	}
	return NULL;
}

/* Sender and echo sleep on CPU 0, the engine wakes them from CPU 1. */
static double port_round_trip(struct pair *p)
{
	struct pair back = {.rx = p->tx};
	struct echo e = {.port = p->rx};
	pthread_t thread;
	double t0;

	thread = bench_thread(0, echo_port, &e);
	t0 = bench_now();
	for (int i = 0; i < PINGS; i++) {
		produce(p->tx, 1, 60);
		do
			must_wait(p->tx);
		while (!consume(&back));
	}
	t0 = bench_now() - t0;
	pthread_join(thread, NULL);
	return t0 / PINGS * 1e6;
}

static void blocking(struct pair *p, int rounds)
{
	double event[ROUNDS_MAX], port[ROUNDS_MAX], ratio[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++) {
		event[i] = eventfd_round_trip();
		port[i] = port_round_trip(p);
		ratio[i] = port[i] / event[i];
	}
	printf("blocking round trip: eventfd across cores %.1f us  engine %.1f us  ratio %.2f  goal 1.3\n",
	       bench_median(event, rounds), bench_median(port, rounds),
	       bench_median(ratio, rounds));
	fflush(stdout);
}

/* What is measured: a switch with two ports, a pipe. */

static void must(int err, const struct backend_error *error)
{
	if (!err)
		return;
	fprintf(stderr, "engine: %s\n", error->message);
	exit(1);
}

static struct port_spec port_spec(const char *name, const char *on_switch,
				  const char *on_pipe, uint8_t end)
{
	struct port_spec s = {
		.owner = "bench",
		.kind = PTN_PORT_HOST,
		.end = end,
		.queues = 1,
		.slots = LIMIT_SLOTS,
		.buf_size = LIMIT_BUF,
	};

	strcpy(s.name, name);
	strcpy(s.on_switch, on_switch);
	strcpy(s.on_pipe, on_pipe);
	if (*on_pipe)
		strcpy(s.domain, "pipe:p0");
	return s;
}

static void declare(struct objects *o)
{
	static struct static_mac macs[] = {
		{{2, 0, 0, 0, 0, 2}, "s1"},
		{{2, 0, 0, 0, 0, 3}, "s0"},
	};
	const struct switch_spec sw = {"vale0", "bench", 300000, 8192, macs, 2};
	const struct pipe_spec pipe = {"p0", "bench", "pipe:p0"};
	const struct port_spec ports[] = {
		port_spec("s0", "vale0", "", 0),
		port_spec("s1", "vale0", "", 0),
		port_spec("pa", "", "p0", 0),
		port_spec("pb", "", "p0", 1),
	};

	objects_add_switch(o, &sw, NULL);
	objects_add_pipe(o, &pipe, NULL);
	for (int i = 0; i < 4; i++)
		objects_add_port(o, &ports[i], NULL);
	objects_sort(o);
}

static struct backend *start_engine(const char *program, const char *run_dir)
{
	const struct backend_config config = {
		.run_dir = run_dir, .engine_path = program, .workers = 1};
	struct backend_error error = {0};
	struct objects want = {0}, have = {0};
	struct backend *b;
	struct plan plan;

	bench_pin(ENGINE_CPU); /* inherited */
	must(backend_engine.open(&b, &config, &error), &error);
	bench_pin(0);
	declare(&want);
	if (plan_make(&plan, &want, &have))
		exit(1);
	must(backend_engine.apply(b, &plan, 1, &error), &error);
	plan_fini(&plan);
	objects_fini(&want);
	return b;
}

static void run_all(const char *ports, int rounds)
{
	static const uint32_t batches[] = {256, 32, 1};
	struct pair vale = {open_port(ports, "s0"), open_port(ports, "s1"), 0};
	struct pair pipe = {open_port(ports, "pa"), open_port(ports, "pb"), 0};

	for (int i = 0; i < 3; i++)
		compare(&vale, false, batches[i], 60, rounds);
	compare(&vale, false, 256, 1514, rounds);
	for (int i = 0; i < 3; i++)
		compare(&pipe, true, batches[i], 60, rounds);
	compare(&pipe, true, 256, 1514, rounds);
	latency(&vale, rounds);
	blocking(&vale, rounds);
	ptnet_close(vale.tx);
	ptnet_close(vale.rx);
	ptnet_close(pipe.tx);
	ptnet_close(pipe.rx);
}

static void run_vale(const char *ports, int rounds, uint32_t batch)
{
	struct pair vale = {open_port(ports, "s0"), open_port(ports, "s1"), 0};

	compare(&vale, false, batch, 60, rounds);
	compare(&vale, false, batch, 1514, rounds);
	ptnet_close(vale.tx);
	ptnet_close(vale.rx);
}

static struct backend *engine;
static char run_dir[64];

static void clean_up(void)
{
	backend_engine.teardown(engine);
	bench_remove_directory(run_dir);
}

int main(int argc, char **argv)
{
	const int rounds = argc > 2 ? atoi(argv[2]) : 9;
	const int batch = argc > 3 ? atoi(argv[3]) : 0;
	char ports[sizeof(run_dir) + 16];

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX || batch < 0 ||
	    batch >= LIMIT_SLOTS) {
		fprintf(stderr,
			"usage: bench_engine ENGINE [ROUNDS [BATCH]]\n");
		return 2;
	}
	if (!bench_directory(run_dir, sizeof(run_dir)))
		return 1;
	engine = start_engine(argv[1], run_dir);
	atexit(clean_up);
	snprintf(ports, sizeof(ports), "%s/ports", run_dir);
	if (batch)
		run_vale(ports, rounds, (uint32_t)batch);
	else
		run_all(ports, rounds);
	return 0;
}
