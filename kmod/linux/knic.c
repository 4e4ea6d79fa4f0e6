// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "knic.h"

#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>

#include "core/device.h"
#include "kbind.h"
#include "kctl.h"
#include "kevent.h"
#include "kguest.h"
#include "kmem.h"
#include "knic_inner.h"
#include "kswitch.h"
#include "ktx.h"
#include "kwhy.h"

enum { DEFAULT_SLOTS = 1024, QUEUES_MAX = 16 };

LIST_HEAD(knic_list);

/* Back to back with a program: the wire's queues, then the host's. */

static u32 room(void *home, u32 queue)
{
	const struct knic *nic = home;
	const u32 wires = nic->port->params.queues;

	return queue < wires ? kside_room(&nic->wire, queue)
			     : kside_room(&nic->stack, queue - wires);
}

static u32 xmit(void *home, u32 queue, struct ptn_work *w)
{
	const struct knic *nic = home;
	const u32 wires = nic->port->params.queues;

	return queue < wires ? kside_send(&nic->wire, queue, w)
			     : kside_send(&nic->stack, queue - wires, w);
}

static const struct ptn_device_ops device_ops = {
	.room = room,
	.xmit = xmit,
};

u32 knic_pass(struct kport *p, u32 queue, struct ptn_work *w)
{
	const struct knic *nic = p->nic;
	const u32 all = w->n_frames;
	const struct kside *to;
	u32 room;

	if (!nic || nic->attached)
		return all;
	to = queue < p->params.rx_queues ? &nic->stack : &nic->wire;
	room = kside_room(to, 0);
	if (room < all)
		w->n_frames = room;
	return all - w->n_frames + (room ? kside_send(to, 0, w) : 0);
}

/* Frames of the device */

static u32 rx_queue_of(const struct sk_buff *skb)
{
	return skb_rx_queue_recorded(skb) ? skb_get_rx_queue(skb) : 0;
}

static void received(struct ktake *t, struct sk_buff *skb)
{
	struct knic *nic = container_of(t, struct knic, take);

	kside_take(&nic->wire, skb, rx_queue_of(skb));
}

static void host_sent(struct ktake *t, struct sk_buff *skb)
{
	struct knic *nic = container_of(t, struct knic, take);

	kside_take(&nic->stack, skb, skb_get_queue_mapping(skb));
}

/* Into netmap mode and out of it */

static int open_wire(struct knic *nic)
{
	const struct kport *p = nic->port;
	const struct kside_params params = {
		.dev = nic->dev,
		.ops = nic->dev->netdev_ops,
		.port = nic->port,
		.program = nic->attached,
		.n_tx = p->params.queues,
		.n_rx = p->params.rx_queues,
	};

	return nic->is_vif ? 0 : kside_open(&nic->wire, &params);
}

static int open_stack(struct knic *nic)
{
	const struct kport *p = nic->port;
	const struct kside_params params = {
		.dev = nic->dev,
		.port = nic->port,
		.first_tx = p->params.queues,
		.n_tx = p->params.host_queues,
		.first_rx = p->params.rx_queues,
		.n_rx = p->params.host_queues,
	};

	return nic->attached || !p->params.host_queues
		       ? 0
		       : kside_open(&nic->stack, &params);
}

static void close_sides(struct knic *nic)
{
	ktake_back(&nic->take);
	kside_close(&nic->wire);
	if (!nic->host) /* else it is that port's */
		kside_close(&nic->stack);
}

static int open_sides(struct knic *nic)
{
	const struct kmem *mem = nic->port->mem;
	int err = open_wire(nic);

	if (!err)
		err = open_stack(nic);
	if (!err && !nic->is_vif)
		err = ktake_over(&nic->take, nic->dev,
				 ptn_region_shape(mem->region)->buf_size);
	if (err)
		close_sides(nic);
	return err;
}

/* Nobody else binds rings whose program we are. */
static void occupy(struct kport *p)
{
	for (u32 i = 0; i < p->tx_rings + p->rx_rings; i++) {
		p->ring[i].users = 1;
		p->ring[i].exclusive = true;
	}
}

static int open_port(struct kport *p)
{
	struct knic *nic = p->nic;
	int err;

	ASSERT_RTNL();
	if (!nic->dev && p->kind != PTN_PORT_VM)
		return kwhy(-ENXIO, "network device %s of port %s is gone",
			    p->device, p->name);
	if (nic->attached && !nic->is_vif) {
		occupy(p);
	} else if (!p->sw) {
		err = ptn_device_attach(p->core, &device_ops, nic);
		if (err)
			return err;
	}
	err = nic->dev ? open_sides(nic) : 0; /* a VM waits for it */
	if (err)
		ptn_device_detach(p->core);
	return err;
}

