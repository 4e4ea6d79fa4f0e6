/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ptnet devices, and the host behind them, without a hypervisor that has any:
 * a PCI bus of its own with a memory device and two network devices, whose
 * frames come out of each other.
 *
 *	bus.c	the bus: configuration space, where BARs are, interrupts
 *	trap.c	accesses to I/O ports of the bus become calls; nothing is there
 *	host.c	registers, the netmap memory, and who moves the frames
 *	main.c	in which order
 *
 * The memory of the bus is RAM that the kernel was told to leave alone. The
 * driver that is tried does all as with a real device, and knows of nothing.
 */
#ifndef PTNPCI_H
#define PTNPCI_H

#include <linux/pci.h>

enum {
	MEMORY,
	NIC,
	NICS = 2,
	DEVICES = NIC + NICS,
	RINGS_MAX = 16,
	VECTORS_MAX = 2 * RINGS_MAX,
	MEMORY_BYTES = 16 << 20, /* of BAR 1 of the memory device */
	BUS_BYTES = 32 << 20,
};

/* bus.c */

/** bus_add - as @rings of each direction want it; nothing is bound yet */
int bus_add(phys_addr_t base, u32 rings);

/** bus_show - drivers may bind */
void bus_show(void);

void bus_remove(void);

/** bus_port - which device decodes that I/O port; *at: from its BAR on */
int bus_port(u32 port, u32 *at);

/** bus_memory - where BAR 1 of the memory device is */
phys_addr_t bus_memory(void);

/** bus_interrupt - raise a vector of a device, if it has these enabled */
void bus_interrupt(int device, u32 vector);

/** bus_device - of a number; put_device() it */
struct device *bus_device(int device);

/** bus_quiet - the device can neither interrupt, nor write to memory */
bool bus_quiet(int device);

/** bus_power_off - what it was told is forgotten, but for where its BARs are */
void bus_power_off(int device);

/* trap.c */

int trap_set(void);
void trap_remove(void);

/* host.c */

int host_start(phys_addr_t memory, u32 rings, u32 slots);
void host_end(void);

/** host_quiet - the device is stopped, and knows of no memory of the guest's */
bool host_quiet(int device);

/** host_read, host_write - a register of a device. Any context. */
u32 host_read(int device, u32 at);
void host_write(int device, u32 at, u32 value);

#endif
