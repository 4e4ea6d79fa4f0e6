// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kgenl.h"

#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include "kdump.h"
#include "kspec.h"
#include "ktxn.h"

enum { SESSIONS_MAX = 64 };

/* An open transaction, and the socket that it is on. */
struct session {
	struct list_head node;
	u32 portid;
	/* another one may get the number; never looked into */
	const void *sock;
	struct ktxn *txn;
	int spoilt; /* 0, or why COMMIT will fail */
	char why[KSPEC_TEXT];
};

static LIST_HEAD(sessions);
static DEFINE_MUTEX(sessions_lock);
static u32 n_sessions;
static bool there;

bool kgenl_is_there(void)
{
	return READ_ONCE(there);
}

__printf(3, 4) static int refuse(struct kmessage *r, int err,
				 const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vscnprintf(r->text, sizeof(r->text), format, ap);
	va_end(ap);
	return err;
}

/* Transactions of sockets; all under sessions_lock. */

static void end_session(struct session *s)
{
	list_del(&s->node);
	n_sessions--;
	ktxn_free(s->txn);
	kfree(s);
}

static struct session *session_of(const struct kmessage *r)
{
	struct session *s;

	list_for_each_entry(s, &sessions, node) {
		if (s->portid != r->portid)
			continue;
		if (s->sock == r->sock)
			return s;
		end_session(s); /* its socket has gone */
		return NULL;
	}
	return NULL;
}

static int begin_session(struct kmessage *r)
{
	struct session *s;

	if (session_of(r))
		return refuse(r, -EBUSY, "a transaction is open already");
	if (n_sessions >= SESSIONS_MAX)
		return refuse(r, -EBUSY,
			      "%d others have a transaction open, that is all",
			      SESSIONS_MAX);
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (s)
		s->txn = ktxn_new(nla_get_u64(r->attrs[PTN_A_REVISION]));
	if (!s || !s->txn) {
		kfree(s);
		return refuse(r, -ENOMEM, "no memory");
	}
	s->portid = r->portid;
	s->sock = r->sock;
	list_add(&s->node, &sessions);
	n_sessions++;
	return 0;
}

/*
 * A refused change spoils the transaction that it was meant for. Returns
 * whether something else has spoilt it before.
 */
static bool spoil(struct kmessage *r, int err, const char *text)
{
	struct session *s;
	bool before;

	mutex_lock(&sessions_lock);
	s = session_of(r);
	before = s && s->spoilt;
	if (s && !before) {
		s->spoilt = err;
		strscpy(s->why, text, sizeof(s->why));
	}
	mutex_unlock(&sessions_lock);
	return before;
}

static int released(struct notifier_block *block, unsigned long event,
		    void *arg)
{
	const struct netlink_notify *n = arg;
	struct session *s;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !net_eq(n->net, &init_net))
		return NOTIFY_DONE;
	mutex_lock(&sessions_lock);
	list_for_each_entry(s, &sessions, node) {
		if (s->portid == n->portid) {
			end_session(s);
			break;
		}
	}
	mutex_unlock(&sessions_lock);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = {.notifier_call = released};

/* Requests */

static int begin(struct kmessage *r)
{
	int err;

	mutex_lock(&sessions_lock);
	err = begin_session(r);
	mutex_unlock(&sessions_lock);
	return err;
}

/* The session of a request that ends it: no other finds it any more. */
static struct session *take_session(struct kmessage *r)
{
	struct session *s;

	mutex_lock(&sessions_lock);
	s = session_of(r);
	if (s) {
		list_del_init(&s->node);
		n_sessions--;
	}
	mutex_unlock(&sessions_lock);
	if (!s)
		refuse(r, -EINVAL, "no transaction is open");
	return s;
}

static void free_session(struct session *s)
{
	ktxn_free(s->txn);
	kfree(s);
}

static int commit(struct kmessage *r)
{
	struct session *s = take_session(r);
	int err;

	if (!s)
		return -EINVAL;
	err = s->spoilt ? refuse(r, s->spoilt, "%s", s->why)
			: ktxn_commit(s->txn, r->text);
	free_session(s);
	return err;
}

static int cancel(struct kmessage *r)
{
	struct session *s = take_session(r);

	if (!s)
		return -EINVAL;
	free_session(s);
	return 0;
}

