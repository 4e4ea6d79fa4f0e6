/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An engine in a process of its own, and programs that die or do their worst
 * on its ports while others go on: no buffer may be lost, no frame of the
 * others, and the engine stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ptnet/region.h>

#include "backend/backend.h"
#include "base/log.h"
#include "engine/engine.h"
#include "port/ptnet.h"

enum {
	KILLS = 1000,
	SCRIBBLERS = 40,
	SCRIBBLE_MS = 50,
	BATCH = 50,
	PATIENCE_MS = 10000,
};

/* Those who behave badly have p0 and p3, and a pipe; p1 and p2 do not. */
static const struct {
	const char *name, *on_switch;
	uint8_t end;
} ports[] = {
	{"p0", "vale0", 0}, {"p3", "vale0", 0}, {"p4", "vale0", 0},
	{"p1", "vale1", 0}, {"p2", "vale1", 0}, {"left", "", 0},
	{"right", "", 1},
};

/*
 * Who names one of its buffers in two slots makes workers meet in there: its
 * own loss. Only here; elsewhere two in one buffer are an error.
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:ptn_copy\nrace:load_mac\nrace:load_source\n";
}

struct host {
	char dir[64];
	pid_t engine;
	struct backend *backend;
	uint64_t instance;
};

/* A process that goes with this one. */
static pid_t child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		log_set_level(LOG_LEVEL_ERR);
	}
	return pid;
}

static void serve(const char *dir)
{
	const struct engine_config config = {.run_dir = dir, .workers = 2};
	struct engine *e = NULL;
	char text[256];
	int err = engine_new(&e, &config, text, sizeof(text));

	if (err)
		log_err("%s", text);
	else
		err = engine_run(e);
	engine_free(e);
	exit(err ? 1 : 0);
}

static int connect_engine(struct host *h)
{
	const struct backend_config config = {.run_dir = h->dir,
					      .engine_path = "/nowhere"};
	struct backend_error error;
	struct backend_info info;
	int err = -1;

	for (int ms = 0; err && ms < PATIENCE_MS; ms += 5) {
		poll(NULL, 0, 5);
		err = backend_engine.open(&h->backend, &config, &error);
	}
	if (!err)
		err = backend_engine.info(h->backend, &info, &error);
	h->instance = err ? 0 : info.instance;
	return err;
}

static void start_engine(struct host *h)
{
	h->engine = child();
	if (!h->engine)
		serve(h->dir);
	assert_int_equal(connect_engine(h), 0);
}

static void declare(struct objects *want)
{
	struct switch_spec vale = {
		.name = "vale0", .owner = "t", .fdb_size = 64};
	const struct pipe_spec pipe = {"q0", "t", "d0"};

	*want = (struct objects){0};
	objects_add_switch(want, &vale, NULL);
	strcpy(vale.name, "vale1");
	objects_add_switch(want, &vale, NULL);
	objects_add_pipe(want, &pipe, NULL);
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		struct port_spec p = {.owner = "t",
				      .kind = PTN_PORT_HOST,
				      .queues = 1,
				      .slots = 128,
				      .buf_size = 512,
				      .extra_bufs = 3};

		strcpy(p.name, ports[i].name);
		strcpy(p.on_switch, ports[i].on_switch);
		strcpy(p.on_pipe, p.on_switch[0] ? "" : "q0");
		strcpy(p.domain, p.on_switch[0] ? "" : "d0");
		p.end = ports[i].end;
		objects_add_port(want, &p, NULL);
	}
	objects_sort(want);
}

static void apply(struct host *h)
{
	struct objects want, have = {0};
	struct backend_error error = {0};
	struct plan plan;

	declare(&want);
	assert_int_equal(plan_make(&plan, &want, &have), 0);
	if (backend_engine.apply(h->backend, &plan, 1, &error))
		fail_msg("%s", error.message);
	plan_fini(&plan);
	objects_fini(&want);
}

