// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * ptnet.ko: a port of the host as a network device, by QEMU's stock ivshmem
 * device. Bound to those that have a region of ours in their memory; all
 * others are left alone.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "gdev.h"

enum {
	BAR_REGISTERS = 0,
	REGISTER_POSITION = 8, /* the ID that the host gave us */
	REGISTER_DOORBELL = 12,
	REGISTERS_SIZE = 16,
};

void __iomem *gdev_doorbell(const struct gdev *g)
{
	return g->registers + REGISTER_DOORBELL;
}

static irqreturn_t control_interrupt(int irq, void *arg)
{
	glink_look(arg);
	return IRQ_HANDLED;
}

static void __iomem *map_registers(struct pci_dev *pdev)
{
	if (pci_resource_len(pdev, BAR_REGISTERS) < REGISTERS_SIZE)
		return NULL;
	return pci_ioremap_bar(pdev, BAR_REGISTERS);
}

static int find_region(struct gregion *r, struct pci_dev *pdev,
		       void __iomem *registers)
{
	int err = gregion_map(r, pdev, readl(registers + REGISTER_POSITION));

	if (err == -EPROTO)
		dev_err(&pdev->dev,
			"a port of a host that this driver does not know\n");
	return err;
}

static int take_vectors(struct gdev *g)
{
	struct pci_dev *pdev = g->pdev;
	const u32 vectors = g->region.config.vectors;
	int err = pci_alloc_irq_vectors(pdev, vectors, vectors, PCI_IRQ_MSIX);

	if (err < 0) {
		dev_err(&pdev->dev,
			"the device has %d vectors, the port needs vectors=%u\n",
			max(pci_msix_vec_count(pdev), 0), vectors);
		return err;
	}
	err = request_irq(pci_irq_vector(pdev, PTN_VECTOR_CONTROL),
			  control_interrupt, 0, pci_name(pdev), g);
	if (err)
		pci_free_irq_vectors(pdev);
	return err;
}

static void give_vectors(struct gdev *g)
{
	free_irq(pci_irq_vector(g->pdev, PTN_VECTOR_CONTROL), g);
	pci_free_irq_vectors(g->pdev);
}

/* The last driver's state, or the last kernel's, ends here. */
static int shake_hands(struct gdev *g)
{
	int err = gcommand(g, PTN_REGION_RESET);

	if (err != -ETIMEDOUT)
		return err;
	dev_warn(&g->pdev->dev, "the host does not answer\n");
	return 0;
}

static int begin(struct gdev *g)
{
	struct pci_dev *pdev = g->pdev;
	int err;

	pci_set_master(pdev); /* without it no interrupt comes */
	err = take_vectors(g);
	if (err)
		goto err_master;
	err = shake_hands(g);
	if (err)
		goto err_vectors;
	netif_carrier_off(g->dev);
	pci_set_drvdata(pdev, g);
	err = register_netdev(g->dev);
	if (err)
		goto err_vectors;
	netdev_info(g->dev, "port %s, %u queue%s of %u slots\n",
		    g->region.config.name, g->n_queues,
		    g->n_queues == 1 ? "" : "s", g->region.config.tx_slots);
	return 0;

err_vectors:
	give_vectors(g);
err_master:
	pci_clear_master(pdev);
	return err;
}

static int attach(struct pci_dev *pdev, void __iomem *registers)
{
	struct gregion region;
	struct gdev *g;
	int err = find_region(&region, pdev, registers);

	if (err)
		return err;
	err = -ENOMEM;
	g = gnet_new(pdev, &region);
	if (!g)
		goto err_region;
	g->registers = registers;
	err = begin(g);
	if (err)
		goto err_net;
	return 0;

err_net:
	gnet_free(g);
err_region:
	gregion_unmap(&region);
	return err;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	void __iomem *registers;
	int err = pci_enable_device_mem(pdev);

	if (err)
		return err;
	err = pci_request_regions(pdev, KBUILD_MODNAME);
	if (err)
		goto err_enabled;
	err = -ENODEV;
	registers = map_registers(pdev);
	if (!registers)
		goto err_regions;
	err = attach(pdev, registers);
	if (err)
		goto err_registers;
	return 0;

err_registers:
	iounmap(registers);
err_regions:
	pci_release_regions(pdev);
err_enabled:
	pci_disable_device(pdev);
	return err;
}

static void remove(struct pci_dev *pdev)
{
	struct gdev *g = pci_get_drvdata(pdev);
	struct gregion region = g->region;
	void __iomem *registers = g->registers;

	rtnl_lock();
	gport_leave(g);
	unregister_netdevice(g->dev);
	rtnl_unlock();
	give_vectors(g);
	/* an interrupt may have asked for one more look */
	cancel_delayed_work_sync(&g->link.work);
	gcommand_leave(g);
	gnet_free(g);
	gregion_unmap(&region);
	iounmap(registers);
	pci_clear_master(pdev);
	pci_release_regions(pdev);
	pci_disable_device(pdev);
}

static void quiet(struct gdev *g)
{
	rtnl_lock();
	netif_device_detach(g->dev);
	gport_tell(g, -ENXIO);
	if (g->user || netif_running(g->dev)) {
		glink_end(g);
		gnet_stop(g);
	}
	rtnl_unlock();
}

/* The next kernel must find a host that writes to nothing of ours. */
static void shutdown(struct pci_dev *pdev)
{
	quiet(pci_get_drvdata(pdev));
	pci_clear_master(pdev);
}

static int suspend(struct device *dev)
{
	quiet(dev_get_drvdata(dev));
	return 0;
}

static int resume(struct device *dev)
{
	struct gdev *g = dev_get_drvdata(dev);
	int err = 0;

	rtnl_lock();
	if (!g->user && netif_running(g->dev)) {
		err = gnet_start(g);
		glink_begin(g);
	}
	netif_device_attach(g->dev);
	rtnl_unlock();
	return err == -ETIMEDOUT ? 0 : err;
}

static DEFINE_SIMPLE_DEV_PM_OPS(pm_ops, suspend, resume);

static const struct pci_device_id ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110)},
	{},
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver gdev_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
	.driver.pm = pm_sleep_ptr(&pm_ops),
};
module_pci_driver(gdev_driver);

MODULE_DESCRIPTION("ports of the host as network devices of a VM");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_VERSION(PTNET_VERSION);
