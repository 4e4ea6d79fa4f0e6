/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: transactions without sockets, then clients of its sockets,
 * friendly and hostile. The engine runs in a thread of this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <ptnet/region.h>

#include "backend/backend.h"
#include "engine/engine.h"
#include "engine/txn.h"
#include "port/ptnet.h"
#include "unit/host.h"
#include "unit/party.h"

/* Transactions. */

static const struct switch_spec vale0 = {
	.name = "vale0", .owner = "t", .ageing_ms = 300000, .fdb_size = 64};
static const struct pipe_spec pipe0 = {"q0", "t", "d0"};

static struct port_spec a_port(const char *name, const char *on_switch)
{
	struct port_spec p = {.owner = "t",
			      .kind = PTN_PORT_HOST,
			      .queues = 1,
			      .slots = 256,
			      .buf_size = 2048};

	snprintf(p.name, sizeof(p.name), "%s", name);
	snprintf(p.on_switch, sizeof(p.on_switch), "%s", on_switch);
	return p;
}

static struct port_spec an_end(const char *name, uint8_t end)
{
	struct port_spec p = a_port(name, "");

	strcpy(p.on_pipe, "q0");
	strcpy(p.domain, "d0");
	p.end = end;
	return p;
}

struct bench {
	struct engine *engine;
	struct party party;
};

static int bench_open(void **state)
{
	const struct engine_config config = {.workers = 1};
	struct bench *b = calloc(1, sizeof(*b));
	char text[256];

	assert_int_equal(engine_new(&b->engine, &config, text, sizeof(text)),
			 0);
	party_init(&b->party, b->engine);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	party_fini(&b->party);
	engine_free(b->engine);
	free(b);
	return 0;
}

static void made(struct party *p, const char *port)
{
	struct port_spec spec = a_port(port, "vale0");

	party_begin(p, 1);
	party_switch(p, PTN_CMD_SWITCH_NEW, &vale0);
	party_port(p, PTN_CMD_PORT_NEW, &spec);
	assert_int_equal(party_commit(p), 0);
}

static void assert_counts(struct party *p, size_t switches, size_t pipes,
			  size_t ports)
{
	struct objects o;

	party_dump(p, &o);
	assert_int_equal(o.n_switches, switches);
	assert_int_equal(o.n_pipes, pipes);
	assert_int_equal(o.n_ports, ports);
	objects_fini(&o);
}

static void a_commit_does_all_and_keeps_the_revision(void **state)
{
	struct party *p = &((struct bench *)*state)->party;
	struct port_spec port = a_port("p0", "vale0"), end = an_end("e0", 0);
	struct message info;
	struct objects o;

	assert_int_equal(party_begin(p, 42), 0);
	/* in any order: references are looked up at the end */
	assert_int_equal(party_port(p, PTN_CMD_PORT_NEW, &port), 0);
	assert_int_equal(party_port(p, PTN_CMD_PORT_NEW, &end), 0);
	assert_int_equal(party_switch(p, PTN_CMD_SWITCH_NEW, &vale0), 0);
	assert_int_equal(party_pipe(p, PTN_CMD_PIPE_NEW, &pipe0), 0);
	assert_counts(p, 0, 0, 0);
	assert_int_equal(party_commit(p), 0);
	party_dump(p, &o);
	assert_int_equal(o.n_ports, 2);
	assert_true(port_spec_equal(&o.ports[0], &end));
	assert_true(port_spec_equal(&o.ports[1], &port));
	assert_true(switch_spec_equal(&o.switches[0], &vale0));
	assert_int_equal(o.switch_status[0].ports, 1);
	assert_int_equal(o.port_status[0].state, PTN_PORT_DOWN);
	objects_fini(&o);
	party_info(p, &info);
	assert_int_equal(info.revision, 42);
	assert_int_equal(info.features, PTN_FEATURE_SWITCH | PTN_FEATURE_PIPE |
						PTN_FEATURE_PORT |
						PTN_FEATURE_NIC |
						PTN_FEATURE_VM);
}

/* What is refused, and the sentence that must say why. */
static void refused(struct party *p, const struct port_spec *port, int err,
		    const char *text)
{
	party_begin(p, 2);
	party_port(p, PTN_CMD_PORT_NEW, port);
	assert_int_equal(party_commit(p), err);
	assert_string_equal(p->text, text);
	assert_counts(p, 1, 0, 1);
}

