/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The generic netlink family of control: who may ask, what requests look
 * like, whose transaction is open, how a refusal is told. Its files:
 *
 *	kgenl.c		requests come in, transactions of sockets
 *	kspec.c		one object's attributes
 *	ktxn.c		changes, all or nothing
 *	kdump.c		what is there
 *	kevent.c	what happens
 *	kdomain.c	memory that managed ports share
 *
 * It is for the administrator of the host: CAP_NET_ADMIN in the first user
 * namespace, and only in the first network namespace.
 */
#ifndef PTN_KGENL_H
#define PTN_KGENL_H

#include <net/genetlink.h>

#include <ptnet/control.h>

#include "kspec.h"

enum kgenl_group { KGENL_EVENTS };

extern struct genl_family kgenl_family;

/** kgenl_is_there - the family is: somebody may listen */
bool kgenl_is_there(void);

/* A request, and what to say when it is refused. */
struct kmessage {
	const void *sock; /* who asks, never looked into */
	u32 portid, seq;
	const struct nlmsghdr *nlh;
	u8 cmd;
	struct nlattr *attrs[PTN_A_MAX + 1];
	char text[KSPEC_TEXT];
};

int kgenl_module_init(void);
void kgenl_module_exit(void);

#endif
