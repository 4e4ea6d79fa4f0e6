// SPDX-License-Identifier: BSD-2-Clause
/*
 * libptnet against a host after region.h: opening, the indices, sleeping and
 * waking, and hosts that break the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port/ptnet.h"
#include "fake_host.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct ptnet_options patient = {.timeout_ms = 10000};
static const struct ptnet_options hasty = {.timeout_ms = 60};

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

struct fixture {
	struct host host;
	struct ptnet_port *port;
	int fds;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int err;

	*state = f;
	f->fds = count_fds();
	host_init(&f->host);
	host_start(&f->host);
	err = ptnet_open(&f->port, f->host.path, &patient);
	host_settle(&f->host);
	return err;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int left;

	ptnet_close(f->port);
	host_fini(&f->host);
	left = count_fds() - f->fds;
	free(f);
	return left;
}

static void test_open_shows_what_the_host_says(void **state)
{
	struct fixture *f = *state;
	struct netmap_ring *tx = ptnet_tx_ring(f->port, 1);

	assert_string_equal(ptnet_name(f->port), "probe");
	assert_int_equal(ptnet_mac(f->port)[5], 7);
	assert_int_equal(ptnet_queues(f->port), HOST_QUEUES);
	assert_int_equal(ptnet_if(f->port)->ni_tx_rings, HOST_QUEUES);
	assert_int_equal(ptnet_buffers(f->port), 2 + 4 * HOST_SLOTS);
	assert_int_equal(ptnet_space(tx), HOST_SLOTS - 1);
	assert_int_equal(ptnet_space(ptnet_rx_ring(f->port, 0)), 0);
	assert_true(ptnet_same_memory(f->port, f->port));
	assert_null(ptnet_tx_ring(f->port, HOST_QUEUES));
	assert_int_equal(ptnet_sync_rx(f->port, HOST_QUEUES), -EINVAL);
}

static void test_tx_reaches_the_host(void **state)
{
	struct fixture *f = *state;
	struct netmap_ring *tx = ptnet_tx_ring(f->port, 1);
	struct netmap_ring *far = host_ring(&f->host, false, 1);

	strcpy(ptnet_buf(tx, tx->slot[0].buf_idx), "frame");
	tx->slot[0].len = 6;
	tx->head = tx->cur = 1;
	assert_int_equal(ptnet_sync_tx(f->port, 1), HOST_SLOTS - 2);
	assert_int_equal(f->host.atok[1].head, 1);
	assert_int_equal(f->host.atok[1].cur, 1);
	assert_int_equal(far->slot[0].len, 6);
	assert_string_equal(ptnet_buf(far, far->slot[0].buf_idx), "frame");

	host_publish(&f->host, false, 1, 1, 0);
	assert_int_equal(ptnet_sync_tx(f->port, 1), HOST_SLOTS - 1);
	assert_int_equal(tx->tail, 0);
}

static void test_kick_only_when_asked(void **state)
{
	struct fixture *f = *state;
	struct netmap_ring *tx = ptnet_tx_ring(f->port, 0);

	tx->head = tx->cur = 1;
	ptnet_sync_tx(f->port, 0);
	assert_true(host_kicked(&f->host, PTN_VECTOR_TX(0)));
	ptnet_sync_tx(f->port, 0);
	assert_false(host_kicked(&f->host, PTN_VECTOR_TX(0)));

	f->host.ktoa[0].kern_need_kick = 0;
	tx->head = tx->cur = 2;
	ptnet_sync_tx(f->port, 0);
	assert_false(host_kicked(&f->host, PTN_VECTOR_TX(0)));
}

static void test_program_may_not_pass_the_tail(void **state)
{
	static const struct {
		uint32_t head, cur;
	} bad[] = {{HOST_SLOTS, 2}, {2, HOST_SLOTS}, {4, 4}, {3, 2}, {1, 1}};
	struct fixture *f = *state;
	struct netmap_ring *tx = ptnet_tx_ring(f->port, 0);

	tx->head = tx->cur = 2;
	host_publish(&f->host, false, 0, 0, 3);
	ptnet_sync_tx(f->port, 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		tx->head = bad[i].head;
		tx->cur = bad[i].cur;
		assert_int_equal(ptnet_sync_tx(f->port, 0), -EINVAL);
		assert_int_equal(f->host.atok[0].head, 2);
	}
	tx->head = tx->cur = 3;
	assert_int_equal(ptnet_sync_tx(f->port, 0), 0);
}

static void test_host_index_out_of_range(void **state)
{
	struct fixture *f = *state;

	host_publish(&f->host, true, 0, 0, HOST_SLOTS);
	assert_int_equal(ptnet_sync_rx(f->port, 0), -EPROTO);
	assert_int_equal(ptnet_rx_ring(f->port, 0)->tail, 0);
}

static void test_wait_finds_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct netmap_ring *rx = ptnet_rx_ring(f->port, 1);

	assert_int_equal(ptnet_wait(f->port, PTNET_RX, 0), 0);
	host_publish(&f->host, true, 1, 0, 3);
	assert_int_equal(ptnet_wait(f->port, PTNET_RX, -1), PTNET_RX);
	assert_int_equal(ptnet_space(rx), 3);
	rx->head = rx->cur = 3;
	assert_int_equal(ptnet_wait(f->port, PTNET_RX, 0), 0);
	assert_int_equal(f->host.atok[host_index(true, 1)].head, 3);
	assert_int_equal(ptnet_wait(f->port, PTNET_RX | PTNET_TX, 0), PTNET_TX);
	assert_int_equal(ptnet_wait(f->port, 0, 0), -EINVAL);
}

static void test_wait_gives_up(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ptnet_wait(f->port, PTNET_RX, 20), 0);
	assert_int_equal(f->host.atok[host_index(true, 0)].appl_need_kick, 0);
	assert_int_equal(f->host.atok[host_index(true, 1)].appl_need_kick, 0);
}

enum { ROUNDS = 20000 };

/* Sleep until the program's head of a ring is another one than @head. */
static void await_head(struct host *h, bool rx, uint32_t head)
{
	unsigned vector = rx ? PTN_VECTOR_RX(1) : PTN_VECTOR_TX(1);
	struct nm_csb_atok *atok = &h->atok[host_index(rx, 1)];
	struct nm_csb_ktoa *ktoa = &h->ktoa[host_index(rx, 1)];
	struct pollfd pfd = {.fd = h->host[vector], .events = POLLIN};

	for (;;) {
		__atomic_store_n(&ktoa->kern_need_kick, 1, __ATOMIC_RELAXED);
		__sync_synchronize();
		if (__atomic_load_n(&atok->head, __ATOMIC_ACQUIRE) != head)
			break;
		poll(&pfd, 1, -1);
		host_kicked(h, vector);
	}
	__atomic_store_n(&ktoa->kern_need_kick, head % 2, __ATOMIC_RELAXED);
}