static void refusals_name_the_object_and_change_nothing(void **state)
{
	struct party *p = &((struct bench *)*state)->party;
	struct port_spec port = a_port("p1", "vale9");

	made(p, "p0");
	refused(p, &port, -ENOENT, "port p1: switch vale9 is not there");
	port = a_port("p0", "vale0");
	refused(p, &port, -EEXIST, "port p0: is there already");
	port = an_end("e0", 0);
	refused(p, &port, -ENOENT, "port e0: pipe q0 is not there");
	port = a_port("p1", "vale0");
	port.queues = 17;
	refused(p, &port, -EINVAL, "port p1: 17 queues: expected 1 to 16");
	port = a_port("../../etc/x", "vale0");
	refused(p, &port, -EINVAL,
		"port ../../etc/x: not a name: expected letters, digits, "
		"'_', '-', '.'");
	port = a_port("vm.in", "");
	port.kind = PTN_PORT_VM;
	strcpy(port.device, "ptnet-none");
	refused(p, &port, -ENODEV,
		"port vm.in: there is no network device ptnet-none here");
	strcpy(port.on_switch, "vale0");
	refused(p, &port, -EINVAL,
		"port vm.in: expected one of a switch, a pipe, or (a VM's) a "
		"network device");
	port = a_port("p1", "");
	strcpy(port.device, "ptnet-none");
	refused(p, &port, -EINVAL,
		"port p1: only a VM has a network device for itself");
	port = a_port("eth0", "vale0");
	port.host_stack = true;
	refused(p, &port, -EINVAL,
		"port eth0: only a network device has a host stack");
	port.kind = PTN_PORT_NIC;
	refused(p, &port, -EINVAL, "port eth0: which network device?");
	strcpy(port.device, "ptnet-none");
	refused(p, &port, -EOPNOTSUPP,
		"port eth0: the engine cannot put the host's stack of a "
		"network device on a switch or at a program's rings: leave "
		"out hostStack, or use the kernel backend");
	port.host_stack = false;
	strcpy(port.on_pipe, "q0");
	refused(p, &port, -EINVAL,
		"port eth0: a network device cannot be on a pipe");
	port.on_pipe[0] = 0;
	refused(p, &port, -ENODEV,
		"port eth0: there is no network device ptnet-none here");
	strcpy(port.device, "lo:1"); /* the kernel would take lo */
	refused(p, &port, -ENODEV,
		"port eth0: there is no network device lo:1 here");
}

static void a_switch_in_use_stays(void **state)
{
	struct party *p = &((struct bench *)*state)->party;

	made(p, "p0");
	party_begin(p, 2);
	party_switch(p, PTN_CMD_SWITCH_DEL, &vale0);
	assert_int_equal(party_commit(p), -EBUSY);
	assert_string_equal(p->text, "switch vale0: 1 ports are still on it");
	assert_counts(p, 1, 0, 1);
}

static void an_end_is_taken_once_and_can_be_replaced(void **state)
{
	struct party *p = &((struct bench *)*state)->party;
	struct port_spec a = an_end("a", 0), b = an_end("b", 0);

	party_begin(p, 1);
	party_pipe(p, PTN_CMD_PIPE_NEW, &pipe0);
	party_port(p, PTN_CMD_PORT_NEW, &a);
	assert_int_equal(party_commit(p), 0);
	party_begin(p, 2);
	party_port(p, PTN_CMD_PORT_NEW, &b);
	assert_int_equal(party_commit(p), -EBUSY);
	assert_string_equal(p->text, "port b: end a of pipe q0 is port a");
	party_begin(p, 2);
	party_port(p, PTN_CMD_PORT_DEL, &a);
	party_port(p, PTN_CMD_PORT_NEW, &b);
	assert_int_equal(party_commit(p), 0);
	strcpy(a.domain, "other");
	a.end = 1;
	party_begin(p, 3);
	party_port(p, PTN_CMD_PORT_NEW, &a);
	assert_int_equal(party_commit(p), -EINVAL);
	assert_string_equal(p->text, "port a: domain other, but pipe q0 is of "
				     "domain d0");
}

