// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <linux/kprobes.h>

#include "ptnpci.h"

/* What pci_iomap() makes of an I/O port (lib/iomap.c). */
enum { COOKIE = 0x10000, COOKIES_END = 0x20000 };

static int device_of(unsigned long addr, u32 *at)
{
	return addr >= COOKIE && addr < COOKIES_END
		       ? bus_port(addr - COOKIE, at)
		       : -1;
}

/* Where the function that was trapped goes on: it has done its work. */
static noinline notrace void return_to_caller(void)
{
	barrier();
}

static int skip(struct pt_regs *regs)
{
	regs->ip = (unsigned long)return_to_caller;
	return 1;
}

static int on_read(struct kprobe *p, struct pt_regs *regs)
{
	u32 at;
	const int device = device_of(regs->di, &at);

	if (device < 0)
		return 0;
	regs->ax = host_read(device, at);
	return skip(regs);
}

static int on_write(struct kprobe *p, struct pt_regs *regs)
{
	u32 at;
	const int device = device_of(regs->si, &at);

	if (device < 0)
		return 0;
	host_write(device, at, regs->di);
	return skip(regs);
}

/* With one of these a probe is no jump, which could not skip the function. */
static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probes[] = {
	{
		.symbol_name = "ioread32",
		.pre_handler = on_read,
		.post_handler = after,
	},
	{
		.symbol_name = "iowrite32",
		.pre_handler = on_write,
		.post_handler = after,
	},
};

int trap_set(void)
{
	int err = register_kprobe(&probes[0]);

	if (err)
		return err;
	err = register_kprobe(&probes[1]);
	if (err)
		unregister_kprobe(&probes[0]);
	return err;
}

void trap_remove(void)
{
	unregister_kprobe(&probes[1]);
	unregister_kprobe(&probes[0]);
}