/* After the first refusal the rest need not be told; COMMIT tells it again. */
static int stage(struct kmessage *r, enum kaction action, int attr)
{
	struct session *s;
	struct kspec spec;
	int err = kspec_read(&spec, r->attrs[attr], r->text);

	if (err)
		return err;
	mutex_lock(&sessions_lock);
	s = session_of(r);
	if (!s)
		err = refuse(r, -EINVAL,
			     "no transaction is open: TXN_BEGIN comes first");
	else if (!s->spoilt)
		err = ktxn_add(s->txn, action, &spec, r->text);
	mutex_unlock(&sessions_lock);
	kspec_fini(&spec);
	return err;
}

static const struct command {
	int (*run)(struct kmessage *r);
	u8 needs; /* the attribute that it takes; 0: none */
	bool stages;
	u8 action; /* enum kaction */
	int (*dump)(struct sk_buff *skb, struct netlink_callback *cb);
} commands[PTN_CMD_MAX] = {
#define STAGES(action, attr)                                                   \
	{                                                                      \
		NULL, attr, true, action, NULL                                 \
	}
	[PTN_CMD_INFO_GET] = {kdump_info},
	[PTN_CMD_TXN_BEGIN] = {begin, PTN_A_REVISION},
	[PTN_CMD_TXN_COMMIT] = {commit},
	[PTN_CMD_TXN_ABORT] = {cancel},
	[PTN_CMD_SWITCH_NEW] = STAGES(KACTION_NEW, PTN_A_SWITCH),
	[PTN_CMD_SWITCH_SET] = STAGES(KACTION_SET, PTN_A_SWITCH),
	[PTN_CMD_SWITCH_DEL] = STAGES(KACTION_DEL, PTN_A_SWITCH),
	[PTN_CMD_SWITCH_GET] = {kdump_object, PTN_A_SWITCH,
				.dump = kdump_objects},
	[PTN_CMD_PIPE_NEW] = STAGES(KACTION_NEW, PTN_A_PIPE),
	[PTN_CMD_PIPE_DEL] = STAGES(KACTION_DEL, PTN_A_PIPE),
	[PTN_CMD_PIPE_GET] = {kdump_object, PTN_A_PIPE, .dump = kdump_objects},
	[PTN_CMD_PORT_NEW] = STAGES(KACTION_NEW, PTN_A_PORT),
	[PTN_CMD_PORT_SET] = STAGES(KACTION_SET, PTN_A_PORT),
	[PTN_CMD_PORT_DEL] = STAGES(KACTION_DEL, PTN_A_PORT),
	[PTN_CMD_PORT_GET] = {kdump_object, PTN_A_PORT, .dump = kdump_objects},
	[PTN_CMD_FDB_GET] = {NULL, PTN_A_SWITCH, .dump = kdump_fdb},
	[PTN_CMD_CENSUS_GET] = {kdump_census},
};

/*
 * The policies are looked at here and not by generic netlink before the
 * request comes here: a transaction must know of every change that was
 * refused.
 */
static int check(struct kmessage *r, bool dump, struct netlink_ext_ack *extack)
{
	const struct command *c = &commands[r->cmd];
	const struct genlmsghdr *g = nlmsg_data(r->nlh);
	u16 flags = r->nlh->nlmsg_flags & ~(NLM_F_REQUEST | NLM_F_ACK);
	int err;

	if (dump)
		flags &= ~NLM_F_DUMP;
	if (flags || g->reserved)
		return refuse(r, -EINVAL, "flags that are not known");
	if (g->version != PTN_FAMILY_VERSION)
		return refuse(r, -EINVAL,
			      "version %u of the control family, not %d",
			      g->version, PTN_FAMILY_VERSION);
	if (dump ? !c->dump : !c->run && !c->stages)
		return refuse(r, -EOPNOTSUPP, "%s",
			      dump ? "there is nothing to dump"
				   : "only a dump can be had");
	err = nlmsg_parse(r->nlh, GENL_HDRLEN, r->attrs, PTN_A_MAX,
			  kspec_policy, extack);
	if (err)
		return err;
	for (int i = 1; i <= PTN_A_MAX; i++)
		if (r->attrs[i] && i != c->needs)
			return refuse(r, -EINVAL,
				      "attribute %d is not for command %u", i,
				      r->cmd);
	if (c->needs && !r->attrs[c->needs] && (!dump || !c->run))
		return refuse(r, -EINVAL,
			      "command %u lacks an attribute that it needs",
			      r->cmd);
	return 0;
}