static void static_entries_follow_their_ports(void **state)
{
	struct party *p = &((struct bench *)*state)->party;
	struct static_mac entry = {{2, 0, 0, 0, 0, 1}, "p0"};
	struct switch_spec s = vale0;
	struct port_spec port = a_port("p0", "vale0");
	struct objects o;

	made(p, "p0");
	s.statics = &entry;
	s.n_statics = 1;
	party_begin(p, 2);
	party_switch(p, PTN_CMD_SWITCH_SET, &s);
	assert_int_equal(party_commit(p), 0);
	/* the port cannot go while the switch counts on it, but be replaced */
	party_begin(p, 3);
	party_port(p, PTN_CMD_PORT_DEL, &port);
	assert_int_equal(party_commit(p), -EBUSY);
	port.slots = 512;
	party_begin(p, 3);
	party_port(p, PTN_CMD_PORT_DEL, &port);
	party_port(p, PTN_CMD_PORT_NEW, &port);
	assert_int_equal(party_commit(p), 0);
	party_dump(p, &o);
	assert_int_equal(o.switch_status[0].fdb_used, 1);
	objects_fini(&o);
	strcpy(entry.port, "p7");
	party_begin(p, 4);
	party_switch(p, PTN_CMD_SWITCH_SET, &s);
	assert_int_equal(party_commit(p), -ENOENT);
	party_dump(p, &o);
	assert_int_equal(o.switch_status[0].fdb_used, 1);
	assert_string_equal(o.switches[0].statics[0].port, "p0");
	objects_fini(&o);
}

static void an_object_is_changed_once_in_a_transaction(void **state)
{
	struct party *p = &((struct bench *)*state)->party;
	struct static_mac entry = {{2, 0, 0, 0, 0, 1}, "p0"};
	struct switch_spec s = vale0;
	struct port_spec port = a_port("p0", "vale0");
	struct objects o;

	made(p, "p0");
	party_begin(p, 2);
	party_port(p, PTN_CMD_PORT_SET, &port);
	party_port(p, PTN_CMD_PORT_DEL, &port);
	assert_int_equal(party_commit(p), -EINVAL);
	assert_string_equal(p->text,
			    "port p0: is changed twice in one transaction");
	s.statics = &entry;
	s.n_statics = 1;
	party_begin(p, 2);
	party_switch(p, PTN_CMD_SWITCH_SET, &s);
	party_switch(p, PTN_CMD_SWITCH_SET, &vale0);
	assert_int_equal(party_commit(p), -EINVAL);
	party_dump(p, &o);
	assert_int_equal(o.switch_status[0].fdb_used, 0);
	objects_fini(&o);
	party_begin(p, 2);
	party_port(p, PTN_CMD_PORT_SET, &port);
	party_switch(p, PTN_CMD_SWITCH_SET, &s);
	assert_int_equal(party_commit(p), 0);
	party_begin(p, 3);
	party_port(p, PTN_CMD_PORT_DEL, &port);
	party_switch(p, PTN_CMD_SWITCH_DEL, &s);
	assert_int_equal(party_commit(p), 0);
	assert_counts(p, 0, 0, 0);
}

static void a_refused_message_spoils_its_transaction(void **state)
{
	struct party *p = &((struct bench *)*state)->party;
	struct switch_spec bad = vale0;
	struct message m = {.cmd = PTN_CMD_TXN_ABORT};

	bad.fdb_size = 65;
	assert_int_equal(party_switch(p, PTN_CMD_SWITCH_NEW, &vale0), -EINVAL);
	party_begin(p, 1);
	assert_int_equal(party_begin(p, 1), -EBUSY);
	assert_int_equal(party_switch(p, PTN_CMD_SWITCH_NEW, &bad), -EINVAL);
	assert_int_equal(party_switch(p, PTN_CMD_SWITCH_NEW, &vale0), 0);
	assert_int_equal(party_commit(p), -EINVAL);
	assert_string_equal(p->text,
			    "switch vale0: a table of 65 entries: expected a "
			    "power of two from 64 to 1048576");
	party_begin(p, 1);
	party_switch(p, PTN_CMD_SWITCH_NEW, &vale0);
	assert_int_equal(party_say(p, &m), 0);
	assert_int_equal(party_commit(p), -EINVAL);
	assert_counts(p, 0, 0, 0);
}

/* Clients. */

static void want_ports(struct objects *want, int n)
{
	*want = (struct objects){0};
	objects_add_switch(want, &vale0, NULL);
	for (int i = 0; i < n; i++) {
		struct port_spec p = a_port("", "vale0");

		snprintf(p.name, sizeof(p.name), "p%d", i);
		objects_add_port(want, &p, NULL);
	}
	objects_sort(want);
}

