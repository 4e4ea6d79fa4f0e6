/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * NIOCCTRL: a request with its header, body and options, copied from the
 * program once, checked, and given to whoever handles its kind. Handlers work
 * on the copy and know nothing of the program's memory.
 *
 * A handler runs under the descriptor's lock (unless its entry in the table
 * says otherwise) and may sleep. What it leaves in the body goes back to the
 * program when it returns 0. For each option that was given and that its
 * kind takes, it calls krequest_claim() with what became of it.
 */
#ifndef PTN_KREQUEST_H
#define PTN_KREQUEST_H

#include <linux/list.h>
#include <linux/printk.h>

#include <ptnet/request.h>

struct kcsb;
struct kfile;

union krequest_body {
	struct nmreq_register reg;
	struct nmreq_port_info_get port_info;
	struct nmreq_vale_attach attach;
	struct nmreq_vale_detach detach;
	struct nmreq_vale_list list;
	struct nmreq_port_hdr hdr;
	struct nmreq_vale_newif newif;
	struct nmreq_vale_polling polling;
	struct nmreq_pools_info pools;
	struct nmreq_sync_kloop_start kloop;
};

struct krequest {
	struct kcsb *csb; /* REGISTER: what its CSB option lends */
	struct kfile *file;
	struct nmreq_header header; /* the name is terminated */
	union krequest_body body; /* zero when there is none */
	bool narrow; /* sizes above 32 bits cannot be told */
	struct list_head given; /* options, as they came */
	/* By NETMAP_REQ_OPT_*: copies of the whole option, or NULL. */
	struct nmreq_option *option[NETMAP_REQ_OPT_MAX + 1];
};

/** krequest_claim - an option was handled; returns @err, for its status */
int krequest_claim(struct krequest *rq, u32 option, int err);

/** krequest_run - check and handle one that lies in kernel memory */
int krequest_run(struct krequest *rq);

/** krequest_ioctl - NIOCCTRL */
int krequest_ioctl(struct kfile *f, struct nmreq_header __user *arg);

/**
 * krefuse - say in the kernel's log why a program's request is refused
 *
 * Rate-limited. Returns @err.
 */
__printf(2, 3) int krefuse(int err, const char *format, ...);

#endif
