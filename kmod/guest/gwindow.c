// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "gwindow.h"

#include <linux/io.h>
#include <linux/pci.h>

enum { BAR_MEMORY = 2, CSB_ALIGN = 64, POOL_RING = 1, POOL_BUF = 2 };

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
	    !gregion_part_possible(ofs, PTN_WINDOW_SIZE, 1,
				   pci_resource_len(pdev, BAR_MEMORY)))
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

	return gregion_part_possible(c->atok_ofs,
				     rings * sizeof(struct nm_csb_atok),
				     CSB_ALIGN, size) &&
	       gregion_part_possible(c->ktoa_ofs,
				     rings * sizeof(struct nm_csb_ktoa),
				     CSB_ALIGN, size) &&
	       gregion_part_possible(c->control_ofs, sizeof(struct ptn_control),
				     sizeof(u32), size) &&
	       gregion_part_possible(c->mem_ofs, c->mem_size, PAGE_SIZE, size);
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
static void place(struct gwindow *w)
{
	const struct ptn_config *c = &w->config;

	w->live =
		w->base + (u64)c->window * PTN_WINDOW_SIZE + PTN_WINDOW_CONFIG;
	w->control = w->base + c->control_ofs;
}

static struct gregion region_of(const struct gwindow *w,
				const struct ptn_config *c)
{
	return (struct gregion){
		.mem = (char *)w->base + c->mem_ofs,
		.phys = w->phys + c->mem_ofs,
		.bytes = c->mem_size,
		.nifp_ofs = c->nifp_ofs,
		.rings = c->tx_rings,
		.tx_slots = c->tx_slots,
		.rx_slots = c->rx_slots,
		.ring_pool = c->pool[POOL_RING],
		.buf_pool = c->pool[POOL_BUF],
		.atok = w->base + c->atok_ofs,
		.ktoa = w->base + c->ktoa_ofs,
	};
}

struct gregion gwindow_region(const struct gwindow *w)
{
	return region_of(w, &w->config);
}

static bool config_possible(const struct gwindow *w, const struct ptn_config *c,
			    u32 id, u64 size)
{
	const struct gregion r = region_of(w, c);

	return counts_possible(c, id) && places_possible(c, size) &&
	       gregion_nifp_possible(&r) && gregion_pools_possible(&r);
}

static bool same_port(const struct ptn_config *a, const struct ptn_config *b)
{
	return a->tx_rings == b->tx_rings && a->tx_slots == b->tx_slots &&
	       a->rx_slots == b->rx_slots &&
	       a->pool[POOL_BUF].size == b->pool[POOL_BUF].size;
}

int gwindow_refresh(struct gwindow *w)
{
	struct ptn_config c;

	memcpy(&c, w->live, sizeof(c));
	c.name[sizeof(c.name) - 1] = '\0';
	if (c.magic != PTN_CONFIG_MAGIC ||
	    !config_possible(w, &c, w->config.window, w->bytes) ||
	    !same_port(&c, &w->config))
		return -EPROTO;
	w->config = c;
	place(w);
	return 0;
}

int gwindow_map(struct gwindow *w, struct pci_dev *pdev, u32 id)
{
	struct ptn_config *c = &w->config;
	int err;

	w->base = NULL;
	w->phys = pci_resource_start(pdev, BAR_MEMORY);
	err = copy_config(c, pdev, id);
	if (err)
		return err;
	if (!config_possible(w, c, id, pci_resource_len(pdev, BAR_MEMORY)))
		return -EPROTO;
	w->bytes = PAGE_ALIGN(end_of(c));
	w->base = map(pdev, 0, w->bytes);
	if (!w->base)
		return -ENOMEM;
	place(w);
	return 0;
}

void gwindow_unmap(struct gwindow *w)
{
	if (w->base)
		memunmap(w->base);
	w->base = NULL;
}
