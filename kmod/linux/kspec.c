// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kspec.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "core/region.h"
#include "core/vale.h"
#include "kname.h"
#include "kswitch.h"

#include <ptnet/region.h>

enum {
	EXTRA_BUFS_MAX = 65536,
	BUF_ALIGN = 64,
	/* All static entries go into one message of 64 KiB, with the rest. */
	STATICS_BYTES = 60 * 1024,
	STATIC_BYTES = 4 + 12 + 4, /* and the port's name */
};

#define NAME                                                                   \
	{                                                                      \
		.type = NLA_NUL_STRING, .len = PTN_NAME_MAX - 1                \
	}
#define NUMBER                                                                 \
	{                                                                      \
		.type = NLA_U32                                                \
	}
#define BOOL NLA_POLICY_MAX(NLA_U8, 1)

static const struct nla_policy static_policy[PTN_FDB_MAX + 1] = {
	[PTN_FDB_MAC] = NLA_POLICY_EXACT_LEN(6),
	[PTN_FDB_PORT] = NAME,
};

static const struct nla_policy switch_policy[PTN_SW_MAX + 1] = {
	[PTN_SW_NAME] = NAME,
	[PTN_SW_OWNER] = NAME,
	[PTN_SW_AGEING_MS] = NUMBER,
	[PTN_SW_FDB_SIZE] = NUMBER,
	[PTN_SW_STATIC] = NLA_POLICY_NESTED(static_policy),
};

static const struct nla_policy pipe_policy[PTN_PI_MAX + 1] = {
	[PTN_PI_NAME] = NAME,
	[PTN_PI_OWNER] = NAME,
	[PTN_PI_DOMAIN] = NAME,
};

static const struct nla_policy port_policy[PTN_PO_MAX + 1] = {
	[PTN_PO_NAME] = NAME,	    [PTN_PO_OWNER] = NAME,
	[PTN_PO_KIND] = NUMBER,	    [PTN_PO_SWITCH] = NAME,
	[PTN_PO_PIPE] = NAME,	    [PTN_PO_END] = {.type = NLA_U8},
	[PTN_PO_NIC] = NAME,	    [PTN_PO_HOST_STACK] = BOOL,
	[PTN_PO_DOMAIN] = NAME,	    [PTN_PO_MAC] = NLA_POLICY_EXACT_LEN(6),
	[PTN_PO_QUEUES] = NUMBER,   [PTN_PO_SLOTS] = NUMBER,
	[PTN_PO_BUF_SIZE] = NUMBER, [PTN_PO_EXTRA_BUFS] = NUMBER,
	[PTN_PO_HUGE_PAGES] = BOOL, [PTN_PO_OFFLOAD] = BOOL,
	[PTN_PO_NIC_LATER] = BOOL,
};

const struct nla_policy kspec_policy[PTN_A_MAX + 1] = {
	[PTN_A_REVISION] = {.type = NLA_U64},
	[PTN_A_SWITCH] = NLA_POLICY_NESTED(switch_policy),
	[PTN_A_PIPE] = NLA_POLICY_NESTED(pipe_policy),
	[PTN_A_PORT] = NLA_POLICY_NESTED(port_policy),
};

/* Which attribute is which member; how to read it, its policy says. */
struct member {
	u16 attr, offset;
};

#define M(type, attr, member)                                                  \
	{                                                                      \
		attr, offsetof(struct kspec, type.member)                      \
	}

static const struct member switch_members[] = {
	M(sw, PTN_SW_NAME, name),
	M(sw, PTN_SW_OWNER, owner),
	M(sw, PTN_SW_AGEING_MS, ageing_ms),
	M(sw, PTN_SW_FDB_SIZE, fdb_size),
};

static const struct member pipe_members[] = {
	M(pipe, PTN_PI_NAME, name),
	M(pipe, PTN_PI_OWNER, owner),
	M(pipe, PTN_PI_DOMAIN, domain),
};

static const struct member port_members[] = {
	M(port, PTN_PO_NAME, name),
	M(port, PTN_PO_OWNER, owner),
	M(port, PTN_PO_KIND, kind),
	M(port, PTN_PO_SWITCH, on_switch),
	M(port, PTN_PO_PIPE, on_pipe),
	M(port, PTN_PO_END, end),
	M(port, PTN_PO_NIC, device),
	M(port, PTN_PO_HOST_STACK, host_stack),
	M(port, PTN_PO_DOMAIN, domain),
	M(port, PTN_PO_MAC, mac),
	M(port, PTN_PO_QUEUES, queues),
	M(port, PTN_PO_SLOTS, slots),
	M(port, PTN_PO_BUF_SIZE, buf_size),
	M(port, PTN_PO_EXTRA_BUFS, extra_bufs),
	M(port, PTN_PO_HUGE_PAGES, huge_pages),
	M(port, PTN_PO_OFFLOAD, offload),
	M(port, PTN_PO_NIC_LATER, nic_later),
};

