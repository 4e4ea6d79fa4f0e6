// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "ktxn.h"

#include <linux/module.h>
#include <linux/slab.h>

#include "kchange.h"
#include "kctl.h"
#include "kevent.h"
#include "knic.h"
#include "kpipe.h"
#include "kport.h"
#include "kswitch.h"

/* What people may have written down, in all transactions, and in one. */
#define ALL_BYTES_MAX (128l << 20)
#define TXN_BYTES_MAX (64l << 20)

u64 ktxn_revision, ktxn_instance;

static u32 managed; /* objects; while there are any the module stays */
static atomic_long_t all_bytes;

void ktxn_module_init(void)
{
	get_random_bytes(&ktxn_instance, sizeof(ktxn_instance));
	ktxn_instance |= 1; /* never 0 */
}

/* Writing down */

struct ktxn *ktxn_new(u64 revision)
{
	struct ktxn *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	t->revision = revision;
	INIT_LIST_HEAD(&t->changes);
	return t;
}

void ktxn_free(struct ktxn *t)
{
	struct change *c, *next;

	if (!t)
		return;
	list_for_each_entry_safe(c, next, &t->changes, node) {
		kspec_fini(&c->spec);
		kfree(c);
		cond_resched();
	}
	atomic_long_sub(t->bytes, &all_bytes);
	kfree(t);
}

static bool has_room(const struct ktxn *t, long bytes)
{
	if (t->bytes + bytes > TXN_BYTES_MAX)
		return false;
	if (atomic_long_add_return(bytes, &all_bytes) <= ALL_BYTES_MAX)
		return true;
	atomic_long_sub(bytes, &all_bytes);
	return false;
}

int ktxn_add(struct ktxn *t, enum kaction action, struct kspec *spec,
	     char *text)
{
	const long bytes = sizeof(struct change) + kspec_bytes(spec);
	struct change *c;
	int err;

	if (action == KACTION_DEL && !spec->name[0])
		return kspec_refuse(spec, text, -EINVAL, "no name");
	err = action == KACTION_DEL ? 0 : kspec_check(spec, text);
	if (err)
		return err;
	if (!has_room(t, bytes))
		return kspec_refuse(spec, text, -E2BIG,
				    "too many changes in one transaction");
	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c) {
		atomic_long_sub(bytes, &all_bytes);
		return kspec_refuse(spec, text, -ENOMEM, "no memory");
	}
	t->bytes += bytes;
	t->n_new += action == KACTION_NEW;
	t->n_deleted += action == KACTION_DEL;
	c->action = action;
	c->spec = *spec;
	if (spec->kind == KSPEC_SWITCH)
		spec->sw.statics = NULL;
	list_add_tail(&c->node, &t->changes);
	return 0;
}

/* Doing: nothing here can fail. */

static void delete_port(struct change *c)
{
	if (c->on_switch)
		c->on_switch->leaving_ports = 0;
	kport_remove(c->port);
}

static void delete_kind(struct ktxn *t, enum kspec_kind kind)
{
	struct change *c;

	list_for_each_entry(c, &t->changes, node) {
		if (c->action != KACTION_DEL || c->spec.kind != kind)
			continue;
		if (kind == KSPEC_PORT)
			delete_port(c);
		else if (kind == KSPEC_PIPE)
			kpipe_free(c->pipe);
		else
			kswitch_free(c->sw);
		c->object = NULL;
	}
}

static void publish(struct change *c)
{
	switch (c->spec.kind) {
	case KSPEC_SWITCH:
		kswitch_publish(c->sw);
		break;
	case KSPEC_PIPE:
		kpipe_publish(c->pipe);
		break;
	case KSPEC_PORT:
		/* the names and the ends have been looked at */
		WARN_ON_ONCE(kport_publish(c->port));
		if (knic_lacks(c->port))
			knic_say_gone(c->port);
		if (c->on_pipe)
			WARN_ON_ONCE(kpipe_attach(c->on_pipe, c->spec.port.end,
						  c->port));
		break;
	}
}

static void change(struct change *c)
{
	if (c->spec.kind == KSPEC_PORT) {
		memcpy(c->port->owner, c->spec.port.owner, PTN_NAME_MAX);
		return;
	}
	memcpy(c->sw->owner, c->spec.sw.owner, PTN_NAME_MAX);
	swap(c->sw->statics, c->spec.sw.statics);
	swap(c->sw->n_statics, c->spec.sw.n_statics);
	c->sw->ageing_ms = c->spec.sw.ageing_ms;
	ptn_vale_set_ageing(c->sw->vale, c->sw->ageing_ms);
	kswitch_start_ticking(c->sw);
}

static void do_all(struct ktxn *t)
{
	struct change *c;

	delete_kind(t, KSPEC_PORT);
	delete_kind(t, KSPEC_PIPE);
	delete_kind(t, KSPEC_SWITCH);
	list_for_each_entry(c, &t->changes, node) {
		if (c->action == KACTION_NEW)
			publish(c);
		else if (c->action == KACTION_SET)
			change(c);
	}
	/* those of a port that was replaced went with the old one */
	list_for_each_entry(c, &t->changes, node) {
		if (c->action == KACTION_NEW && c->on_switch &&
		    !c->on_switch->changing)
			kprepare_repin(c->on_switch, c->spec.name);
	}
	kctl_generation++;
	managed += t->n_new - t->n_deleted;
	ktxn_revision = t->revision;
	if (!managed && !t->revision)
		ktxn_module_init();
}

static int each(struct ktxn *t, int (*step)(struct ktxn *t, struct change *c))
{
	struct change *c;

	list_for_each_entry(c, &t->changes, node) {
		int err = step(t, c);

		if (err)
			return err;
	}
	return 0;
}

static int prepare(struct ktxn *t)
{
	static int (*const steps[])(struct ktxn * t, struct change * c) = {
		kcheck_name,  kprepare_make,	kcheck_place,
		kcheck_whole, kprepare_connect, kprepare_pin,
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(steps); i++)
		err = each(t, steps[i]);
	return err;
}

static int commit(struct ktxn *t)
{
	int err = prepare(t);

	if (err) {
		kcheck_forget(t);
		kprepare_undo(t);
		return err;
	}
	do_all(t);
	kcheck_forget(t);
	kevent_changed(t->revision);
	return 0;
}

/* What people declared keeps the module. */
static int commit_held(struct ktxn *t)
{
	const bool had = managed;
	int err;

	if (!had && !try_module_get(THIS_MODULE)) {
		scnprintf(t->text, KSPEC_TEXT, "the module is being unloaded");
		return -ENODEV;
	}
	err = commit(t);
	if (!managed)
		module_put(THIS_MODULE);
	return err;
}

int ktxn_commit(struct ktxn *t, char *text)
{
	int err;

	t->text = text;
	t->made_bits = max(ilog2(roundup_pow_of_two(t->n_new + 1)), 1);
	t->made = kvcalloc(1u << t->made_bits, sizeof(*t->made), GFP_KERNEL);
	if (!t->made) {
		scnprintf(text, KSPEC_TEXT, "no memory");
		return -ENOMEM;
	}
	kctl_enter();
	err = commit_held(t);
	kctl_leave();
	kvfree(t->made);
	return err;
}
