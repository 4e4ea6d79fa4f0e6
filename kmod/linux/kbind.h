/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Bindings: the client of a VM's port (ptnet/bind.h), from the server's
 * request to the end of its connection. The kernel's side of ptnet/region.h.
 *
 * A thread of its own has all that happens to it: it moves the frames of all
 * rings, obeys commands, and ends with the connection or the port, whichever
 * goes first. Nobody waits for it. Nothing of the server is needed.
 *
 * The client is not trusted: its eventfds are signalled, which never waits,
 * and never read; its indirect frames, which lie in no program's memory, are
 * dropped.
 */
#ifndef PTN_KBIND_H
#define PTN_KBIND_H

#include <linux/types.h>

#include <ptnet/control.h>

struct kbind;
struct kmem;
struct kport;
struct ptn_bind;

/** kbind_ioctl - PTN_IOCBIND */
int kbind_ioctl(struct ptn_bind __user *arg);

/* For the port. */

/** kbind_open - the core's port, its indices in the client's window */
int kbind_open(struct kbind *b);

/** kbind_pid - the client's, as it connected */
pid_t kbind_pid(const struct kbind *b);

/** kbind_state - ATTACHED, UP or FAULTED */
enum ptn_port_state kbind_state(const struct kbind *b);

/** kbind_driver, kbind_generation - what it says it is, and was told */
u32 kbind_driver(const struct kbind *b);
u32 kbind_generation(const struct kbind *b);

/** kbind_wake - look at its rings; under RCU, any context */
void kbind_wake(struct kbind *b);

/** kbind_fault - a ring of it was found corrupt; under RCU, any context */
void kbind_fault(struct kbind *b);

/** kbind_memory - kport_ops.memory of VMs' ports: what its client maps */
int kbind_memory(struct kport *p, struct kmem **out);

struct kport_ops;
extern const struct kport_ops kbind_ops;

#endif
