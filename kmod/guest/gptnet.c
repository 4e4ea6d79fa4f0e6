// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A port by the ptnet device of patched QEMU and of bhyve: registers that say
 * what there is, memory in a device beside it (gptmem.h), and a CSB in two
 * pages of ours, which the host is told.
 *
 * The host is not asked whether it lives: where it ends the machine does. So
 * the carrier is on while the device is started.
 */
#include <linux/ctype.h>
#include <linux/if_ether.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/slab.h>

#include "gdev.h"
#include "gptmem.h"

enum { BAR_REGISTERS = 0 };

/* Registers of 32 bits. */
enum {
	FEATURES = 0,
	CONTROL = 4,
	MAC_LO = 8,
	MAC_HI = 12,
	NIFP_OFS = 24,
	TX_RINGS = 28,
	RX_RINGS = 32,
	TX_SLOTS = 36,
	RX_SLOTS = 40,
	HDR_LEN = 44,
	MEMORY = 48, /* the ID of the device that has it */
	/* Physical addresses: the high half, then the low one, which counts. */
	CSB_ATOK = 52,
	CSB_KTOA = 60,
	KICK = 128, /* and on, one a ring, transmit first */
	REGISTERS = 256, /* bytes */
};

enum { FEATURE_HEADERS = 1 << 0 };

/* Written to CONTROL. */
enum { START = 1, STOP = 2 };

enum { SLOTS_MAX = 16384 };

struct gptnet {
	struct ghost host;
	void __iomem *registers;
	struct gptmem *memory;
	/* A page each. The host's is ours to begin with. */
	struct nm_csb_atok *atok;
	struct nm_csb_ktoa *ktoa;
};

static struct gptnet *of(const struct ghost *h)
{
	return container_of(h, struct gptnet, host);
}

static u32 read(const struct gptnet *p, u32 at)
{
	return ioread32(p->registers + at);
}

static void write(const struct gptnet *p, u32 at, u32 value)
{
	iowrite32(value, p->registers + at);
}

/* The host */

static void tell_page(const struct gptnet *p, u32 at, phys_addr_t page)
{
	write(p, at, upper_32_bits(page));
	write(p, at + 4, lower_32_bits(page));
}

static void stop(struct ghost *h)
{
	struct gptnet *p = of(h);

	write(p, CONTROL, STOP);
	tell_page(p, CSB_ATOK, 0);
	tell_page(p, CSB_KTOA, 0);
}

static void refresh_csb(struct gptnet *p)
{
	const struct gregion *r = &p->host.region;

	memset(p->atok, 0, PAGE_SIZE);
	memset(p->ktoa, 0, PAGE_SIZE);
	for (u32 i = 0; i < 2 * r->rings; i++) {
		const bool is_tx = i < r->rings;

		p->atok[i].appl_need_kick = !is_tx;
		p->ktoa[i].hwtail = is_tx ? r->tx_slots - 1 : 0;
		p->ktoa[i].kern_need_kick = 1;
	}
}

static int reset(struct ghost *h)
{
	struct gptnet *p = of(h);

	stop(h);
	refresh_csb(p);
	tell_page(p, CSB_ATOK, virt_to_phys(p->atok));
	tell_page(p, CSB_KTOA, virt_to_phys(p->ktoa));
	return 0;
}

static int set_headers(struct gptnet *p, u32 hdr_len)
{
	u32 holds;

	if (p->host.has_headers)
		write(p, HDR_LEN, hdr_len);
	holds = read(p, HDR_LEN);
	if (holds == hdr_len)
		return 0;
	dev_err(&p->host.pdev->dev,
		"the host has headers of %u bytes before its frames, not %u\n",
		holds, hdr_len);
	return -EPROTO;
}

/* 0, or an errno, with whichever sign. */
static int answer(const struct gptnet *p)
{
	const s32 said = read(p, CONTROL);

	if (said > MAX_ERRNO || said < -MAX_ERRNO)
		return -EPROTO;
	return said > 0 ? -said : said;
}

