// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "gptmem.h"

#include <linux/io.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "gdev.h"

enum { BAR_REGISTERS = 0, BAR_MEMORY = 1 };

/* Registers of 32 bits; a pool has three: offset, objects, size of one. */
enum {
	SIZE_LO = 0,
	SIZE_HI = 4,
	ID = 8,
	RING_POOL = 76,
	BUF_POOL = 88,
	REGISTERS = 128, /* bytes */
};

struct gptmem {
	struct list_head node; /* in known, under lock */
	struct kref users;
	struct pci_dev *pdev;
	u32 id;
	struct gregion region; /* memory and pools of it */
};

static LIST_HEAD(known);
static DEFINE_MUTEX(lock);

static struct gptmem *find(u32 id)
{
	struct gptmem *m;

	list_for_each_entry(m, &known, node)
		if (m->id == id)
			return m;
	return NULL;
}

/* Whoever uses it is suspended before it, and unbound before it is. */
static bool tie(struct pci_dev *user, struct gptmem *m)
{
	return device_link_add(&user->dev, &m->pdev->dev,
			       DL_FLAG_AUTOREMOVE_CONSUMER);
}

struct gptmem *gptmem_get(struct pci_dev *user, u32 id, struct gregion *region)
{
	struct gptmem *m;

	mutex_lock(&lock);
	m = find(id);
	if (m && !tie(user, m))
		m = NULL;
	if (m) {
		kref_get(&m->users);
		region->mem = m->region.mem;
		region->phys = m->region.phys;
		region->bytes = m->region.bytes;
		region->ring_pool = m->region.ring_pool;
		region->buf_pool = m->region.buf_pool;
	}
	mutex_unlock(&lock);
	return m;
}

static void release(struct kref *users)
{
	struct gptmem *m = container_of(users, struct gptmem, users);

	if (m->region.mem)
		memunmap(m->region.mem);
	kfree(m);
}

void gptmem_put(struct gptmem *m)
{
	kref_put(&m->users, release);
}

static struct ptn_pool_info read_pool(void __iomem *registers, u32 at)
{
	return (struct ptn_pool_info){
		.offset = ioread32(registers + at),
		.count = ioread32(registers + at + 4),
		.size = ioread32(registers + at + 8),
	};
}

static void read_registers(struct gptmem *m, void __iomem *registers)
{
	struct gregion *r = &m->region;

	m->id = ioread32(registers + ID);
	r->bytes = (u64)ioread32(registers + SIZE_HI) << 32 |
		   ioread32(registers + SIZE_LO);
	r->ring_pool = read_pool(registers, RING_POOL);
	r->buf_pool = read_pool(registers, BUF_POOL);
}

/* NULL, or what is wrong with what it says. */
static const char *wrong(const struct gptmem *m)
{
	const struct gregion *r = &m->region;

	if (!(pci_resource_flags(m->pdev, BAR_MEMORY) & IORESOURCE_MEM))
		return "it has no memory in BAR 1";
	if (!r->bytes || r->bytes > pci_resource_len(m->pdev, BAR_MEMORY))
		return "its memory is larger than BAR 1";
	if (!gregion_pools_possible(r))
		return "its pools do not lie in its memory";
	return NULL;
}

/* Write-back: it is the memory of a process, whatever a BAR is. */
static int map(struct gptmem *m)
{
	m->region.phys = pci_resource_start(m->pdev, BAR_MEMORY);
	m->region.mem = memremap(m->region.phys, m->region.bytes, MEMREMAP_WB);
	return m->region.mem ? 0 : -ENOMEM;
}

static int look_at(struct gptmem *m)
{
	struct pci_dev *pdev = m->pdev;
	void __iomem *registers;
	const char *why;

	if (pci_resource_len(pdev, BAR_REGISTERS) < REGISTERS)
		return -ENODEV;
	registers = pci_iomap(pdev, BAR_REGISTERS, REGISTERS);
	if (!registers)
		return -ENOMEM;
	read_registers(m, registers);
	pci_iounmap(pdev, registers);
	why = wrong(m);
	if (why) {
		dev_err(&pdev->dev, "memory %u is not used: %s\n", m->id, why);
		return -EPROTO;
	}
	return map(m);
}

static int publish(struct gptmem *m)
{
	int err = 0;

	mutex_lock(&lock);
	if (find(m->id))
		err = -EEXIST;
	else
		list_add_tail(&m->node, &known);
	mutex_unlock(&lock);
	if (err)
		dev_err(&m->pdev->dev, "another device has memory %u already\n",
			m->id);
	return err;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct gptmem *m;
	int err = gdev_enable(pdev);

	if (err)
		return err;
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	kref_init(&m->users);
	m->pdev = pdev;
	err = look_at(m);
	if (!err)
		err = publish(m);
	if (err) {
		gptmem_put(m);
		return err;
	}
	pci_set_drvdata(pdev, m);
	return 0;
}

static void remove(struct pci_dev *pdev)
{
	struct gptmem *m = pci_get_drvdata(pdev);

	mutex_lock(&lock);
	list_del(&m->node);
	mutex_unlock(&lock);
	gptmem_put(m);
}

/*
 * Stock QEMU's root port has the same ID and another class. "Others" is a
 * class of its own, or the last one of those that came before classes.
 */
static const struct pci_device_id gptmem_ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x000c),
	 .class = PCI_CLASS_OTHERS << 8, .class_mask = 0xffff00},
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x000c),
	 .class = PCI_CLASS_OTHERS << 16, .class_mask = 0xff0000},
	{},
};
MODULE_DEVICE_TABLE(pci, gptmem_ids);

struct pci_driver gptmem_driver = {
	.name = KBUILD_MODNAME "-memory",
	.id_table = gptmem_ids,
	.probe = probe,
	.remove = remove,
};
