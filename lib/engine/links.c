/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/links.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/attach.h"
#include "engine/control.h"
#include "engine/nic.h"
#include "engine/state.h"
#include "engine/uplink.h"
#include "nl/message.h"

enum { MESSAGE_BYTES = 8192 };

static void tell(const struct vport *p, enum ptn_event type)
{
	struct message_event event = {.type = type};

	strcpy(event.port, p->spec.name);
	control_tell(p->engine->control, &event);
}

void links_went(const struct vport *p)
{
	log_warn("port %s: its network device went away", p->spec.name);
	tell(p, PTN_EVENT_NIC_GONE);
}

static void came(const struct vport *p)
{
	log_info("port %s: there is a network device of its name again",
		 p->spec.name);
	tell(p, PTN_EVENT_NIC_BACK);
}

static void look(struct vport *p)
{
	const enum nic_news news = nic_look(p->nic);

	if (news == NIC_WENT || news == NIC_REPLACED)
		links_went(p);
	if (news == NIC_CAME || news == NIC_REPLACED)
		came(p);
	if (news == NIC_NO_NEWS)
		return;
	if (p->attach)
		attach_renew_device(p->attach);
	if (p->uplink)
		uplink_renew(p->uplink);
}

/* That something did is all that is heard: what it was, is asked for. */
static void links_heard(struct loop_source *source, uint32_t events)
{
	struct engine *e = loop_owner(source, struct engine, links);
	char words[MESSAGE_BYTES];
	struct table_node *n;

	(void)events;
	while (recv(source->fd, words, sizeof(words), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS)
		;
	for (n = table_next(&e->ports, NULL); n; n = table_next(&e->ports, n)) {
		struct vport *p = loop_owner(n, struct vport, node);

		if (p->nic)
			look(p);
	}
}

int links_watch(struct engine *e)
{
	const struct sockaddr_nl a = {.nl_family = AF_NETLINK,
				      .nl_groups = RTMGRP_LINK};
	int err;

	if (e->links.fd >= 0)
		return 0;
	e->links.heard = links_heard;
	e->links.fd = socket(AF_NETLINK,
			     SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			     NETLINK_ROUTE);
	if (e->links.fd < 0)
		return -errno;
	err = bind(e->links.fd, (const struct sockaddr *)&a, sizeof(a)) ? -errno
									: 0;
	if (!err)
		err = loop_add(&e->loop, &e->links, EPOLLIN);
	if (err) {
		close(e->links.fd);
		e->links.fd = -1;
	}
	return err;
}
