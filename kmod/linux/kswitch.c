// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kswitch.h"

#include <linux/workqueue.h>

#include "kctl.h"
#include "kevent.h"
#include "kname.h"
#include "kport.h"

enum {
	DEFAULT_FDB_SIZE = 8192,
	DEFAULT_AGEING_MS = 300 * 1000,
	/* frames flooded in a second, each a copy for every port: told */
	STORM = 100 * 1000,
};

LIST_HEAD(kswitch_list);

static DEFINE_HASHTABLE(names, KNAME_BITS);

/* Ageing, and storms: what costs the path of frames nothing */

static void tick(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(ticker, tick);

/* Flooded frames a second since the last tick; 0 at the first. */
static u32 flood_rate(struct kswitch *s)
{
	const unsigned long passed = jiffies - s->counted_at;
	u64 counters[PTN_SWC_MAX + 1], flooded;

	ptn_vale_counters(s->vale, counters);
	flooded = counters[PTN_SWC_FLOODED] - s->flooded;
	s->flooded = counters[PTN_SWC_FLOODED];
	s->counted_at = jiffies;
	if (!s->counted || !passed) {
		s->counted = true;
		return 0;
	}
	return min_t(u64, div64_ul(flooded * HZ, passed), U32_MAX);
}

/* Told when it begins, and again only after it has calmed down. */
static void watch_flooding(struct kswitch *s)
{
	const u32 rate = flood_rate(s);

	if (s->storm)
		s->storm = rate > STORM / 2;
	else if (rate > STORM) {
		s->storm = true;
		pr_info_ratelimited(
			"ptnetmap: switch %s floods %u frames a second\n",
			s->name, rate);
		kevent_storm(s, rate);
	}
}

/* Whether there is anything that could grow too old. */
static bool is_ageing(const struct kswitch *s)
{
	return s->ageing_ms && ptn_vale_fdb_used(s->vale) > s->n_statics;
}

/*
 * A switch with nothing to look after stops its clock: nothing idle wakes a
 * CPU. The next frame starts it.
 */
static void tick(struct work_struct *work)
{
	struct kswitch *s;
	bool again = false;

	mutex_lock(&kctl_lock);
	list_for_each_entry(s, &kswitch_list, node) {
		if (!READ_ONCE(s->ticking))
			continue;
		ptn_vale_age(s->vale);
		watch_flooding(s);
		again |= s->counted = is_ageing(s) || s->storm;
		WRITE_ONCE(s->ticking, s->counted);
	}
	mutex_unlock(&kctl_lock);
	if (again)
		schedule_delayed_work(&ticker, HZ);
}

void kswitch_start_ticking(struct kswitch *s)
{
	ptn_vale_age(s->vale); /* its clock stood still */
	WRITE_ONCE(s->ticking, true);
	schedule_delayed_work(&ticker, HZ);
}

void kswitch_module_exit(void)
{
	cancel_delayed_work_sync(&ticker);
}

/* Life */

int kswitch_new(struct kswitch **out, const char *name, u32 fdb_size,
		u32 ageing_ms)
{
	const struct ptn_vale_params params = {
		.name = name,
		.fdb_size = fdb_size,
		.ageing_ms = ageing_ms,
	};
	struct kswitch *s;
	int err;

	if (strlen(name) >= PTN_NAME_MAX)
		return -EINVAL;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	strscpy(s->name, name, sizeof(s->name));
	s->fdb_size = fdb_size;
	s->ageing_ms = ageing_ms;
	INIT_LIST_HEAD(&s->node);
	INIT_LIST_HEAD(&s->ports);
	err = ptn_vale_new(&s->vale, &params);
	if (err) {
		kfree(s);
		return err;
	}
	*out = s;
	return 0;
}

void kswitch_publish(struct kswitch *s)
{
	kctl_assert_held();
	hash_add(names, &s->by_name, kname_hash(s->name, strlen(s->name)));
	list_add_tail(&s->node, &kswitch_list);
	kctl_generation++;
}

void kswitch_free(struct kswitch *s)
{
	if (!s)
		return;
	if (hash_hashed(&s->by_name))
		kctl_generation++;
	hash_del(&s->by_name);
	list_del(&s->node);
	ptn_vale_free(s->vale);
	kvfree(s->statics);
	kfree(s);
}

static struct kswitch *find_exactly(const char *name, size_t len)
{
	const u32 hash = kname_hash(name, len);
	struct kswitch *s;

	hash_for_each_possible(names, s, by_name, hash) {
		if (strlen(s->name) == len && !memcmp(s->name, name, len))
			return s;
	}
	return NULL;
}

struct kswitch *kswitch_find(const char *name, size_t len)
{
	struct kswitch *s = find_exactly(name, len);

	kctl_assert_held();
	if (s || len <= 4 || memcmp(name, "vale", 4))
		return s;
	s = find_exactly(name + 4, len - 4);
	return s && s->managed ? s : NULL;
}

int kswitch_get(struct kswitch **out, const char *name, size_t len)
{
	char copy[PTN_NAME_MAX];
	int err;

	*out = kswitch_find(name, len);
	if (*out)
		return 0;
	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, name, len);
	copy[len] = 0;
	err = kswitch_new(out, copy, DEFAULT_FDB_SIZE, DEFAULT_AGEING_MS);
	if (!err)
		kswitch_publish(*out);
	return err;
}

void kswitch_settle(struct kswitch *s)
{
	kctl_assert_held();
	if (!s->managed && !s->n_ports)
		kswitch_free(s);
}

/* Ports */

/* The lowest number that no port has: LIST shows it, and programs keep it. */
static u32 free_index(const struct kswitch *s, struct list_head **before)
{
	const struct kport *p;
	u32 index = 0;

	*before = (struct list_head *)&s->ports;
	if (s->n_ports) {
		p = list_last_entry(&s->ports, struct kport, on_switch);
		if (p->switch_index + 1 == s->n_ports)
			return s->n_ports; /* no gaps */
	}
	list_for_each_entry(p, &s->ports, on_switch) {
		if (p->switch_index != index) {
			*before = (struct list_head *)&p->on_switch;
			break;
		}
		index++;
	}
	return index;
}

int kswitch_attach(struct kswitch *s, struct kport *p)
{
	struct list_head *before;
	int err;

	kctl_assert_held();
	if (p->sw || p->pipe)
		return -EBUSY;
	kport_hold(p);
	err = ptn_vale_attach(s->vale, p->core);
	if (!err)
		p->sw = s;
	kport_release(p);
	if (err)
		return err;
	p->switch_index = free_index(s, &before);
	list_add_tail(&p->on_switch, before);
	s->n_ports++;
	return 0;
}

void kswitch_detach(struct kport *p)
{
	struct kswitch *s = p->sw;

	kctl_assert_held();
	if (!s)
		return;
	kport_hold(p);
	ptn_vale_detach(p->core);
	p->sw = NULL;
	kport_release(p);
	list_del_init(&p->on_switch);
	s->n_ports--;
}
