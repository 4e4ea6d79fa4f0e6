/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VM that means harm costs its neighbours: frames a second from one
 * port to another, which keep the engine's only worker busy on CPU 1, while a
 * third port's client on the same switch does its worst.
 *
 *	bench_hostile ENGINE|kernel [ROUNDS [ATTACK]]
 *
 * "kernel" is the module, where that is loaded: the neighbours' frames are
 * moved by their own calls then, and the third port has a thread of the
 * kernel's.
 *
 * One thread on CPU 0 is all of them in turn, so that the attacker takes no
 * other's time than the worker's: beside it, in windows that take turns with
 * those of the attack, it does the same steps to a copy of its memory that
 * nobody looks at.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/backend.h"
#include "bench.h"
#include "port/ptnet.h"
#include "unit/vandal.h"

enum {
	ROUNDS_MAX = 101,
	ENGINE_CPU = 1,
	WORKERS = 1,
	SLOTS = 1024,
	BUF = 2048,
	LOST = 100000, /* looks for one frame */
	LEN = 64, /* no frame of the attacker's has this length */
	VECTORS = 3,
	HEAR_MS = 20,
};

/* Commands are limited by the second. */
static const double window = 0.05, long_window = 1.05; /* s */

struct attack {
	const char *name;
	vandal_step *step[2];
	void (*lay)(struct vandal *v);
	bool headers;
	bool commands;
	bool fair; /* frames in order: what any busy port costs, too */
};

static const struct attack attacks[] = {
	{.name = "words",
	 .step = {vandal_scribble, vandal_ring},
	 .commands = true},
	{.name = "doorbells",
	 .step = {vandal_ring, vandal_ring},
	 .commands = true},
	{.name = "resets",
	 .step = {vandal_command, vandal_command},
	 .commands = true},
	{.name = "slots", .step = {vandal_hand_over, vandal_send}},
	{.name = "chain",
	 .step = {vandal_send, vandal_send},
	 .lay = vandal_lay_chain},
	{.name = "headers",
	 .step = {vandal_offload, vandal_send},
	 .headers = true},
	{.name = "segments",
	 .step = {vandal_send, vandal_send},
	 .lay = vandal_lay_segments,
	 .headers = true,
	 .fair = true},
	{.name = "flood",
	 .step = {vandal_send, vandal_send},
	 .lay = vandal_lay_flood,
	 .fair = true},
	{.name = "frames",
	 .step = {vandal_send, vandal_send},
	 .lay = vandal_lay_frames,
	 .fair = true},
};

/* The world */

