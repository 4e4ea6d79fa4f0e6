// SPDX-License-Identifier: BSD-2-Clause
/*
 * See fake_host.h. Failures of the machine itself (no descriptors, no memory)
 * end the test by assert().
 */
#include "fake_host.h"

#undef NDEBUG
#include <assert.h>
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MEM_OFS = PTN_WINDOW_AREA,
	RINGS_OFS = 4096,
	RING_BYTES = 512,
	BUFS_OFS = 8192,
	BUFS = NM_BUF_RESERVED + 2 * HOST_QUEUES * HOST_SLOTS,
	MEM_SIZE = BUFS_OFS + 32768,
	FILE_SIZE = 4 << 20,
};

#define load(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define store(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)

unsigned host_index(bool rx, unsigned queue)
{
	return queue + (rx ? HOST_QUEUES : 0);
}

struct netmap_ring *host_ring(struct host *h, bool rx, unsigned queue)
{
	return (void *)(h->base + MEM_OFS + RINGS_OFS +
			host_index(rx, queue) * RING_BYTES);
}

static void ring_reset(struct host *h, bool rx, unsigned queue)
{
	unsigned index = host_index(rx, queue);
	struct netmap_ring *r = host_ring(h, rx, queue);

	r->buf_ofs = BUFS_OFS - (RINGS_OFS + (__s64)index * RING_BYTES);
	r->num_slots = HOST_SLOTS;
	r->nr_buf_size = HOST_BUF_SIZE;
	r->dir = rx;
	for (unsigned i = 0; i < HOST_SLOTS; i++)
		r->slot[i] = (struct netmap_slot){
			.buf_idx = NM_BUF_RESERVED + index * HOST_SLOTS + i};
	h->nifp->ring_ofs[index] = RINGS_OFS + (__s64)index * RING_BYTES;
	h->atok[index] = (struct nm_csb_atok){.head = 0};
	h->ktoa[index] = (struct nm_csb_ktoa){.hwtail = rx ? 0 : HOST_SLOTS - 1,
					      .kern_need_kick = 1};
}

static void reset(struct host *h)
{
	h->nifp->ni_tx_rings = h->nifp->ni_rx_rings = HOST_QUEUES;
	for (unsigned q = 0; q < HOST_QUEUES; q++) {
		ring_reset(h, false, q);
		ring_reset(h, true, q);
	}
}

static void fill_config(struct host *h)
{
	*h->config = (struct ptn_config){
		.magic = PTN_CONFIG_MAGIC,
		.version = PTN_REGION_VERSION,
		.bytes = sizeof(struct ptn_config),
		.state = PTN_STATE_READY,
		.vectors = HOST_VECTORS,
		.tx_rings = HOST_QUEUES,
		.rx_rings = HOST_QUEUES,
		.tx_slots = HOST_SLOTS,
		.rx_slots = HOST_SLOTS,
		.mac = {2, 0, 0, 0, 0, 7},
		.atok_ofs = PTN_WINDOW_ATOK,
		.ktoa_ofs = PTN_WINDOW_KTOA,
		.control_ofs = PTN_WINDOW_CONTROL,
		.mem_ofs = MEM_OFS,
		.mem_size = MEM_SIZE,
		.pool = {{0, 1, 4096},
			 {RINGS_OFS, 2 * HOST_QUEUES, RING_BYTES},
			 {BUFS_OFS, BUFS, HOST_BUF_SIZE}},
		.name = "probe",
	};
}

