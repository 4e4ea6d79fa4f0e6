// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>

#include "ptnpci.h"

enum {
	DOMAIN = 0x10000, /* beyond what firmware has */
	PORTS = 0xf000, /* where nothing of the machine is */
	PORTS_EACH = 0x100,
	PORTS_BYTES = DEVICES * PORTS_EACH,
	MSIX = 0x40, /* the capability, in configuration space */
	MSIX_BAR = 2,
	MSIX_PBA = 0x800,
	CONFIG = 256,
	BARS = 6,
};

/* The bits of a BAR that are no address, and its size; 0: there is none. */
struct bar {
	u32 size, flags;
};

struct function {
	u8 config[CONFIG];
	const struct bar *bar; /* BARS of them */
	u32 virq[VECTORS_MAX]; /* 0: none */
};

static const struct bar memory_bars[BARS] = {
	{128, PCI_BASE_ADDRESS_SPACE_IO},
	{MEMORY_BYTES, PCI_BASE_ADDRESS_MEM_PREFETCH},
};

static const struct bar nic_bars[BARS] = {
	{256, PCI_BASE_ADDRESS_SPACE_IO},
	{0},
	{4096, PCI_BASE_ADDRESS_SPACE_MEMORY},
};

static struct function functions[DEVICES];
/* Interrupts are not raised once they are given back. */
static DEFINE_SPINLOCK(virq_lock);

static struct resource ports = {
	.name = "ptnpci ports",
	.start = PORTS,
	.end = PORTS + PORTS_BYTES - 1,
	.flags = IORESOURCE_IO,
};
static struct resource memory = {
	.name = "ptnpci memory",
	.flags = IORESOURCE_MEM,
};
static struct resource numbers = {
	.name = "ptnpci bus",
	.flags = IORESOURCE_BUS,
};
static struct pci_sysdata sysdata = {.domain = DOMAIN, .node = NUMA_NO_NODE};
static struct fwnode_handle *fwnode;
static struct irq_domain *irqs;
static struct pci_bus *bus;

/* Configuration space */

static u32 get(const struct function *d, u32 at, u32 size)
{
	u32 value = 0;

	memcpy(&value, d->config + at, size);
	return value;
}

static void set(struct function *d, u32 at, u32 size, u32 value)
{
	memcpy(d->config + at, &value, size);
}

static struct function *function_at(unsigned int devfn)
{
	return !PCI_FUNC(devfn) && PCI_SLOT(devfn) < DEVICES
		       ? &functions[PCI_SLOT(devfn)]
		       : NULL;
}

static int read_config(struct pci_bus *b, unsigned int devfn, int at, int size,
		       u32 *value)
{
	const struct function *d = function_at(devfn);

	*value = ~0;
	if (!d || b->number)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (at + size <= CONFIG)
		*value = get(d, at, size);
	return PCIBIOS_SUCCESSFUL;
}

static void write_bar(struct function *d, u32 i, u32 value)
{
	const struct bar *b = &d->bar[i];

	if (b->size)
		set(d, PCI_BASE_ADDRESS_0 + 4 * i, 4,
		    (value & ~(b->size - 1)) | b->flags);
}

