// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kbind.h"

#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/sock.h>

#include <ptnet/bind.h>

#include "compat.h"
#include "core/patience.h"
#include "core/window.h"
#include "kctl.h"
#include "kevent.h"
#include "kloop.h"
#include "kmem.h"
#include "kport.h"
#include "ktxn.h"
#include "kwhy.h"

static_assert((int)PTN_BIND_NAME == PTN_NAME_MAX);

enum {
	NOISE_MAX = 1000, /* in a second */
	NOISE_FAULT = 10, /* what a fault counts, beside an unasked kick's 1 */
	MUTED_FAULT =
		10, /* for how many one stands of who is seldom looked at */
	MUTED_TICKS = 5, /* after a noisy one */
	MUTED_PART = 30, /* so much longer than a turn are the naps between */
	MUTED_US_MIN = 2000,
	MUTED_US_MAX = 20000,
};

/* Something that the thread is woken by, besides the rings. */
struct heard {
	struct kbind *bind;
	struct file *file; /* NULL: none */
	bool set; /* since it was looked at last */
	wait_queue_head_t *wait;
	wait_queue_entry_t entry;
	poll_table table;
};

struct kbind {
	struct kport *port;
	struct kmem *mem; /* one more user */
	struct kwindow place;
	struct ptn_window window;
	bool opened;
	pid_t pid;
	struct kloop *loop;
	struct heard connection, doorbell;
	struct eventfd_ctx *irq; /* of vector 0 */
	unsigned long tick; /* jiffies of the next one */
	u64 patience; /* ns */
	u32 faults; /* about how many */
	u32 noise; /* that there was at the last tick */
	u32 muted; /* ticks that it is yet */
};

/* Bindings that have ended; somebody may wait for one. */
static u32 ended;
static DECLARE_WAIT_QUEUE_HEAD(ending);

/* What the port asks. */

int kbind_memory(struct kport *p, struct kmem **out)
{
	if (p->bind && p->bind->mem) {
		*out = kmem_get(p->bind->mem);
		return 0;
	}
	return p->bind ? kport_memory(p, out)
		       : kwhy(-ENXIO, "%s is of a VM that is not there",
			      p->name);
}

const struct kport_ops kbind_ops = {.memory = kbind_memory};

int kbind_open(struct kbind *b)
{
	return ptn_port_open(b->port->core, b->mem->region,
			     ptn_window_atok(&b->window),
			     ptn_window_ktoa(&b->window));
}

pid_t kbind_pid(const struct kbind *b)
{
	return b->pid;
}

enum ptn_port_state kbind_state(const struct kbind *b)
{
	return ptn_window_state(&b->window);
}

u32 kbind_driver(const struct kbind *b)
{
	return READ_ONCE(b->window.driver);
}

u32 kbind_generation(const struct kbind *b)
{
	return READ_ONCE(b->window.generation);
}

void kbind_wake(struct kbind *b)
{
	struct kloop *l = READ_ONCE(b->loop);

	if (l)
		kloop_kick(l);
}

void kbind_fault(struct kbind *b)
{
	const u32 n = READ_ONCE(b->muted) ? MUTED_FAULT : 1;

	WRITE_ONCE(b->faults, b->faults + n);
	for (u32 i = 0; i < n; i++)
		if (ptn_window_fault(&b->window))
			kbind_wake(b);
}

/* What the window asks; from the thread. */

static int start(void *home)
{
	struct kbind *b = home;
	int err = -ENXIO;

	mutex_lock(&kctl_lock);
	if (!b->port->gone)
		err = ptn_port_start(b->port->core);
	mutex_unlock(&kctl_lock);
	return err;
}

/* A client may hand over frames and leave at once: these still go. */
static void stop(void *home)
{
	struct kbind *b = home;

	kloop_turn(b->loop);
	mutex_lock(&kctl_lock);
	ptn_port_stop(b->port->core);
	mutex_unlock(&kctl_lock);
}

static void reset(void *home)
{
	struct kbind *b = home;

	mutex_lock(&kctl_lock);
	kport_hold(b->port);
	ptn_port_reset(b->port->core);
	kport_release(b->port);
	mutex_unlock(&kctl_lock);
}

static void kick(void *home)
{
	struct kbind *b = home;

	compat_eventfd_signal(b->irq);
}

static const struct ptn_window_ops window_ops = {
	.start = start,
	.stop = stop,
	.reset = reset,
	.kick = kick,
};

/* Hearing */

/* A client that was too noisy wakes nobody until the next tick. */
static int wakes(wait_queue_entry_t *entry, unsigned int mode, int sync,
		 void *key)
{
	struct heard *h = container_of(entry, struct heard, entry);

	if (h == &h->bind->doorbell && READ_ONCE(h->bind->window.muted))
		return 0;
	WRITE_ONCE(h->set, true);
	kloop_kick(h->bind->loop);
	return 0;
}