/* Sends every frame that it gets on queue 1 back, and never looks first. */
static void *reflect(void *arg)
{
	struct host *h = arg;
	uint32_t head = 0, before = HOST_SLOTS - 1;

	for (unsigned i = 0; i < ROUNDS; i++) {
		await_head(h, false, head);
		before = head;
		head = (head + 1) % HOST_SLOTS;
		await_head(h, true, head);
		host_publish(h, false, 1, head, before);
		host_publish(h, true, 1, before, head);
	}
	return NULL;
}

static void test_no_wake_up_is_lost(void **state)
{
	struct fixture *f = *state;
	struct netmap_ring *tx = ptnet_tx_ring(f->port, 1);
	struct netmap_ring *rx = ptnet_rx_ring(f->port, 1);
	pthread_t peer;

	assert_int_equal(pthread_create(&peer, NULL, reflect, &f->host), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		tx->head = tx->cur = ptnet_next(tx, tx->head);
		assert_true(ptnet_sync_tx(f->port, 1) >= 0);
		assert_int_equal(ptnet_wait(f->port, PTNET_RX, 20000),
				 PTNET_RX);
		assert_int_equal(ptnet_space(rx), 1);
		rx->head = rx->cur = rx->tail;
	}
	pthread_join(peer, NULL);
}

static void *send_rounds(void *port)
{
	struct netmap_ring *tx = ptnet_tx_ring(port, 1);
	struct netmap_ring *other = ptnet_tx_ring(port, 0);

	other->cur = other->tail;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (ptnet_wait(port, PTNET_TX, 20000) != PTNET_TX)
			return port;
		tx->head = tx->cur = ptnet_next(tx, tx->head);
		if (ptnet_sync_tx(port, 1) < 0)
			return port;
	}
	return NULL;
}

