/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The older calls, NIOCGINFO and NIOCREGIF: one structure for everything,
 * made into a request and handled as such.
 */
#ifndef PTN_KLEGACY_H
#define PTN_KLEGACY_H

struct kfile;
struct nmreq;

int klegacy_ioctl(struct kfile *f, unsigned int cmd, struct nmreq __user *arg);

#endif
