// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <linux/module.h>

#include "ptnpci.h"

/* BUS_BYTES of RAM which the kernel was told to leave alone, and some more. */
static ulong base;
static uint rings = 2;
static uint slots = 512;
module_param(base, ulong, 0444);
module_param(rings, uint, 0444);
module_param(slots, uint, 0444);

/* As the kernel does for all devices, when a word is written there. */

static int sleep_one(struct device *dev)
{
	const struct dev_pm_ops *pm = dev->bus->pm;
	int err = pm->suspend(dev);

	if (!err)
		err = pm->suspend_noirq(dev);
	if (err)
		return err;
	if (!host_quiet(PCI_SLOT(to_pci_dev(dev)->devfn)))
		err = -EBUSY;
	bus_power_off(PCI_SLOT(to_pci_dev(dev)->devfn));
	pm->resume_noirq(dev);
	return pm->resume(dev) ?: err;
}

static int shut_down_one(struct device *dev)
{
	const int device = PCI_SLOT(to_pci_dev(dev)->devfn);

	dev->bus->shutdown(dev);
	return host_quiet(device) && bus_quiet(device) ? 0 : -EBUSY;
}

static int do_power(const char *word, const struct kernel_param *param)
{
	int (*act)(struct device * dev) = NULL;
	int err = -ENODEV;

	if (sysfs_streq(word, "sleep"))
		act = sleep_one;
	if (sysfs_streq(word, "shutdown"))
		act = shut_down_one;
	if (!act)
		return -EINVAL;
	for (int i = NIC; i < DEVICES; i++) {
		struct device *dev = bus_device(i);

		device_lock(dev);
		err = dev->driver ? act(dev) : -ENODEV;
		device_unlock(dev);
		put_device(dev);
		if (err)
			break;
	}
	return err;
}

static const struct kernel_param_ops power_ops = {.set = do_power};
module_param_cb(power, &power_ops, NULL, 0200);

static int __init enter(void)
{
	int err;

	if (!base || base % BUS_BYTES || !rings || rings > RINGS_MAX)
		return -EINVAL;
	err = bus_add(base, rings);
	if (err)
		return err;
	err = host_start(bus_memory(), rings, slots);
	if (err)
		goto err_bus;
	err = trap_set();
	if (err)
		goto err_host;
	bus_show();
	return 0;

err_host:
	host_end();
err_bus:
	bus_remove();
	return err;
}
module_init(enter);

static void __exit leave(void)
{
	bus_remove();
	trap_remove();
	host_end();
}
module_exit(leave);

MODULE_DESCRIPTION("ptnet devices, for tests of their driver");
MODULE_LICENSE("Dual BSD/GPL");
