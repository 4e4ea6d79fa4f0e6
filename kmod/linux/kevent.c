// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kevent.h"

#include "kgenl.h"
#include "kport.h"
#include "kswitch.h"

/* What there is to tell; what is NULL or 0 is not told. */
struct told {
	enum ptn_event type;
	const u64 *revision;
	const char *port, *sw;
	u32 pid, rate;
};

static void put(struct sk_buff *skb, const struct told *t)
{
	struct nlattr *nest;

	if (t->revision)
		nla_put(skb, PTN_A_REVISION, sizeof(*t->revision), t->revision);
	nest = nla_nest_start(skb, PTN_A_EVENT);
	nla_put_u32(skb, PTN_EV_TYPE, t->type);
	if (t->port)
		nla_put_string(skb, PTN_EV_NAME, t->port);
	if (t->pid)
		nla_put_u32(skb, PTN_EV_PID, t->pid);
	if (t->sw)
		nla_put_string(skb, PTN_EV_SWITCH, t->sw);
	if (t->rate)
		nla_put_u32(skb, PTN_EV_RATE, t->rate);
	nla_nest_end(skb, nest);
}

static void send(const struct told *t)
{
	struct sk_buff *skb;
	void *head;

	if (!kgenl_is_there() ||
	    !genl_has_listeners(&kgenl_family, &init_net, KGENL_EVENTS))
		return;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		goto lost;
	head = genlmsg_put(skb, 0, 0, &kgenl_family, 0, PTN_CMD_EVENT);
	put(skb, t);
	genlmsg_end(skb, head);
	genlmsg_multicast(&kgenl_family, skb, 0, KGENL_EVENTS, GFP_ATOMIC);
	return;

lost:
	genl_set_err(&kgenl_family, &init_net, 0, KGENL_EVENTS, -ENOBUFS);
}

void kevent_changed(u64 revision)
{
	const struct told t = {.type = PTN_EVENT_CHANGED,
			       .revision = &revision};

	send(&t);
}

void kevent_port(const struct kport *p, enum ptn_event type)
{
	const struct told t = {.type = type, .port = p->name, .pid = p->pid};

	send(&t);
}

void kevent_storm(const struct kswitch *s, u32 rate)
{
	const struct told t = {
		.type = PTN_EVENT_STORM, .sw = s->name, .rate = rate};

	send(&t);
}
