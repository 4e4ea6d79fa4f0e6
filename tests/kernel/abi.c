// SPDX-License-Identifier: BSD-2-Clause
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include <ptnet/control.h>

int abi_device(void)
{
	int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void abi_close(int fd)
{
	assert_int_equal(close(fd), 0);
}

int abi_call(int fd, struct nmreq_header *h)
{
	return ioctl(fd, NIOCCTRL, h) ? -errno : 0;
}

int abi_ctrl(int fd, const char *name, uint16_t type, void *body, void *options)
{
	struct nmreq_header h = {
		.nr_version = NETMAP_API,
		.nr_reqtype = type,
		.nr_options = (uintptr_t)options,
		.nr_body = (uintptr_t)body,
	};

	strncpy(h.nr_name, name, sizeof(h.nr_name) - 1);
	return abi_call(fd, &h);
}

int abi_register(int fd, const char *name, struct nmreq_register *body)
{
	return abi_ctrl(fd, name, NETMAP_REQ_REGISTER, body, NULL);
}

int abi_try_open_with(struct abi_port *p, const char *name,
		      const struct nmreq_register *body, void *options)
{
	int err;

	*p = (struct abi_port){.fd = abi_device()};
	strncpy(p->name, name, sizeof(p->name) - 1);
	if (body)
		p->reg = *body;
	err = abi_ctrl(p->fd, name, NETMAP_REQ_REGISTER, &p->reg, options);
	if (err) {
		abi_close(p->fd);
		p->fd = -1;
		return err;
	}
	p->mem = mmap(NULL, p->reg.nr_memsize, PROT_READ | PROT_WRITE,
		      MAP_SHARED, p->fd, 0);
	assert_ptr_not_equal(p->mem, MAP_FAILED);
	p->nifp = (void *)(p->mem + p->reg.nr_offset);
	return 0;
}

int abi_try_open(struct abi_port *p, const char *name,
		 const struct nmreq_register *body)
{
	return abi_try_open_with(p, name, body, NULL);
}

void abi_open_as(struct abi_port *p, const char *name,
		 struct nmreq_register body)
{
	assert_int_equal(abi_try_open(p, name, &body), 0);
}

void abi_open(struct abi_port *p, const char *name)
{
	assert_int_equal(abi_try_open(p, name, NULL), 0);
}

void abi_shut(struct abi_port *p)
{
	if (p->fd < 0)
		return;
	assert_int_equal(munmap(p->mem, p->reg.nr_memsize), 0);
	abi_close(p->fd);
	p->fd = -1;
}

int abi_pair_open(void **state, const char *a, const char *b,
		  const struct nmreq_register *body, void *options)
{
	static struct abi_pair pair;

	*state = &pair;
	assert_int_equal(abi_try_open_with(&pair.a, a, body, options), 0);
	assert_int_equal(abi_try_open_with(&pair.b, b, body, options), 0);
	return 0;
}

int abi_on_a_switch(void **state)
{
	return abi_pair_open(state, "vale0:a", "vale0:b", NULL, NULL);
}

int abi_on_a_pipe(void **state)
{
	return abi_pair_open(state, "vale0:p{1", "vale0:p}1", NULL, NULL);
}

int abi_pair_shut(void **state)
{
	struct abi_pair *pair = *state;

	abi_shut(&pair->a);
	abi_shut(&pair->b);
	abi_census(NULL);
	return 0;
}

static struct netmap_ring *ring(const struct abi_port *p, unsigned i)
{
	const int64_t ofs = p->nifp->ring_ofs[i];

	return ofs ? (void *)((char *)p->nifp + ofs) : NULL;
}

struct netmap_ring *abi_tx(const struct abi_port *p, unsigned i)
{
	assert_true(i < p->nifp->ni_tx_rings + p->nifp->ni_host_tx_rings);
	return ring(p, i);
}

struct netmap_ring *abi_rx(const struct abi_port *p, unsigned i)
{
	assert_true(i < p->nifp->ni_rx_rings + p->nifp->ni_host_rx_rings);
	return ring(p, p->nifp->ni_tx_rings + p->nifp->ni_host_tx_rings + i);
}

char *abi_buf(struct netmap_ring *r, uint32_t idx)
{
	return (char *)r + r->buf_ofs + (size_t)idx * r->nr_buf_size;
}

uint32_t abi_space(const struct netmap_ring *r)
{
	return r->tail >= r->head ? r->tail - r->head
				  : r->tail + r->num_slots - r->head;
}

int abi_txsync(const struct abi_port *p)
{
	return ioctl(p->fd, NIOCTXSYNC, NULL) ? -errno : 0;
}

int abi_rxsync(const struct abi_port *p)
{
	return ioctl(p->fd, NIOCRXSYNC, NULL) ? -errno : 0;
}

static void address(char *out, unsigned n)
{
	if (n == TO_ALL)
		memset(out, 0xff, 6);
	else
		memcpy(out, (char[]){2, 0, 0, 0, 0, (char)n}, 6);
}

static char pattern(uint64_t n, size_t i)
{
	return (char)(n * 31 + i * 7);
}

enum { HEAD = 14, BODY = HEAD + 8 };

void abi_frame(char *out, size_t len, unsigned dst, unsigned src, uint64_t n)
{
	assert_true(len >= 26);
	address(out, dst);
	address(out + 6, src);
	out[12] = (char)0x88;
	out[13] = (char)0xb5;
	memcpy(out + HEAD, &n, 8);
	for (size_t i = BODY; i < len; i++)
		out[i] = pattern(n, i);
}

uint64_t abi_frame_number(const char *data, size_t len)
{
	uint64_t n;

	assert_true(len >= 26);
	memcpy(&n, data + HEAD, 8);
	for (size_t i = BODY; i < len; i++)
		assert_int_equal(data[i], pattern(n, i));
	return n;
}

void abi_put(struct netmap_ring *r, size_t len, unsigned dst, unsigned src,
	     uint64_t n)
{
	struct netmap_slot *s = &r->slot[r->head];

	assert_true(abi_space(r) > 0);
	assert_true(len <= r->nr_buf_size);
	abi_frame(abi_buf(r, s->buf_idx), len, dst, src, n);
	s->len = (uint16_t)len;
	s->flags = 0;
	r->head = r->cur = abi_next(r, r->head);
}

void abi_send(const struct abi_port *p, size_t len, unsigned dst, unsigned src,
	      uint64_t n)
{
	abi_put(abi_tx(p, 0), len, dst, src, n);
	assert_int_equal(abi_txsync(p), 0);
}

uint64_t abi_take(struct netmap_ring *r)
{
	const struct netmap_slot *s = &r->slot[r->head];
	uint64_t n;

	assert_true(abi_space(r) > 0);
	assert_false(s->flags & NS_MOREFRAG);
	n = abi_frame_number(abi_buf(r, s->buf_idx), s->len);
	r->head = r->cur = abi_next(r, r->head);
	return n;
}

void abi_pass(struct netmap_ring *rx, struct netmap_ring *tx)
{
	struct netmap_slot *from = &rx->slot[rx->head];
	struct netmap_slot *to = &tx->slot[tx->head];
	const uint32_t buf = to->buf_idx;

	to->buf_idx = from->buf_idx;
	to->len = from->len;
	to->flags = NS_BUF_CHANGED;
	from->buf_idx = buf;
	from->flags = NS_BUF_CHANGED;
	rx->head = rx->cur = abi_next(rx, rx->head);
	tx->head = tx->cur = abi_next(tx, tx->head);
}

unsigned abi_drain(const struct abi_port *p)
{
	struct netmap_ring *r = abi_rx(p, 0);
	unsigned n = 0;

	assert_int_equal(abi_rxsync(p), 0);
	for (; abi_space(r); n++)
		abi_take(r);
	assert_int_equal(abi_rxsync(p), 0);
	return n;
}

short abi_poll(const struct abi_port *p, short events, int timeout_ms)
{
	struct pollfd pfd = {.fd = p->fd, .events = events};

	assert_true(poll(&pfd, 1, timeout_ms) >= 0);
	return pfd.revents;
}

/* The census */

struct books {
	uint64_t value[PTN_CE_MAX + 1];
	bool came;
};

static int take_census(struct nl_msg *m, void *arg)
{
	struct nlattr *attrs[PTN_A_MAX + 1], *ce[PTN_CE_MAX + 1];
	struct books *b = arg;

	assert_int_equal(genlmsg_parse(nlmsg_hdr(m), 0, attrs, PTN_A_MAX, NULL),
			 0);
	assert_non_null(attrs[PTN_A_CENSUS]);
	assert_int_equal(
		nla_parse_nested(ce, PTN_CE_MAX, attrs[PTN_A_CENSUS], NULL), 0);
	for (int i = 1; i <= PTN_CE_MAX; i++) {
		if (!ce[i])
			continue;
		if (nla_len(ce[i]) == 8)
			b->value[i] = nla_get_u64(ce[i]);
		else if (nla_len(ce[i]) == 4)
			b->value[i] = nla_get_u32(ce[i]);
	}
	b->came = true;
	return NL_OK;
}

void abi_census(uint64_t *buffers)
{
	struct nl_sock *s = nl_socket_alloc();
	struct nl_msg *m = nlmsg_alloc();
	struct books b = {.came = false};
	int family;

	assert_int_equal(genl_connect(s), 0);
	family = genl_ctrl_resolve(s, PTN_FAMILY_NAME);
	assert_true(family > 0);
	assert_non_null(genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
				    PTN_CMD_CENSUS_GET, PTN_FAMILY_VERSION));
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, take_census, &b);
	assert_true(nl_send_auto(s, m) > 0);
	assert_int_equal(nl_recvmsgs_default(s), 0);
	nlmsg_free(m);
	nl_socket_free(s);
	assert_true(b.came);
	assert_int_equal(b.value[PTN_CE_LOST], 0);
	assert_int_equal(b.value[PTN_CE_DOUBLE], 0);
	assert_int_equal(b.value[PTN_CE_FREE] + b.value[PTN_CE_SLOTS] +
				 b.value[PTN_CE_EXTRA],
			 b.value[PTN_CE_BUFFERS]);
	if (buffers)
		*buffers = b.value[PTN_CE_BUFFERS];
}

int abi_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_true(log >= 0 && lseek(log, 0, SEEK_END) >= 0);
	return log;
}

bool abi_log_says(int log, const char *words)
{
	char line[1024];
	ssize_t n;
	bool said = false;

	while ((n = read(log, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		said |= strstr(line, words) != NULL;
	}
	return said;
}

void abi_run(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		/* an assertion must not go on with the parent's tests */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		fn(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}