static int host_open(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	strcpy(h->dir, "/tmp/ptnet-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	start_engine(h);
	apply(h);
	*state = h;
	return 0;
}

/* It must end by itself with 0 (sanitizers say nothing) and leave nothing. */
static int host_close(void **state)
{
	struct host *h = *state;
	char path[96];
	int status;

	backend_engine.close(h->backend);
	kill(h->engine, SIGTERM);
	assert_int_equal(waitpid(h->engine, &status, 0), h->engine);
	assert_int_equal(status, 0);
	snprintf(path, sizeof(path), "%s/ports", h->dir);
	assert_int_equal(rmdir(path), 0);
	/* who was faster than our engine tried to start /nowhere */
	snprintf(path, sizeof(path), "%s/engine.log", h->dir);
	unlink(path);
	assert_int_equal(rmdir(h->dir), 0);
	free(h);
	return 0;
}

static void check_census(struct host *h)
{
	struct backend_error error = {0};
	struct census c;

	if (backend_engine.census(h->backend, &c, &error))
		fail_msg("%s", error.message);
	assert_int_equal(c.lost, 0);
	assert_int_equal(c.twice, 0);
	assert_int_equal(c.free + c.slots + c.extra, c.buffers);
}

static void wait_down(struct host *h)
{
	struct backend_error error;
	struct census c = {.regions = 1};

	for (int ms = 0; c.regions && ms < PATIENCE_MS; ms++) {
		poll(NULL, 0, 1);
		assert_int_equal(backend_engine.census(h->backend, &c, &error),
				 0);
	}
	assert_int_equal(c.regions, 0);
}

static void same_engine(struct host *h)
{
	struct backend_info info;
	struct backend_error error;

	assert_int_equal(backend_engine.info(h->backend, &info, &error), 0);
	assert_true(info.instance == h->instance);
}

static void socket_path(const struct host *h, const char *port, char path[108])
{
	snprintf(path, 108, "%s/ports/%s.sock", h->dir, port);
}

/* Programs: they run in processes of their own and say by exit what was. */

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "line %d: %s\n", __LINE__, #x);        \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static struct ptnet_port *attach(const struct host *h, const char *port)
{
	struct ptnet_port *p = NULL;
	char path[108];

	socket_path(h, port, path);
	MUST(ptnet_open(&p, path, NULL) == 0);
	return p;
}

static uint32_t send_some(struct ptnet_port *p, const uint8_t *header,
			  uint32_t n, uint32_t seq)
{
	struct netmap_ring *ring = ptnet_tx_ring(p, 0);
	uint32_t sent = 0;

	for (; sent < n && ptnet_space(ring); sent++, seq++) {
		struct netmap_slot *s = &ring->slot[ring->head];
		char *buf = ptnet_buf(ring, s->buf_idx);

		memcpy(buf, header, 14);
		memcpy(buf + 14, &seq, sizeof(seq));
		s->len = 60;
		ring->head = ring->cur = ptnet_next(ring, ring->head);
	}
	MUST(ptnet_sync_tx(p, 0) >= 0);
	return sent;
}

/*
 * A pair that must not lose a frame: p1 sends a few, p2 gets exactly these,
 * for ever. Now and then p4 sends one to those who behave badly.
 */
static void steady_pair(const struct host *h, volatile uint32_t *rounds)
{
	const uint8_t to_p2[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	const uint8_t to_all[14] = {255, 255, 255, 255, 255, 255,
				    2,	 0,   0,   0,	0,   4};
	struct ptnet_port *a = attach(h, "p1"), *b = attach(h, "p2");
	struct ptnet_port *c = attach(h, "p4");
	struct netmap_ring *rx = ptnet_rx_ring(b, 0);
	uint32_t sent = 0, got = 0, seq;

	for (;;) {
		MUST(ptnet_wait(a, PTNET_TX, PATIENCE_MS) > 0);
		sent += send_some(a, to_p2, BATCH, sent);
		ptnet_sync_tx(c, 0);
		send_some(c, to_all, 1, 0);
		while (got != sent) {
			MUST(ptnet_wait(b, PTNET_RX, PATIENCE_MS) > 0);
			while (ptnet_space(rx)) {
				char *buf = ptnet_buf(
					rx, rx->slot[rx->head].buf_idx);

				memcpy(&seq, buf + 14, sizeof(seq));
				MUST(seq == got++);
				rx->head = rx->cur = ptnet_next(rx, rx->head);
			}
			MUST(ptnet_sync_rx(b, 0) >= 0);
		}
		__atomic_add_fetch(rounds, 1, __ATOMIC_RELAXED);
	}
}

struct steady {
	pid_t pid;
	volatile uint32_t *rounds;
};

static void steady_start(struct steady *s, const struct host *h)
{
	s->rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s->pid = child();
	if (!s->pid)
		steady_pair(h, s->rounds);
}

/* It went on until the end. */
static void steady_end(struct steady *s)
{
	uint32_t before = *s->rounds;
	int status;

	for (int ms = 0; *s->rounds < before + 3 && ms < PATIENCE_MS; ms++)
		poll(NULL, 0, 1);
	assert_true(*s->rounds >= before + 3);
	kill(s->pid, SIGKILL);
	waitpid(s->pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	munmap((void *)s->rounds, 4096);
}

/* Attach to one or two ports and work until killed. */
static void busy(const struct host *h, unsigned which)
{
	const uint8_t header[14] = {2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 3};
	struct ptnet_port *a = attach(h, which % 3 == 0 ? "p0" : "left");
	struct ptnet_port *b = which % 3 == 2 ? attach(h, "right") : NULL;

	for (uint32_t seq = 0;; seq++) {
		struct netmap_ring *rx = ptnet_rx_ring(b ? b : a, 0);

		send_some(a, header, 7, seq);
		MUST(ptnet_wait(b ? b : a, PTNET_RX, 0) >= 0);
		rx->head = rx->cur = rx->tail;
		ptnet_sync_rx(b ? b : a, 0);
	}
}

static void kill_after(pid_t pid, long us)
{
	const struct timespec t = {.tv_nsec = us * 1000};
	int status;

	nanosleep(&t, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void a_killed_program_leaves_nothing(void **state)
{
	struct host *h = *state;
	struct steady steady;

	steady_start(&steady, h);
	srandom(1);
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t pid = child();

		if (!pid)
			busy(h, i);
		kill_after(pid, random() % 3000);
		check_census(h);
	}
	steady_end(&steady);
	wait_down(h);
	same_engine(h);
}

/* Hostile programs: the protocol by hand, all descriptors kept. */

struct raw {
	int sock, mem;
	int64_t id;
	int host[3], own[3];
};

static int raw_connect(const struct host *h, const char *port)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	socket_path(h, port, sun.sun_path);
	MUST(!connect(sock, (void *)&sun, sizeof(sun)));
	return sock;
}

static int64_t raw_message(int sock, int *fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	int64_t value = 0;
	struct iovec iov = {&value, sizeof(value)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};

	MUST(recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL) == 8);
	if (fd && CMSG_FIRSTHDR(&m))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(*fd));
	return value;
}

static void raw_open(struct raw *r, const struct host *h, const char *port)
{
	*r = (struct raw){.mem = -1};
	r->sock = raw_connect(h, port);
	MUST(raw_message(r->sock, NULL) == 0);
	r->id = raw_message(r->sock, NULL);
	MUST(raw_message(r->sock, &r->mem) == -1);
	for (int i = 0; i < 3; i++)
		raw_message(r->sock, &r->host[i]);
	for (int i = 0; i < 3; i++)
		raw_message(r->sock, &r->own[i]);
}

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Mostly small numbers: they pass more checks than others. */
static uint32_t nasty(uint64_t *s)
{
	uint64_t r = xorshift(s);

	switch (r >> 60) {
	case 0:
		return (uint32_t)r;
	case 1:
		return UINT32_MAX - (uint32_t)(r % 8);
	case 2:
		return (uint32_t)(r % 4096);
	default:
		return (uint32_t)(r % 130);
	}
}

static void start_properly(struct ptn_control *c, const struct raw *r)
{
	for (uint32_t i = 1; i <= 2; i++) {
		c->cmd = i == 1 ? PTN_REGION_RESET : PTN_REGION_START;
		__atomic_store_n(&c->seq, i, __ATOMIC_RELEASE);
		eventfd_write(r->host[0], 1);
		poll(NULL, 0, 2);
	}
}

static void scribble(const struct host *h, const char *port, uint64_t seed)
{
	struct ptn_config config;
	uint32_t *words;
	struct raw r;
	size_t bytes, window, csb;
	char *base;

	raw_open(&r, h, port);
	MUST(pread(r.mem, &config, sizeof(config),
		   (off_t)(r.id * PTN_WINDOW_SIZE)) == sizeof(config));
	/* no more than interfaces, rings and the first buffers are of interest
	 */
	bytes = PTN_WINDOW_AREA + config.pool[2].offset + 8192;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r.mem, 0);
	MUST(base != MAP_FAILED);
	words = (uint32_t *)base;
	window = (size_t)r.id * PTN_WINDOW_SIZE;
	csb = window + PTN_WINDOW_ATOK;
	start_properly((void *)(base + window + PTN_WINDOW_CONTROL), &r);
	for (uint64_t n = 0;; n++) {
		size_t at = n % 4 == 0
				    ? xorshift(&seed) % PTN_WINDOW_SIZE + window
			    : n % 4 == 1
				    ? csb + xorshift(&seed) % 128
				    : PTN_WINDOW_AREA +
					      xorshift(&seed) %
						      (bytes - PTN_WINDOW_AREA);

		__atomic_store_n(&words[at / 4], nasty(&seed),
				 __ATOMIC_RELAXED);
		if (n % 16 == 0)
			eventfd_write(r.host[xorshift(&seed) % 3], 1);
	}
}