/* One thread waits for room while another waits for frames. */
static void test_a_thread_for_each_direction(void **state)
{
	struct fixture *f = *state;
	struct netmap_ring *rx = ptnet_rx_ring(f->port, 1);
	pthread_t peer, sender;
	void *failed;

	assert_int_equal(pthread_create(&peer, NULL, reflect, &f->host), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_rounds, f->port),
			 0);
	for (unsigned n = 0; n < ROUNDS;) {
		assert_int_equal(ptnet_wait(f->port, PTNET_RX, 20000),
				 PTNET_RX);
		n += ptnet_space(rx);
		rx->head = rx->cur = rx->tail;
	}
	ptnet_sync_rx(f->port, 1);
	pthread_join(sender, &failed);
	assert_null(failed);
	pthread_join(peer, NULL);
}

/* Arm, and let wake-ups pass that have no cause any more. */
static void settle(struct ptnet_port *p)
{
	struct pollfd pfd = {.fd = ptnet_fd(p), .events = POLLIN};

	assert_int_equal(ptnet_arm(p, PTNET_RX), 0);
	while (poll(&pfd, 1, 20)) {
		assert_int_equal(ptnet_wait(p, PTNET_RX, 0), 0);
		assert_int_equal(ptnet_arm(p, PTNET_RX), 0);
	}
}

static void test_own_poll_loop(void **state)
{
	struct fixture *f = *state;
	struct pollfd pfd = {.fd = ptnet_fd(f->port), .events = POLLIN};
	struct netmap_ring *rx = ptnet_rx_ring(f->port, 0);

	settle(f->port);
	assert_true(host_publish(&f->host, true, 0, 0, 1));
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(ptnet_wait(f->port, PTNET_RX, 0), PTNET_RX);
	rx->head = rx->cur = 1;
	assert_int_equal(ptnet_arm(f->port, PTNET_RX), 0);
	assert_int_equal(poll(&pfd, 1, 0), 0);

	assert_int_equal(ptnet_arm(f->port, PTNET_RX | PTNET_TX), PTNET_TX);
	assert_int_equal(f->host.atok[0].appl_need_kick, 0);
	host_hang_up(&f->host);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(ptnet_wait(f->port, PTNET_RX, 0), -ECONNRESET);
}

static void *hang_up_soon(void *host)
{
	usleep(20000);
	host_hang_up(host);
	return NULL;
}

static void test_hang_up_ends_the_wait(void **state)
{
	struct fixture *f = *state;
	pthread_t t;

	pthread_create(&t, NULL, hang_up_soon, &f->host);
	assert_int_equal(ptnet_wait(f->port, PTNET_RX, -1), -ECONNRESET);
	pthread_join(t, NULL);
	assert_int_equal(ptnet_sync_tx(f->port, 0), -ECONNRESET);
	assert_int_equal(ptnet_wait(f->port, PTNET_TX, -1), -ECONNRESET);
}

static void test_polling_notices_a_hang_up(void **state)
{
	struct fixture *f = *state;
	int n = 0;

	host_hang_up(&f->host);
	for (unsigned i = 0; i < 100000 && n >= 0; i++)
		n = ptnet_sync_rx(f->port, 0);
	assert_int_equal(n, -ECONNRESET);
}

static void test_state_ends_the_wait(void **state)
{
	struct fixture *f = *state;

	f->host.config->state = PTN_STATE_FAULTED;
	assert_int_equal(ptnet_wait(f->port, PTNET_RX, -1), -EIO);
	f->host.config->state = PTN_STATE_GONE;
	assert_int_equal(ptnet_wait(f->port, PTNET_RX, -1), -ECONNRESET);
}

static void *take_later(void *arg)
{
	struct host *h = arg;

	for (uint32_t i = 1; i <= 3; i++) {
		usleep(2000);
		host_publish(h, false, 0, i, i - 1);
	}
	return NULL;
}

static void test_flush(void **state)
{
	struct fixture *f = *state;
	struct netmap_ring *tx = ptnet_tx_ring(f->port, 0);
	pthread_t t;

	assert_int_equal(ptnet_flush(f->port, 1000), 0);
	tx->head = tx->cur = 3;
	assert_int_equal(ptnet_flush(f->port, 10), -ETIMEDOUT);
	assert_int_equal(tx->cur, 3);
	pthread_create(&t, NULL, take_later, &f->host);
	assert_int_equal(ptnet_flush(f->port, 10000), 0);
	pthread_join(t, NULL);
	assert_int_equal(f->host.ktoa[0].hwcur, 3);
	assert_int_equal(ptnet_sync_tx(f->port, 0), HOST_SLOTS - 1);
}

