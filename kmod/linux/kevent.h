/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Events, to who listens to the control family's group. Nobody waits for a
 * listener, and without one they cost nothing.
 */
#ifndef PTN_KEVENT_H
#define PTN_KEVENT_H

#include <linux/types.h>

#include <ptnet/control.h>

struct kport;
struct kswitch;

/** kevent_changed - a transaction was done; may sleep */
void kevent_changed(u64 revision);

/** kevent_port - something happened to a port; any context */
void kevent_port(const struct kport *p, enum ptn_event type);

/** kevent_storm - a switch floods @rate frames a second */
void kevent_storm(const struct kswitch *s, u32 rate);

#endif