static void a_scribbler_harms_nobody(void **state)
{
	struct host *h = *state;
	struct steady steady;

	steady_start(&steady, h);
	for (unsigned i = 1; i <= SCRIBBLERS; i++) {
		pid_t one = child();
		pid_t two;

		if (!one)
			scribble(h, i % 2 ? "p0" : "left", i * 1000003ULL);
		two = child();
		if (!two)
			scribble(h, i % 2 ? "p3" : "right", i * 7919ULL);
		kill_after(one, SCRIBBLE_MS * 1000);
		kill_after(two, 1000);
		same_engine(h);
	}
	check_census(h);
	steady_end(&steady);
	wait_down(h);
}

/* Who connects and does not read holds up nobody. */
static void silent_clients_block_nobody(void **state)
{
	struct host *h = *state;
	struct steady steady;
	int first = raw_connect(h, "p0"), more[64];
	int64_t value;

	steady_start(&steady, h);
	for (int i = 0; i < 64; i++) {
		more[i] = raw_connect(h, "p0");
		assert_int_equal(recv(more[i], &value, 8, MSG_WAITALL), 8);
		assert_int_equal(value, -EBUSY);
		assert_int_equal(recv(more[i], &value, 8, 0), 0);
		close(more[i]);
	}
	/* nor does one who talks */
	assert_int_equal(send(first, &value, 8, MSG_NOSIGNAL), 8);
	more[0] = -1;
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		more[0] = raw_connect(h, "p0");
		if (raw_message(more[0], NULL) == 0)
			break;
		close(more[0]);
		poll(NULL, 0, 1);
	}
	close(more[0]);
	close(first);
	steady_end(&steady);
	wait_down(h);
}