static void with_ports(struct host *h, int n)
{
	struct objects want;

	want_ports(&want, n);
	host_apply(h, &want);
	objects_fini(&want);
}

static void socket_path(const struct host *h, int port, char path[108])
{
	snprintf(path, 108, "%s/ports/p%d.sock", h->dir, port);
}

static struct ptnet_port *attached(const struct host *h, int port)
{
	struct ptnet_port *p = NULL;
	char path[108];

	socket_path(h, port, path);
	assert_int_equal(ptnet_open(&p, path, NULL), 0);
	return p;
}

static struct port_status status_of(struct host *h, int port)
{
	struct backend_error error;
	struct port_status status;
	struct objects o;
	char name[16];

	snprintf(name, sizeof(name), "p%d", port);
	assert_int_equal(backend_engine.dump(h->backend, &o, &error), 0);
	status = o.port_status[objects_find_port(&o, name) - o.ports];
	objects_fini(&o);
	return status;
}

static struct census census_of(struct host *h)
{
	struct backend_error error;
	struct census c;

	assert_int_equal(backend_engine.census(h->backend, &c, &error), 0);
	assert_int_equal(c.lost, 0);
	assert_int_equal(c.twice, 0);
	assert_int_equal(c.free + c.slots + c.extra, c.buffers);
	return c;
}

/* A hang-up is heard a moment later. */
static void assert_regions(struct host *h, uint32_t n)
{
	for (int ms = 0; ms < 5000 && census_of(h).regions != n; ms++)
		poll(NULL, 0, 1);
	assert_int_equal(census_of(h).regions, n);
}

/* Send @n frames from port @from to @to, as fast as there is room. */
static void send_frames(struct ptnet_port *p, uint32_t n, uint8_t from,
			uint8_t to)
{
	const uint8_t header[14] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from};
	struct netmap_ring *ring = ptnet_tx_ring(p, 0);

	while (n) {
		assert_true(ptnet_wait(p, PTNET_TX, 5000) > 0);
		for (; n && ptnet_space(ring); n--) {
			struct netmap_slot *s = &ring->slot[ring->head];

			memcpy(ptnet_buf(ring, s->buf_idx), header, 14);
			memcpy(ptnet_buf(ring, s->buf_idx) + 14, &n, 4);
			s->len = 60;
			ring->head = ring->cur = ptnet_next(ring, ring->head);
		}
		assert_true(ptnet_sync_tx(p, 0) >= 0);
	}
	assert_int_equal(ptnet_flush(p, 5000), 0);
}

/* Take what comes until nothing comes for a while. */
static uint32_t receive_frames(struct ptnet_port *p, uint32_t most, int ms)
{
	struct netmap_ring *ring = ptnet_rx_ring(p, 0);
	uint32_t n = 0;

	while (n < most && ptnet_wait(p, PTNET_RX, ms) > 0) {
		for (; ptnet_space(ring); n++)
			ring->head = ring->cur = ptnet_next(ring, ring->head);
		ptnet_sync_rx(p, 0);
	}
	return n;
}

static void frames_flow_and_counters_survive_the_program(void **state)
{
	struct host *h = *state;
	struct ptnet_port *a, *b;
	struct port_status s;

	with_ports(h, 2);
	for (uint32_t round = 1; round <= 3; round++) {
		a = attached(h, 0);
		b = attached(h, 1);
		assert_int_equal(status_of(h, 1).state, PTN_PORT_UP);
		assert_int_equal(status_of(h, 1).pid, getpid());
		send_frames(a, 100, 0, 1);
		assert_int_equal(receive_frames(b, 100, 5000), 100);
		assert_int_equal(census_of(h).regions, 2);
		ptnet_close(a);
		ptnet_close(b);
		s = status_of(h, 1);
		assert_int_equal(s.counters[PTN_C_RX_FRAMES], 100 * round);
		s = status_of(h, 0);
		assert_int_equal(s.counters[PTN_C_TX_FRAMES], 100 * round);
	}
	assert_regions(h, 0);
}

static void a_port_has_one_client(void **state)
{
	struct host *h = *state;
	struct ptnet_port *a, *again = NULL;
	char path[108];

	with_ports(h, 1);
	a = attached(h, 0);
	socket_path(h, 0, path);
	assert_int_equal(ptnet_open(&again, path, NULL), -EBUSY);
	ptnet_close(a);
	/* at once, though the engine may not have heard of the end yet */
	ptnet_close(attached(h, 0));
}

