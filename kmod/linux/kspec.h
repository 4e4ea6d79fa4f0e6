/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the control family is told of one object: attributes read into a
 * struct, and whether its values are possible. What else is there does not
 * matter here.
 *
 * Called by kgenl.c, and by ktxn.c at the door. lib/engine/check.c says the
 * same for the engine.
 */
#ifndef PTN_KSPEC_H
#define PTN_KSPEC_H

#include <net/netlink.h>

#include <ptnet/control.h>

enum {
	KSPEC_TEXT = 512, /* a sentence, with its final zero */
};

enum kspec_kind {
	KSPEC_SWITCH,
	KSPEC_PIPE,
	KSPEC_PORT,
};

struct kstatic;

struct kspec_switch {
	char name[PTN_NAME_MAX];
	char owner[PTN_NAME_MAX];
	u32 ageing_ms;
	u32 fdb_size;
	struct kstatic *statics;
	u32 n_statics;
};

struct kspec_pipe {
	char name[PTN_NAME_MAX];
	char owner[PTN_NAME_MAX];
	char domain[PTN_NAME_MAX];
};

struct kspec_port {
	char name[PTN_NAME_MAX];
	char owner[PTN_NAME_MAX];
	char on_switch[PTN_NAME_MAX];
	char on_pipe[PTN_NAME_MAX];
	char device[PTN_NAME_MAX];
	char domain[PTN_NAME_MAX];
	u32 kind;
	u32 queues;
	u32 slots;
	u32 buf_size;
	u32 extra_bufs;
	u8 end;
	u8 host_stack;
	u8 huge_pages;
	u8 offload;
	u8 nic_later; /* as it is made: without its device, if need be */
	bool has_mac;
	u8 mac[6];
};

struct kspec {
	enum kspec_kind kind;
	union {
		char name[PTN_NAME_MAX]; /* every one begins with it */
		struct kspec_switch sw;
		struct kspec_pipe pipe;
		struct kspec_port port;
	};
};

/* Of whole messages: the shapes of all attributes that requests may have. */
extern const struct nla_policy kspec_policy[PTN_A_MAX + 1];

/**
 * kspec_read - the object that a nest describes
 * @nest: validated by kspec_policy; its type says the kind
 *
 * Returns 0, -EINVAL with a sentence in @text, -ENOMEM. kspec_fini() ends it.
 */
int kspec_read(struct kspec *out, const struct nlattr *nest, char *text);

/** kspec_check - whether it can be made. 0, -EINVAL, -EOPNOTSUPP; @text */
int kspec_check(const struct kspec *s, char *text);

/** kspec_bytes - of memory that it holds besides itself */
size_t kspec_bytes(const struct kspec *s);

void kspec_fini(struct kspec *s);

/** kspec_kind_name - "switch", "pipe", "port" */
const char *kspec_kind_name(enum kspec_kind kind);

/** kspec_refuse - write "KIND NAME: ..." to @text; returns @err */
__printf(4, 5) int kspec_refuse(const struct kspec *s, char *text, int err,
				const char *format, ...);

#endif
