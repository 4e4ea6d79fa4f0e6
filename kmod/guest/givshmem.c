// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A port by QEMU's stock ivshmem device. Bound to those that have a region of
 * ours in their memory; all others are left alone.
 */
#include "givshmem.h"

#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/slab.h>

#include "gdev.h"

enum { BAR_REGISTERS = 0 };

static struct givshmem *of(const struct ghost *h)
{
	return container_of(h, struct givshmem, host);
}

/* What the window says, as it is now. */
static void take_over(struct givshmem *s)
{
	const struct ptn_config *c = &s->window.config;
	struct ghost *h = &s->host;

	h->region = gwindow_region(&s->window);
	h->has_headers = c->features & PTN_REGION_HEADERS;
	h->hdr_len = c->vnet_hdr_len;
	h->mtu = c->mtu;
	memcpy(h->mac, c->mac, sizeof(h->mac));
	strscpy(h->name, c->name, sizeof(h->name));
}

static int reset(struct ghost *h)
{
	struct givshmem *s = of(h);
	int err = gcommand(s, PTN_REGION_RESET);

	if (!err)
		err = gwindow_refresh(&s->window);
	if (!err)
		take_over(s);
	return err;
}

static int start(struct ghost *h, u32 hdr_len)
{
	int err = 0;

	if (hdr_len)
		err = gcommand_with(of(h), PTN_REGION_HEADER, hdr_len);
	return err ? err : gcommand(of(h), PTN_REGION_START);
}

static void stop(struct ghost *h)
{
	if (gcommand(of(h), PTN_REGION_STOP))
		dev_warn(&h->pdev->dev, "the host does not answer\n");
}

static struct ghost_ring ring(const struct ghost *h, enum gregion_direction dir,
			      u32 queue)
{
	const u32 vector = dir == GREGION_TX ? PTN_VECTOR_TX(queue)
					     : PTN_VECTOR_RX(queue);

	return (struct ghost_ring){
		.doorbell = of(h)->registers + GIVSHMEM_DOORBELL,
		.bell = PTN_HOST_ID << 16 | vector,
		.vector = vector,
	};
}

static void feel(const struct ghost *h, struct ghost_pulse *out)
{
	const struct ptn_config *live = of(h)->window.live;

	*out = (struct ghost_pulse){
		.is_ours = READ_ONCE(live->magic) == PTN_CONFIG_MAGIC,
		.state = READ_ONCE(live->state),
		.heartbeat = READ_ONCE(live->heartbeat),
		.generation = READ_ONCE(live->generation),
	};
}

static const struct ghost_ops ops = {
	.reset = reset,
	.start = start,
	.stop = stop,
	.ring = ring,
	.feel = feel,
};

static irqreturn_t control_interrupt(int irq, void *arg)
{
	glink_look(arg);
	return IRQ_HANDLED;
}

static int take_vectors(struct gdev *g, u32 vectors)
{
	struct pci_dev *pdev = g->host->pdev;
	int err = gdev_take_vectors(pdev, vectors);

	if (err)
		return err;
	err = request_irq(pci_irq_vector(pdev, PTN_VECTOR_CONTROL),
			  control_interrupt, 0, pci_name(pdev), g);
	if (err)
		pci_free_irq_vectors(pdev);
	return err;
}

static void give_vectors(struct gdev *g)
{
	free_irq(pci_irq_vector(g->host->pdev, PTN_VECTOR_CONTROL), g);
	pci_free_irq_vectors(g->host->pdev);
}

/* The last driver's state, or the last kernel's, ends here. */
static int shake_hands(struct givshmem *s)
{
	int err = gcommand(s, PTN_REGION_RESET);

	if (err != -ETIMEDOUT)
		return err;
	dev_warn(&s->host.pdev->dev, "the host does not answer\n");
	return 0;
}

static int begin(struct givshmem *s, struct gdev *g)
{
	struct pci_dev *pdev = s->host.pdev;
	int err;

	pci_set_master(pdev); /* without it no interrupt comes */
	err = take_vectors(g, s->window.config.vectors);
	if (err)
		goto err_master;
	err = shake_hands(s);
	if (err)
		goto err_vectors;
	err = gdev_add(g);
	if (err)
		goto err_vectors;
	return 0;

err_vectors:
	give_vectors(g);
err_master:
	pci_clear_master(pdev);
	return err;
}

static int find_window(struct givshmem *s)
{
	struct pci_dev *pdev = s->host.pdev;
	int err = gwindow_map(&s->window, pdev,
			      readl(s->registers + GIVSHMEM_POSITION));

	if (err == -EPROTO)
		dev_err(&pdev->dev,
			"a port of a host that this driver does not know\n");
	return err;
}

static int attach(struct givshmem *s)
{
	struct gdev *g;
	int err = find_window(s);

	if (err)
		return err;
	take_over(s);
	err = -ENOMEM;
	g = gnet_new(&s->host);
	if (!g)
		goto err_window;
	err = begin(s, g);
	if (err)
		goto err_net;
	return 0;

err_net:
	gnet_free(g);
err_window:
	gwindow_unmap(&s->window);
	return err;
}

static void __iomem *map_registers(struct pci_dev *pdev)
{
	if (pci_resource_len(pdev, BAR_REGISTERS) < GIVSHMEM_REGISTERS)
		return NULL;
	return pci_ioremap_bar(pdev, BAR_REGISTERS);
}

static int map_and_attach(struct givshmem *s)
{
	int err;

	s->registers = map_registers(s->host.pdev);
	if (!s->registers)
		return -ENODEV;
	err = attach(s);
	if (err)
		iounmap(s->registers);
	return err;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct givshmem *s;
	int err = gdev_enable(pdev);

	if (err)
		return err;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->host.ops = &ops;
	s->host.pdev = pdev;
	err = map_and_attach(s);
	if (err)
		kfree(s);
	return err;
}

static void remove(struct pci_dev *pdev)
{
	struct gdev *g = pci_get_drvdata(pdev);
	struct givshmem *s = of(g->host);

	gdev_del(g);
	give_vectors(g);
	glink_fini(g);
	gcommand_leave(s);
	gnet_free(g);
	gwindow_unmap(&s->window);
	iounmap(s->registers);
	kfree(s);
	pci_clear_master(pdev);
}

static const struct pci_device_id givshmem_ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110)},
	{},
};
MODULE_DEVICE_TABLE(pci, givshmem_ids);

struct pci_driver givshmem_driver = {
	.name = KBUILD_MODNAME,
	.id_table = givshmem_ids,
	.probe = probe,
	.remove = remove,
	.shutdown = gdev_shutdown,
	.driver.pm = pm_sleep_ptr(&gdev_pm_ops),
};