static const struct backend_ops *ops = &backend_engine;
static struct backend *backend;
/* Calls come from one thread at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t ear;
static bool ending;
static char run_dir[64], ports[80];

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "bench_hostile: %s: %s\n", what, strerror(abs(err)));
	exit(1);
}

static struct port_spec port_spec(const char *name, enum ptn_port_kind kind)
{
	struct port_spec s = {
		.owner = "bench",
		.kind = kind,
		.on_switch = "vale0",
		.queues = 1,
		.slots = SLOTS,
		.buf_size = BUF,
		.offload = kind == PTN_PORT_VM,
	};

	strcpy(s.name, name);
	return s;
}

static void declare(struct objects *o)
{
	static struct static_mac macs[] = {{{2, 0, 0, 0, 0, 2}, "b"}};
	const struct switch_spec sw = {"vale0", "bench", 300000, 8192, macs, 1};
	const struct port_spec p[] = {port_spec("a", PTN_PORT_HOST),
				      port_spec("b", PTN_PORT_HOST),
				      port_spec("bad", PTN_PORT_VM)};

	objects_add_switch(o, &sw, NULL);
	for (int i = 0; i < 3; i++)
		objects_add_port(o, &p[i], NULL);
	objects_sort(o);
}

/* Serves the module's attach sockets, as ptnetd does. */
static void *hear(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&ending, __ATOMIC_ACQUIRE)) {
		struct pollfd p = {.fd = ops->event_fd(backend),
				   .events = POLLIN};

		if (poll(&p, 1, HEAR_MS) != 1)
			continue;
		pthread_mutex_lock(&lock);
		ops->hear(backend);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void start_backend(const char *program)
{
	const struct backend_config config = {
		.run_dir = run_dir, .engine_path = program, .workers = WORKERS};
	struct backend_error error = {0};
	struct objects want = {0}, have = {0};
	struct plan plan;

	bench_pin(ENGINE_CPU); /* inherited */
	must(ops->open(&backend, &config, &error), error.message);
	bench_pin(0);
	declare(&want);
	must(plan_make(&plan, &want, &have), "plan");
	must(ops->apply(backend, &plan, 1, &error), error.message);
	plan_fini(&plan);
	objects_fini(&want);
	must(pthread_create(&ear, NULL, hear, NULL), "a thread");
}

static void clean_up(void)
{
	__atomic_store_n(&ending, true, __ATOMIC_RELEASE);
	pthread_join(ear, NULL);
	ops->teardown(backend);
	ops->close(backend);
	bench_remove_directory(run_dir);
}

/* Whether the backend has disabled the attacker's port. */
static bool is_disabled(void)
{
	struct backend_error error = {0};
	struct objects have;
	bool faulted;

	pthread_mutex_lock(&lock);
	must(ops->dump(backend, &have, &error), error.message);
	pthread_mutex_unlock(&lock);
	faulted = have.port_status[objects_find_port(&have, "bad") - have.ports]
			  .state == PTN_PORT_FAULTED;
	objects_fini(&have);
	return faulted;
}

/* The neighbours */

struct pair {
	struct ptnet_port *a, *b;
};

static struct ptnet_port *open_port(const char *name)
{
	struct ptnet_port *p;
	char path[96];

	if (ops == &backend_kernel)
		snprintf(path, sizeof(path), "vale0:%s", name);
	else
		snprintf(path, sizeof(path), "%s/%s.sock", ports, name);
	must(ptnet_open(&p, path, NULL), path);
	return p;
}

static void fill(struct ptnet_port *p)
{
	static const char head[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	struct netmap_ring *r = ptnet_tx_ring(p, 0);

	for (uint32_t i = 0; i < r->num_slots; i++) {
		memcpy(ptnet_buf(r, r->slot[i].buf_idx), head, sizeof(head));
		r->slot[i].len = LEN;
	}
}

/* Frames that are there are sent again, all that there is room for. */
static void send_all(struct ptnet_port *p)
{
	struct netmap_ring *r = ptnet_tx_ring(p, 0);

	r->head = r->cur = r->tail;
	ptnet_sync_tx(p, 0);
}

static void send_one(struct ptnet_port *p)
{
	struct netmap_ring *r = ptnet_tx_ring(p, 0);

	while (!ptnet_space(r))
		ptnet_sync_tx(p, 0);
	r->head = r->cur = ptnet_next(r, r->head);
	ptnet_sync_tx(p, 0);
}

/* Theirs, of all that came. */
static uint32_t take_all(struct ptnet_port *p)
{
	struct netmap_ring *r = ptnet_rx_ring(p, 0);
	uint32_t n = 0, head;

	ptnet_sync_rx(p, 0);
	for (head = r->head; head != r->tail; head = ptnet_next(r, head))
		n += r->slot[head].len == LEN;
	r->head = r->cur = head;
	ptnet_sync_rx(p, 0);
	return n;
}

/* What is on its way still is no result. */
static void drain(struct pair *p)
{
	const double end = bench_now() + 0.005;

	while (bench_now() < end)
		take_all(p->b);
}

/* The attacker, and its memory's copy */

/*
 * With real-time priority the worker would never let the engine's other thread
 * have the processor, which answers commands and disables ports.
 */
static void let_control_run(const struct qemu *q)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct sched_param param;

	if (sched_getscheduler(0) != SCHED_FIFO || sched_getparam(0, &param) ||
	    getsockopt(q->sock, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return;
	param.sched_priority++;
	sched_setscheduler(peer.pid, SCHED_FIFO, &param);
}

static void attach(struct qemu *q, const struct attack *attack)
{
	char path[96];
	struct ptn_control *c;

	snprintf(path, sizeof(path), "%s/bad.sock", ports);
	if (!qemu_start_whole(q, path, VECTORS))
		must(EPROTO, q->why);
	let_control_run(q);
	must(qemu_command(q, PTN_REGION_RESET), "RESET");
	c = (void *)(q->bar + qemu_config(q)->control_ofs);
	c->arg[0] = attack->headers ? VANDAL_HEADER : 0;
	must(qemu_command(q, PTN_REGION_HEADER), "HEADER");
	must(qemu_command(q, PTN_REGION_START), "START");
}

static void copy_memory(struct qemu *to, const struct qemu *from, int epoll)
{
	const struct ptn_config *c = qemu_config(from);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};

	*to = *from;
	to->size = c->mem_ofs + c->mem_size;
	to->bar = mmap(NULL, to->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (to->bar == MAP_FAILED)
		must(ENOMEM, "a copy");
	memcpy(to->bar, from->bar, to->size);
	for (int i = 0; i < VECTORS; i++) {
		to->host[i] = eventfd(0, EFD_NONBLOCK);
		epoll_ctl(epoll, EPOLL_CTL_ADD, to->host[i], &e);
	}
	/* a host that is awake asks for no kicks */
	((struct nm_csb_ktoa *)(void *)(to->bar + c->ktoa_ofs))
		->kern_need_kick = 0;
}

static void forget_copy(struct qemu *copy)
{
	munmap(copy->bar, copy->size);
	for (int i = 0; i < VECTORS; i++)
		close(copy->host[i]);
}

static double run(struct pair *p, const struct attack *attack, struct vandal *v)
{
	uint64_t frames = 0;
	double begin, now;

	drain(p);
	begin = bench_now();
	do {
		for (int i = 0; i < 16; i++) {
			send_all(p->a);
			frames += take_all(p->b);
			attack->step[i % 2](v);
		}
		now = bench_now();
	} while (now - begin < (attack->commands ? long_window : window));
	return (double)frames / (now - begin) / 1e6;
}

/* One frame on its way, again and again: what is lost counts for nothing. */
static double run_one(struct pair *p, const struct attack *attack,
		      struct vandal *v)
{
	uint64_t trips = 0;
	double begin, now;

	drain(p);
	begin = bench_now();
	do {
		for (int i = 0; i < 16; i++) {
			uint32_t got = 0;

			send_one(p->a);
			for (int n = 0; !got && n < LOST; n++) {
				got = take_all(p->b);
				if (n % 8 == 0)
					attack->step[n / 8 % 2](v);
			}
			trips += got;
		}
		now = bench_now();
	} while (now - begin < (attack->commands ? long_window : window));
	return (double)trips / (now - begin) / 1e6;
}

struct samples {
	double alone[ROUNDS_MAX], beside[ROUNDS_MAX], ratio[ROUNDS_MAX];
	double trip[ROUNDS_MAX], trip_beside[ROUNDS_MAX];
	double trip_ratio[ROUNDS_MAX];
	int disabled;
};

static void one_round(struct pair *p, const struct attack *attack, int i,
		      struct samples *s)
{
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct qemu q, copy;
	struct vandal v[2];

	attach(&q, attack);
	copy_memory(&copy, &q, epoll);
	vandal_init(&v[0], &copy, (uint64_t)i + 1, 2, 3);
	vandal_init(&v[1], &q, (uint64_t)i + 1, 2, 3);
	for (int k = 0; k < 2 && attack->lay; k++)
		attack->lay(&v[k]);
	s->alone[i] = run(p, attack, &v[0]);
	s->beside[i] = run(p, attack, &v[1]);
	s->ratio[i] = s->beside[i] / s->alone[i];
	s->trip[i] = run_one(p, attack, &v[0]);
	s->trip_beside[i] = run_one(p, attack, &v[1]);
	s->trip_ratio[i] = s->trip_beside[i] / s->trip[i];
	s->disabled += is_disabled();
	forget_copy(&copy);
	qemu_end(&q);
	close(epoll);
}

static void measure(struct pair *p, const struct attack *attack, int rounds)
{
	struct samples s = {.disabled = 0};

	for (int i = 0; i < rounds; i++)
		one_round(p, attack, i, &s);
	printf("%-10s alone %6.1f Mpps  beside it %6.1f  ratio %.2f  goal %s  one frame in flight %6.3f and %6.3f Mpps, %.2f  (disabled %d of %d times)\n",
	       attack->name, bench_median(s.alone, rounds),
	       bench_median(s.beside, rounds), bench_median(s.ratio, rounds),
	       attack->fair ? "-   " : "0.90", bench_median(s.trip, rounds),
	       bench_median(s.trip_beside, rounds),
	       bench_median(s.trip_ratio, rounds), s.disabled, rounds);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const int rounds = argc > 2 ? atoi(argv[2]) : 15;
	struct pair p;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr,
			"usage: bench_hostile ENGINE|kernel [ROUNDS [ATTACK]]\n");
		return 2;
	}
	if (!bench_directory(run_dir, sizeof(run_dir)))
		return 1;
	if (!strcmp(argv[1], backend_kernel.name))
		ops = &backend_kernel;
	start_backend(argv[1]);
	atexit(clean_up);
	snprintf(ports, sizeof(ports), "%s/ports", run_dir);
	p = (struct pair){open_port("a"), open_port("b")};
	fill(p.a);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++)
		if (argc < 4 || !strcmp(argv[3], attacks[i].name))
			measure(&p, &attacks[i], rounds);
	ptnet_close(p.a);
	ptnet_close(p.b);
	return 0;
}