/* A host that breaks a rule at attach. */
struct hostile {
	const char *what;
	void (*spoil)(struct host *h);
	int err;
};

#define SPOIL(name, statement)                                                 \
	static void spoil_##name(struct host *h)                               \
	{                                                                      \
		statement;                                                     \
	}

SPOIL(busy, h->version = -EBUSY)
SPOIL(version, h->version = 1)
SPOIL(errno, h->version = -5000)
SPOIL(short, h->short_message = true)
SPOIL(id_host, h->id = PTN_HOST_ID)
SPOIL(id_large, h->id = PTN_WINDOWS_MAX)
SPOIL(id_outside, (h->id = 2, h->size = 2 * PTN_WINDOW_SIZE))
SPOIL(no_fds, h->no_fds = true)
SPOIL(pipes, h->pipes = true)
SPOIL(unsealed, h->unsealed = true)
SPOIL(empty, h->size = 0)
SPOIL(small, h->size = PTN_WINDOW_AREA)
SPOIL(refuses, h->status = -ENOMEM)
SPOIL(nonsense, h->status = 7)
SPOIL(magic, h->config->magic++)
SPOIL(region_version, h->config->version++)
SPOIL(bytes, h->config->bytes = 64)
SPOIL(window, h->config->window = 3)
SPOIL(no_rings, h->config->tx_rings = h->config->rx_rings = 0)
SPOIL(rings, h->config->tx_rings = h->config->rx_rings = 17)
SPOIL(odd_rings, h->config->rx_rings--)
SPOIL(vectors, h->config->vectors = 1 << 30)
SPOIL(slots, h->config->tx_slots = 1 << 20)
SPOIL(atok, h->config->atok_ofs = h->size - 64)
SPOIL(atok_odd, h->config->atok_ofs += 4)
SPOIL(ktoa, h->config->ktoa_ofs = UINT64_MAX - 63)
SPOIL(control, h->config->control_ofs = h->size)
SPOIL(mem, h->config->mem_ofs = 1ULL << 40)
SPOIL(mem_size, h->config->mem_size = UINT64_MAX - 4096)
SPOIL(nifp, h->config->nifp_ofs = h->config->mem_size - 64)
SPOIL(nifp_wraps, h->config->nifp_ofs = UINT64_MAX - 7)
SPOIL(buffers, h->config->pool[2].count = UINT32_MAX)
SPOIL(buffer_size, h->config->pool[2].size = UINT32_MAX)
SPOIL(other_size, h->config->pool[2].size = 128)
SPOIL(pool, h->config->pool[2].offset += 64)
SPOIL(host_rings, h->nifp->ni_host_tx_rings = UINT32_MAX)
SPOIL(shifted_rings, h->nifp->ni_host_tx_rings = 16)

static const struct hostile hostile[] = {
	{"busy", spoil_busy, -EBUSY},
	{"version", spoil_version, -EPROTO},
	{"not an errno", spoil_errno, -EPROTO},
	{"short message", spoil_short, -ECONNRESET},
	{"the host's id", spoil_id_host, -EPROTO},
	{"large id", spoil_id_large, -EPROTO},
	{"window outside", spoil_id_outside, -EPROTO},
	{"no descriptors", spoil_no_fds, -EPROTO},
	{"pipes", spoil_pipes, -EPROTO},
	{"unsealed", spoil_unsealed, -EPROTO},
	{"empty file", spoil_empty, -EPROTO},
	{"small file", spoil_small, -EPROTO},
	{"refuses a command", spoil_refuses, -ENOMEM},
	{"nonsense status", spoil_nonsense, -EPROTO},
	{"magic", spoil_magic, -EPROTO},
	{"region version", spoil_region_version, -EPROTO},
	{"size of config", spoil_bytes, -EPROTO},
	{"window", spoil_window, -EPROTO},
	{"no rings", spoil_no_rings, -EPROTO},
	{"many rings", spoil_rings, -EPROTO},
	{"rings differ", spoil_odd_rings, -EPROTO},
	{"vectors", spoil_vectors, -EPROTO},
	{"slots", spoil_slots, -EPROTO},
	{"atok outside", spoil_atok, -EPROTO},
	{"atok not aligned", spoil_atok_odd, -EPROTO},
	{"ktoa wraps", spoil_ktoa, -EPROTO},
	{"control outside", spoil_control, -EPROTO},
	{"memory outside", spoil_mem, -EPROTO},
	{"memory too large", spoil_mem_size, -EPROTO},
	{"netmap_if outside", spoil_nifp, -EPROTO},
	{"netmap_if wraps", spoil_nifp_wraps, -EPROTO},
	{"buffers outside", spoil_buffers, -EPROTO},
	{"buffer size", spoil_buffer_size, -EPROTO},
	{"ring's buffer size", spoil_other_size, -EPROTO},
	{"ring's buffers", spoil_pool, -EPROTO},
	{"host rings", spoil_host_rings, -EPROTO},
	{"ring offsets", spoil_shifted_rings, -EPROTO},
};

