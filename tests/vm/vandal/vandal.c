// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A guest that means harm to its host: in the driver's place it writes random
 * and likely numbers into the region of the first ptnet device, rings its
 * doorbells and gives commands, from all CPUs, while the module is loaded.
 *
 *	insmod vandal.ko [mild=1]
 *
 * Mild: with no word that the host takes for an index or a slot, so that the
 * port is not disabled for it. What it wrote over the host's page it puts
 * back when it goes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/prandom.h>

#include <ptnet/netmap.h>
#include <ptnet/region.h>

enum {
	REGISTERS = 0, /* BARs */
	MEMORY = 2,
	DOORBELL = 12, /* in the registers */
	VENDOR = 0x1af4,
	DEVICE = 0x1110,
	THREADS = 4,
	LIKELY = 80, /* numbers below pass more checks than others */
	POOL_BUF = 2,
};

static bool mild;
module_param(mild, bool, 0444);

static struct pci_dev *pdev;
static void __iomem *registers;
static char *base; /* of the used part of the region */
static struct ptn_config before;
static struct task_struct *threads[THREADS];

static u32 number(struct rnd_state *r)
{
	const u32 n = prandom_u32_state(r);

	return n & 1 ? n : (n >> 1) % LIKELY;
}

static void put(u64 at, u32 word)
{
	WRITE_ONCE(*(u32 *)(base + at / 4 * 4), word);
}

/* The host's page, and the frames' bytes. */
static void scribble_mildly(struct rnd_state *r)
{
	const struct ptn_pool_info *bufs = &before.pool[POOL_BUF];
	const u32 any = prandom_u32_state(r);

	put(PTN_WINDOW_CONFIG + any % sizeof(before), number(r));
	put(before.mem_ofs + bufs->offset + any % (bufs->count * bufs->size),
	    number(r));
}

static void scribble(struct rnd_state *r)
{
	const u32 any = prandom_u32_state(r), rings = 2 * before.tx_rings;

	put(any % PTN_WINDOW_SIZE, number(r));
	put(before.atok_ofs + any % (rings * sizeof(struct nm_csb_atok)),
	    number(r));
	put(before.mem_ofs + any % before.mem_size, number(r));
	/* and the first rings' slots */
	put(before.mem_ofs + before.pool[1].offset + any % 65536, number(r));
}

static void ring(u32 vector)
{
	writel(PTN_HOST_ID << 16 | vector, registers + DOORBELL);
}

static void command(u32 seq, u32 cmd)
{
	struct ptn_control *c = (void *)(base + before.control_ofs);

	WRITE_ONCE(c->arg[0], 12);
	WRITE_ONCE(c->cmd, cmd);
	smp_store_release(&c->seq, seq);
	ring(PTN_VECTOR_CONTROL);
}

static int harm(void *arg)
{
	struct rnd_state r;

	prandom_seed_state(&r, (unsigned long)arg + 1);
	for (u32 n = 1; !kthread_should_stop(); n++) {
		if (mild)
			scribble_mildly(&r);
		else
			scribble(&r);
		if (n % 16 == 0)
			ring(prandom_u32_state(&r) % before.vectors);
		if (n % 64 == 0)
			command(prandom_u32_state(&r), n / 64 % 6);
		if (n % 256 == 0)
			cond_resched();
	}
	return 0;
}

static void end_threads(void)
{
	for (int i = 0; i < THREADS; i++)
		if (!IS_ERR_OR_NULL(threads[i]))
			kthread_stop(threads[i]);
}

static int start_threads(void)
{
	for (int i = 0; i < THREADS; i++) {
		threads[i] = kthread_run(harm, (void *)(unsigned long)i,
					 "vandal/%d", i);
		if (IS_ERR(threads[i])) {
			end_threads();
			return PTR_ERR(threads[i]);
		}
	}
	return 0;
}

/* All but what the host tells by it. */
static void put_config_back(void)
{
	struct ptn_config *c = (void *)(base + PTN_WINDOW_CONFIG);

	before.state = READ_ONCE(c->state);
	before.heartbeat = READ_ONCE(c->heartbeat);
	before.ack_seq = READ_ONCE(c->ack_seq);
	before.ack_status = READ_ONCE(c->ack_status);
	memcpy(c, &before, sizeof(before));
}

static int map_all(void)
{
	const phys_addr_t at = pci_resource_start(pdev, MEMORY);
	void *page = memremap(at, PAGE_SIZE, MEMREMAP_WB);

	if (!page)
		return -ENOMEM;
	memcpy(&before, page, sizeof(before));
	memunmap(page);
	if (before.magic != PTN_CONFIG_MAGIC)
		return -ENODEV;
	base = memremap(at, before.mem_ofs + before.mem_size, MEMREMAP_WB);
	registers = pci_ioremap_bar(pdev, REGISTERS);
	return base && registers ? 0 : -ENOMEM;
}

static void unmap_all(void)
{
	if (registers)
		iounmap(registers);
	if (base)
		memunmap(base);
}

static int __init vandal_init(void)
{
	int err = -ENODEV;

	pdev = pci_get_device(VENDOR, DEVICE, NULL);
	if (!pdev)
		return err;
	err = pci_enable_device_mem(pdev);
	if (err)
		goto err_device;
	err = map_all();
	if (err)
		goto err_mapped;
	err = start_threads();
	if (err)
		goto err_mapped;
	pr_info("begins%s\n", mild ? ", mildly" : "");
	return 0;

err_mapped:
	unmap_all();
	pci_disable_device(pdev);
err_device:
	pci_dev_put(pdev);
	return err;
}

static void __exit vandal_exit(void)
{
	end_threads();
	put_config_back();
	unmap_all();
	pci_disable_device(pdev);
	pci_dev_put(pdev);
}

module_init(vandal_init);
module_exit(vandal_exit);
MODULE_DESCRIPTION("means harm to a ptnet host");
MODULE_LICENSE("Dual BSD/GPL");
