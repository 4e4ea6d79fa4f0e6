/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM that means harm, one that dies, and clients that are none, beside two
 * VMs that behave: these lose and get nothing for it, the port is counted,
 * limited, at last disabled, and as good as new for who attaches next.
 *
 *	test_hostile_guest [kernel]
 *
 * At the engine, or at the kernel's module where that is loaded: in guests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit/guest.h"
#include "unit/vandal.h"

enum {
	PATIENCE_MS = 20000,
	LEAST_MS = 400, /* each attack goes on for */
	AFTER_MS = 50, /* ... and after the port was disabled */
	EXCHANGES = 20, /* at least, in that time */
	AGAIN_MS = 5, /* what was lost is sent again */
	BURST = 8,
	NAPS = 8,
	NAP_MS = 300, /* nobody is awake any more */
	LEN_MIN = 60,
	LEN_MAX = 1500,
	KEY_AT = 16,
	SEQ_AT = 24,
	BODY_AT = 28,
	THREADS = 5,
	KILLS = 100,
	FREE_MS = 1000,
	BAD = 1, /* addresses: v.a, w.a, z.a */
	FIRST = 2,
	SECOND = 6,
};

/*
 * Who names one of its buffers in two slots makes workers meet in there: its
 * own loss. Only here; elsewhere two in one buffer are an error.
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:ptn_copy\nrace:load_mac\nrace:load_source\n"
	       "race:ptn_frame_read\nrace:ptn_frame_sum\n";
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A moment, in which others may get on. */
static void breathe(uint32_t turn)
{
	if (turn % 64)
		sched_yield();
	else
		poll(NULL, 0, 1);
}

/* Those who behave: what one sends the other gets, byte by byte. */

struct neighbour {
	struct qemu q;
	uint8_t mac;
	uint32_t at[2 * GUEST_QUEUES]; /* of the rings: the next slot */
};

static void begin_life(struct neighbour *n, struct host *h, const char *port,
		       uint8_t mac)
{
	*n = (struct neighbour){.mac = mac};
	guest_started(&n->q, h, port);
	guest_ready(&n->q);
}

/*
 * Known to those two alone: frames that have it nobody else writes, and as
 * their addresses are static entries, nobody else gets.
 */
static uint64_t key_of(uint8_t a, uint8_t b)
{
	return 0x8f3a51c6d2e7490b * a * b;
}

static uint32_t length_of(uint32_t seq)
{
	return LEN_MIN + seq * 37 % (LEN_MAX - LEN_MIN);
}

static uint8_t byte_of(uint32_t seq, uint32_t at)
{
	return (uint8_t)((seq * 0x9e3779b1u ^ at * 0x85ebca6bu) >> 13);
}

static uint32_t write_frame(uint8_t *to, uint8_t dst, uint8_t src, uint32_t seq)
{
	const uint8_t head[KEY_AT] = {2, [5] = dst, 2, [11] = src, 0x88, 0xb5};
	const uint64_t key = key_of(dst, src);
	const uint32_t len = length_of(seq);

	memcpy(to, head, KEY_AT);
	memcpy(to + KEY_AT, &key, sizeof(key));
	memcpy(to + SEQ_AT, &seq, sizeof(seq));
	for (uint32_t i = BODY_AT; i < len; i++)
		to[i] = byte_of(seq, i);
	return len;
}

static void send_one(struct neighbour *n, uint8_t to, uint32_t seq)
{
	const uint32_t slots = guest_ring(&n->q, 0)->num_slots;
	uint8_t frame[LEN_MAX];
	const uint32_t len = write_frame(frame, to, n->mac, seq);

	/* the host takes what there is: nobody holds up a sender */
	for (int64_t end = now_ms() + PATIENCE_MS;
	     __atomic_load_n(&guest_ktoa(&n->q, 0)->hwtail, __ATOMIC_ACQUIRE) ==
	     n->at[0];)
		assert_true(now_ms() < end);
	guest_send_frame(&n->q, n->at[0], frame, (uint16_t)len);
	n->at[0] = (n->at[0] + 1) % slots;
}