/* As netlink_ack() does, with a sentence that was written just now. */
static int tell(const struct kmessage *r, int err)
{
	const size_t text = nla_total_size(strlen(r->text) + 1);
	struct sk_buff *skb =
		nlmsg_new(sizeof(struct nlmsgerr) + text, GFP_KERNEL);
	struct nlmsghdr *h;
	struct nlmsgerr *e;

	if (!skb)
		return err;
	h = nlmsg_put(skb, r->portid, r->seq, NLMSG_ERROR, sizeof(*e),
		      NLM_F_CAPPED | NLM_F_ACK_TLVS);
	e = nlmsg_data(h);
	e->error = err;
	e->msg = *r->nlh;
	nla_put_string(skb, NLMSGERR_ATTR_MSG, r->text);
	nlmsg_end(skb, h);
	genlmsg_unicast(&init_net, skb, r->portid);
	return -EINTR; /* and so the kernel sends no acknowledgement */
}

/* What was refused, by us or by the policies: for the transaction, and told. */
static int refused(struct kmessage *r, int err,
		   const struct netlink_ext_ack *extack)
{
	const struct command *c = &commands[r->cmd];
	const char *text = r->text;

	if (!*text)
		text = extack && extack->_msg ? extack->_msg : "refused";
	/* more of the same would fill the socket that COMMIT is answered on */
	if (c->stages && spoil(r, err, text) &&
	    !(r->nlh->nlmsg_flags & NLM_F_ACK))
		return -EINTR;
	return r->text[0] ? tell(r, err) : err;
}

/* On the stack: there must be one for whatever is refused. */
static void take_request(struct kmessage *r, const struct sk_buff *skb,
			 const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *g = nlmsg_data(nlh);

	r->sock = NETLINK_CB(skb).sk;
	r->portid = NETLINK_CB(skb).portid;
	r->seq = nlh->nlmsg_seq;
	r->nlh = nlh;
	r->cmd = g->cmd;
	r->text[0] = 0;
}

static int doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct command *c;
	struct kmessage r;
	int err;

	take_request(&r, skb, info->nlhdr);
	c = &commands[r.cmd];
	err = check(&r, false, info->extack);
	if (!err)
		err = c->stages ? stage(&r, c->action, c->needs) : c->run(&r);
	return err ? refused(&r, err, info->extack) : 0;
}

static int start(struct netlink_callback *cb)
{
	struct kmessage r;
	int err;

	take_request(&r, cb->skb, cb->nlh);
	err = check(&r, true, NULL);
	if (!err)
		err = kdump_start(cb, &r);
	return err ? refused(&r, err, NULL) : 0;
}

static int dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genlmsghdr *g = nlmsg_data(cb->nlh);

	return commands[g->cmd].dump(skb, cb);
}

/* The family */

#define OP(command)                                                            \
	{                                                                      \
		.cmd = PTN_CMD_##command, .flags = GENL_ADMIN_PERM,            \
		.doit = doit, .start = start, .dumpit = dump,                  \
	}

static const struct genl_ops ops[] = {
	OP(INFO_GET),	OP(TXN_BEGIN),	OP(TXN_COMMIT), OP(TXN_ABORT),
	OP(SWITCH_NEW), OP(SWITCH_SET), OP(SWITCH_DEL), OP(SWITCH_GET),
	OP(PIPE_NEW),	OP(PIPE_DEL),	OP(PIPE_GET),	OP(PORT_NEW),
	OP(PORT_SET),	OP(PORT_DEL),	OP(PORT_GET),	OP(FDB_GET),
	OP(CENSUS_GET),
};

static const struct genl_multicast_group groups[] = {
	[KGENL_EVENTS] = {.name = PTN_EVENTS_GROUP,
			  .flags = GENL_MCAST_CAP_NET_ADMIN},
};

struct genl_family kgenl_family __ro_after_init = {
	.name = PTN_FAMILY_NAME,
	.version = PTN_FAMILY_VERSION,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.resv_start_op = PTN_CMD_MAX, /* check() looks at all of it */
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.parallel_ops = true,
};

int kgenl_module_init(void)
{
	int err;

	ktxn_module_init();
	err = netlink_register_notifier(&notifier);
	if (err)
		return err;
	err = genl_register_family(&kgenl_family);
	if (err)
		netlink_unregister_notifier(&notifier);
	else
		WRITE_ONCE(there, true);
	return err;
}

void kgenl_module_exit(void)
{
	struct session *s, *next;

	WRITE_ONCE(there, false);
	genl_unregister_family(&kgenl_family);
	netlink_unregister_notifier(&notifier);
	list_for_each_entry_safe(s, next, &sessions, node)
		end_session(s);
}