static void a_deleted_port_is_cut_off_and_others_are_not(void **state)
{
	struct host *h = *state;
	struct ptnet_port *a, *b, *c;

	with_ports(h, 3);
	a = attached(h, 0);
	b = attached(h, 1);
	c = attached(h, 2);
	with_ports(h, 2);
	assert_int_equal(ptnet_wait(c, PTNET_RX, 5000), -ECONNRESET);
	send_frames(a, 10, 0, 1);
	assert_int_equal(receive_frames(b, 10, 5000), 10);
	ptnet_close(a);
	ptnet_close(b);
	ptnet_close(c);
}

struct sender {
	struct ptnet_port *port;
	uint8_t number;
	uint32_t frames;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;

	send_frames(s->port, s->frames, s->number, 0);
	return NULL;
}

static void every_frame_is_received_or_counted(void **state)
{
	enum { SENDERS = 4, FRAMES = 20000 };
	struct host *h = *state;
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	struct ptnet_port *receiver;
	uint64_t sent = 0, lost = 0;
	struct port_status s;
	uint32_t got;

	with_ports(h, SENDERS + 1);
	receiver = attached(h, 0);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){attached(h, i + 1),
					     (uint8_t)(i + 1), FRAMES};
		pthread_create(&threads[i], NULL, send_all, &senders[i]);
	}
	/* now and then too slow */
	got = receive_frames(receiver, FRAMES, 5000);
	poll(NULL, 0, 20);
	got += receive_frames(receiver, UINT32_MAX, 300);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	got += receive_frames(receiver, UINT32_MAX, 50);
	for (int i = 1; i <= SENDERS; i++)
		sent += status_of(h, i).counters[PTN_C_TX_FRAMES];
	s = status_of(h, 0);
	for (int c = PTN_C_DROP_RX_FULL; c <= PTN_C_DROP_LAST; c++)
		lost += s.counters[c];
	assert_int_equal(sent, SENDERS * FRAMES);
	assert_int_equal(s.counters[PTN_C_RX_FRAMES], got);
	/* the first frames of a sender may have been flooded to the others */
	for (int i = 1; i <= SENDERS; i++)
		assert_int_equal(status_of(h, i).counters[PTN_C_DROP_NO_DEST],
				 0);
	assert_int_equal(got + lost, sent);
	census_of(h);
	ptnet_close(receiver);
	for (int i = 0; i < SENDERS; i++)
		ptnet_close(senders[i].port);
}

static void an_idle_engine_sleeps(void **state)
{
	struct host *h = *state;
	struct ptnet_port *p[20];
	struct rusage before, after;
	int64_t us;

	with_ports(h, 200);
	for (int i = 0; i < 20; i++)
		p[i] = attached(h, i);
	poll(NULL, 0, 50);
	getrusage(RUSAGE_SELF, &before);
	poll(NULL, 0, 1500);
	getrusage(RUSAGE_SELF, &after);
	us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec +
	      after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
		     1000000 +
	     (after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
	     (after.ru_stime.tv_usec - before.ru_stime.tv_usec);
	/* one or two heartbeats of 20 ports, by sanitizers on a busy machine;
	 * a worker that polls would take all 1,500 ms */
	assert_in_range(us, 0, 60000);
	for (int i = 0; i < 20; i++)
		ptnet_close(p[i]);
}

/* Hostile clients: the protocol by hand. */

struct raw {
	int sock, mem;
	int64_t id;
	int host[3], own[3]; /* eventfds by vector */
	char *base;
	struct ptn_config *config;
	struct ptn_control *control;
	struct nm_csb_atok *atok;
};

static int raw_connect(const struct host *h, int port)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	socket_path(h, port, sun.sun_path);
	assert_int_equal(connect(sock, (void *)&sun, sizeof(sun)), 0);
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

	assert_int_equal(recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL), 8);
	if (fd && CMSG_FIRSTHDR(&m))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(*fd));
	return value;
}

