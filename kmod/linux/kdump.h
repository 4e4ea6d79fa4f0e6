/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is there, for who asks: objects with their status, the forwarding
 * table, the count of buffers, the module itself. Called by kgenl.c.
 */
#ifndef PTN_KDUMP_H
#define PTN_KDUMP_H

#include "kgenl.h"

/* One answer; 0 or -errno, with a sentence or without. */
int kdump_info(struct kmessage *r);
int kdump_object(struct kmessage *r);
int kdump_census(struct kmessage *r);

/** kdump_start - whether a dump can be had; what @r asks for is checked */
int kdump_start(struct netlink_callback *cb, struct kmessage *r);

/**
 * kdump_objects, kdump_fdb - fill one message of a dump
 *
 * Where it goes on is a number in the callback: nothing is kept that could
 * go away between two messages.
 */
int kdump_objects(struct sk_buff *skb, struct netlink_callback *cb);
int kdump_fdb(struct sk_buff *skb, struct netlink_callback *cb);

#endif