static void close_port(struct kport *p)
{
	ASSERT_RTNL();
	close_sides(p->nic);
	ptn_device_detach(p->core);
}

/* Ports of programs share the global memory, so that they can pass buffers. */
static int port_memory(struct kport *p, struct kmem **out)
{
	int err;

	if (p->kind == PTN_PORT_VM)
		return kbind_memory(p, out);
	if (p->mem || p->kept || p->mem_id || p->nic->attached ||
	    p->nic->is_vif || p->origin == KPORT_MANAGED)
		return kport_memory(p, out);
	err = kmem_global(out);
	return err ? kwhy(err, "no memory for the device's port %s", p->name)
		   : 0;
}

static void free_port(struct kport *p)
{
	struct knic *nic = p->nic;

	knic_let_go(nic);
	kfree(nic);
}

/*
 * The port is about to be gone: nothing of ours works on it any more, and the
 * device is the host's again.
 */
static void remove_port(struct kport *p)
{
	struct knic *nic = p->nic;

	if (nic->attached)
		knic_detach(p);
	kport_hold(p);
	close_sides(nic);
	kport_release(p);
	if (!nic->is_vif)
		knic_let_go(nic);
}

static const struct kport_ops port_ops = {
	.memory = port_memory,
	.open = open_port,
	.close = close_port,
	.remove = remove_port,
	.free = free_port,
};

/* Making and finding */

void knic_let_go(struct knic *nic)
{
	if (!nic->dev)
		return;
	list_del_init(&nic->node);
	netdev_put(nic->dev, &nic->tracker);
	WRITE_ONCE(nic->dev, NULL);
}

static void hold(struct knic *nic, struct net_device *dev)
{
	nic->dev = dev;
	netdev_hold(dev, &nic->tracker, GFP_KERNEL);
	list_add_tail(&nic->node, &knic_list);
}

int knic_make(struct kport **out, const struct ptn_port_params *params,
	      struct net_device *dev, bool is_vif)
{
	struct knic *nic;
	int err;

	kctl_assert_held();
	ASSERT_RTNL();
	nic = kzalloc(sizeof(*nic), GFP_KERNEL_ACCOUNT);
	if (!nic)
		return -ENOMEM;
	err = kport_new(out, params, &port_ops);
	if (err) {
		kfree(nic);
		return err;
	}
	nic->take.received = received;
	nic->take.host_sent = host_sent;
	nic->is_vif = is_vif;
	nic->port = *out;
	if (dev)
		hold(nic, dev);
	(*out)->nic = nic;
	(*out)->kind = PTN_PORT_NIC;
	return 0;
}

static struct knic *nic_of(const struct net_device *dev)
{
	struct knic *nic;

	list_for_each_entry(nic, &knic_list, node) {
		if (nic->dev == dev)
			return nic;
	}
	return NULL;
}

/* Where the caller is; an exiting one is nowhere any more. */
static struct net *here(void)
{
	return current->nsproxy ? current->nsproxy->net_ns : NULL;
}

struct net_device *knic_device_here(const char *name)
{
	return here() ? __dev_get_by_name(here(), name) : NULL;
}

static u32 or_default(u32 wanted, u32 otherwise)
{
	return wanted ? wanted : otherwise;
}

/* What nobody asked for follows the device; without one it is the least. */
static void fill_params(struct ptn_port_params *p, const struct net_device *dev)
{
	const u32 tx = dev ? dev->real_num_tx_queues : 1;
	const u32 rx = dev ? dev->real_num_rx_queues : 1;

	p->queues = or_default(p->queues, min_t(u32, tx, QUEUES_MAX));
	p->rx_queues = or_default(p->rx_queues, min_t(u32, rx, QUEUES_MAX));
	p->slots = or_default(p->slots, DEFAULT_SLOTS);
	p->rx_slots = or_default(p->rx_slots, p->slots);
}

static int check_device(const struct net_device *dev)
{
	if (dev->flags & IFF_LOOPBACK || dev->reg_state != NETREG_REGISTERED)
		return kwhy(-EINVAL, "%s cannot be a port", dev->name);
	if (kguest_has(dev))
		return kwhy(-EBUSY, "netmap programs have the rings of %s",
			    dev->name);
	return 0;
}