static int start(struct ghost *h, u32 hdr_len)
{
	struct gptnet *p = of(h);
	int err = set_headers(p, hdr_len);

	if (!err) {
		write(p, CONTROL, START);
		err = answer(p);
	}
	if (err)
		stop(h);
	return err;
}

static struct ghost_ring ring(const struct ghost *h, enum gregion_direction dir,
			      u32 queue)
{
	const u32 number = gregion_csb(&h->region, dir, queue);

	return (struct ghost_ring){
		.doorbell = of(h)->registers + KICK + 4 * number,
		.vector = number,
	};
}

static const struct ghost_ops ops = {
	.reset = reset,
	.start = start,
	.stop = stop,
	.ring = ring,
};

/* What the registers say */

static bool slots_possible(u32 slots)
{
	return slots >= PTN_SLOTS_MIN && slots <= SLOTS_MAX;
}

static int check_counts(const struct gptnet *p, u32 rx_rings)
{
	const struct gregion *r = &p->host.region;
	struct device *dev = &p->host.pdev->dev;

	if (!r->rings || r->rings > PTN_RINGS_MAX || rx_rings != r->rings) {
		dev_err(dev,
			"the port has %u and %u rings, this driver takes 1 to %u, and as many of each direction\n",
			r->rings, rx_rings, PTN_RINGS_MAX);
		return -EPROTO;
	}
	if (!slots_possible(r->tx_slots) || !slots_possible(r->rx_slots)) {
		dev_err(dev,
			"the port's rings have %u and %u slots, this driver takes %u to %u\n",
			r->tx_slots, r->rx_slots, PTN_SLOTS_MIN, SLOTS_MAX);
		return -EPROTO;
	}
	return 0;
}

/* Before the first start, so that nobody is surprised by it. */
static int check_rings(const struct gptnet *p)
{
	const struct gregion *r = &p->host.region;

	for (u32 i = 0; i < r->rings; i++)
		if (!gregion_ring(r, GREGION_TX, i) ||
		    !gregion_ring(r, GREGION_RX, i)) {
			dev_err(&p->host.pdev->dev,
				"ring %u is not in the memory where the interface at %llu says\n",
				i, r->nifp_ofs);
			return -EPROTO;
		}
	return 0;
}

static void read_mac(const struct gptnet *p, u8 mac[ETH_ALEN])
{
	const u32 hi = read(p, MAC_HI), lo = read(p, MAC_LO);

	mac[0] = hi >> 8;
	mac[1] = hi;
	for (u32 i = 0; i < 4; i++)
		mac[2 + i] = lo >> (24 - 8 * i);
}

/* The host's own name of the port, for people. */
static void read_name(struct gptnet *p)
{
	const struct gregion *r = &p->host.region;
	const struct netmap_if *nifp = (void *)(r->mem + r->nifp_ofs);
	char *name = p->host.name;

	strscpy(name, nifp->ni_name, sizeof(nifp->ni_name));
	for (; *name; name++)
		if (!isprint(*name))
			*name = '?';
}

static int read_counts(struct gptnet *p)
{
	struct gregion *r = &p->host.region;

	/* a host that has the feature takes a wish for it */
	write(p, FEATURES, FEATURE_HEADERS);
	p->host.has_headers = read(p, FEATURES) & FEATURE_HEADERS;
	r->rings = read(p, TX_RINGS);
	r->nifp_ofs = read(p, NIFP_OFS);
	r->tx_slots = read(p, TX_SLOTS);
	r->rx_slots = read(p, RX_SLOTS);
	return check_counts(p, read(p, RX_RINGS));
}

static int find_memory(struct gptnet *p)
{
	struct pci_dev *pdev = p->host.pdev;
	const u32 id = read(p, MEMORY);

	p->memory = gptmem_get(pdev, id, &p->host.region);
	if (p->memory)
		return 0;
	dev_info(&pdev->dev, "waits for the device with memory %u\n", id);
	return -EPROBE_DEFER;
}