static void queue(struct file *file, wait_queue_head_t *wait, poll_table *table)
{
	struct heard *h = container_of(table, struct heard, table);

	if (h->wait)
		return;
	h->wait = wait;
	add_wait_queue(wait, &h->entry);
}

/* What was there before is heard as well. */
static void listen(struct kbind *b, struct heard *h)
{
	h->bind = b;
	init_waitqueue_func_entry(&h->entry, wakes);
	init_poll_funcptr(&h->table, queue);
	vfs_poll(h->file, &h->table);
	WRITE_ONCE(h->set, true);
}

static void listen_no_more(struct heard *h)
{
	if (h->wait)
		remove_wait_queue(h->wait, &h->entry);
	h->wait = NULL;
}

static bool was_heard(struct heard *h)
{
	return READ_ONCE(h->set) && xchg(&h->set, false);
}

/* The thread */

/* A client has nothing to say: whatever comes ends the binding. */
static bool is_over(const struct kbind *b)
{
	return vfs_poll(b->connection.file, NULL) &
	       (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

static bool has_ended(struct kbind *b)
{
	return READ_ONCE(b->port->gone) ||
	       (was_heard(&b->connection) && is_over(b));
}

static bool is_due(const void *home)
{
	const struct kbind *b = home;

	return READ_ONCE(b->connection.set) || READ_ONCE(b->doorbell.set) ||
	       (READ_ONCE(b->window.too_many) && !b->window.faulted);
}

/*
 * Each VM's thread gets its share of the processor, which others miss. That
 * is as it should be where frames are moved. Who makes work that is of no use
 * to anybody, by kicks that nobody asked for or by what makes no sense in its
 * rings, is not heard for a while, but looked at by time, a turn each. (That
 * it had a lower priority would not do: it has locks that others wait for.)
 */
static u32 noise(const struct kbind *b)
{
	return kloop_unasked(b->loop) + NOISE_FAULT * READ_ONCE(b->faults);
}

static void mute(struct kbind *b)
{
	if (noise(b) - b->noise <= NOISE_MAX)
		return;
	b->noise = noise(b);
	if (!b->muted)
		kloop_deafen(b->loop, true);
	b->muted = MUTED_TICKS;
}

static void unmute(struct kbind *b)
{
	b->noise = noise(b);
	if (b->muted && !--b->muted)
		kloop_deafen(b->loop, false);
}

static void tick(struct kbind *b)
{
	if (time_before(jiffies, b->tick))
		return;
	b->tick = jiffies + HZ;
	unmute(b);
	if (ptn_window_tick(&b->window))
		WRITE_ONCE(b->doorbell.set, true);
}

static void look_after(struct kbind *b)
{
	struct ptn_window *w = &b->window;

	mute(b);
	tick(b);
	if (was_heard(&b->doorbell))
		ptn_window_heard(w);
	if (!ptn_window_fail(w))
		return;
	kevent_port(b->port, PTN_EVENT_PORT_STOPPED);
	pr_info_ratelimited(
		"ptnetmap: port %s: stopped, its VM (process %d) corrupted the rings too often\n",
		b->port->name, b->pid);
}

/*
 * Looks for a while before it asks for kicks. Who has nothing to do but to
 * send gets the processor meanwhile, and need not kick for that. Returns
 * whether something has moved.
 */
static bool look_longer(struct kbind *b)
{
	const u64 end = ktime_get_ns() + b->patience;

	do {
		cond_resched();
		cpu_relax();
		if (kloop_turn(b->loop))
			return true;
	} while (ktime_get_ns() < end && !is_due(b));
	return false;
}

static void sleep(struct kbind *b)
{
	const unsigned long now = jiffies;
	const u64 since = ktime_get_ns();

	kloop_sleep(b->loop, time_before(now, b->tick) ? b->tick - now : 1);
	b->patience = ptn_patience_adapt(b->patience, ktime_get_ns() - since);
}

static bool work(struct kbind *b)
{
	return b->window.running && (kloop_turn(b->loop) || look_longer(b));
}

/* A small part of the time. The loop asks for no kicks meanwhile. */
static void work_little(struct kbind *b)
{
	const u64 since = ktime_get_ns();
	u64 us;

	if (b->window.running)
		kloop_turn(b->loop);
	us = div_u64((ktime_get_ns() - since) * MUTED_PART, NSEC_PER_USEC);
	us = clamp_t(u64, us, MUTED_US_MIN, MUTED_US_MAX);
	usleep_range(us, us + MUTED_US_MIN);
}

static void end(struct kbind *b);

static int run(void *home)
{
	struct kbind *b = home;

	while (!has_ended(b)) {
		look_after(b);
		if (b->muted)
			work_little(b);
		else if (!work(b))
			sleep(b);
		cond_resched();
	}
	end(b);
	module_put_and_kthread_exit(0);
}

/* Beginning and end */

/* Undoes bind() however far it came; before the port is closed. */
static void unbind(struct kbind *b)
{
	struct kport *p = b->port;

	kctl_assert_held();
	if (!p)
		return;
	b->port = NULL;
	listen_no_more(&b->connection);
	listen_no_more(&b->doorbell);
	WRITE_ONCE(p->bind, NULL);
	kloop_free(b->loop); /* waits for who uses it, or the binding */
	b->loop = NULL;
	if (b->opened)
		kport_close(p);
	if (b->mem)
		kmem_give_window(b->mem, &b->place);
	kmem_put(b->mem);
	kport_put(p);
}

static void free_bind(struct kbind *b)
{
	if (b->connection.file)
		fput(b->connection.file);
	if (b->doorbell.file)
		fput(b->doorbell.file);
	if (b->irq)
		eventfd_ctx_put(b->irq);
	kfree(b);
}

static void end(struct kbind *b)
{
	if (READ_ONCE(b->port->gone))
		ptn_window_end(&b->window);
	else
		ptn_window_stop(&b->window);
	kctl_enter();
	unbind(b);
	WRITE_ONCE(ended, ended + 1);
	kctl_leave();
	wake_up_all(&ending);
	free_bind(b);
}

static void show(struct kbind *b)
{
	const struct kport *p = b->port;
	const struct ptn_window_params params = {
		.name = p->name,
		.mac = p->mac,
		/* the core cuts for whom has none; a pipe leaves frames alone
		 */
		.features = !p->pipe && p->offload ? PTN_REGION_HEADERS : 0,
		.generation = (u32)ktxn_instance,
		.number = b->place.number,
		.queues = p->params.queues,
		.slots = p->params.slots,
	};

	ptn_window_show(&b->window, p->core, &params);
}

static int take_memory(struct kbind *b)
{
	int err = kport_memory_to_open(b->port, &b->mem);

	if (!err)
		err = kmem_take_window(b->mem, &b->place);
	if (err == -ENOSPC)
		return kwhy(err, "%s: its domain's memory has no room for it",
			    b->port->name);
	if (!err)
		ptn_window_init(&b->window, b->place.base, &window_ops, b);
	return err;
}

static int open_port(struct kbind *b)
{
	struct kport *p = b->port;
	int err = kport_open(p);

	if (err)
		return err;
	b->opened = true;
	for (u32 i = 0; i < p->tx_rings + p->rx_rings; i++)
		p->ring[i].csb = true;
	show(b);
	return 0;
}

/* The eventfds of a vector, as the server has them. */
struct vector {
	s32 host, client;
};

static int watch_rings(struct kbind *b, const struct vector *v)
{
	struct kport *p = b->port;

	b->loop = kloop_new(p, is_due, b);
	if (!b->loop)
		return -ENOMEM;
	for (u32 i = 1; i <= p->tx_rings + p->rx_rings; i++) {
		struct eventfd_ctx *irq = eventfd_ctx_fdget(v[i].client);
		struct file *io;
		int err;

		if (IS_ERR(irq))
			return kwhy(-EBADF, "vector %u: %d is no eventfd", i,
				    v[i].client);
		io = fget(v[i].host);
		if (!io) {
			eventfd_ctx_put(irq);
			return kwhy(-EBADF, "vector %u: %d is no descriptor", i,
				    v[i].host);
		}
		err = kloop_watch(b->loop, i, io, irq);
		if (err)
			return kwhy(err, "vector %u: %d is no eventfd", i,
				    v[i].host);
	}
	return 0;
}

static int find_port(struct kbind *b, const char *name, u32 vectors)
{
	struct kport *p = kport_find(name);

	if (!p || p->kind != PTN_PORT_VM || strcmp(p->name, name))
		return kwhy(-ENOENT, "there is no port %s of a VM", name);
	if (p->bind && is_over(p->bind))
		return -EAGAIN;
	if (p->bind)
		return kwhy(-EBUSY, "%s is bound to process %d", name,
			    kbind_pid(p->bind));
	if (vectors != 1 + 2 * p->params.queues)
		return kwhy(-EINVAL, "%s has %u vectors, not %u", name,
			    1 + 2 * p->params.queues, vectors);
	kport_get(p);
	b->port = p;
	WRITE_ONCE(p->bind, b);
	return 0;
}

static int bind(struct kbind *b, const struct ptn_bind *r,
		const struct vector *v)
{
	int err = find_port(b, r->name, r->vectors);

	if (!err)
		err = take_memory(b);
	if (!err)
		err = open_port(b);
	if (!err)
		err = watch_rings(b, v);
	if (err)
		return err;
	listen(b, &b->doorbell);
	listen(b, &b->connection);
	b->tick = jiffies;
	b->patience = PTN_PATIENCE_START;
	return 0;
}

static int begin(struct kbind *b)
{
	struct task_struct *t;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	t = kthread_run(run, b, "ptnet/%s", b->port->name);
	if (!IS_ERR(t))
		return 0;
	module_put(THIS_MODULE);
	return PTR_ERR(t);
}

/* The request */

/* Whoever accepted it has it from who connected. */
static int take_connection(struct kbind *b, int fd)
{
	struct socket *sock;
	struct sock *sk;

	b->connection.file = fget(fd);
	sock = b->connection.file ? sock_from_file(b->connection.file) : NULL;
	if (!sock || sock->sk->sk_family != AF_UNIX ||
	    sock->type != SOCK_STREAM)
		return -EBADF;
	sk = sock->sk;
	spin_lock(&sk->sk_peer_lock);
	b->pid = pid_nr(sk->sk_peer_pid);
	spin_unlock(&sk->sk_peer_lock);
	return 0;
}

static int take_control(struct kbind *b, const struct vector *v)
{
	struct eventfd_ctx *irq = eventfd_ctx_fdget(v->client), *io;

	if (IS_ERR(irq))
		return -EBADF;
	b->irq = irq;
	b->doorbell.file = fget(v->host);
	io = b->doorbell.file ? eventfd_ctx_fileget(b->doorbell.file)
			      : ERR_PTR(-EBADF);
	if (IS_ERR(io))
		return -EBADF;
	eventfd_ctx_put(io);
	return 0;
}

static int new_bind(struct kbind **out, const struct ptn_bind *r,
		    const struct vector *v)
{
	struct kbind *b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	int err;

	if (!b)
		return -ENOMEM;
	err = take_connection(b, r->connection);
	if (!err)
		err = take_control(b, v);
	if (err) {
		free_bind(b);
		return err;
	}
	*out = b;
	return 0;
}

static int take_vectors(const struct ptn_bind *r, struct vector *v)
{
	const s32 __user *host = u64_to_user_ptr(r->host_fds);
	const s32 __user *client = u64_to_user_ptr(r->client_fds);

	if (!r->vectors || r->vectors > PTN_VECTORS_MAX ||
	    strnlen(r->name, sizeof(r->name)) == sizeof(r->name))
		return -EINVAL;
	for (u32 i = 0; i < r->vectors; i++)
		if (get_user(v[i].host, host + i) ||
		    get_user(v[i].client, client + i))
			return -EFAULT;
	return 0;
}

static int tell(struct ptn_bind __user *arg, struct ptn_bind *r,
		const struct kbind *b, int memory)
{
	r->window = b->place.number;
	r->memory = memory;
	return copy_to_user(arg, r, sizeof(*r)) ? -EFAULT : 0;
}

static int try_bind(struct kbind *b, struct ptn_bind *r, const struct vector *v,
		    u32 *seen)
{
	int err;

	kctl_enter();
	kwhy_forget();
	err = bind(b, r, v);
	if (err) {
		strscpy(r->text, kwhy_last(), sizeof(r->text));
		unbind(b);
	}
	*seen = ended;
	kctl_leave();
	return err;
}

/* A client that died a moment ago does not keep the port. */
static int bind_when_free(struct kbind *b, struct ptn_bind *r,
			  const struct vector *v)
{
	const unsigned long patience = jiffies + HZ;
	u32 seen;
	int err;

	for (;;) {
		err = try_bind(b, r, v, &seen);
		if (err != -EAGAIN)
			return err;
		if (time_after(jiffies, patience))
			return -EBUSY;
		if (wait_event_interruptible_timeout(
			    ending, READ_ONCE(ended) != seen, HZ) < 0)
			return -EINTR;
	}
}

/* With the answer given, nothing fails any more but for want of memory. */
int kbind_ioctl(struct ptn_bind __user *arg)
{
	struct vector v[PTN_VECTORS_MAX];
	struct file *memory = NULL;
	struct ptn_bind r;
	struct kbind *b;
	int fd, err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	err = take_vectors(&r, v);
	if (err)
		return err;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = new_bind(&b, &r, v);
	if (err)
		goto err_fd;
	err = bind_when_free(b, &r, v);
	if (!err) {
		memory = get_file(b->mem->file);
		err = tell(arg, &r, b, fd);
	} else if (copy_to_user(arg->text, r.text, sizeof(r.text))) {
		err = -EFAULT;
	}
	if (!err)
		err = begin(b);
	if (err)
		goto err_bind;
	fd_install(fd, memory);
	return 0;

err_bind:
	if (memory)
		fput(memory);
	kctl_enter();
	unbind(b);
	kctl_leave();
	free_bind(b);
err_fd:
	put_unused_fd(fd);
	return err;
}