static int new_port(struct kport **out, const struct ptn_port_params *want,
		    struct net_device *dev)
{
	struct ptn_port_params params = *want;
	int err = dev ? check_device(dev) : 0;

	if (err)
		return err;
	fill_params(&params, dev);
	return knic_make(out, &params, dev, false);
}

int knic_new(struct kport **out, const struct ptn_port_params *want,
	     const char *device, bool later)
{
	struct net_device *dev = knic_device_here(device);
	const struct knic *nic;

	if (!dev && later)
		return new_port(out, want, NULL);
	if (!dev)
		return kwhy(-ENODEV, "there is no network device %s here",
			    device);
	nic = nic_of(dev);
	if (nic && !nic->port->leaving)
		return kwhy(-EBUSY, "network device %s is port %s already",
			    device, nic->port->name);
	return new_port(out, want, dev);
}

/* Namespaces may have devices of one name, ports have not. */
static int publish(struct kport *p, const struct net_device *dev)
{
	int err = kport_publish(p);

	if (err != -EEXIST)
		return err;
	snprintf(p->name, sizeof(p->name), "%s%%%u", dev->name,
		 dev_net(dev)->ns.inum);
	return kport_publish(p);
}

int knic_get(struct kport **out, const char *device)
{
	struct net_device *dev = knic_device_here(device);
	struct ptn_port_params want = {.host_queues = 1};
	const struct knic *nic;
	int err;

	if (!dev)
		return -ENXIO;
	nic = nic_of(dev);
	if (nic) {
		*out = nic->port;
		return 0;
	}
	want.name = dev->name;
	err = new_port(out, &want, dev);
	if (err)
		return err;
	err = publish(*out, dev);
	if (err)
		kport_put(*out);
	return err;
}

struct kport *knic_find(const char *device)
{
	const struct net_device *dev;
	const struct knic *nic;

	kctl_assert_held();
	if (!here())
		return NULL;
	rcu_read_lock(); /* only to compare with */
	dev = dev_get_by_name_rcu(here(), device);
	nic = dev ? nic_of(dev) : NULL;
	rcu_read_unlock();
	return nic ? nic->port : NULL;
}

bool knic_is_here(const struct kport *p)
{
	const struct knic *nic = p->nic;

	return nic->dev && here() && net_eq(dev_net(nic->dev), here());
}

bool knic_lacks(const struct kport *p)
{
	return p->device[0] && !*knic_device(p);
}

bool knic_is_back(const struct kport *p)
{
	const struct net_device *dev;
	bool back;

	kctl_assert_held();
	if (!knic_lacks(p) || READ_ONCE(p->nic->comes))
		return false;
	rcu_read_lock();
	dev = dev_get_by_name_rcu(&init_net, p->device);
	back = dev && !nic_of(dev);
	rcu_read_unlock();
	return back;
}

bool knic_is_host(const struct kport *p)
{
	return p->nic && p->nic->host == p;
}

bool knic_is_program(const struct kport *p)
{
	return knic_is_host(p) ||
	       (p->nic && p->nic->attached && !p->nic->is_vif);
}

struct kport *knic_host(const struct kport *p)
{
	return p->nic && p->nic->port == p ? p->nic->host : NULL;
}

const char *knic_device(const struct kport *p)
{
	return p->nic && p->nic->dev ? p->nic->dev->name : "";
}

/* The host's stack as a port of its own */

static int open_host(struct kport *p)
{
	struct knic *nic = p->nic;
	const struct kside_params params = {
		.dev = nic->dev,
		.port = p,
		.program = true,
		.n_tx = p->params.queues,
		.n_rx = p->params.rx_queues,
	};

	occupy(p);
	return kside_open(&nic->stack, &params);
}

static void close_host(struct kport *p)
{
	if (p->nic) /* else a monitor has kept it open */
		kside_close(&p->nic->stack);
}

static const struct kport_ops host_ops = {
	.open = open_host,
	.close = close_host,
};

static int new_host(struct knic *nic, struct kport **out)
{
	char name[PTN_NAME_MAX];
	const struct ptn_port_params params = {
		.name = name,
		.queues = 1,
		.rx_queues = 1,
		.slots = nic->port->params.slots,
		.rx_slots = nic->port->params.rx_slots,
	};
	struct kport *p;
	int err;

	if (snprintf(name, sizeof(name), "%s^", nic->port->name) >=
	    sizeof(name))
		return -EINVAL;
	err = kport_new(&p, &params, &host_ops);
	if (err)
		return err;
	p->nic = nic;
	p->kind = PTN_PORT_NIC;
	err = kport_publish(p);
	if (err) {
		kport_put(p);
		return kwhy(err, "there is another port %s", name);
	}
	*out = p;
	return 0;
}