static int look_at_memory(struct gptnet *p)
{
	struct gregion *r = &p->host.region;
	const u32 buf = min_t(u32, r->buf_pool.size, U16_MAX);
	int err;

	if (!gregion_nifp_possible(r)) {
		dev_err(&p->host.pdev->dev,
			"the interface at %llu is not in the memory of %llu bytes\n",
			r->nifp_ofs, r->bytes);
		return -EPROTO;
	}
	err = check_rings(p);
	if (err)
		return err;
	p->host.mtu = buf - ETH_HLEN;
	read_mac(p, p->host.mac);
	read_name(p);
	return 0;
}

/* The device */

static int take_pages(struct gptnet *p)
{
	p->atok = (void *)get_zeroed_page(GFP_KERNEL);
	p->ktoa = (void *)get_zeroed_page(GFP_KERNEL);
	p->host.region.atok = p->atok;
	p->host.region.ktoa = p->ktoa;
	return p->atok && p->ktoa ? 0 : -ENOMEM;
}

static void give_pages(struct gptnet *p)
{
	free_page((unsigned long)p->atok);
	free_page((unsigned long)p->ktoa);
}

static int begin(struct gptnet *p, struct gdev *g)
{
	struct pci_dev *pdev = p->host.pdev;
	int err;

	pci_set_master(pdev); /* without it no interrupt comes */
	err = gdev_take_vectors(pdev, 2 * p->host.region.rings);
	if (err)
		goto err_master;
	err = gdev_add(g);
	if (err)
		goto err_vectors;
	return 0;

err_vectors:
	pci_free_irq_vectors(pdev);
err_master:
	pci_clear_master(pdev);
	return err;
}

static int attach(struct gptnet *p)
{
	struct gdev *g;
	int err = look_at_memory(p);

	if (err)
		return err;
	err = take_pages(p);
	if (err)
		goto err_pages;
	err = -ENOMEM;
	g = gnet_new(&p->host);
	if (!g)
		goto err_pages;
	err = begin(p, g);
	if (err)
		goto err_net;
	return 0;

err_net:
	gnet_free(g);
err_pages:
	give_pages(p);
	return err;
}

static int find_and_attach(struct gptnet *p)
{
	int err;

	/* the last driver's state, or the last kernel's, ends here */
	stop(&p->host);
	err = read_counts(p);
	if (!err)
		err = find_memory(p);
	if (err)
		return err;
	err = attach(p);
	if (err)
		gptmem_put(p->memory);
	return err;
}

static int map_and_attach(struct gptnet *p)
{
	struct pci_dev *pdev = p->host.pdev;
	int err;

	if (pci_resource_len(pdev, BAR_REGISTERS) < REGISTERS)
		return -ENODEV;
	p->registers = pci_iomap(pdev, BAR_REGISTERS, REGISTERS);
	if (!p->registers)
		return -ENOMEM;
	err = find_and_attach(p);
	if (err)
		pci_iounmap(pdev, p->registers);
	return err;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct gptnet *p;
	int err = gdev_enable(pdev);

	if (err)
		return err;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->host.ops = &ops;
	p->host.pdev = pdev;
	err = map_and_attach(p);
	if (err)
		kfree(p);
	return err;
}

static void remove(struct pci_dev *pdev)
{
	struct gdev *g = pci_get_drvdata(pdev);
	struct gptnet *p = of(g->host);

	gdev_del(g);
	pci_free_irq_vectors(pdev);
	glink_fini(g);
	gnet_free(g);
	give_pages(p);
	gptmem_put(p->memory);
	pci_iounmap(pdev, p->registers);
	kfree(p);
	pci_clear_master(pdev);
}

/* Stock QEMU's xHCI has the same ID and another class: never touch that. */
static const struct pci_device_id gptnet_ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x000d),
	 .class = PCI_CLASS_NETWORK_ETHERNET << 8, .class_mask = 0xffff00},
	{},
};
MODULE_DEVICE_TABLE(pci, gptnet_ids);

struct pci_driver gptnet_driver = {
	.name = KBUILD_MODNAME "-device",
	.id_table = gptnet_ids,
	.probe = probe,
	.remove = remove,
	.shutdown = gdev_shutdown,
	.driver.pm = pm_sleep_ptr(&gdev_pm_ops),
};
