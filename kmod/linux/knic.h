/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Network devices as ports: any Ethernet device of the host in netmap mode.
 *
 *	alone		its program has the wire's queues, and after them
 *			host queues that are the host's stack
 *	a VM's		the same without host queues: the stack is cut off
 *	on a switch	the device is the port's program; the host's stack is
 *			either cut off, or a port of its own, NAME^
 *
 * A device is looked up where the caller is, in his network namespace. While
 * nobody has its port open the device is as the host made it.
 *
 * All under kctl_enter(), unless said otherwise. Refusals leave a sentence
 * (kwhy.h).
 */
#ifndef PTN_KNIC_H
#define PTN_KNIC_H

#include <linux/types.h>

struct kport;
struct kswitch;
struct net_device;
struct nmreq_vale_polling;
struct ptn_port_params;
struct ptn_work;

/**
 * knic_get - the port of a device; made when it has none
 *
 * A new one is ephemeral: kport_open() it, or kport_settle() it. No reference
 * is taken. Returns 0, -ENXIO when there is no such device, -EINVAL, -ENOMEM.
 */
int knic_get(struct kport **out, const char *device);

/**
 * knic_new - a port of a device that nobody finds yet, for the control family
 * @want: what is 0 follows the device, but host queues; .name is the port's
 * @later: the device may be missing; knic_lacks() then
 *
 * One reference, the caller's. Returns 0, -ENODEV, -EBUSY when the device has
 * a port that stays, -EINVAL, -ENOMEM.
 */
int knic_new(struct kport **out, const struct ptn_port_params *want,
	     const char *device, bool later);

/** knic_device_here - where the caller is, by name; NULL */
struct net_device *knic_device_here(const char *name);

/** knic_find - the port of a device, NULL; kctl_lock is enough */
struct kport *knic_find(const char *device);

/** knic_is_here - whether the port's device is where the caller is */
bool knic_is_here(const struct kport *p);

/**
 * knic_attach - put a device's port on a switch, and the device to work
 * @host: the host's stack as well
 *
 * Returns 0, -EBUSY when it is in use or on a switch, and what stands in the
 * way of netmap mode.
 */
int knic_attach(struct kport *p, struct kswitch *s, bool host);

/**
 * knic_detach - take it off; an ephemeral port goes with this
 *
 * The switch is settled. Returns 0, -ENXIO when it is on none, -EBUSY when a
 * program has it open.
 */
int knic_detach(struct kport *p);

/**
 * knic_part - the port loses its device, which stays where it is
 *
 * As if that had gone and another one of its name had come: who declared the
 * port makes it anew. One that nobody declared goes.
 */
void knic_part(struct kport *p);

/** knic_is_host - the port is the host's stack's, and comes and goes with the
 *	device's
 */
bool knic_is_host(const struct kport *p);

/** knic_host - the port of the host's stack that came with it, or NULL */
struct kport *knic_host(const struct kport *p);

/** knic_is_program - no program has the port: its device is on a switch */
bool knic_is_program(const struct kport *p);

/** knic_lacks - it has been declared with a device, and that is not there */
bool knic_lacks(const struct kport *p);

/** knic_say_gone - there is a port without its device: as if that had gone */
void knic_say_gone(const struct kport *p);

/** knic_is_back - its device went, and another one has the name now */
bool knic_is_back(const struct kport *p);

/** knic_device - the name of the device behind it; "" when that is gone */
const char *knic_device(const struct kport *p);

/**
 * knic_pass - frames of receive ring @queue go on to the other side: from the
 *	wire to the host's stack, from there to the wire
 *
 * With the ring's lock held. Returns how many were lost.
 */
u32 knic_pass(struct kport *p, u32 queue, struct ptn_work *w);

/**
 * knic_poll_start - threads on CPUs of their own look at the queues of an
 *	attached device, instead of softirqs
 *
 * Returns 0, -EINVAL, -EBUSY when they do already, -ENXIO when it is on no
 * switch, -ENOMEM.
 */
int knic_poll_start(struct kport *p, const struct nmreq_vale_polling *how);

/** knic_poll_stop - 0, or -ENXIO; @was, when given, is how it was */
int knic_poll_stop(struct kport *p, struct nmreq_vale_polling *was);

/**
 * kvif_new - a persistent port: a network device of this name that is there
 *	for the host's stack only; its wire is the switch it is attached to
 *
 * Published. Returns 0, -EEXIST, -EINVAL, -ENOMEM.
 */
int kvif_new(struct kport **out, const struct ptn_port_params *params,
	     u16 mem_id);

/** kvif_delete - 0, -ENXIO when it is none, -EBUSY when it is in use */
int kvif_delete(struct kport *p);

int knic_module_init(void);
void knic_module_exit(void);

#endif