void host_init(struct host *h)
{
	*h = (struct host){.messages = HOST_NEVER,
			   .commands = HOST_NEVER,
			   .listener = -1,
			   .sock = -1,
			   .size = FILE_SIZE,
			   .lock = PTHREAD_MUTEX_INITIALIZER};
	h->mem = memfd_create("fake", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	h->quit = eventfd(0, EFD_CLOEXEC);
	assert(h->mem >= 0 && h->quit >= 0 && !ftruncate(h->mem, FILE_SIZE));
	for (unsigned i = 0; i < HOST_VECTORS; i++) {
		h->host[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		h->own[i] = eventfd(0, EFD_CLOEXEC);
		assert(h->host[i] >= 0 && h->own[i] >= 0);
	}
	h->base = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       h->mem, 0);
	assert(h->base != MAP_FAILED);
	h->config = (void *)h->base;
	h->control = (void *)(h->base + PTN_WINDOW_CONTROL);
	h->atok = (void *)(h->base + PTN_WINDOW_ATOK);
	h->ktoa = (void *)(h->base + PTN_WINDOW_KTOA);
	h->nifp = (void *)(h->base + MEM_OFS);
	fill_config(h);
	reset(h);
}

/* Tells whether the client still listens. */
static bool send_message(struct host *h, int64_t value, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	uint64_t raw = htole64((uint64_t)value);
	struct iovec iov = {&raw, h->short_message ? 5 : sizeof(raw)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (fd >= 0 && !h->no_fds) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
				      .cmsg_level = SOL_SOCKET,
				      .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(h->sock, &m, MSG_NOSIGNAL) >= 0 && !h->short_message;
}

static bool send_number(struct host *h, int i)
{
	int fds[2], vector = (i - 3) % HOST_VECTORS;
	bool own = i >= 3 + HOST_VECTORS, sent;

	if (i == 0)
		return send_message(h, h->version, -1);
	if (i == 1)
		return send_message(h, h->id, -1);
	if (i == 2)
		return send_message(h, -1, h->mem);
	if (!h->pipes)
		return send_message(h, own ? h->id : PTN_HOST_ID,
				    own ? h->own[vector] : h->host[vector]);
	assert(!pipe(fds));
	sent = send_message(h, own ? h->id : PTN_HOST_ID, fds[1]);
	close(fds[0]);
	close(fds[1]);
	return sent;
}

static void await_quit(struct host *h)
{
	struct pollfd pfd = {.fd = h->quit, .events = POLLIN};

	poll(&pfd, 1, -1);
}

static void misbehave(struct host *h)
{
	if (h->end == HOST_HANGS_UP)
		shutdown(h->sock, SHUT_RDWR);
	else
		await_quit(h);
}

static void obey(struct host *h)
{
	uint32_t seq = load(h->control->seq);
	uint64_t one = 1;

	if (seq == h->seq)
		return;
	pthread_mutex_lock(&h->lock);
	h->seq = seq;
	if (h->control->cmd == PTN_REGION_RESET)
		reset(h);
	h->config->ack_status = h->status;
	pthread_mutex_unlock(&h->lock);
	store(h->config->ack_seq, seq);
	assert(write(h->own[0], &one, sizeof(one)) == sizeof(one));
}

static void serve(struct host *h)
{
	struct pollfd pfd[] = {{.fd = h->host[0], .events = POLLIN},
			       {.fd = h->quit, .events = POLLIN}};
	uint64_t count;

	for (int i = 0;; i++) {
		poll(pfd, 2, -1);
		if (pfd[1].revents)
			return;
		if (i == h->commands) {
			misbehave(h);
			return;
		}
		if (read(h->host[0], &count, sizeof(count)) > 0)
			obey(h);
	}
}

static void *host_main(void *arg)
{
	struct host *h = arg;
	struct pollfd pfd[] = {{.fd = h->listener, .events = POLLIN},
			       {.fd = h->quit, .events = POLLIN}};

	poll(pfd, 2, -1);
	if (!pfd[0].revents)
		return NULL;
	h->sock = accept(h->listener, NULL, NULL);
	for (int i = 0; i < HOST_MESSAGES; i++) {
		if (i == h->messages || !send_number(h, i)) {
			misbehave(h);
			return NULL;
		}
	}
	serve(h);
	return NULL;
}

void host_start(struct host *h)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	assert(!ftruncate(h->mem, (off_t)h->size));
	assert(h->unsealed || !fcntl(h->mem, F_ADD_SEALS, seals));
	strcpy(h->dir, "/tmp/ptnet-test-XXXXXX");
	assert(mkdtemp(h->dir));
	snprintf(h->path, sizeof(h->path), "%s/probe.sock", h->dir);
	strcpy(sun.sun_path, h->path);
	h->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(!bind(h->listener, (struct sockaddr *)&sun, sizeof(sun)));
	assert(!listen(h->listener, 1));
	assert(!pthread_create(&h->thread, NULL, host_main, h));
	h->running = true;
}

void host_settle(struct host *h)
{
	pthread_mutex_lock(&h->lock);
	pthread_mutex_unlock(&h->lock);
}

void host_hang_up(struct host *h)
{
	shutdown(h->sock, SHUT_RDWR);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void host_fini(struct host *h)
{
	uint64_t one = 1;

	if (h->running) {
		assert(write(h->quit, &one, sizeof(one)) == sizeof(one));
		pthread_join(h->thread, NULL);
		unlink(h->path);
		rmdir(h->dir);
	}
	close_fd(h->listener);
	close_fd(h->sock);
	close_fd(h->quit);
	close_fd(h->mem);
	for (unsigned i = 0; i < HOST_VECTORS; i++) {
		close_fd(h->host[i]);
		close_fd(h->own[i]);
	}
	munmap(h->base, FILE_SIZE);
}

bool host_publish(struct host *h, bool rx, unsigned queue, uint32_t hwcur,
		  uint32_t hwtail)
{
	unsigned index = host_index(rx, queue);
	uint64_t one = 1;
	uint32_t asked;

	store(h->ktoa[index].hwcur, hwcur);
	store(h->ktoa[index].hwtail, hwtail);
	__sync_synchronize();
	asked = load(h->atok[index].appl_need_kick);
	if (!asked || load(h->atok[index].cur) == hwtail ||
	    (asked != 1 && asked == h->kicked[index]))
		return false;
	h->kicked[index] = asked;
	one = (uint64_t)write(
		h->own[rx ? PTN_VECTOR_RX(queue) : PTN_VECTOR_TX(queue)], &one,
		sizeof(one));
	assert(one == sizeof(one));
	return true;
}

bool host_kicked(struct host *h, unsigned vector)
{
	uint64_t count;

	return read(h->host[vector], &count, sizeof(count)) > 0;
}
