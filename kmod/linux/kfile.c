// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Nothing here takes a lock that is held while user memory is touched: mmap()
 * comes in under the program's mmap_lock.
 */
#include "kfile.h"

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include <ptnet/bind.h>

#include "kbind.h"
#include "kguest.h"
#include "klegacy.h"
#include "kmem.h"
#include "kport.h"
#include "kregister.h"
#include "krequest.h"
#include "ksync.h"

static int kfile_open(struct inode *inode, struct file *file)
{
	struct kfile *f;

	/* what fails to load waits for nobody who has it open already */
	if (THIS_MODULE->state == MODULE_STATE_COMING)
		return -ENXIO;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	kloop_init(&f->loop);
	file->private_data = f;
	return nonseekable_open(inode, file);
}

/* Nobody has the file any more, nor a mapping of it. */
static int kfile_release(struct inode *inode, struct file *file)
{
	struct kfile *f = file->private_data;

	kregister_release(f);
	mutex_destroy(&f->lock);
	kfree(f);
	return 0;
}

static int kfile_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct kfile *f = file->private_data;
	struct kguest_program *guest = kfile_guest(f);

	if (guest)
		return kguest_mmap(guest, vma);
	return kfile_port(f) ? kmem_mmap(f->mem, vma) : -EINVAL;
}

/* Syncs by call */

static int sync_port(const struct kfile *f, struct kport **out)
{
	struct kport *p = kfile_port(f);

	if (unlikely(!p))
		return krefuse(-ENXIO, "sync: no port is registered");
	if (unlikely(READ_ONCE(f->csb)))
		return krefuse(-EBUSY, "sync: %s is in CSB mode", p->name);
	*out = p;
	return 0;
}

/* All rings are synced, whatever one of them says. */
static int sync_all(const struct kfile *f, u64 queues,
		    int (*sync)(struct kport *p, u32 queue))
{
	struct kport *p;
	int err = sync_port(f, &p);

	if (unlikely(err))
		return err;
	for (; queues; queues &= queues - 1) {
		int failed = sync(p, __ffs64(queues));

		if (unlikely(failed))
			err = failed;
	}
	return err;
}

static int sync_tx(const struct kfile *f)
{
	const struct kguest_program *guest = kfile_guest(f);
	struct kport *p = kfile_port(f);

	if (guest)
		return kguest_sync(guest, true);
	if (unlikely(p && p->monitor))
		return krefuse(-EIO, "monitors of %s send nothing", p->name);
	return sync_all(f, f->tx, ksync_tx);
}

static int sync_rx(const struct kfile *f)
{
	const struct kguest_program *guest = kfile_guest(f);

	return guest ? kguest_sync(guest, false) : sync_all(f, f->rx, ksync_rx);
}

static long kfile_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kfile *f = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case NIOCTXSYNC:
		return sync_tx(f);
	case NIOCRXSYNC:
		return sync_rx(f);
	case NIOCCTRL:
		return krequest_ioctl(f, user);
	case NIOCGINFO:
	case NIOCREGIF:
		return klegacy_ioctl(f, cmd, user);
	case PTN_IOCBIND:
		return kbind_ioctl(user);
	case NIOCCONFIG:
		return krefuse(-EOPNOTSUPP, "ports have nothing to configure");
	default:
		return -ENOTTY;
	}
}

/* poll() */

/* Of all rings: what epoll waits for may change without our being told. */
static void wait_at(const struct kfile *f, struct kport *p, struct file *file,
		    poll_table *table)
{
	u64 queues;

	if (poll_does_not_wait(table))
		return;
	for (queues = f->tx; queues; queues &= queues - 1)
		poll_wait(file, &p->ring[__ffs64(queues)].wait, table);
	for (queues = f->rx; queues; queues &= queues - 1)
		poll_wait(file, &p->ring[p->tx_rings + __ffs64(queues)].wait,
			  table);
}

static __poll_t poll_tx(const struct kfile *f, struct kport *p, bool want)
{
	__poll_t ready = 0;

	for (u64 queues = f->tx; queues; queues &= queues - 1) {
		int answer = ksync_poll_tx(p, __ffs64(queues), want);

		if (unlikely(answer < 0))
			ready |= EPOLLERR;
		else if (answer && want)
			ready |= EPOLLOUT | EPOLLWRNORM;
	}
	return ready;
}

static __poll_t poll_rx(const struct kfile *f, struct kport *p, bool want)
{
	__poll_t ready = 0;

	for (u64 queues = f->rx; queues; queues &= queues - 1) {
		int answer = ksync_poll_rx(p, __ffs64(queues));

		if (unlikely(answer < 0))
			ready |= EPOLLERR;
		else if (answer && want)
			ready |= EPOLLIN | EPOLLRDNORM;
	}
	return ready;
}

static __poll_t kfile_poll(struct file *file, poll_table *table)
{
	const struct kfile *f = file->private_data;
	const struct kguest_program *guest = kfile_guest(f);
	struct kport *p = kfile_port(f);
	const __poll_t events = poll_requested_events(table);
	const bool in = events & (EPOLLIN | EPOLLRDNORM);
	const bool out = events & (EPOLLOUT | EPOLLWRNORM);
	__poll_t ready = 0;

	if (guest)
		return kguest_poll(guest, file, table);
	if (unlikely(!p || READ_ONCE(f->csb)))
		return EPOLLERR;
	wait_at(f, p, file, table);
	if (unlikely(READ_ONCE(p->gone)))
		return EPOLLERR;
	if (out || !(f->flags & NR_NO_TX_POLL))
		ready |= poll_tx(f, p, out);
	if (in || f->flags & NR_DO_RX_POLL)
		ready |= poll_rx(f, p, in);
	return ready;
}

/* The device */

static const struct file_operations kfile_ops = {
	.owner = THIS_MODULE,
	.open = kfile_open,
	.release = kfile_release,
	.unlocked_ioctl = kfile_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = kfile_mmap,
	.poll = kfile_poll,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "netmap",
	.mode = 0600,
	.fops = &kfile_ops,
};

int kfile_module_init(void)
{
	return misc_register(&device);
}

void kfile_module_exit(void)
{
	misc_deregister(&device);
}
