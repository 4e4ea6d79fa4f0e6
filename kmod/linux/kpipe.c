// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kpipe.h"

#include "kctl.h"
#include "kmem.h"
#include "kname.h"
#include "kport.h"

LIST_HEAD(kpipe_list);

static DEFINE_HASHTABLE(names, KNAME_BITS);

int kpipe_new(struct kpipe **out, const char *name)
{
	struct kpipe *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	int err;

	if (!p)
		return -ENOMEM;
	if (strscpy(p->name, name, sizeof(p->name)) < 0) {
		kfree(p);
		return -EINVAL;
	}
	INIT_LIST_HEAD(&p->node);
	err = ptn_pipe_new(&p->core, name);
	if (err) {
		kfree(p);
		return err;
	}
	*out = p;
	return 0;
}

void kpipe_publish(struct kpipe *p)
{
	kctl_assert_held();
	hash_add(names, &p->by_name, kname_hash(p->name, strlen(p->name)));
	list_add_tail(&p->node, &kpipe_list);
	kctl_generation++;
}

void kpipe_free(struct kpipe *p)
{
	if (!p)
		return;
	if (hash_hashed(&p->by_name))
		kctl_generation++;
	hash_del(&p->by_name);
	list_del(&p->node);
	ptn_pipe_free(p->core);
	if (p->parent) {
		p->parent->pins--;
		kport_settle(p->parent);
		kport_put(p->parent);
	}
	kfree(p);
}

struct kpipe *kpipe_find(const char *name)
{
	const u32 hash = kname_hash(name, strlen(name));
	struct kpipe *p;

	kctl_assert_held();
	hash_for_each_possible(names, p, by_name, hash) {
		if (!strcmp(p->name, name))
			return p;
	}
	return NULL;
}

void kpipe_set_parent(struct kpipe *p, struct kport *parent)
{
	kctl_assert_held();
	kport_get(parent);
	parent->pins++;
	p->parent = parent;
}

static int end_memory(struct kport *end, struct kmem **out)
{
	struct kport *parent = end->pipe->parent;

	return parent->gone ? -ENXIO : kport_memory_for_pipes(parent, out);
}

const struct kport_ops kpipe_end_ops = {.memory = end_memory};

void kpipe_settle(struct kpipe *p)
{
	kctl_assert_held();
	if (!p->managed && !p->end[0] && !p->end[1])
		kpipe_free(p);
}

/*
 * Both ends' syncs touch the rings of both: the other end is held as well
 * while the link changes.
 */
int kpipe_attach(struct kpipe *p, unsigned int end, struct kport *port)
{
	int err;

	kctl_assert_held();
	if (end > 1 || p->end[end] || port->sw || port->pipe)
		return -EBUSY;
	kport_hold(port);
	err = ptn_pipe_attach(p->core, end, port->core);
	kport_release(port);
	if (err)
		return err;
	p->end[end] = port;
	port->pipe = p;
	port->end = end;
	return 0;
}

void kpipe_detach(struct kport *port)
{
	struct kpipe *p = port->pipe;

	kctl_assert_held();
	if (!p)
		return;
	kport_hold(port);
	ptn_pipe_detach(port->core);
	kport_release(port);
	p->end[port->end] = NULL;
	port->pipe = NULL;
}
