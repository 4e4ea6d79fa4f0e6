// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kevent.h"

#include "kgenl.h"
#include "kport.h"

static void send(enum ptn_event type, const struct kport *p,
		 const u64 *revision)
{
	struct sk_buff *skb;
	struct nlattr *nest;
	void *head;

	if (!kgenl_is_there() ||
	    !genl_has_listeners(&kgenl_family, &init_net, KGENL_EVENTS))
		return;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		goto lost;
	head = genlmsg_put(skb, 0, 0, &kgenl_family, 0, PTN_CMD_EVENT);
	if (revision)
		nla_put(skb, PTN_A_REVISION, sizeof(*revision), revision);
	nest = nla_nest_start(skb, PTN_A_EVENT);
	nla_put_u32(skb, PTN_EV_TYPE, type);
	if (p) {
		nla_put_string(skb, PTN_EV_NAME, p->name);
		if (p->pid)
			nla_put_u32(skb, PTN_EV_PID, p->pid);
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, head);
	genlmsg_multicast(&kgenl_family, skb, 0, KGENL_EVENTS, GFP_ATOMIC);
	return;

lost:
	genl_set_err(&kgenl_family, &init_net, 0, KGENL_EVENTS, -ENOBUFS);
}

void kevent_changed(u64 revision)
{
	send(PTN_EVENT_CHANGED, NULL, &revision);
}

void kevent_port(const struct kport *p, enum ptn_event type)
{
	send(type, p, NULL);
}
