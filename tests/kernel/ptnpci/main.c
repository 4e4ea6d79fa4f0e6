// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <linux/module.h>

#include "ptnpci.h"

/* BUS_BYTES of RAM that the kernel was told to leave alone: memmap=16M$BASE */
static ulong base;
static uint rings = 2;
static uint slots = 256;
module_param(base, ulong, 0444);
module_param(rings, uint, 0444);
module_param(slots, uint, 0444);

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