static const struct kind {
	const char *name;
	const struct nla_policy *policy;
	const struct member *members;
	u16 attr, n_members, max;
} kinds[] = {
	[KSPEC_SWITCH] = {"switch", switch_policy, switch_members, PTN_A_SWITCH,
			  ARRAY_SIZE(switch_members), PTN_SW_MAX},
	[KSPEC_PIPE] = {"pipe", pipe_policy, pipe_members, PTN_A_PIPE,
			ARRAY_SIZE(pipe_members), PTN_PI_MAX},
	[KSPEC_PORT] = {"port", port_policy, port_members, PTN_A_PORT,
			ARRAY_SIZE(port_members), PTN_PO_MAX},
};

enum { ATTR_MAX = PTN_PO_MAX };

const char *kspec_kind_name(enum kspec_kind kind)
{
	return kinds[kind].name;
}

int kspec_refuse(const struct kspec *s, char *text, int err, const char *format,
		 ...)
{
	va_list ap;
	int n = scnprintf(text, KSPEC_TEXT, "%s %s: ", kinds[s->kind].name,
			  s->name);

	va_start(ap, format);
	vscnprintf(text + n, KSPEC_TEXT - n, format, ap);
	va_end(ap);
	return err;
}

/* Reading: the policies have seen lengths and ranges. */

static void read_member(void *to, const struct nlattr *a, u8 type)
{
	if (type == NLA_NUL_STRING)
		nla_strscpy(to, a, PTN_NAME_MAX);
	else
		memcpy(to, nla_data(a), nla_len(a));
}

static int read_static(struct kspec *s, const struct nlattr *nest, char *text)
{
	struct kstatic *e = &s->sw.statics[s->sw.n_statics++];
	struct nlattr *attrs[PTN_FDB_MAX + 1];
	int err =
		nla_parse_nested(attrs, PTN_FDB_MAX, nest, static_policy, NULL);

	if (err)
		return err;
	if (!attrs[PTN_FDB_PORT] || !nla_len(attrs[PTN_FDB_PORT]) ||
	    !*(char *)nla_data(attrs[PTN_FDB_PORT]))
		return kspec_refuse(s, text, -EINVAL,
				    "a static entry without a port");
	if (!attrs[PTN_FDB_MAC])
		return kspec_refuse(s, text, -EINVAL,
				    "a static entry without an address");
	memcpy(e->mac, nla_data(attrs[PTN_FDB_MAC]), sizeof(e->mac));
	nla_strscpy(e->port, attrs[PTN_FDB_PORT], sizeof(e->port));
	return 0;
}

static int read_statics(struct kspec *s, const struct nlattr *nest, char *text)
{
	const struct nlattr *a;
	size_t n = 0;
	int left;

	nla_for_each_nested(a, nest, left)
		n += nla_type(a) == PTN_SW_STATIC;
	if (!n)
		return 0;
	s->sw.statics = kvcalloc(n, sizeof(*s->sw.statics), GFP_KERNEL_ACCOUNT);
	if (!s->sw.statics)
		return -ENOMEM;
	nla_for_each_nested(a, nest, left) {
		int err = nla_type(a) == PTN_SW_STATIC ? read_static(s, a, text)
						       : 0;

		if (err)
			return err;
	}
	return 0;
}

int kspec_read(struct kspec *out, const struct nlattr *nest, char *text)
{
	struct nlattr *attrs[ATTR_MAX + 1];
	const struct kind *k = kinds;
	int err;

	memset(out, 0, sizeof(*out));
	while (k->attr != nla_type(nest))
		k++;
	out->kind = k - kinds;
	err = nla_parse_nested(attrs, k->max, nest, k->policy, NULL);
	for (int i = 0; !err && i < k->n_members; i++) {
		const struct member *m = &k->members[i];

		if (attrs[m->attr])
			read_member((char *)out + m->offset, attrs[m->attr],
				    k->policy[m->attr].type);
	}
	if (!err && out->kind == KSPEC_PORT)
		out->port.has_mac = attrs[PTN_PO_MAC];
	if (!err && out->kind == KSPEC_SWITCH)
		err = read_statics(out, nest, text);
	if (err)
		kspec_fini(out);
	return err;
}

void kspec_fini(struct kspec *s)
{
	if (s->kind != KSPEC_SWITCH)
		return;
	kvfree(s->sw.statics);
	s->sw.statics = NULL;
	s->sw.n_statics = 0;
}

size_t kspec_bytes(const struct kspec *s)
{
	return s->kind == KSPEC_SWITCH
		       ? s->sw.n_statics * sizeof(*s->sw.statics)
		       : 0;
}

/* Checking */

static bool in(u32 v, u32 min, u32 max)
{
	return v >= min && v <= max;
}

