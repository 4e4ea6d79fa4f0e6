// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kdump.h"

#include "core/region.h"
#include "kbind.h"
#include "kctl.h"
#include "kmem.h"
#include "knic.h"
#include "kpipe.h"
#include "kport.h"
#include "kswitch.h"
#include "ktxn.h"

enum {
	/* Of any object, with names and counters, but without static ones. */
	OBJECT_BYTES = 2048,
	STATIC_BYTES = 4 + 12 + 4 + PTN_NAME_MAX,
	FEATURES = PTN_FEATURE_SWITCH | PTN_FEATURE_PIPE | PTN_FEATURE_PORT |
		   PTN_FEATURE_NIC | PTN_FEATURE_VM,
};

/* Attributes */

static int put_text(struct sk_buff *skb, int attr, const char *text)
{
	return *text ? nla_put_string(skb, attr, text) : 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put(skb, attr, sizeof(value), &value);
}

static int put_counters(struct sk_buff *skb, int attr, const u64 *counters,
			int max)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	int err = nest ? 0 : -EMSGSIZE;

	for (int i = 1; !err && i <= max; i++)
		err = put_u64(skb, i, counters[i]);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

static int put_statics(struct sk_buff *skb, const struct kswitch *s)
{
	for (u32 i = 0; i < s->n_statics; i++) {
		struct nlattr *nest = nla_nest_start(skb, PTN_SW_STATIC);

		if (!nest || nla_put(skb, PTN_FDB_MAC, 6, s->statics[i].mac) ||
		    nla_put_string(skb, PTN_FDB_PORT, s->statics[i].port))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int put_foreign(struct sk_buff *skb, int attr, bool foreign)
{
	return foreign ? nla_put_u8(skb, attr, 1) : 0;
}

static int put_switch(struct sk_buff *skb, const void *object)
{
	const struct kswitch *s = object;
	u64 counters[PTN_SWC_MAX + 1];

	ptn_vale_counters(s->vale, counters);
	if (put_text(skb, PTN_SW_NAME, s->name) ||
	    put_text(skb, PTN_SW_OWNER, s->owner) ||
	    nla_put_u32(skb, PTN_SW_AGEING_MS, s->ageing_ms) ||
	    nla_put_u32(skb, PTN_SW_FDB_SIZE, s->fdb_size) ||
	    put_statics(skb, s) || nla_put_u32(skb, PTN_SW_PORTS, s->n_ports) ||
	    nla_put_u32(skb, PTN_SW_FDB_USED, ptn_vale_fdb_used(s->vale)) ||
	    put_counters(skb, PTN_SW_COUNTERS, counters, PTN_SWC_MAX))
		return -EMSGSIZE;
	return put_foreign(skb, PTN_SW_FOREIGN, !s->managed);
}

static int put_pipe(struct sk_buff *skb, const void *object)
{
	const struct kpipe *p = object;

	if (put_text(skb, PTN_PI_NAME, p->name) ||
	    put_text(skb, PTN_PI_OWNER, p->owner) ||
	    put_text(skb, PTN_PI_DOMAIN, p->domain))
		return -EMSGSIZE;
	return put_foreign(skb, PTN_PI_FOREIGN, !p->managed);
}

/* How programs name it; some libraries want "vale" before a switch's name. */
static int put_open_name(struct sk_buff *skb, const struct kport *p)
{
	char name[2 * PTN_NAME_MAX + 8];
	size_t n;

	/* only the host's stack has it, or who binds it */
	if (knic_is_host(p) || p->kind == PTN_PORT_VM)
		return 0;
	if (p->sw && p->origin == KPORT_MANAGED) {
		n = snprintf(name, sizeof(name), "%s%s:%s",
			     strncmp(p->sw->name, "vale", 4) ? "vale" : "",
			     p->sw->name, p->name);
		if (n < PTN_NAME_MAX)
			return nla_put_string(skb, PTN_PO_SOCKET, name);
	}
	if (p->pipe && p->origin == KPORT_MANAGED)
		snprintf(name, sizeof(name), "netmap:%s%s", p->pipe->name,
			 p->end ? "}0" : "{0");
	else if (strncmp(p->name, "vale", 4) || !strchr(p->name, ':'))
		snprintf(name, sizeof(name), "netmap:%s", p->name);
	else
		strscpy(name, p->name, sizeof(name));
	return nla_put_string(skb, PTN_PO_SOCKET, name);
}

static enum ptn_port_state state_of(const struct kport *p)
{
	if (knic_lacks(p))
		return knic_is_back(p) ? PTN_PORT_STALE : PTN_PORT_FAULTED;
	if (p->bind)
		return kbind_state(p->bind);
	return p->opens ? PTN_PORT_UP : PTN_PORT_DOWN;
}

/* Of a device on a switch we are the program. */
static bool is_program(const struct kport *p)
{
	return !p->nic || !p->sw;
}

static int put_port_status(struct sk_buff *skb, const struct kport *p)
{
	u64 counters[PTN_C_MAX + 1];

	kport_counters(p, counters);
	if (nla_put_u32(skb, PTN_PO_STATE, state_of(p)) ||
	    nla_put_u32(skb, PTN_PO_PID, is_program(p) ? p->pid : 0) ||
	    put_open_name(skb, p) ||
	    nla_put_u32(skb, PTN_PO_PAGE_SIZE, p->mem ? PAGE_SIZE : 0) ||
	    nla_put_u8(skb, PTN_PO_DEVICE_GONE, knic_lacks(p)) ||
	    put_counters(skb, PTN_PO_COUNTERS, counters, PTN_C_MAX))
		return -EMSGSIZE;
	if (p->bind &&
	    (nla_put_u32(skb, PTN_PO_DRIVER, kbind_driver(p->bind)) ||
	     nla_put_u32(skb, PTN_PO_GENERATION, kbind_generation(p->bind))))
		return -EMSGSIZE;
	return put_foreign(skb, PTN_PO_FOREIGN, p->origin != KPORT_MANAGED);
}

static int put_port_place(struct sk_buff *skb, const struct kport *p)
{
	const char *sw = p->sw ? p->sw->name : p->declared.sw;

	if (put_text(skb, PTN_PO_SWITCH, sw))
		return -EMSGSIZE;
	if (p->pipe && (nla_put_string(skb, PTN_PO_PIPE, p->pipe->name) ||
			nla_put_u8(skb, PTN_PO_END, p->end)))
		return -EMSGSIZE;
	if (p->nic && (put_text(skb, PTN_PO_NIC,
				p->device[0] ? p->device : knic_device(p)) ||
		       nla_put_u8(skb, PTN_PO_HOST_STACK, p->host_stack)))
		return -EMSGSIZE;
	return 0;
}

/* As it was declared, or as a program made it. */
static int put_port_shape(struct sk_buff *skb, const struct kport *p)
{
	const bool declared = p->origin == KPORT_MANAGED;

	if (nla_put_u32(skb, PTN_PO_QUEUES,
			declared ? p->declared.queues : p->params.queues) ||
	    nla_put_u32(skb, PTN_PO_SLOTS,
			declared ? p->declared.slots : p->params.slots) ||
	    nla_put_u32(skb, PTN_PO_BUF_SIZE,
			declared ? p->declared.buf_size : p->buf_size) ||
	    nla_put_u32(skb, PTN_PO_EXTRA_BUFS, p->params.extra_bufs))
		return -EMSGSIZE;
	return nla_put_u8(skb, PTN_PO_HUGE_PAGES, p->huge_pages)
		       ?: nla_put_u8(skb, PTN_PO_OFFLOAD, p->offload);
}

static int put_port(struct sk_buff *skb, const void *object)
{
	const struct kport *p = object;

	if (put_text(skb, PTN_PO_NAME, p->name) ||
	    put_text(skb, PTN_PO_OWNER, p->owner) ||
	    nla_put_u32(skb, PTN_PO_KIND, p->kind) || put_port_place(skb, p) ||
	    put_text(skb, PTN_PO_DOMAIN, p->domain) ||
	    (p->has_mac && nla_put(skb, PTN_PO_MAC, 6, p->mac)) ||
	    put_port_shape(skb, p))
		return -EMSGSIZE;
	return put_port_status(skb, p);
}

/* Kinds of objects that can be asked for. */

static const void *named_switch(const char *name)
{
	const struct kswitch *s = kswitch_find(name, strlen(name));

	return s && !strcmp(s->name, name) ? s : NULL;
}

static const void *named_pipe(const char *name)
{
	return kpipe_find(name);
}

static const void *named_port(const char *name)
{
	return kport_find(name);
}

static const struct asked {
	struct list_head *list;
	size_t node; /* in the object */
	const void *(*named)(const char *name);
	int (*put)(struct sk_buff *skb, const void *object);
	u8 attr, cmd;
} kinds[] = {
	[KSPEC_SWITCH] = {&kswitch_list, offsetof(struct kswitch, node),
			  named_switch, put_switch, PTN_A_SWITCH,
			  PTN_CMD_SWITCH_NEW},
	[KSPEC_PIPE] = {&kpipe_list, offsetof(struct kpipe, node), named_pipe,
			put_pipe, PTN_A_PIPE, PTN_CMD_PIPE_NEW},
	[KSPEC_PORT] = {&kport_list, offsetof(struct kport, node), named_port,
			put_port, PTN_A_PORT, PTN_CMD_PORT_NEW},
};

static const struct asked *asked_by(u8 cmd)
{
	return &kinds[cmd == PTN_CMD_SWITCH_GET ? KSPEC_SWITCH
		      : cmd == PTN_CMD_PIPE_GET ? KSPEC_PIPE
						: KSPEC_PORT];
}

static size_t bytes_of(const struct asked *a, const void *object)
{
	const struct kswitch *s = object;

	return OBJECT_BYTES +
	       (a->attr == PTN_A_SWITCH ? s->n_statics * STATIC_BYTES : 0);
}

static int put_object(struct sk_buff *skb, const struct asked *a,
		      const void *object)
{
	struct nlattr *nest = nla_nest_start(skb, a->attr);
	int err = nest ? a->put(skb, object) : -EMSGSIZE;

	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

/* One answer */

static void *answer(struct kmessage *r, u8 cmd, size_t bytes,
		    struct sk_buff **skb)
{
	*skb = genlmsg_new(bytes, GFP_KERNEL);
	return *skb ? genlmsg_put(*skb, r->portid, r->seq, &kgenl_family, 0,
				  cmd)
		    : NULL;
}

static int send(struct kmessage *r, struct sk_buff *skb, void *head)
{
	genlmsg_end(skb, head);
	genlmsg_unicast(&init_net, skb, r->portid);
	return 0;
}

int kdump_info(struct kmessage *r)
{
	struct sk_buff *skb;
	void *head = answer(r, PTN_CMD_INFO_NEW, NLMSG_DEFAULT_SIZE, &skb);
	u64 revision, instance;

	if (!head)
		return -ENOMEM;
	mutex_lock(&kctl_lock);
	revision = ktxn_revision;
	instance = ktxn_instance;
	mutex_unlock(&kctl_lock);
	if (put_u64(skb, PTN_A_REVISION, revision) ||
	    nla_put_string(skb, PTN_A_VERSION, PTNET_VERSION) ||
	    nla_put_u32(skb, PTN_A_FEATURES, FEATURES) ||
	    put_u64(skb, PTN_A_INSTANCE, instance)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	return send(r, skb, head);
}

static int tell_one(struct kmessage *r, const struct asked *a,
		    const struct kspec *spec)
{
	const void *object = a->named(spec->name);
	struct sk_buff *skb;
	void *head;

	if (!object)
		return kspec_refuse(spec, r->text, -ENOENT, "is not there");
	head = answer(r, a->cmd, bytes_of(a, object), &skb);
	if (!head)
		return -ENOMEM;
	if (put_object(skb, a, object)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	return send(r, skb, head);
}

int kdump_object(struct kmessage *r)
{
	const struct asked *a = asked_by(r->cmd);
	struct kspec spec;
	int err = kspec_read(&spec, r->attrs[a->attr], r->text);

	if (err)
		return err;
	mutex_lock(&kctl_lock);
	err = tell_one(r, a, &spec);
	mutex_unlock(&kctl_lock);
	kspec_fini(&spec);
	return err;
}

/* Dumps */

static struct kswitch *switch_asked(struct kmessage *r)
{
	struct kspec spec;
	struct kswitch *s;

	if (kspec_read(&spec, r->attrs[PTN_A_SWITCH], r->text))
		return NULL;
	s = (struct kswitch *)named_switch(spec.name);
	if (!s)
		kspec_refuse(&spec, r->text, -ENOENT, "is not there");
	kspec_fini(&spec);
	return s;
}

int kdump_start(struct netlink_callback *cb, struct kmessage *r)
{
	struct kswitch *s;
	size_t most = 0;
	int err = 0;

	mutex_lock(&kctl_lock);
	if (r->cmd == PTN_CMD_FDB_GET)
		err = switch_asked(r) ? 0 : -ENOENT;
	list_for_each_entry(s, &kswitch_list, node)
		most = max_t(size_t, most, s->n_statics);
	mutex_unlock(&kctl_lock);
	if (r->cmd == PTN_CMD_SWITCH_GET)
		cb->min_dump_alloc = NLMSG_GOODSIZE + most * STATIC_BYTES;
	return err;
}

static int put_one(struct sk_buff *skb, struct netlink_callback *cb,
		   const struct asked *a, const void *object)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &kgenl_family, NLM_F_MULTI,
				 a->cmd);

	if (!head)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, head);
	if (put_object(skb, a, object)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int kdump_objects(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genlmsghdr *g = nlmsg_data(cb->nlh);
	const struct asked *a = asked_by(g->cmd);
	struct list_head *node;
	long at = 0;
	int err = 0;

	mutex_lock(&kctl_lock);
	cb->seq = kctl_generation;
	list_for_each(node, a->list) {
		if (at++ < cb->args[0])
			continue;
		err = put_one(skb, cb, a, (char *)node - a->node);
		if (err)
			break;
		cb->args[0] = at;
	}
	mutex_unlock(&kctl_lock);
	return skb->len ? skb->len : err;
}

static int put_fdb(struct sk_buff *skb, struct netlink_callback *cb,
		   const struct ptn_fdb_view *v)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &kgenl_family, NLM_F_MULTI,
				 PTN_CMD_FDB_NEW);
	struct nlattr *nest = head ? nla_nest_start(skb, PTN_A_FDB) : NULL;

	if (!nest || nla_put(skb, PTN_FDB_MAC, sizeof(v->mac), v->mac) ||
	    nla_put_string(skb, PTN_FDB_PORT, ptn_port_name(v->port)) ||
	    nla_put_u8(skb, PTN_FDB_STATIC, v->is_static) ||
	    nla_put_u32(skb, PTN_FDB_AGE_MS, v->age_ms)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, head);
	return 0;
}

static int put_table(struct sk_buff *skb, struct netlink_callback *cb,
		     struct kswitch *s)
{
	struct ptn_fdb_view view;
	u32 at = cb->args[0];

	while (ptn_vale_fdb(s->vale, &at, &view)) {
		if (view.port && put_fdb(skb, cb, &view))
			return -EMSGSIZE;
		cb->args[0] = at;
	}
	cb->args[0] = at;
	return 0;
}

/* The switch is looked for each time: it may have gone meanwhile. */
int kdump_fdb(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kmessage *r = kzalloc(sizeof(*r), GFP_KERNEL);
	struct kswitch *s;
	int err = -ENOMEM;

	if (!r)
		return err;
	err = nlmsg_parse(cb->nlh, GENL_HDRLEN, r->attrs, PTN_A_MAX,
			  kspec_policy, NULL);
	mutex_lock(&kctl_lock);
	s = err ? NULL : switch_asked(r);
	err = s ? put_table(skb, cb, s) : -ENOENT;
	mutex_unlock(&kctl_lock);
	kfree(r);
	return skb->len ? skb->len : err;
}

/* Buffers */

static void hold_all_of(const struct kmem *m, void (*hold)(struct kport *p))
{
	struct kport *p;

	list_for_each_entry(p, &kport_list, node) {
		if (p->mem == m)
			hold(p);
	}
}

static void count(struct ptn_census *sum, const struct kmem *m)
{
	struct ptn_census c;

	hold_all_of(m, kport_hold);
	ptn_region_census(m->region, &c);
	hold_all_of(m, kport_release);
	sum->buffers += c.buffers;
	sum->free += c.free;
	sum->slots += c.slots;
	sum->extra += c.extra;
	sum->lost += c.lost;
	sum->twice += c.twice;
}

int kdump_census(struct kmessage *r)
{
	struct ptn_census sum = {};
	struct sk_buff *skb;
	void *head = answer(r, PTN_CMD_CENSUS_NEW, NLMSG_DEFAULT_SIZE, &skb);
	struct nlattr *nest = head ? nla_nest_start(skb, PTN_A_CENSUS) : NULL;
	u32 regions = 0;

	if (!nest)
		return -ENOMEM;
	mutex_lock(&kctl_lock);
	for (struct kmem *m = kmem_each(NULL); m; m = kmem_each(m)) {
		count(&sum, m);
		regions++;
	}
	mutex_unlock(&kctl_lock);
	if (nla_put_u32(skb, PTN_CE_REGIONS, regions) ||
	    put_u64(skb, PTN_CE_BUFFERS, sum.buffers) ||
	    put_u64(skb, PTN_CE_FREE, sum.free) ||
	    put_u64(skb, PTN_CE_SLOTS, sum.slots) ||
	    put_u64(skb, PTN_CE_EXTRA, sum.extra) ||
	    put_u64(skb, PTN_CE_LOST, sum.lost) ||
	    put_u64(skb, PTN_CE_DOUBLE, sum.twice)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return send(r, skb, head);
}
