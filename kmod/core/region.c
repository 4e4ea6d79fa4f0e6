// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Regions: pools of interface objects, rings and buffers.
 *
 * Free objects are found by a watermark (never used yet) and a list of those
 * that came back, so that a sparse region costs nothing until it is used.
 */
#include "region.h"

#include "port.h"
#include "ring.h"

struct pool {
	u32 count;
	u32 size;
	size_t offset;
	u32 there; /* objects that have memory */
	u32 fresh; /* objects from here on were never used */
	u32 back; /* head of the list of returned objects, 0: none */
	u32 n_back;
	u32 *next; /* by object: number + 1 of the next returned one */
};

struct ptn_region {
	char *mem;
	struct ptn_shape shape;
	struct pool pool[3];
	u32 *home; /* by buffer: PTN_HOME() or PTN_HOME_FREE */
	struct ptn_ring **user; /* by ring object */
	u8 *nif; /* by interface object: given out */
	ptn_spin_t extra_lock;
	int (*grow)(void *home, const u32 count[3]); /* NULL: all is there */
	void *grow_home;
};

enum { POOL_IF, POOL_RING, POOL_BUF, PAGE = 4096 };

/* Interface objects that are given out. */
enum { NIF_PLAIN = 1, NIF_EXTRA };

static size_t padded(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

u32 ptn_ring_bytes(u32 slots)
{
	return (u32)padded(sizeof(struct netmap_ring) +
				   (size_t)slots * sizeof(struct netmap_slot),
			   128);
}

static u32 if_bytes(u32 rings)
{
	return (u32)padded(sizeof(struct netmap_if) + rings * sizeof(s64), 64);
}

void ptn_shape_for_params(struct ptn_shape *shape,
			  const struct ptn_port_params *params, u32 buf_size)
{
	const u32 rx_queues = params->rx_queues ? params->rx_queues
						: params->queues;
	const u32 rx_slots = params->rx_slots ? params->rx_slots
					      : params->slots;
	const u32 tx = params->queues + params->host_queues;
	const u32 rx = rx_queues + params->host_queues;

	shape->if_count = 1;
	shape->if_size = if_bytes(tx + rx);
	shape->ring_count = tx + rx;
	shape->ring_size = ptn_ring_bytes(
		params->slots > rx_slots ? params->slots : rx_slots);
	shape->buf_count = tx * params->slots + rx * rx_slots +
			   params->extra_bufs + NM_BUF_RESERVED;
	shape->buf_size = buf_size;
}

void ptn_shape_for_port(struct ptn_shape *shape, u32 rings, u32 slots,
			u32 buf_size, u32 extra)
{
	const struct ptn_port_params params = {
		.queues = rings,
		.slots = slots,
		.extra_bufs = extra,
	};

	ptn_shape_for_params(shape, &params, buf_size);
}

static bool shape_possible(const struct ptn_shape *s)
{
	return s->if_count && s->ring_count && s->if_count <= 1 << 16 &&
	       s->ring_count <= 1 << 17 && s->buf_count > NM_BUF_RESERVED &&
	       s->buf_count <= PTN_BUF_COUNT_MAX && s->if_size >= if_bytes(2) &&
	       s->if_size <= PTN_IF_SIZE_MAX && s->if_size % 64 == 0 &&
	       s->ring_size >= ptn_ring_bytes(PTN_SLOTS_MIN) &&
	       s->ring_size <= PTN_RING_SIZE_MAX && s->ring_size % 128 == 0 &&
	       s->buf_size >= PTN_BUF_SIZE_MIN &&
	       s->buf_size <= PTN_BUF_SIZE_MAX && s->buf_size % 64 == 0;
}

static void pool_place(struct pool *p, size_t *at, u32 count, u32 size)
{
	p->count = count;
	p->there = count;
	p->size = size;
	p->offset = *at;
	*at = padded(*at + (size_t)count * size, PAGE);
}

static size_t place(struct pool pool[3], const struct ptn_shape *s)
{
	size_t at = 0;

	pool_place(&pool[POOL_IF], &at, s->if_count, s->if_size);
	pool_place(&pool[POOL_RING], &at, s->ring_count, s->ring_size);
	pool_place(&pool[POOL_BUF], &at, s->buf_count, s->buf_size);
	return at;
}

size_t ptn_shape_bytes(const struct ptn_shape *shape)
{
	struct pool pool[3];

	return shape_possible(shape) ? place(pool, shape) : 0;
}

size_t ptn_shape_pool(const struct ptn_shape *shape, unsigned n)
{
	struct pool pool[3];

	place(pool, shape);
	return pool[n].offset;
}

int ptn_region_new(struct ptn_region **out, void *mem,
		   const struct ptn_shape *shape)
{
	struct ptn_region *r;

	if (!shape_possible(shape))
		return -EINVAL;
	r = ptn_alloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->mem = mem;
	r->shape = *shape;
	place(r->pool, shape);
	r->pool[POOL_BUF].fresh = NM_BUF_RESERVED;
	for (int i = 0; i < 3; i++) {
		r->pool[i].next =
			ptn_alloc(r->pool[i].count * sizeof(*r->pool[i].next));
		if (!r->pool[i].next)
			goto err_free;
	}
	r->home = ptn_alloc(shape->buf_count * sizeof(*r->home));
	r->user = ptn_alloc(shape->ring_count * sizeof(struct ptn_ring *));
	r->nif = ptn_alloc(shape->if_count);
	if (!r->home || !r->user || !r->nif)
		goto err_free;
	ptn_spin_init(&r->extra_lock);
	*out = r;
	return 0;

err_free:
	ptn_region_free(r);
	return -ENOMEM;
}

void ptn_region_free(struct ptn_region *r)
{
	if (!r)
		return;
	for (int i = 0; i < 3; i++)
		ptn_free(r->pool[i].next);
	ptn_free(r->home);
	ptn_free(r->user);
	ptn_free(r->nif);
	ptn_free(r);
}

const struct ptn_shape *ptn_region_shape(const struct ptn_region *r)
{
	return &r->shape;
}

size_t ptn_region_pool(const struct ptn_region *r, unsigned pool)
{
	return r->pool[pool].offset;
}

void *ptn_region_object(const struct ptn_region *r, unsigned pool, u32 number)
{
	const struct pool *p = &r->pool[pool];

	return r->mem + p->offset + (size_t)number * p->size;
}

/* Growing */

void ptn_region_grow_by(struct ptn_region *r, const u32 there[3],
			int (*grow)(void *home, const u32 count[3]), void *home)
{
	for (int i = 0; i < 3; i++)
		r->pool[i].there = there[i];
	r->grow = grow;
	r->grow_home = home;
}

/* Receive rings are being filled meanwhile, which needs the lock or the old
 * address of the buffers. */
static void move_ring(struct ptn_region *r, struct ptn_ring *ring)
{
	ptn_spin_lock(&ring->lock);
	ring->shared = ptn_region_object(r, POOL_RING, ring->number);
	ring->slot = ring->shared->slot;
	ptn_store(ring->bufs, ptn_region_object(r, POOL_BUF, 0));
	ptn_spin_unlock(&ring->lock);
}

static bool in_use(const struct ptn_region *r)
{
	for (u32 i = 0; i < r->pool[POOL_RING].fresh; i++)
		if (r->user[i])
			return true;
	return false;
}

void ptn_region_reach(struct ptn_region *r, void *mem, const u32 there[3])
{
	r->mem = mem;
	for (u32 i = 0; i < r->pool[POOL_RING].fresh; i++)
		if (r->user[i])
			move_ring(r, r->user[i]);
	if (in_use(r)) /* else nobody has the old address */
		ptn_rcu_synchronize();
	/* who still has the old address must not take a new buffer's number */
	for (int i = 0; i < 3; i++)
		r->pool[i].there = there[i];
	for (u32 i = 0; i < r->pool[POOL_RING].fresh; i++)
		if (r->user[i])
			ptn_store(r->user[i]->buf_count, there[POOL_BUF]);
}

u32 ptn_region_bufs(const struct ptn_region *r)
{
	return r->pool[POOL_BUF].there;
}

int ptn_region_reserve(struct ptn_region *r, u32 ifs, u32 rings, u32 bufs)
{
	const u32 more[] = {ifs, rings, bufs};
	u32 count[3];
	bool there = true;

	for (int i = 0; i < 3; i++) {
		const struct pool *p = &r->pool[i];

		count[i] = p->fresh;
		if (more[i] <= p->n_back)
			continue;
		if (more[i] - p->n_back > p->count - p->fresh)
			return -ENOMEM;
		count[i] += more[i] - p->n_back;
		there &= count[i] <= p->there;
	}
	return there ? 0 : r->grow(r->grow_home, count);
}

/* Taking and giving back */

static int pool_get(struct pool *p, u32 *number)
{
	if (p->back) {
		*number = p->back - 1;
		p->back = p->next[*number];
		p->n_back--;
		return 0;
	}
	if (p->fresh >= p->there)
		return -ENOMEM;
	*number = p->fresh++;
	return 0;
}

static void pool_put(struct pool *p, u32 number)
{
	p->next[number] = p->back;
	p->back = number + 1;
	p->n_back++;
}

/* Give back every buffer of an interface's extra list. */
static void extra_put(struct ptn_region *r, u32 number)
{
	const u32 home = PTN_HOME(number, PTN_HOME_EXTRA);

	ptn_spin_lock(&r->extra_lock);
	for (u32 i = NM_BUF_RESERVED; i < r->pool[POOL_BUF].fresh; i++)
		if (ptn_load(r->home[i]) == home)
			ptn_region_buf_put(r, i);
	ptn_spin_unlock(&r->extra_lock);
}

int ptn_region_if_get(struct ptn_region *r, u32 extra, u32 *number)
{
	u32 idx;

	if (pool_get(&r->pool[POOL_IF], number))
		return -ENOMEM;
	r->nif[*number] = extra ? NIF_EXTRA : NIF_PLAIN;
	for (u32 i = 0; i < extra; i++) {
		if (!ptn_region_buf_get(r, PTN_HOME(*number, PTN_HOME_EXTRA),
					&idx))
			continue;
		ptn_region_if_put(r, *number);
		return -ENOMEM;
	}
	return 0;
}

void ptn_region_if_put(struct ptn_region *r, u32 number)
{
	if (r->nif[number] == NIF_EXTRA)
		extra_put(r, number);
	r->nif[number] = 0;
	pool_put(&r->pool[POOL_IF], number);
}

ptn_spin_t *ptn_region_extra_lock(struct ptn_region *r)
{
	return &r->extra_lock;
}

int ptn_region_ring_get(struct ptn_region *r, u32 *number)
{
	return pool_get(&r->pool[POOL_RING], number);
}

void ptn_region_ring_put(struct ptn_region *r, u32 number)
{
	pool_put(&r->pool[POOL_RING], number);
}

void ptn_region_ring_publish(struct ptn_region *r, u32 number,
			     struct ptn_ring *user)
{
	ptn_store_release(r->user[number], user);
}

struct ptn_ring *ptn_region_ring_user(const struct ptn_region *r, u32 number)
{
	return number < r->pool[POOL_RING].count
		       ? ptn_load_acquire(r->user[number])
		       : NULL;
}

u32 ptn_region_rings(const struct ptn_region *r)
{
	return r->pool[POOL_RING].fresh;
}

u32 ptn_region_bufs_used(const struct ptn_region *r)
{
	return r->pool[POOL_BUF].fresh;
}

int ptn_region_buf_get(struct ptn_region *r, u32 home, u32 *idx)
{
	int err = pool_get(&r->pool[POOL_BUF], idx);

	if (!err)
		ptn_store(r->home[*idx], home);
	return err;
}

void ptn_region_buf_put(struct ptn_region *r, u32 idx)
{
	ptn_store(r->home[idx], PTN_HOME_FREE);
	pool_put(&r->pool[POOL_BUF], idx);
}

u32 *ptn_region_homes(struct ptn_region *r)
{
	return r->home;
}

u32 ptn_region_extra_chain(struct ptn_region *r, u32 number)
{
	const u32 home = PTN_HOME(number, PTN_HOME_EXTRA);
	u32 head = 0;

	for (u32 i = r->pool[POOL_BUF].fresh; i-- > NM_BUF_RESERVED;) {
		if (ptn_load(r->home[i]) != home)
			continue;
		ptn_store(*(u32 *)ptn_region_object(r, POOL_BUF, i), head);
		head = i;
	}
	return head;
}

/* Whether the books of the buffer's home agree that it is there. */
static bool home_agrees(const struct ptn_region *r, u32 idx)
{
	const u32 number = PTN_HOME_NUMBER(r->home[idx]);
	const u32 slot = PTN_HOME_SLOT(r->home[idx]);
	const struct ptn_ring *ring;

	if (slot == PTN_HOME_EXTRA)
		return number < r->pool[POOL_IF].count && r->nif[number];
	ring = ptn_region_ring_user(r, number);
	return ring && slot < ring->num_slots && ring->buf[slot] == idx;
}

static void census_homes(const struct ptn_region *r, u8 *seen,
			 struct ptn_census *out)
{
	for (u32 i = NM_BUF_RESERVED; i < r->pool[POOL_BUF].fresh; i++) {
		if (r->home[i] == PTN_HOME_FREE || !home_agrees(r, i))
			continue;
		seen[i]++;
		if (PTN_HOME_SLOT(r->home[i]) == PTN_HOME_EXTRA)
			out->extra++;
		else
			out->slots++;
	}
}

/* A slot whose buffer has its home elsewhere holds it a second time. */
static void census_slots(const struct ptn_region *r, u8 *seen)
{
	for (u32 n = 0; n < r->pool[POOL_RING].fresh; n++) {
		const struct ptn_ring *ring = r->user[n];

		for (u32 s = 0; ring && s < ring->num_slots; s++) {
			u32 idx = ring->buf[s];

			if (r->home[idx] != PTN_HOME(n, s) && seen[idx] < 2)
				seen[idx]++;
		}
	}
}

void ptn_region_census(const struct ptn_region *r, struct ptn_census *out)
{
	const struct pool *p = &r->pool[POOL_BUF];
	u8 *seen = ptn_alloc(p->fresh);

	memset(out, 0, sizeof(*out));
	out->buffers = p->count - NM_BUF_RESERVED;
	out->free = p->count - p->fresh;
	if (!seen)
		return;
	census_homes(r, seen, out);
	census_slots(r, seen);
	for (u32 at = p->back; at; at = p->next[at - 1]) {
		out->free++;
		if (seen[at - 1] < 2)
			seen[at - 1]++;
	}
	for (u32 i = NM_BUF_RESERVED; i < p->fresh; i++) {
		out->lost += !seen[i];
		out->twice += seen[i] > 1;
	}
	ptn_free(seen);
}