/* Opens a port of a spoiled host, and leaves nothing behind. */
static int open_spoiled(void (*spoil)(struct host *h, int arg), int arg,
			const struct ptnet_options *options)
{
	int fds = count_fds(), err;
	struct ptnet_port *p;
	struct host h;

	host_init(&h);
	spoil(&h, arg);
	host_start(&h);
	err = ptnet_open(&p, h.path, options);
	assert_null(p);
	host_fini(&h);
	assert_int_equal(count_fds(), fds);
	return err;
}

static void spoil_by_table(struct host *h, int i)
{
	hostile[i].spoil(h);
}

static void test_hostile_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		int err = open_spoiled(spoil_by_table, (int)i, &patient);

		if (err != hostile[i].err)
			fail_msg("%s: got %d", hostile[i].what, err);
	}
}

static void spoil_messages(struct host *h, int i)
{
	h->messages = i;
}

static void spoil_silence(struct host *h, int i)
{
	h->messages = i;
	h->end = HOST_IS_SILENT;
}

static void spoil_commands(struct host *h, int i)
{
	h->commands = i / 2;
	h->end = i % 2 ? HOST_IS_SILENT : HOST_HANGS_UP;
}

static void test_hang_up_at_each_step(void **state)
{
	(void)state;
	for (int i = 0; i < HOST_MESSAGES; i++)
		assert_int_equal(open_spoiled(spoil_messages, i, &patient),
				 -ECONNRESET);
	for (int i = 0; i < 2; i++)
		assert_int_equal(open_spoiled(spoil_commands, 2 * i, &patient),
				 -ECONNRESET);
}

static void test_silence_at_each_step(void **state)
{
	static const int steps[] = {0, 1, 2, 3, 8, HOST_MESSAGES - 1};

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++)
		assert_int_equal(open_spoiled(spoil_silence, steps[i], &hasty),
				 -ETIMEDOUT);
	for (int i = 0; i < 2; i++)
		assert_int_equal(open_spoiled(spoil_commands, 2 * i + 1,
					      &hasty),
				 -ETIMEDOUT);
}

static void test_nobody_there(void **state)
{
	struct ptnet_port *p;
	char path[200];

	(void)state;
	assert_int_equal(ptnet_open(&p, "/nowhere/probe.sock", NULL), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(ptnet_open(&p, path, NULL), -ENAMETOOLONG);
	ptnet_close(NULL);
}

#define WITH_PORT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_PORT(test_open_shows_what_the_host_says),
		WITH_PORT(test_tx_reaches_the_host),
		WITH_PORT(test_kick_only_when_asked),
		WITH_PORT(test_program_may_not_pass_the_tail),
		WITH_PORT(test_host_index_out_of_range),
		WITH_PORT(test_wait_finds_what_is_there),
		WITH_PORT(test_wait_gives_up),
		WITH_PORT(test_no_wake_up_is_lost),
		WITH_PORT(test_a_thread_for_each_direction),
		WITH_PORT(test_own_poll_loop),
		WITH_PORT(test_hang_up_ends_the_wait),
		WITH_PORT(test_polling_notices_a_hang_up),
		WITH_PORT(test_state_ends_the_wait),
		WITH_PORT(test_flush),
		cmocka_unit_test(test_hostile_hosts),
		cmocka_unit_test(test_hang_up_at_each_step),
		cmocka_unit_test(test_silence_at_each_step),
		cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