/* All else is read-only. */
static int write_config(struct pci_bus *b, unsigned int devfn, int at, int size,
			u32 value)
{
	struct function *d = function_at(devfn);
	const u32 control = MSIX + PCI_MSIX_FLAGS;
	const u32 kept = PCI_MSIX_FLAGS_QSIZE;

	if (!d || b->number)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (at == PCI_COMMAND && size >= 2)
		set(d, at, 2, value);
	if (at >= PCI_BASE_ADDRESS_0 && at <= PCI_BASE_ADDRESS_5 && size == 4)
		write_bar(d, (at - PCI_BASE_ADDRESS_0) / 4, value);
	if (at == control && size == 2 && d->config[PCI_CAPABILITY_LIST])
		set(d, at, 2, (get(d, at, 2) & kept) | (value & ~kept));
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops ops = {.read = read_config, .write = write_config};

/* BARs are as firmware leaves them: one behind the other. */
static void make(struct function *d, u16 id, u32 class, const struct bar *bar,
		 u32 *port, u32 *mem)
{
	memset(d, 0, sizeof(*d));
	d->bar = bar;
	set(d, PCI_VENDOR_ID, 2, PCI_VENDOR_ID_REDHAT);
	set(d, PCI_DEVICE_ID, 2, id);
	set(d, PCI_CLASS_DEVICE, 2, class);
	for (u32 i = 0; i < BARS; i++) {
		const bool is_port = bar[i].flags & PCI_BASE_ADDRESS_SPACE_IO;
		u32 *at = is_port ? port : mem;

		write_bar(d, i, *at);
		*at += is_port ? PORTS_EACH : bar[i].size;
	}
}

static void add_msix(struct function *d, u32 vectors)
{
	set(d, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	set(d, PCI_CAPABILITY_LIST, 1, MSIX);
	set(d, MSIX, 1, PCI_CAP_ID_MSIX);
	set(d, MSIX + PCI_MSIX_FLAGS, 2, vectors - 1);
	set(d, MSIX + PCI_MSIX_TABLE, 4, MSIX_BAR);
	set(d, MSIX + PCI_MSIX_PBA, 4, MSIX_PBA | MSIX_BAR);
}

/* What is where */

int bus_port(u32 port, u32 *at)
{
	for (int i = 0; i < DEVICES; i++) {
		const struct function *d = &functions[i];
		const u32 from = get(d, PCI_BASE_ADDRESS_0, 4) &
				 PCI_BASE_ADDRESS_IO_MASK;

		if (from && port >= from && port < from + d->bar[0].size &&
		    get(d, PCI_COMMAND, 2) & PCI_COMMAND_IO) {
			*at = port - from;
			return i;
		}
	}
	return -1;
}

phys_addr_t bus_memory(void)
{
	return get(&functions[MEMORY], PCI_BASE_ADDRESS_1, 4) &
	       PCI_BASE_ADDRESS_MEM_MASK;
}

/* Interrupts */

static bool enabled(const struct function *d)
{
	const u32 flags = get(d, MSIX + PCI_MSIX_FLAGS, 2);

	return flags & PCI_MSIX_FLAGS_ENABLE &&
	       !(flags & PCI_MSIX_FLAGS_MASKALL) &&
	       get(d, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

void bus_interrupt(int device, u32 vector)
{
	const struct function *d = &functions[device];
	unsigned long flags;

	spin_lock_irqsave(&virq_lock, flags);
	if (d->virq[vector] && enabled(d))
		generic_handle_irq_safe(d->virq[vector]);
	spin_unlock_irqrestore(&virq_lock, flags);
}

static void note(struct msi_desc *desc, u32 virq)
{
	struct pci_dev *pdev = to_pci_dev(desc->dev);
	unsigned long flags;

	spin_lock_irqsave(&virq_lock, flags);
	function_at(pdev->devfn)->virq[desc->msi_index] = virq;
	spin_unlock_irqrestore(&virq_lock, flags);
}

static void nothing(struct irq_data *data)
{
}

static void compose(struct irq_data *data, struct msi_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->data = data->irq;
}

/* Whatever is wanted, each is raised where the host runs. */
static int set_affinity(struct irq_data *data, const struct cpumask *mask,
			bool force)
{
	irq_data_update_effective_affinity(data, mask);
	return IRQ_SET_MASK_OK;
}

static struct irq_chip chip = {
	.name = "ptnpci",
	.irq_ack = nothing,
	.irq_compose_msi_msg = compose,
	.irq_set_affinity = set_affinity,
};

static int init_irq(struct irq_domain *domain, struct msi_domain_info *info,
		    unsigned int virq, irq_hw_number_t hwirq,
		    msi_alloc_info_t *arg)
{
	irq_domain_set_info(domain, virq, hwirq, info->chip, arg->desc,
			    handle_edge_irq, NULL, NULL);
	note(arg->desc, virq);
	return 0;
}

static void free_irq_of(struct irq_domain *domain, struct msi_domain_info *info,
			unsigned int virq)
{
	note(irq_get_chip_data(virq), 0);
}

static struct msi_domain_ops irq_ops = {
	.msi_init = init_irq,
	.msi_free = free_irq_of,
};

static struct msi_domain_info irq_info = {
	.flags = MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS |
		 MSI_FLAG_PCI_MSIX,
	.ops = &irq_ops,
	.chip = &chip,
};

static int add_irqs(void)
{
	fwnode = irq_domain_alloc_named_id_fwnode("ptnpci", DOMAIN);
	if (!fwnode)
		return -ENOMEM;
	irqs = pci_msi_create_irq_domain(fwnode, &irq_info, NULL);
	if (irqs)
		return 0;
	irq_domain_free_fwnode(fwnode);
	return -ENOMEM;
}

static void remove_irqs(void)
{
	irq_domain_remove(irqs);
	irq_domain_free_fwnode(fwnode);
}

/* The bus */

static int claim(phys_addr_t base)
{
	int err;

	memory.start = base;
	memory.end = base + BUS_BYTES - 1;
	err = insert_resource(&iomem_resource, &memory);
	if (err)
		return err;
	err = insert_resource(&ioport_resource, &ports);
	if (err)
		remove_resource(&memory);
	return err;
}

static void unclaim(void)
{
	remove_resource(&ports);
	remove_resource(&memory);
}

static int scan(void)
{
	LIST_HEAD(windows);

	pci_add_resource(&windows, &ports);
	pci_add_resource(&windows, &memory);
	pci_add_resource(&windows, &numbers);
	bus = pci_create_root_bus(NULL, 0, &ops, &sysdata, &windows);
	if (!bus) {
		pci_free_resource_list(&windows);
		return -ENODEV;
	}
	dev_set_msi_domain(&bus->dev, irqs);
	pci_lock_rescan_remove();
	pci_scan_child_bus(bus);
	pci_bus_claim_resources(bus);
	pci_unlock_rescan_remove();
	return 0;
}

struct device *bus_device(int device)
{
	return &pci_get_slot(bus, PCI_DEVFN(device, 0))->dev;
}

bool bus_quiet(int device)
{
	return !(get(&functions[device], PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

void bus_power_off(int device)
{
	struct function *d = &functions[device];

	set(d, PCI_COMMAND, 2, 0);
	set(d, MSIX + PCI_MSIX_FLAGS, 2,
	    get(d, MSIX + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE);
}

int bus_add(phys_addr_t base, u32 rings)
{
	u32 port = PORTS, mem = base;
	int err;

	make(&functions[MEMORY], 0x000c, PCI_CLASS_OTHERS, memory_bars, &port,
	     &mem);
	for (int i = NIC; i < DEVICES; i++) {
		make(&functions[i], 0x000d, PCI_CLASS_NETWORK_ETHERNET,
		     nic_bars, &port, &mem);
		add_msix(&functions[i], 2 * rings);
	}
	err = claim(base);
	if (err)
		return err;
	err = add_irqs();
	if (err)
		goto err_claim;
	err = scan();
	if (err)
		goto err_irqs;
	return 0;

err_irqs:
	remove_irqs();
err_claim:
	unclaim();
	return err;
}

void bus_show(void)
{
	pci_lock_rescan_remove();
	pci_bus_add_devices(bus);
	pci_unlock_rescan_remove();
}

void bus_remove(void)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(bus);
	pci_remove_root_bus(bus);
	pci_unlock_rescan_remove();
	remove_irqs();
	unclaim();
}
