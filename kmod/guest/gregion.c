// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "gregion.h"

#include <linux/io.h>
#include <linux/pci.h>

enum {
	BAR_MEMORY = 2,
	CSB_ALIGN = 64,
	RING_ALIGN = 128,
	POOL_RING = 1,
	POOL_BUF = 2,
	BUF_SIZE_MIN = 64,
	BUF_SIZE_MAX = 65536,
};

static bool inside(u64 ofs, u64 len, u64 limit)
{
	return ofs <= limit && len <= limit - ofs;
}

static bool part_possible(u64 ofs, u64 len, u64 align, u64 limit)
{
	return !(ofs % align) && inside(ofs, len, limit);
}

static void *map(struct pci_dev *pdev, u64 ofs, u64 len)
{
	/* Write-back: it is the memory of a process, whatever a BAR is. */
	return memremap(pci_resource_start(pdev, BAR_MEMORY) + ofs, len,
			MEMREMAP_WB);
}

static int copy_config(struct ptn_config *c, struct pci_dev *pdev, u32 id)
{
	const u64 ofs = (u64)id * PTN_WINDOW_SIZE;
	void *window;

	if (!(pci_resource_flags(pdev, BAR_MEMORY) & IORESOURCE_MEM) ||
	    id >= PTN_WINDOWS_MAX ||
	    !inside(ofs, PTN_WINDOW_SIZE, pci_resource_len(pdev, BAR_MEMORY)))
		return -ENODEV;
	window = map(pdev, ofs, PTN_WINDOW_SIZE);
	if (!window)
		return -ENOMEM;
	memcpy(c, window + PTN_WINDOW_CONFIG, sizeof(*c));
	memunmap(window);
	c->name[sizeof(c->name) - 1] = '\0';
	return c->magic == PTN_CONFIG_MAGIC ? 0 : -ENODEV;
}

static bool slots_possible(u32 slots)
{
	return slots >= PTN_SLOTS_MIN && slots <= PTN_SLOTS_MAX;
}

static bool counts_possible(const struct ptn_config *c, u32 id)
{
	return c->version == PTN_REGION_VERSION && c->bytes >= sizeof(*c) &&
	       c->window == id && c->tx_rings && c->tx_rings <= PTN_RINGS_MAX &&
	       c->rx_rings == c->tx_rings &&
	       c->vectors == 1 + 2 * c->tx_rings &&
	       slots_possible(c->tx_slots) && slots_possible(c->rx_slots);
}

static bool places_possible(const struct ptn_config *c, u64 size)
{
	const u64 rings = c->tx_rings + c->rx_rings;

	return part_possible(c->atok_ofs, rings * sizeof(struct nm_csb_atok),
			     CSB_ALIGN, size) &&
	       part_possible(c->ktoa_ofs, rings * sizeof(struct nm_csb_ktoa),
			     CSB_ALIGN, size) &&
	       part_possible(c->control_ofs, sizeof(struct ptn_control),
			     sizeof(u32), size) &&
	       part_possible(c->mem_ofs, c->mem_size, PAGE_SIZE, size);
}

static bool pools_possible(const struct ptn_config *c)
{
	const struct ptn_pool_info *ring = &c->pool[POOL_RING];
	const struct ptn_pool_info *buf = &c->pool[POOL_BUF];
	const u64 nifp = sizeof(struct netmap_if) +
			 (c->tx_rings + c->rx_rings) * sizeof(__s64);

	return part_possible(c->nifp_ofs, nifp, sizeof(u64), c->mem_size) &&
	       ring->offset <= buf->offset && buf->size >= BUF_SIZE_MIN &&
	       buf->size <= BUF_SIZE_MAX && buf->count > NM_BUF_RESERVED &&
	       inside(buf->offset, (u64)buf->count * buf->size, c->mem_size);
}

/* Where the last part that matters ends; the BAR goes on, sparse. */
static u64 end_of(const struct ptn_config *c)
{
	const u64 rings = c->tx_rings + c->rx_rings;
	u64 end = (u64)(c->window + 1) * PTN_WINDOW_SIZE;

	end = max(end, c->atok_ofs + rings * sizeof(struct nm_csb_atok));
	end = max(end, c->ktoa_ofs + rings * sizeof(struct nm_csb_ktoa));
	end = max_t(u64, end, c->control_ofs + sizeof(struct ptn_control));
	return max(end, c->mem_ofs + c->mem_size);
}