static int attach_host(struct knic *nic, struct kswitch *s)
{
	struct kport *p;
	int err = new_host(nic, &p);

	if (err)
		return err;
	nic->host = p;
	err = kswitch_attach(s, p);
	if (!err)
		err = kport_open(p);
	if (err) {
		kport_settle(p);
		nic->host = NULL;
		return err;
	}
	kside_start(&nic->stack);
	return 0;
}

static void detach_host(struct knic *nic)
{
	struct kport *p = nic->host;

	if (!p)
		return;
	kport_get(p);
	kside_close(&nic->stack);
	kport_close(p);
	kport_remove(p); /* even if it is watched */
	p->nic = NULL;
	nic->host = NULL;
	kport_put(p);
}

/* On a switch */

static int set_host_queues(struct kport *p, u32 n)
{
	struct ptn_port_params params = p->params;

	params.host_queues = n;
	return kport_set_params(p, &params);
}

/* Programs open a vif's port as they like; of others we are the program. */
static int open_attached(struct knic *nic)
{
	struct kport *p = nic->port;
	int err;

	if (nic->is_vif)
		return 0;
	err = kport_open(p);
	if (!err)
		kside_start(&nic->wire);
	return err;
}

int knic_attach(struct kport *p, struct kswitch *s, bool host)
{
	struct knic *nic = p->nic;
	int err;

	kctl_assert_held();
	ASSERT_RTNL();
	if (!nic || !nic->dev)
		return -ENXIO;
	if (p->kind == PTN_PORT_VM)
		return kwhy(-EBUSY, "network device %s is a VM's, as port %s",
			    nic->dev->name, p->name);
	if (p->opens || p->sw || p->pipe || p->pins)
		return kwhy(-EBUSY, "port %s is in use", p->name);
	err = set_host_queues(p, 0);
	if (err)
		return err;
	err = kswitch_attach(s, p);
	if (err)
		goto err_params;
	nic->attached = true;
	if (host) {
		err = attach_host(nic, s);
		if (err)
			goto err_detach;
	}
	err = open_attached(nic);
	if (err)
		goto err_host;
	return 0;

err_host:
	detach_host(nic);
err_detach:
	nic->attached = false;
	kswitch_detach(p);
err_params:
	set_host_queues(p, 1);
	return err;
}

int knic_detach(struct kport *p)
{
	struct knic *nic = p->nic;
	struct kswitch *s = p->sw;

	kctl_assert_held();
	ASSERT_RTNL();
	if (!nic || !nic->attached)
		return -ENXIO;
	if (nic->is_vif && p->opens && !p->gone)
		return kwhy(-EBUSY, "port %s is in use", p->name);
	kport_get(p);
	knic_poll_stop(p, NULL);
	close_sides(nic);
	detach_host(nic);
	kswitch_detach(p);
	nic->attached = false;
	if (!nic->is_vif)
		kport_close(p);
	if (!p->gone && !p->opens)
		set_host_queues(p, 1);
	kswitch_settle(s);
	kport_put(p);
	return 0;
}

/* What happens to devices */

static void part(struct knic *nic)
{
	struct kport *p = nic->port;

	kport_get(p);
	kevent_port(p, PTN_EVENT_NIC_GONE);
	if (p->origin == KPORT_MANAGED)
		remove_port(p); /* the port stays, its owner takes it away */
	else
		kport_remove(p);
	knic_let_go(nic);
	kport_put(p);
}

static void lost(struct knic *nic)
{
	mutex_lock(&kctl_lock);
	pr_info("ptnetmap: network device %s of port %s went away\n",
		nic->dev->name, nic->port->name);
	part(nic);
	mutex_unlock(&kctl_lock);
}

void knic_say_gone(const struct kport *p)
{
	pr_info("ptnetmap: port %s waits for network device %s\n", p->name,
		p->device);
	kevent_port(p, PTN_EVENT_NIC_GONE);
}

void knic_part(struct kport *p)
{
	kctl_assert_held();
	ASSERT_RTNL();
	kport_get(p);
	part(p->nic);
	kevent_port(p, PTN_EVENT_NIC_BACK);
	kport_put(p);
}

static bool has_lost(const struct kport *p, const char *device)
{
	return p->origin == KPORT_MANAGED && knic_lacks(p) &&
	       !strcmp(p->device, device);
}