/* Whether it is one of theirs, as which it has to be right. */
static bool take_frame(const struct neighbour *n, const uint8_t *frame,
		       uint32_t len, uint8_t from, uint32_t *seq)
{
	const uint64_t key = key_of(n->mac, from);
	uint8_t expected[LEN_MAX];

	if (len < BODY_AT || memcmp(frame + KEY_AT, &key, sizeof(key)) != 0)
		return false;
	memcpy(seq, frame + SEQ_AT, sizeof(*seq));
	assert_int_equal(len, length_of(*seq));
	write_frame(expected, n->mac, from, *seq);
	assert_memory_equal(frame, expected, len);
	return true;
}

/* The bits of those that came, of the burst that begins with @first. */
static uint32_t receive(struct neighbour *n, uint32_t ring, uint8_t from,
			uint32_t first)
{
	struct netmap_ring *r = guest_ring(&n->q, ring);
	const uint32_t tail = __atomic_load_n(&guest_ktoa(&n->q, ring)->hwtail,
					      __ATOMIC_ACQUIRE);
	uint32_t got = 0, seq;

	assert_true(tail < r->num_slots);
	for (uint32_t at = n->at[ring]; at != tail;
	     at = (at + 1) % r->num_slots)
		if (take_frame(n, guest_buffer(r, at), r->slot[at].len, from,
			       &seq) &&
		    seq - first < BURST)
			got |= 1u << (seq - first);
	if (n->at[ring] == tail)
		return 0;
	n->at[ring] = tail;
	guest_publish(&n->q, ring, tail);
	return got;
}

static uint32_t receive_all(struct neighbour *n, uint8_t from, uint32_t first)
{
	uint32_t got = 0;

	for (uint32_t ring = GUEST_QUEUES; ring < 2 * GUEST_QUEUES; ring++)
		got |= receive(n, ring, from, first);
	return got;
}

/*
 * A switch drops what a flood leaves no room for, and believes whoever says
 * that an address is his: what does not come is sent again.
 */
static void pass(struct neighbour *a, struct neighbour *b, uint32_t first,
		 uint32_t n)
{
	const uint32_t all = (1u << n) - 1;
	const int64_t end = now_ms() + PATIENCE_MS;
	uint32_t got = 0;

	while (got != all) {
		const int64_t again = now_ms() + AGAIN_MS;

		assert_true(now_ms() < end);
		for (uint32_t i = 0; i < n; i++)
			if (!(got >> i & 1))
				send_one(a, b->mac, first + i);
		for (uint32_t t = 1; got != all && now_ms() < again; t++) {
			got |= receive_all(b, a->mac, first);
			receive_all(a, b->mac, 0);
			breathe(t);
		}
	}
}

static void exchange(struct neighbour *a, struct neighbour *b, uint32_t seq)
{
	const uint32_t n = 1 + seq % BURST;

	pass(a, b, seq * BURST, n);
	pass(b, a, seq * BURST, n);
}

/* The one who does not, from several threads at once. */

struct attack {
	const char *name;
	vandal_step *step[THREADS];
	void (*lay)(struct vandal *v); /* before the first step */
	bool headers; /* asks for some */
	bool fatal; /* the port is disabled for it */
};

struct attacker {
	struct vandal v;
	vandal_step *step;
	bool *stop;
};

static void *harm(void *arg)
{
	struct attacker *a = arg;

	while (!__atomic_load_n(a->stop, __ATOMIC_RELAXED))
		a->step(&a->v);
	return NULL;
}

/* What its config page says it may have written itself. */
static bool is_disabled(struct host *h)
{
	return host_port(h, "v.a").state == PTN_PORT_FAULTED;
}

/* The neighbours go on all the time. */
static void endure(struct host *h, const struct attack *attack,
		   struct neighbour *n)
{
	const int64_t begin = now_ms();
	int64_t end = begin + LEAST_MS;
	uint32_t exchanges = 0;
	bool disabled = false;

	while (now_ms() < end || exchanges < EXCHANGES) {
		exchange(&n[0], &n[1], exchanges++);
		if (disabled || !attack->fatal)
			continue;
		disabled = is_disabled(h);
		end = now_ms() + (disabled ? AFTER_MS : LEAST_MS);
		if (now_ms() - begin > PATIENCE_MS)
			fail_msg("%s: is never disabled", attack->name);
	}
}

static void assert_whole(struct host *h)
{
	const struct census c = host_census(h);

	assert_int_equal(c.lost + c.twice, 0);
	assert_int_equal(c.free + c.slots + c.extra, c.buffers);
}