static void a_directory_has_one_engine(void **state)
{
	struct host *h = *state;
	const struct engine_config config = {.run_dir = h->dir};
	struct engine *e = NULL;
	char text[256], expected[256];

	assert_int_equal(engine_new(&e, &config, text, sizeof(text)), -EBUSY);
	snprintf(expected, sizeof(expected),
		 "%s: another engine serves this directory", h->dir);
	assert_string_equal(text, expected);
	same_engine(h);
}

static void a_killed_engine_is_noticed_and_followed(void **state)
{
	struct host *h = *state;
	struct pollfd death = {.fd = backend_engine.death_fd(h->backend),
			       .events = POLLIN};
	uint64_t before = h->instance;
	struct backend_error error = {0};
	struct objects o;
	struct ptnet_port *p = attach(h, "p0");

	assert_int_equal(poll(&death, 1, 0), 0);
	kill(h->engine, SIGKILL);
	waitpid(h->engine, NULL, 0);
	assert_int_equal(poll(&death, 1, PATIENCE_MS), 1);
	assert_int_equal(backend_engine.dump(h->backend, &o, &error),
			 -ECONNRESET);
	assert_string_equal(error.message, "the engine has ended");
	assert_int_equal(ptnet_wait(p, PTNET_RX, PATIENCE_MS), -ECONNRESET);
	ptnet_close(p);
	backend_engine.close(h->backend);
	/* its sockets are still there */
	start_engine(h);
	assert_true(h->instance != before);
	apply(h);
	ptnet_close(attach(h, "p0"));
	wait_down(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, host_open, host_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_killed_program_leaves_nothing),
		TEST(a_scribbler_harms_nobody),
		TEST(silent_clients_block_nobody),
		TEST(a_directory_has_one_engine),
		TEST(a_killed_engine_is_noticed_and_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