static int check_switch(const struct kspec *s, char *text)
{
	const struct kspec_switch *w = &s->sw;
	size_t bytes = 0;

	if (!in(w->fdb_size, PTN_FDB_SIZE_MIN, PTN_FDB_SIZE_MAX) ||
	    !is_power_of_2(w->fdb_size))
		return kspec_refuse(
			s, text, -EINVAL,
			"a table of %u: not a power of two from %d to %d",
			w->fdb_size, PTN_FDB_SIZE_MIN, PTN_FDB_SIZE_MAX);
	for (u32 i = 0; i < w->n_statics; i++) {
		const struct kstatic *e = &w->statics[i];

		bytes += STATIC_BYTES + ALIGN(strlen(e->port) + 1, 4);
		if (bytes > STATICS_BYTES)
			return kspec_refuse(
				s, text, -EINVAL,
				"%u static entries are too many: %u fit",
				w->n_statics, i);
		if (e->mac[0] & 1)
			return kspec_refuse(
				s, text, -EINVAL,
				"a static entry for a group address");
		if (i && memcmp(e[-1].mac, e->mac, sizeof(e->mac)) >= 0)
			return kspec_refuse(
				s, text, -EINVAL,
				"static entries not in order, or twice");
	}
	return 0;
}

static int check_device(const struct kspec *s, char *text)
{
	if (!s->port.device[0])
		return kspec_refuse(s, text, -EINVAL, "which network device?");
	if (s->port.on_pipe[0])
		return kspec_refuse(s, text, -EINVAL,
				    "a network device cannot be on a pipe");
	return 0;
}

static int check_place(const struct kspec *s, char *text)
{
	const struct kspec_port *p = &s->port;

	if (p->kind == PTN_PORT_NIC)
		return check_device(s, text);
	if (p->host_stack || (p->device[0] && p->kind == PTN_PORT_HOST))
		return kspec_refuse(s, text, -EINVAL,
				    "only a network device has a host stack");
	if (p->kind != PTN_PORT_HOST && p->kind != PTN_PORT_VM)
		return kspec_refuse(s, text, -EINVAL,
				    "kind %u of ports is not known", p->kind);
	if (!!p->on_switch[0] + !!p->on_pipe[0] + !!p->device[0] != 1)
		return kspec_refuse(
			s, text, -EINVAL,
			"expected one of a switch, a pipe, or (a VM's) a network device");
	if (p->end > 1)
		return kspec_refuse(s, text, -EINVAL,
				    "end %u of a pipe: expected 0 or 1",
				    p->end);
	return 0;
}

/* What is 0 is decided by the device. */
static bool may_follow(const struct kspec_port *p, u32 value)
{
	return p->kind == PTN_PORT_NIC && !value;
}

static int check_port(const struct kspec *s, char *text)
{
	const struct kspec_port *p = &s->port;
	int err = check_place(s, text);

	if (err)
		return err;
	if (!may_follow(p, p->queues) && !in(p->queues, 1, PTN_RINGS_MAX))
		return kspec_refuse(s, text, -EINVAL,
				    "%u queues: expected 1 to %d", p->queues,
				    PTN_RINGS_MAX);
	if (!may_follow(p, p->slots) &&
	    !in(p->slots, PTN_SLOTS_MIN, PTN_SLOTS_MAX))
		return kspec_refuse(s, text, -EINVAL,
				    "%u slots: expected %d to %d", p->slots,
				    PTN_SLOTS_MIN, PTN_SLOTS_MAX);
	if (!may_follow(p, p->buf_size) &&
	    (!in(p->buf_size, PTN_BUF_SIZE_MIN, PTN_BUF_SIZE_MAX) ||
	     p->buf_size % BUF_ALIGN))
		return kspec_refuse(
			s, text, -EINVAL,
			"buffers of %u: not a multiple of %d from %d to %d",
			p->buf_size, BUF_ALIGN, PTN_BUF_SIZE_MIN,
			PTN_BUF_SIZE_MAX);
	if (p->extra_bufs > EXTRA_BUFS_MAX)
		return kspec_refuse(s, text, -EINVAL,
				    "%u extra buffers: expected at most %d",
				    p->extra_bufs, EXTRA_BUFS_MAX);
	return 0;
}

int kspec_check(const struct kspec *s, char *text)
{
	if (!kname_is_valid(s->name))
		return kspec_refuse(s, text, -EINVAL,
				    "not a name of letters, digits, _, -, .");
	switch (s->kind) {
	case KSPEC_SWITCH:
		return check_switch(s, text);
	case KSPEC_PIPE:
		return s->pipe.domain[0]
			       ? 0
			       : kspec_refuse(s, text, -EINVAL, "no domain");
	case KSPEC_PORT:
		return check_port(s, text);
	}
	return -EINVAL;
}