/* With it a VM that is attached all the time goes on. */
static int join_again(struct knic *nic, struct net_device *dev)
{
	struct kport *p = nic->port;
	int err = check_device(dev);

	if (err)
		return err;
	hold(nic, dev);
	kport_hold(p);
	if (p->mem)
		err = open_sides(nic);
	kport_release(p);
	if (err)
		knic_let_go(nic);
	else if (p->bind)
		kbind_wake(p->bind); /* what it has sent meanwhile */
	return err;
}

static void look_for_device(struct kport *p)
{
	struct net_device *dev = __dev_get_by_name(&init_net, p->device);

	if (!READ_ONCE(p->nic->comes))
		return;
	kwhy_forget();
	if (dev && !nic_of(dev) && join_again(p->nic, dev))
		pr_warn("ptnetmap: port %s does not get its network device again: %s\n",
			p->name, kwhy_last());
	WRITE_ONCE(p->nic->comes, false);
	kevent_port(p, PTN_EVENT_NIC_BACK);
}

static void look_for_devices(struct work_struct *work)
{
	struct kport *p;

	kctl_enter();
	list_for_each_entry(p, &kport_list, node) {
		if (has_lost(p, p->device))
			look_for_device(p);
	}
	kctl_leave();
}

static DECLARE_WORK(looking, look_for_devices);

/*
 * A device came, or got another name. Who declared a port of it makes that
 * anew; a VM's port, which is not to lose its VM by that, takes it by itself.
 * Our own come with the lock held; the list changes under the RTNL only.
 */
static void came(const struct net_device *dev)
{
	const struct kport *p;

	if (!net_eq(dev_net(dev), &init_net))
		return;
	list_for_each_entry(p, &kport_list, node) {
		if (!has_lost(p, dev->name))
			continue;
		if (p->kind == PTN_PORT_VM) {
			WRITE_ONCE(p->nic->comes, true);
			schedule_work(&looking);
		} else {
			kevent_port(p, PTN_EVENT_NIC_BACK);
		}
	}
}

static void renamed(struct knic *nic)
{
	struct kport *p = nic->port;

	if (p->origin == KPORT_MANAGED)
		return;
	mutex_lock(&kctl_lock);
	if (kport_rename(p, nic->dev->name))
		pr_info("ptnetmap: port %s keeps its name: there is another %s\n",
			p->name, nic->dev->name);
	mutex_unlock(&kctl_lock);
}

/* It has a new MTU; refused, it gets the old one back. */
static int check_mtu(struct knic *nic)
{
	int err;

	if (!nic->take.dev)
		return 0;
	mutex_lock(&kctl_lock);
	err = ktake_check_mtu(
		nic->dev, nic->dev->mtu,
		ptn_region_shape(nic->port->mem->region)->buf_size);
	mutex_unlock(&kctl_lock);
	return err;
}

/*
 * What we do to devices ourselves, with the lock held, must not come to a case
 * that takes it; list and sides change under the RTNL only.
 */
static int on_event(struct notifier_block *nb, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);
	struct knic *nic = nic_of(dev);

	if (!nic) {
		if (event == NETDEV_REGISTER || event == NETDEV_CHANGENAME)
			came(dev);
		return NOTIFY_DONE;
	}
	switch (event) {
	case NETDEV_UNREGISTER:
		/* our own only move, with their namespace, and stay */
		if (!nic->is_vif || dev->reg_state == NETREG_UNREGISTERING)
			lost(nic);
		break;
	case NETDEV_CHANGENAME:
		renamed(nic);
		break;
	case NETDEV_CHANGEMTU: /* the event before it does not tell which */
		return notifier_from_errno(check_mtu(nic));
	case NETDEV_UP:
	case NETDEV_CHANGE:
		kside_wake(&nic->wire);
		kside_wake(&nic->stack);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block notifier = {
	.notifier_call = on_event,
};

int knic_module_init(void)
{
	return register_netdevice_notifier(&notifier);
}

/* Attachments of programs that left, and persistent ports. */
void knic_module_exit(void)
{
	struct knic *nic, *next;

	kctl_enter();
	list_for_each_entry_safe(nic, next, &knic_list, node) {
		if (nic->attached)
			knic_detach(nic->port);
		else if (!nic->is_vif)
			kport_remove(nic->port);
	}
	list_for_each_entry_safe(nic, next, &knic_list, node)
		kvif_delete(nic->port);
	kctl_leave();
	unregister_netdevice_notifier(&notifier);
	cancel_work_sync(&looking);
	ktx_module_exit();
}