/* By the copy that was checked. */
static void place(struct gregion *r)
{
	const struct ptn_config *c = &r->config;

	r->live =
		r->base + (u64)c->window * PTN_WINDOW_SIZE + PTN_WINDOW_CONFIG;
	r->control = r->base + c->control_ofs;
	r->atok = r->base + c->atok_ofs;
	r->ktoa = r->base + c->ktoa_ofs;
}

static bool same_port(const struct ptn_config *a, const struct ptn_config *b)
{
	return a->tx_rings == b->tx_rings && a->tx_slots == b->tx_slots &&
	       a->rx_slots == b->rx_slots &&
	       a->pool[POOL_BUF].size == b->pool[POOL_BUF].size;
}

int gregion_refresh(struct gregion *r)
{
	struct ptn_config c;

	memcpy(&c, r->live, sizeof(c));
	c.name[sizeof(c.name) - 1] = '\0';
	if (c.magic != PTN_CONFIG_MAGIC ||
	    !counts_possible(&c, r->config.window) || !pools_possible(&c) ||
	    !places_possible(&c, r->bytes) || !same_port(&c, &r->config))
		return -EPROTO;
	r->config = c;
	place(r);
	return 0;
}

int gregion_map(struct gregion *r, struct pci_dev *pdev, u32 id)
{
	struct ptn_config *c = &r->config;
	int err;

	r->base = NULL;
	err = copy_config(c, pdev, id);
	if (err)
		return err;
	if (!counts_possible(c, id) || !pools_possible(c) ||
	    !places_possible(c, pci_resource_len(pdev, BAR_MEMORY)))
		return -EPROTO;
	r->bytes = PAGE_ALIGN(end_of(c));
	r->base = map(pdev, 0, r->bytes);
	if (!r->base)
		return -ENOMEM;
	place(r);
	return 0;
}

void gregion_unmap(struct gregion *r)
{
	if (r->base)
		memunmap(r->base);
	r->base = NULL;
}

/* Where a ring is in the netmap memory; U64_MAX: nowhere. */
static u64 ring_ofs(const struct gregion *r, u32 index)
{
	const struct ptn_config *c = &r->config;
	const struct netmap_if *nifp = r->base + c->mem_ofs + c->nifp_ofs;
	const s64 at = READ_ONCE(nifp->ring_ofs[index]);

	return at ? c->nifp_ofs + at : U64_MAX;
}

static bool header_right(const struct netmap_ring *ring, u64 ofs, u32 slots,
			 enum gregion_direction dir, const struct ptn_config *c)
{
	return READ_ONCE(ring->num_slots) == slots &&
	       READ_ONCE(ring->dir) == dir &&
	       READ_ONCE(ring->nr_buf_size) == c->pool[POOL_BUF].size &&
	       ofs + READ_ONCE(ring->buf_ofs) == c->pool[POOL_BUF].offset;
}

struct netmap_ring *gregion_ring(const struct gregion *r,
				 enum gregion_direction dir, u32 queue)
{
	const struct ptn_config *c = &r->config;
	const u32 slots = dir == GREGION_TX ? c->tx_slots : c->rx_slots;
	const u64 ofs =
		ring_ofs(r, dir == GREGION_TX ? queue : c->tx_rings + queue);
	struct netmap_ring *ring;

	if (ofs < c->pool[POOL_RING].offset ||
	    !part_possible(ofs, struct_size(ring, slot, slots), RING_ALIGN,
			   c->mem_size))
		return NULL;
	ring = r->base + c->mem_ofs + ofs;
	return header_right(ring, ofs, slots, dir, c) ? ring : NULL;
}

phys_addr_t gregion_phys(const struct pci_dev *pdev)
{
	return pci_resource_start(pdev, BAR_MEMORY);
}

char *gregion_bufs(const struct gregion *r)
{
	return r->base + r->config.mem_ofs + r->config.pool[POOL_BUF].offset;
}
