// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mapping a port's memory: what the config page and the netmap objects say is
 * read once, checked against the size of the file, and only then used. Knows
 * neither sockets nor indices. Called by the transports and ptnet.c.
 */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	PAGE_MIN = 4096,
	HUGE_PAGE_MAX = 1 << 30,
	CSB_ALIGN = 64,
	RING_ALIGN = 128,
	RING_SLOTS_MAX = 1 << 20, /* where nothing else is known */
	BUF_SIZE_MIN = 64,
	BUF_SIZE_MAX = 65536,
	POOL_IF = 0,
	POOL_BUF = 2,
};

/* What is known of the file without looking into it. */
struct file {
	int fd;
	uint64_t size;
	uint64_t device, inode;
	uint64_t page; /* offsets and lengths of mappings are multiples */
};

static bool inside(uint64_t ofs, uint64_t len, uint64_t limit)
{
	return ofs <= limit && len <= limit - ofs;
}

static bool part_ok(uint64_t ofs, uint64_t len, uint64_t align, uint64_t limit)
{
	return !(ofs % align) && inside(ofs, len, limit);
}

/*
 * The file must not be able to shrink under the mapping: the program would
 * end by SIGBUS.
 */
static int file_check(struct file *f, int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EPROTO;
	if (fstat(fd, &st))
		return -errno;
	*f = (struct file){.fd = fd,
			   .size = (uint64_t)st.st_size,
			   .device = st.st_dev,
			   .inode = st.st_ino,
			   .page = (uint64_t)st.st_blksize};
	if (st.st_size < 0 || f->page < PAGE_MIN || f->page > HUGE_PAGE_MAX ||
	    (f->page & (f->page - 1)))
		return -EPROTO;
	return 0;
}

static int map(const struct file *f, uint64_t end, int prot, char **out,
	       size_t *bytes)
{
	void *p;

	end = (end + f->page - 1) & ~(f->page - 1);
	if (end > SIZE_MAX / 2)
		return -ENOMEM;
	p = mmap(NULL, end, prot, MAP_SHARED, f->fd, 0);
	if (p == MAP_FAILED)
		return errno > 0 ? -errno : -ENOMEM; /* never 0 */
	*out = p;
	*bytes = end;
	return 0;
}

static int copy_config(struct ptn_config *c, const struct file *f, unsigned id)
{
	uint64_t ofs = (uint64_t)id * PTN_WINDOW_SIZE;
	size_t bytes;
	char *base;
	int err;

	if (!inside(ofs, PTN_WINDOW_SIZE, f->size))
		return -EPROTO;
	err = map(f, ofs + PTN_WINDOW_SIZE, PROT_READ, &base, &bytes);
	if (err)
		return err;
	memcpy(c, base + ofs + PTN_WINDOW_CONFIG, sizeof(*c));
	munmap(base, bytes);
	c->name[sizeof(c->name) - 1] = '\0';
	return 0;
}

static bool counts_ok(const struct ptn_config *c, unsigned id)
{
	return c->magic == PTN_CONFIG_MAGIC &&
	       c->version == PTN_REGION_VERSION && c->bytes >= sizeof(*c) &&
	       c->window == id && c->tx_rings && c->tx_rings <= PTN_RINGS_MAX &&
	       c->rx_rings == c->tx_rings &&
	       c->vectors == 1 + 2 * c->tx_rings &&
	       c->tx_slots >= PTN_SLOTS_MIN && c->tx_slots <= PTN_SLOTS_MAX &&
	       c->rx_slots >= PTN_SLOTS_MIN && c->rx_slots <= PTN_SLOTS_MAX;
}

static bool places_ok(const struct ptn_config *c, const struct file *f)
{
	uint64_t rings = c->tx_rings + c->rx_rings;

	return part_ok(c->atok_ofs, rings * sizeof(struct nm_csb_atok),
		       CSB_ALIGN, f->size) &&
	       part_ok(c->ktoa_ofs, rings * sizeof(struct nm_csb_ktoa),
		       CSB_ALIGN, f->size) &&
	       part_ok(c->control_ofs, sizeof(struct ptn_control),
		       _Alignof(struct ptn_control), f->size) &&
	       part_ok(c->mem_ofs, c->mem_size, PAGE_MIN, f->size);
}

