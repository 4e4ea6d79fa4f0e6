// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * ptnet.ko: ports of the host as network devices. What the drivers of all
 * transports do alike.
 */
#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "gdev.h"

int gdev_enable(struct pci_dev *pdev)
{
	int err = pcim_enable_device(pdev);

	/* given back with what was enabled */
	return err ?: pci_request_regions(pdev, KBUILD_MODNAME);
}

int gdev_take_vectors(struct pci_dev *pdev, u32 vectors)
{
	int err = pci_alloc_irq_vectors(pdev, vectors, vectors, PCI_IRQ_MSIX);

	if (err < 0) {
		dev_err(&pdev->dev,
			"the device has %d vectors, the port needs vectors=%u\n",
			max(pci_msix_vec_count(pdev), 0), vectors);
		return err;
	}
	return 0;
}

int gdev_add(struct gdev *g)
{
	const struct ghost *h = g->host;
	int err;

	netif_carrier_off(g->dev);
	pci_set_drvdata(h->pdev, g);
	err = register_netdev(g->dev);
	if (err)
		return err;
	netdev_info(g->dev, "port %s, %u queue%s of %u slots\n", h->name,
		    g->n_queues, g->n_queues == 1 ? "" : "s",
		    h->region.tx_slots);
	return 0;
}

void gdev_del(struct gdev *g)
{
	rtnl_lock();
	gport_leave(g);
	unregister_netdevice(g->dev);
	rtnl_unlock();
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
void gdev_shutdown(struct pci_dev *pdev)
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

const struct dev_pm_ops gdev_pm_ops = {SYSTEM_SLEEP_PM_OPS(suspend, resume)};

static struct pci_driver *const drivers[] = {
	&givshmem_driver,
	&gptmem_driver, /* before those whose memory it has */
	&gptnet_driver,
};

/* The first @n of them; also when loading fails half-way. */
static void leave(size_t n)
{
	while (n--)
		pci_unregister_driver(drivers[n]);
}

static int __init enter(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		int err = pci_register_driver(drivers[i]);

		if (err) {
			leave(i);
			return err;
		}
	}
	return 0;
}
module_init(enter);

static void __exit leave_all(void)
{
	leave(ARRAY_SIZE(drivers));
}
module_exit(leave_all);

MODULE_DESCRIPTION("ports of the host as network devices of a VM");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_VERSION(PTNET_VERSION);