/* A life as a good one, and then as a bad one. */
static void live(struct host *h, const struct attack *attack,
		 struct neighbour *n)
{
	struct attacker a[THREADS];
	struct neighbour bad;
	pthread_t threads[THREADS];
	bool stop = false;
	int i;

	begin_life(&bad, h, "v.a", BAD);
	exchange(&bad, &n[0], 1);
	if (attack->headers) {
		assert_int_equal(qemu_command(&bad.q, PTN_REGION_RESET), 0);
		assert_int_equal(guest_header(&bad.q, VANDAL_HEADER), 0);
		assert_int_equal(qemu_command(&bad.q, PTN_REGION_START), 0);
	}
	for (i = 0; i < THREADS && attack->step[i]; i++) {
		vandal_init(&a[i].v, &bad.q, (uint64_t)i * 7919 + 1, FIRST,
			    BAD);
		a[i].step = attack->step[i];
		a[i].stop = &stop;
	}
	if (attack->lay)
		attack->lay(&a[0].v);
	for (int t = 0; t < i; t++)
		pthread_create(&threads[t], NULL, harm, &a[t]);
	endure(h, attack, n);
	assert_whole(h);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int t = 0; t < i; t++)
		pthread_join(threads[t], NULL);
	qemu_end(&bad.q);
}

static void assert_counted(struct host *h)
{
	const struct port_status s = host_port(h, "v.a");

	assert_int_not_equal(s.counters[PTN_C_FAULTS], 0);
	assert_int_not_equal(s.counters[PTN_C_DROP_BAD_BUFFER], 0);
	assert_int_not_equal(s.counters[PTN_C_DROP_BAD_CHAIN], 0);
	assert_int_not_equal(s.counters[PTN_C_DROP_INDIRECT], 0);
	assert_int_not_equal(s.counters[PTN_C_DROP_OFFLOAD], 0);
	assert_int_not_equal(s.counters[PTN_C_DROP_OFFLOAD_FRAME], 0);
	assert_int_not_equal(s.counters[PTN_C_DROP_OFFLOAD_PARTS], 0);
	assert_int_equal(host_port(h, "w.a").counters[PTN_C_FAULTS], 0);
	assert_int_equal(host_port(h, "z.a").counters[PTN_C_FAULTS], 0);
}

static void a_hostile_guest_harms_itself_alone(void **state)
{
	static const struct attack attacks[] = {
		{.name = "any words",
		 .step = {vandal_scribble, vandal_ring},
		 .fatal = true},
		{.name = "doorbells", .step = {vandal_ring, vandal_ring}},
		{.name = "resets", .step = {vandal_command}},
		{.name = "slots",
		 .step = {vandal_hand_over, vandal_ring},
		 .fatal = true},
		{.name = "a chain",
		 .step = {vandal_send},
		 .lay = vandal_lay_chain},
		{.name = "headers",
		 .step = {vandal_offload},
		 .headers = true,
		 .fatal = true},
		{.name = "segments",
		 .step = {vandal_send},
		 .lay = vandal_lay_segments,
		 .headers = true},
		{.name = "flood",
		 .step = {vandal_send},
		 .lay = vandal_lay_flood},
		{.name = "all of it",
		 .step = {vandal_scribble, vandal_ring, vandal_command,
			  vandal_hand_over, vandal_offload},
		 .headers = true,
		 .fatal = true},
	};
	struct host *h = *state;
	struct neighbour n[2];

	begin_life(&n[0], h, "w.a", FIRST);
	begin_life(&n[1], h, "z.a", SECOND);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++)
		live(h, &attacks[i], n);
	assert_counted(h);
	qemu_end(&n[0].q);
	qemu_end(&n[1].q);
}

static void do_harm_until_disabled(struct host *h, struct vandal *v)
{
	for (int64_t end = now_ms() + PATIENCE_MS; !is_disabled(h);) {
		assert_true(now_ms() < end);
		for (int i = 0; i < 100; i++)
			vandal_hand_over(v);
	}
}

static void begin_two(struct neighbour *bad, struct neighbour *good,
		      struct vandal *v, struct host *h)
{
	begin_life(good, h, "w.a", FIRST);
	begin_life(bad, h, "v.a", BAD);
	vandal_init(v, &bad->q, 1, FIRST, BAD);
}