static bool pools_ok(const struct ptn_config *c)
{
	const struct ptn_pool_info *buf = &c->pool[POOL_BUF];
	uint64_t nifp = sizeof(struct netmap_if) +
			(c->tx_rings + c->rx_rings) * sizeof(__s64);

	return part_ok(c->nifp_ofs, nifp, _Alignof(struct netmap_if),
		       c->mem_size) &&
	       buf->size >= BUF_SIZE_MIN && buf->size <= BUF_SIZE_MAX &&
	       buf->count > NM_BUF_RESERVED &&
	       inside(buf->offset, (uint64_t)buf->count * buf->size,
		      c->mem_size);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Where the last part that matters ends; the file goes on, sparse. */
static uint64_t end_of(const struct ptn_config *c, unsigned id)
{
	uint64_t rings = c->tx_rings + c->rx_rings;
	uint64_t end = (uint64_t)(id + 1) * PTN_WINDOW_SIZE;

	end = later(end, c->atok_ofs + rings * sizeof(struct nm_csb_atok));
	end = later(end, c->ktoa_ofs + rings * sizeof(struct nm_csb_ktoa));
	end = later(end, c->control_ofs + sizeof(struct ptn_control));
	return later(end, c->mem_ofs + c->mem_size);
}

int memory_open(struct memory *m, int fd, unsigned id)
{
	struct ptn_config *c = &m->config;
	struct file f = {.fd = -1};
	int err;

	*m = (struct memory){.base = NULL};
	err = file_check(&f, fd);
	if (!err)
		err = copy_config(c, &f, id);
	if (err)
		return err;
	if (!counts_ok(c, id) || !places_ok(c, &f) || !pools_ok(c))
		return -EPROTO;
	err = map(&f, end_of(c, id), PROT_READ | PROT_WRITE, &m->base,
		  &m->bytes);
	if (err)
		return err;
	m->device = f.device;
	m->inode = f.inode;
	m->live = (const void *)(m->base + (size_t)id * PTN_WINDOW_SIZE +
				 PTN_WINDOW_CONFIG);
	m->control = (void *)(m->base + c->control_ofs);
	m->atok = (void *)(m->base + c->atok_ofs);
	m->ktoa = (const void *)(m->base + c->ktoa_ofs);
	return 0;
}

void memory_close(struct memory *m)
{
	if (m->base)
		munmap(m->base, m->bytes);
	m->base = NULL;
}

bool memory_same(const struct memory *a, const struct memory *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->config.mem_ofs == b->config.mem_ofs &&
	       a->config.pool[POOL_BUF].offset ==
		       b->config.pool[POOL_BUF].offset;
}

struct netmap_if *memory_if(const struct memory *m)
{
	return (void *)(m->base + m->config.mem_ofs + m->config.nifp_ofs);
}

/* Where a ring is in the netmap memory; UINT64_MAX: nowhere. */
static uint64_t ring_ofs(const struct memory *m, unsigned dir, unsigned queue)
{
	const struct netmap_if *nifp = memory_if(m);
	uint64_t at, host = *(const volatile __u32 *)&nifp->ni_host_tx_rings;
	uint64_t index = queue;

	if (dir)
		index += m->config.tx_rings + host;
	if (host > PTN_RINGS_MAX ||
	    !inside(m->config.nifp_ofs,
		    sizeof(*nifp) + (index + 1) * sizeof(__s64),
		    m->config.mem_size))
		return UINT64_MAX;
	at = (uint64_t)((const volatile __s64 *)nifp->ring_ofs)[index];
	return at ? m->config.nifp_ofs + at : UINT64_MAX;
}

bool memory_fits(const struct memory *m)
{
	return m->config.mem_size <= SIZE_MAX / 2 && pools_ok(&m->config);
}

bool memory_has_ring(const struct memory *m, unsigned dir, unsigned queue)
{
	return ring_ofs(m, dir, queue) != UINT64_MAX;
}

/* How many slots a ring has: what is known, or what it says itself. */
static uint64_t slots_of(const struct ptn_config *c, unsigned dir,
			 const struct netmap_ring *r)
{
	uint64_t slots = dir ? c->rx_slots : c->tx_slots;

	return slots ? slots : *(const volatile __u32 *)&r->num_slots;
}

struct netmap_ring *memory_ring(const struct memory *m, unsigned dir,
				unsigned queue)
{
	const struct ptn_config *c = &m->config;
	uint64_t slots, ofs = ring_ofs(m, dir, queue);
	struct netmap_ring *r;

	if (!part_ok(ofs, sizeof(*r), RING_ALIGN, c->mem_size))
		return NULL;
	r = (void *)(m->base + c->mem_ofs + ofs);
	slots = slots_of(c, dir, r);
	if (slots < 2 || slots > RING_SLOTS_MAX ||
	    !inside(ofs, sizeof(*r) + slots * sizeof(r->slot[0]), c->mem_size))
		return NULL;
	if (r->num_slots != slots || r->dir != dir ||
	    r->nr_buf_size != c->pool[POOL_BUF].size ||
	    ofs + (uint64_t)r->buf_ofs != c->pool[POOL_BUF].offset)
		return NULL;
	return r;
}
