// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Threads, each on a CPU of its own, that look at the queues of an attached
 * device. Where nothing comes for a while they sleep a little between looks.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include <ptnet/request.h>

#include "kctl.h"
#include "knic_inner.h"
#include "kwhy.h"

enum { FRUITLESS_LOOKS = 1000, SLEEP_US = 50 };

struct poller {
	struct kpolling *all;
	struct task_struct *thread;
	u32 first; /* queue; every so many-th, as there are threads, is ours */
};

struct kpolling {
	struct knic *nic;
	struct nmreq_vale_polling how;
	u32 n;
	struct poller poller[];
};

static u32 look(const struct poller *me)
{
	struct knic *nic = me->all->nic;
	const u32 n = max(nic->wire.n_in, nic->wire.n_out);
	u32 moved = 0;

	for (u32 i = me->first; i < n; i += me->all->n)
		moved += kside_look(&nic->wire, i);
	if (!me->first)
		moved += kside_look(&nic->stack, 0);
	return moved;
}

static int poll(void *arg)
{
	const struct poller *me = arg;
	u32 fruitless = 0;

	while (!kthread_should_stop()) {
		fruitless = look(me) ? 0 : fruitless + 1;
		if (fruitless > FRUITLESS_LOOKS)
			usleep_range(SLEEP_US, 2 * SLEEP_US);
		else
			cond_resched();
	}
	return 0;
}

static int check(const struct nmreq_vale_polling *how)
{
	const u32 first = how->nr_first_cpu_id, n = how->nr_num_polling_cpus;

	if (how->nr_mode != NETMAP_POLLING_MODE_SINGLE_CPU &&
	    how->nr_mode != NETMAP_POLLING_MODE_MULTI_CPU)
		return kwhy(-EINVAL, "there is no polling mode %u",
			    how->nr_mode);
	if (!n || n >= num_online_cpus())
		return kwhy(-EINVAL, "polling on %u of %u CPUs", n,
			    num_online_cpus());
	if (how->nr_mode == NETMAP_POLLING_MODE_SINGLE_CPU && n != 1)
		return kwhy(-EINVAL, "one CPU to poll on, not %u", n);
	for (u32 i = 0; i < n; i++)
		if (first >= nr_cpu_ids || first + i >= nr_cpu_ids ||
		    !cpu_online(first + i))
			return kwhy(-EINVAL, "no CPU %u to poll on", first + i);
	return 0;
}

static void stop_threads(struct kpolling *k)
{
	for (u32 i = 0; i < k->n; i++)
		if (k->poller[i].thread)
			kthread_stop(k->poller[i].thread);
	kfree(k);
}

static int start_threads(struct kpolling *k)
{
	for (u32 i = 0; i < k->n; i++) {
		struct poller *p = &k->poller[i];
		struct task_struct *t;

		p->all = k;
		p->first = i;
		t = kthread_create(poll, p, "ptnet/%s/%u", k->nic->port->name,
				   i);
		if (IS_ERR(t))
			return PTR_ERR(t);
		kthread_bind(t, k->how.nr_first_cpu_id + i);
		p->thread = t;
	}
	for (u32 i = 0; i < k->n; i++)
		wake_up_process(k->poller[i].thread);
	return 0;
}

int knic_poll_start(struct kport *p, const struct nmreq_vale_polling *how)
{
	struct knic *nic = p->nic;
	struct kpolling *k;
	int err;

	kctl_assert_held();
	if (!nic || !nic->attached || nic->is_vif)
		return -ENXIO;
	if (nic->polling)
		return kwhy(-EBUSY, "port %s is polled already", p->name);
	err = check(how);
	if (err)
		return err;
	k = kzalloc(struct_size(k, poller, how->nr_num_polling_cpus),
		    GFP_KERNEL_ACCOUNT);
	if (!k)
		return -ENOMEM;
	k->nic = nic;
	k->how = *how;
	k->n = how->nr_num_polling_cpus;
	err = start_threads(k);
	if (err) {
		stop_threads(k);
		return err;
	}
	nic->polling = k;
	kside_poll(&nic->wire, true);
	kside_poll(&nic->stack, true);
	return 0;
}

int knic_poll_stop(struct kport *p, struct nmreq_vale_polling *was)
{
	struct knic *nic = p->nic;

	kctl_assert_held();
	if (!nic || !nic->polling)
		return -ENXIO;
	if (was)
		*was = nic->polling->how;
	stop_threads(nic->polling);
	nic->polling = NULL;
	kside_poll(&nic->wire, false);
	kside_poll(&nic->stack, false);
	return 0;
}