/* A disabled one does no command any more; who attaches next has a port. */
static void a_disabled_port_is_as_good_as_new(void **state)
{
	struct neighbour bad, good;
	struct vandal v;

	begin_two(&bad, &good, &v, *state);
	do_harm_until_disabled(*state, &v);
	assert_int_equal(qemu_config(&bad.q)->state, PTN_STATE_FAULTED);
	assert_int_equal(qemu_command(&bad.q, PTN_REGION_RESET), -EIO);
	assert_int_equal(qemu_command(&bad.q, PTN_REGION_START), -EIO);
	qemu_end(&bad.q);
	begin_life(&bad, *state, "v.a", BAD);
	exchange(&bad, &good, 1);
	qemu_end(&bad.q);
	qemu_end(&good.q);
}

/* What the log says from now on; returns the stderr that it was. */
static int keep_log(int *log)
{
	const int before = dup(STDERR_FILENO);

	*log = memfd_create("log", MFD_CLOEXEC);
	assert_int_equal(dup2(*log, STDERR_FILENO), STDERR_FILENO);
	return before;
}

static bool says(int log, const char *sentence)
{
	char text[4096];
	const ssize_t n = pread(log, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = 0;
	return strstr(text, sentence);
}

/* By an event, on each backend in the same words. */
static void ptnetd_is_told_of_a_disabled_port(void **state)
{
	struct neighbour bad, good;
	struct vandal v;
	char sentence[128];
	int log, before;
	bool said = false;

	snprintf(
		sentence, sizeof(sentence),
		"port v.a: stopped: process %d has corrupted its rings too often",
		(int)getpid());
	begin_two(&bad, &good, &v, *state);
	before = keep_log(&log);
	do_harm_until_disabled(*state, &v);
	for (int64_t end = now_ms() + PATIENCE_MS; !said && now_ms() < end;) {
		poll(NULL, 0, 1);
		said = says(log, sentence);
	}
	dup2(before, STDERR_FILENO);
	close(before);
	close(log);
	assert_true(said);
	qemu_end(&bad.q);
	qemu_end(&good.q);
}

/* Nobody hears it after a while; afterwards it is heard again. */
static void a_storm_of_doorbells_ends(void **state)
{
	struct neighbour bad, good;
	struct vandal v;

	begin_two(&bad, &good, &v, *state);
	for (int64_t end = now_ms() + LEAST_MS; now_ms() < end;)
		vandal_ring(&v);
	for (uint32_t i = 0; i < NAPS; i++) {
		exchange(&bad, &good, i);
		poll(NULL, 0, NAP_MS);
	}
	qemu_end(&bad.q);
	qemu_end(&good.q);
}

/* Commands come at some hundreds a second, and the heart beats on. */
static void resets_are_limited(void **state)
{
	struct host *h = *state;
	struct neighbour bad;
	struct vandal v;
	uint32_t beat, answers = 0, seen;
	const int64_t begin = now_ms();

	begin_life(&bad, h, "v.a", BAD);
	vandal_init(&v, &bad.q, 1, FIRST, BAD);
	beat = qemu_config(&bad.q)->heartbeat;
	seen = qemu_config(&bad.q)->ack_seq;
	while (qemu_config(&bad.q)->heartbeat - beat < 2) {
		uint32_t now;

		assert_true(now_ms() - begin < PATIENCE_MS);
		vandal_command(&v);
		now = __atomic_load_n(&qemu_config(&bad.q)->ack_seq,
				      __ATOMIC_ACQUIRE);
		answers += now != seen;
		seen = now;
	}
	assert_in_range(answers, 1, 3 * 256);
	qemu_end(&bad.q);
}

/* Who may die. */

static void assert_free_soon(struct host *h, const char *port, int64_t since)
{
	while (host_port(h, port).state != PTN_PORT_DOWN) {
		if (now_ms() - since > FREE_MS)
			fail_msg("%s is not free", port);
		poll(NULL, 0, 1);
	}
}

/* A VM with a guest that sends as fast as it can, in a process of its own. */
static pid_t start_vm(const char *path, int round)
{
	const pid_t pid = fork();
	struct vandal v;
	struct qemu q;

	if (pid)
		return pid;
	if (!qemu_start_whole(&q, path, GUEST_VECTORS))
		_exit(1);
	if (round % 4 == 0)
		for (;;)
			pause();
	qemu_command(&q, PTN_REGION_RESET);
	qemu_command(&q, PTN_REGION_START);
	vandal_init(&v, &q, (uint64_t)round, 3, BAD);
	if (round % 2)
		vandal_lay_frames(&v);
	else
		vandal_lay_flood(&v);
	for (uint32_t n = 0;; n++) {
		if (round % 4 == 3 && n % 1000 == 0)
			vandal_command(&v);
		if (round % 8 == 7)
			vandal_hand_over(&v);
		vandal_send(&v);
	}
}

static void wait_for_vm(struct host *h, const char *port, pid_t pid)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (host_port(h, port).pid == (uint32_t)pid)
			return;
		poll(NULL, 0, 1);
	}
	fail_msg("process %d is not attached", pid);
}