static void raw_open(struct raw *r, const struct host *h, int port)
{
	char *window;

	*r = (struct raw){.mem = -1};
	r->sock = raw_connect(h, port);
	assert_int_equal(raw_message(r->sock, NULL), 0);
	r->id = raw_message(r->sock, NULL);
	assert_int_equal(raw_message(r->sock, &r->mem), -1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(raw_message(r->sock, &r->host[i]),
				 PTN_HOST_ID);
	for (int i = 0; i < 3; i++)
		assert_int_equal(raw_message(r->sock, &r->own[i]), r->id);
	r->base = mmap(NULL, PTN_WINDOW_AREA, PROT_READ | PROT_WRITE,
		       MAP_SHARED, r->mem, 0);
	assert_true(r->base != MAP_FAILED);
	window = r->base + r->id * PTN_WINDOW_SIZE;
	r->config = (void *)(window + PTN_WINDOW_CONFIG);
	r->control = (void *)(window + PTN_WINDOW_CONTROL);
	r->atok = (void *)(window + PTN_WINDOW_ATOK);
}

static void raw_close(struct raw *r)
{
	munmap(r->base, PTN_WINDOW_AREA);
	close(r->sock);
	close(r->mem);
	for (int i = 0; i < 3; i++) {
		close(r->host[i]);
		close(r->own[i]);
	}
}

static int32_t raw_command(struct raw *r, uint32_t cmd)
{
	uint32_t seq = __atomic_load_n(&r->control->seq, __ATOMIC_RELAXED) + 1;

	__atomic_store_n(&r->control->cmd, cmd, __ATOMIC_RELAXED);
	__atomic_store_n(&r->control->seq, seq, __ATOMIC_RELEASE);
	eventfd_write(r->host[0], 1);
	for (int ms = 0; ms < 5000; ms++) {
		if (__atomic_load_n(&r->config->ack_seq, __ATOMIC_ACQUIRE) ==
		    seq)
			return r->config->ack_status;
		poll(NULL, 0, 1);
	}
	fail_msg("command %u was not answered", cmd);
	return 0;
}

/* Two others go on as if nothing were. */
static void assert_others_work(struct host *h)
{
	struct ptnet_port *a = attached(h, 1), *b = attached(h, 2);

	send_frames(a, 200, 1, 2);
	assert_int_equal(receive_frames(b, 200, 5000), 200);
	ptnet_close(a);
	ptnet_close(b);
}

static void a_handshake_can_end_at_every_step(void **state)
{
	struct host *h = *state;
	const int messages = 3 + 2 * 3;

	with_ports(h, 3);
	for (int stop = 0; stop <= messages; stop++) {
		int sock = raw_connect(h, 0);

		for (int i = 0; i < stop; i++) {
			int fd = -1;

			raw_message(sock, &fd);
			if (fd >= 0)
				close(fd);
		}
		close(sock);
	}
	assert_others_work(h);
	ptnet_close(attached(h, 0));
	assert_regions(h, 0);
}

static void the_memory_is_sealed_and_new_each_time(void **state)
{
	struct host *h = *state;
	struct raw r;

	with_ports(h, 1);
	raw_open(&r, h, 0);
	assert_int_equal(ftruncate(r.mem, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(r.mem, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	strcpy(r.base + PTN_WINDOW_AREA / 2, "secret");
	raw_close(&r);
	raw_open(&r, h, 0);
	assert_string_equal(r.base + PTN_WINDOW_AREA / 2, "");
	assert_int_equal(r.config->magic, PTN_CONFIG_MAGIC);
	raw_close(&r);
}

static void commands_are_checked(void **state)
{
	struct host *h = *state;
	struct raw r;

	with_ports(h, 1);
	raw_open(&r, h, 0);
	assert_int_equal(raw_command(&r, 77), -EOPNOTSUPP);
	assert_int_equal(raw_command(&r, PTN_REGION_START), 0);
	assert_int_equal(r.config->state, PTN_STATE_RUNNING);
	assert_int_equal(raw_command(&r, PTN_REGION_START), 0);
	assert_int_equal(raw_command(&r, PTN_REGION_STOP), 0);
	assert_int_equal(r.config->state, PTN_STATE_READY);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(raw_command(&r, PTN_REGION_RESET), 0);
		assert_int_equal(raw_command(&r, PTN_REGION_START), 0);
	}
	raw_close(&r);
}

static void a_noisy_doorbell_is_muted_for_a_while(void **state)
{
	struct host *h = *state;
	struct raw r;

	with_ports(h, 3);
	raw_open(&r, h, 0);
	for (int i = 0; i < 20000; i++)
		eventfd_write(r.host[0], 1);
	assert_others_work(h);
	assert_int_equal(raw_command(&r, PTN_REGION_START), 0);
	raw_close(&r);
}

static void too_many_faults_stop_the_port_alone(void **state)
{
	struct host *h = *state;
	struct raw r;

	with_ports(h, 3);
	raw_open(&r, h, 0);
	assert_int_equal(raw_command(&r, PTN_REGION_RESET), 0);
	assert_int_equal(raw_command(&r, PTN_REGION_START), 0);
	for (int i = 0; i < 100000; i++) {
		if (__atomic_load_n(&r.config->state, __ATOMIC_ACQUIRE) ==
		    PTN_STATE_FAULTED)
			break;
		__atomic_store_n(&r.atok[0].head, 0xffffff00u + i % 7,
				 __ATOMIC_RELAXED);
		eventfd_write(r.host[1], 1);
		if (i % 64 == 0)
			poll(NULL, 0, 1);
	}
	assert_int_equal(r.config->state, PTN_STATE_FAULTED);
	assert_int_equal(status_of(h, 0).state, PTN_PORT_FAULTED);
	assert_int_equal(raw_command(&r, PTN_REGION_START), -EIO);
	assert_others_work(h);
	raw_close(&r);
	ptnet_close(attached(h, 0));
	assert_true(status_of(h, 0).counters[PTN_C_FAULTS] >= 1000);
}

/* A full eventfd that blocks must not hold up a worker or the control thread.
 */
static void a_spoilt_eventfd_stops_its_port_alone(void **state)
{
	struct host *h = *state;
	struct ptnet_port *a, *b;
	char path[108];
	struct raw r;

	with_ports(h, 3);
	raw_open(&r, h, 0);
	for (int i = 0; i < 3; i++) {
		eventfd_write(r.own[i], 0xfffffffffffffffe);
		fcntl(r.own[i], F_SETFL, 0);
	}
	assert_int_equal(raw_command(&r, PTN_REGION_RESET), 0);
	r.atok[1].appl_need_kick = 1;
	r.atok[1].cur = 0;
	assert_int_equal(raw_command(&r, PTN_REGION_START), 0);
	/* its worker now writes to the spoilt descriptor */
	a = attached(h, 1);
	b = attached(h, 2);
	send_frames(a, 10, 1, 0);
	send_frames(b, 10, 2, 0);
	send_frames(a, 10, 1, 2);
	for (int ms = 0; ms < 5000; ms += 10) {
		if (status_of(h, 0).state == PTN_PORT_FAULTED)
			break;
		poll(NULL, 0, 10);
	}
	assert_int_equal(status_of(h, 0).state, PTN_PORT_FAULTED);
	send_frames(b, 10, 2, 1);
	assert_true(receive_frames(a, 10, 5000) >= 10);
	ptnet_close(a);
	ptnet_close(b);
	raw_close(&r);
	/* and it cannot do so again at once */
	socket_path(h, 0, path);
	assert_int_equal(ptnet_open(&a, path, NULL), -EAGAIN);
}

#define TXN_TEST(f) cmocka_unit_test_setup_teardown(f, bench_open, bench_close)
#define HOST_TEST(f) cmocka_unit_test_setup_teardown(f, host_open, host_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TXN_TEST(a_commit_does_all_and_keeps_the_revision),
		TXN_TEST(refusals_name_the_object_and_change_nothing),
		TXN_TEST(a_switch_in_use_stays),
		TXN_TEST(an_end_is_taken_once_and_can_be_replaced),
		TXN_TEST(static_entries_follow_their_ports),
		TXN_TEST(an_object_is_changed_once_in_a_transaction),
		TXN_TEST(a_refused_message_spoils_its_transaction),
		HOST_TEST(frames_flow_and_counters_survive_the_program),
		HOST_TEST(a_port_has_one_client),
		HOST_TEST(a_deleted_port_is_cut_off_and_others_are_not),
		HOST_TEST(every_frame_is_received_or_counted),
		HOST_TEST(an_idle_engine_sleeps),
		HOST_TEST(a_handshake_can_end_at_every_step),
		HOST_TEST(the_memory_is_sealed_and_new_each_time),
		HOST_TEST(commands_are_checked),
		HOST_TEST(a_noisy_doorbell_is_muted_for_a_while),
		HOST_TEST(too_many_faults_stop_the_port_alone),
		HOST_TEST(a_spoilt_eventfd_stops_its_port_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
