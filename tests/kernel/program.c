/* SPDX-License-Identifier: BSD-2-Clause */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ETH_HEADER = 14 };

int program_fd(void)
{
	const int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

int program_ask_with(int fd, unsigned type, const char *name, void *body,
		     void *options)
{
	struct nmreq_header h = {
		.nr_version = NETMAP_API,
		.nr_reqtype = (uint16_t)type,
		.nr_options = (uintptr_t)options,
		.nr_body = (uintptr_t)body,
	};

	memcpy(h.nr_name, name, strnlen(name, sizeof(h.nr_name)));
	return ioctl(fd, NIOCCTRL, &h) ? -errno : 0;
}

int program_ask(int fd, unsigned type, const char *name, void *body)
{
	return program_ask_with(fd, type, name, body, NULL);
}

int program_try(struct program *p, const char *name)
{
	int err;

	p->fd = program_fd();
	err = program_ask(p->fd, NETMAP_REQ_REGISTER, name, &p->reg);
	if (err) {
		close(p->fd);
		return err;
	}
	p->mem = mmap(NULL, p->reg.nr_memsize, PROT_READ | PROT_WRITE,
		      MAP_SHARED, p->fd, 0);
	assert_ptr_not_equal(p->mem, MAP_FAILED);
	p->nifp = (void *)(p->mem + p->reg.nr_offset);
	return 0;
}

void program_open_as(struct program *p, const char *name)
{
	assert_int_equal(program_try(p, name), 0);
}

void program_open(struct program *p, const char *name)
{
	p->reg = (struct nmreq_register){.nr_mode = NR_REG_ALL_NIC};
	program_open_as(p, name);
}

void program_close(struct program *p)
{
	munmap(p->mem, p->reg.nr_memsize);
	close(p->fd);
}

static struct netmap_ring *ring_at(const struct program *p, unsigned i)
{
	assert_int_not_equal(p->nifp->ring_ofs[i], 0);
	return (void *)((char *)p->nifp + p->nifp->ring_ofs[i]);
}

struct netmap_ring *program_tx(const struct program *p, unsigned ring)
{
	return ring_at(p, ring);
}

struct netmap_ring *program_rx(const struct program *p, unsigned ring)
{
	return ring_at(p,
		       p->nifp->ni_tx_rings + p->nifp->ni_host_tx_rings + ring);
}

char *program_buf(const struct netmap_ring *r, uint32_t idx)
{
	return (char *)r + r->buf_ofs + (size_t)idx * r->nr_buf_size;
}

short program_poll(const struct program *p, short events, int ms)
{
	struct pollfd pfd = {.fd = p->fd, .events = events};

	assert_true(poll(&pfd, 1, ms) >= 0);
	return pfd.revents;
}

static uint32_t next_slot(const struct netmap_ring *r, uint32_t i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

static void write_frame(char *frame, unsigned len, uint64_t number)
{
	static const unsigned char from[] = {2, 0, 0, 0, 0, 1, 0x88, 0xb5};

	memset(frame, 0xff, 6);
	memcpy(frame + 6, from, sizeof(from));
	memset(frame + ETH_HEADER, (int)number, len - ETH_HEADER);
	memcpy(frame + len - sizeof(number), &number, sizeof(number));
}

unsigned program_send(struct program *p, unsigned n, unsigned len,
		      uint64_t *next)
{
	struct netmap_ring *r = program_tx(p, 0);
	uint32_t at = r->head;
	unsigned i;

	for (i = 0; i < n && at != r->tail; i++) {
		write_frame(program_buf(r, r->slot[at].buf_idx), len,
			    (*next)++);
		r->slot[at].len = (uint16_t)len;
		r->slot[at].flags = 0;
		at = next_slot(r, at);
	}
	r->cur = at;
	r->head = at;
	assert_int_equal(ioctl(p->fd, NIOCTXSYNC), 0);
	return i;
}

unsigned program_receive(struct program *p, unsigned len, uint64_t *next)
{
	struct netmap_ring *r = program_rx(p, 0);
	uint32_t at = r->head;
	unsigned n = 0;
	uint64_t number;

	assert_int_equal(ioctl(p->fd, NIOCRXSYNC), 0);
	for (; at != r->tail; at = next_slot(r, at), n++) {
		assert_int_equal(r->slot[at].len, len);
		memcpy(&number,
		       program_buf(r, r->slot[at].buf_idx) + len -
			       sizeof(number),
		       sizeof(number));
		assert_int_equal(number, *next);
		++*next;
	}
	r->cur = at;
	r->head = at;
	return n;
}