static void a_vm_that_is_killed_leaves_its_port_at_once(void **state)
{
	struct host *h = *state;
	struct census before, after;
	struct neighbour n[2];
	char path[108];

	begin_life(&n[0], h, "w.a", FIRST);
	begin_life(&n[1], h, "z.a", SECOND);
	strcpy(path, guest_path(h, "v.a"));
	before = host_census(h);
	for (int i = 0; i < KILLS; i++) {
		const pid_t pid = start_vm(path, i);
		int64_t since;

		wait_for_vm(h, "v.a", pid);
		poll(NULL, 0, i % 10);
		kill(pid, SIGKILL);
		since = now_ms();
		waitpid(pid, NULL, 0);
		assert_free_soon(h, "v.a", since);
		exchange(&n[0], &n[1], (uint32_t)i);
	}
	after = host_census(h);
	assert_memory_equal(&before, &after, sizeof(before));
	qemu_end(&n[0].q);
	qemu_end(&n[1].q);
}

/* Clients that are no VM. */

static int connected(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, path);
	assert_int_equal(connect(sock, (void *)&sun, sizeof(sun)), 0);
	return sock;
}

static void wait_until_attached(struct host *h, const char *port)
{
	wait_for_vm(h, port, getpid());
}

/* What it was sent stays in the socket, and nobody waits for it. */
static void a_client_that_does_not_read_holds_up_nobody(void **state)
{
	struct host *h = *state;
	struct neighbour n[2];
	struct qemu second;
	char path[108];
	int64_t since;
	int mute;

	strcpy(path, guest_path(h, "v.a"));
	mute = connected(path);
	wait_until_attached(h, "v.a");
	begin_life(&n[0], h, "w.a", FIRST);
	begin_life(&n[1], h, "z.a", SECOND);
	for (uint32_t i = 0; i < EXCHANGES; i++) {
		assert_false(qemu_start(&second, path, GUEST_VECTORS));
		assert_string_equal(second.why,
				    "server sent version -16, expecting 0");
		qemu_end(&second);
		exchange(&n[0], &n[1], i);
	}
	since = now_ms();
	close(mute);
	assert_free_soon(h, "v.a", since);
	qemu_end(&n[0].q);
	qemu_end(&n[1].q);
}

static void who_talks_is_no_vm(void **state)
{
	static const char words[] = "GET / HTTP/1.1\r\n\r\n";
	struct host *h = *state;
	struct neighbour n[2];
	char path[108];

	begin_life(&n[0], h, "w.a", FIRST);
	begin_life(&n[1], h, "z.a", SECOND);
	strcpy(path, guest_path(h, "v.a"));
	for (uint32_t i = 0; i < EXCHANGES; i++) {
		const int sock = connected(path);

		assert_int_equal(send(sock, words, 1 + i % (sizeof(words) - 1),
				      MSG_NOSIGNAL),
				 1 + i % (sizeof(words) - 1));
		assert_free_soon(h, "v.a", now_ms());
		exchange(&n[0], &n[1], i);
		close(sock);
	}
	qemu_end(&n[0].q);
	qemu_end(&n[1].q);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, guest_world, host_close)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hostile_guest_harms_itself_alone),
		TEST(a_disabled_port_is_as_good_as_new),
		TEST(ptnetd_is_told_of_a_disabled_port),
		TEST(a_storm_of_doorbells_ends),
		TEST(resets_are_limited),
		TEST(a_vm_that_is_killed_leaves_its_port_at_once),
		TEST(a_client_that_does_not_read_holds_up_nobody),
		TEST(who_talks_is_no_vm),
	};

	if (argc > 1 && !strcmp(argv[1], backend_kernel.name))
		host_ops = &backend_kernel;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
