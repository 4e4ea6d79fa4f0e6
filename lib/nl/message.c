/* SPDX-License-Identifier: BSD-2-Clause */
#include "nl/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "nl/field.h"

enum {
	/* A nest holds 64 KiB, and little but one nest is in a message. */
	SCRATCH_SIZE = 72 * 1024,
};

#define F(type, member, attr_, kind_, name_)                                   \
	{                                                                      \
		.attr = attr_, .kind = kind_, .name = name_,                   \
		.offset = offsetof(struct type, member),                       \
		.size = sizeof(((struct type *)0)->member)                     \
	}
#define COUNTERS(type, attr_, n)                                               \
	{                                                                      \
		.attr = attr_, .kind = FIELD_COUNTERS, .name = "COUNTERS",     \
		.offset = offsetof(struct type, counters), .size = (n) + 1     \
	}
#define TABLE(name, what_)                                                     \
	static const struct field_table name##_table = {                       \
		what_, name##_fields,                                          \
		sizeof(name##_fields) / sizeof(name##_fields[0])}

static const struct field message_fields[] = {
	F(message, revision, PTN_A_REVISION, FIELD_U64, "REVISION"),
	F(message, version, PTN_A_VERSION, FIELD_STRING, "VERSION"),
	F(message, features, PTN_A_FEATURES, FIELD_U32, "FEATURES"),
	F(message, instance, PTN_A_INSTANCE, FIELD_U64, "INSTANCE"),
	F(message, workers, PTN_A_WORKERS, FIELD_U32, "WORKERS"),
};
TABLE(message, "message");

static const struct field switch_fields[] = {
	F(switch_spec, name, PTN_SW_NAME, FIELD_STRING, "NAME"),
	F(switch_spec, owner, PTN_SW_OWNER, FIELD_STRING, "OWNER"),
	F(switch_spec, ageing_ms, PTN_SW_AGEING_MS, FIELD_U32, "AGEING_MS"),
	F(switch_spec, fdb_size, PTN_SW_FDB_SIZE, FIELD_U32, "FDB_SIZE"),
};
TABLE(switch, "switch");

static const struct field switch_status_fields[] = {
	F(switch_status, ports, PTN_SW_PORTS, FIELD_U32, "PORTS"),
	F(switch_status, fdb_used, PTN_SW_FDB_USED, FIELD_U32, "FDB_USED"),
	COUNTERS(switch_status, PTN_SW_COUNTERS, PTN_SWC_MAX),
	F(switch_status, foreign, PTN_SW_FOREIGN, FIELD_BOOL, "FOREIGN"),
};
TABLE(switch_status, "switch");

static const struct field static_fields[] = {
	F(static_mac, mac, PTN_FDB_MAC, FIELD_BYTES, "MAC"),
	F(static_mac, port, PTN_FDB_PORT, FIELD_STRING, "PORT"),
};
TABLE(static, "static entry");

static const struct field pipe_fields[] = {
	F(pipe_spec, name, PTN_PI_NAME, FIELD_STRING, "NAME"),
	F(pipe_spec, owner, PTN_PI_OWNER, FIELD_STRING, "OWNER"),
	F(pipe_spec, domain, PTN_PI_DOMAIN, FIELD_STRING, "DOMAIN"),
};
TABLE(pipe, "pipe");

static const struct field pipe_status_fields[] = {
	F(pipe_status, foreign, PTN_PI_FOREIGN, FIELD_BOOL, "FOREIGN"),
};
TABLE(pipe_status, "pipe");

static const struct field port_fields[] = {
	F(port_spec, name, PTN_PO_NAME, FIELD_STRING, "NAME"),
	F(port_spec, owner, PTN_PO_OWNER, FIELD_STRING, "OWNER"),
	F(port_spec, kind, PTN_PO_KIND, FIELD_U32, "KIND"),
	F(port_spec, on_switch, PTN_PO_SWITCH, FIELD_STRING, "SWITCH"),
	F(port_spec, on_pipe, PTN_PO_PIPE, FIELD_STRING, "PIPE"),
	F(port_spec, end, PTN_PO_END, FIELD_U8, "END"),
	F(port_spec, device, PTN_PO_NIC, FIELD_STRING, "NIC"),
	F(port_spec, host_stack, PTN_PO_HOST_STACK, FIELD_BOOL, "HOST_STACK"),
	F(port_spec, domain, PTN_PO_DOMAIN, FIELD_STRING, "DOMAIN"),
	F(port_spec, mac, PTN_PO_MAC, FIELD_BYTES, "MAC"),
	F(port_spec, queues, PTN_PO_QUEUES, FIELD_U32, "QUEUES"),
	F(port_spec, slots, PTN_PO_SLOTS, FIELD_U32, "SLOTS"),
	F(port_spec, buf_size, PTN_PO_BUF_SIZE, FIELD_U32, "BUF_SIZE"),
	F(port_spec, extra_bufs, PTN_PO_EXTRA_BUFS, FIELD_U32, "EXTRA_BUFS"),
	F(port_spec, huge_pages, PTN_PO_HUGE_PAGES, FIELD_BOOL, "HUGE_PAGES"),
	F(port_spec, offload, PTN_PO_OFFLOAD, FIELD_BOOL, "OFFLOAD"),
	F(port_spec, nic_later, PTN_PO_NIC_LATER, FIELD_BOOL, "NIC_LATER"),
};
TABLE(port, "port");

static const struct field port_status_fields[] = {
	F(port_status, state, PTN_PO_STATE, FIELD_U32, "STATE"),
	F(port_status, pid, PTN_PO_PID, FIELD_U32, "PID"),
	F(port_status, worker, PTN_PO_WORKER, FIELD_U32, "WORKER"),
	F(port_status, socket, PTN_PO_SOCKET, FIELD_STRING, "SOCKET"),
	COUNTERS(port_status, PTN_PO_COUNTERS, PTN_C_MAX),
	F(port_status, foreign, PTN_PO_FOREIGN, FIELD_BOOL, "FOREIGN"),
	F(port_status, driver, PTN_PO_DRIVER, FIELD_U32, "DRIVER"),
	F(port_status, generation, PTN_PO_GENERATION, FIELD_U32, "GENERATION"),
	F(port_status, page_size, PTN_PO_PAGE_SIZE, FIELD_U32, "PAGE_SIZE"),
	F(port_status, device_gone, PTN_PO_DEVICE_GONE, FIELD_BOOL,
	  "DEVICE_GONE"),
};
TABLE(port_status, "port");

static const struct field fdb_fields[] = {
	F(fdb_entry, mac, PTN_FDB_MAC, FIELD_BYTES, "MAC"),
	F(fdb_entry, port, PTN_FDB_PORT, FIELD_STRING, "PORT"),
	F(fdb_entry, is_static, PTN_FDB_STATIC, FIELD_BOOL, "STATIC"),
	F(fdb_entry, age_ms, PTN_FDB_AGE_MS, FIELD_U32, "AGE_MS"),
};
TABLE(fdb, "forwarding entry");

static const struct field census_fields[] = {
	F(census, regions, PTN_CE_REGIONS, FIELD_U32, "REGIONS"),
	F(census, buffers, PTN_CE_BUFFERS, FIELD_U64, "BUFFERS"),
	F(census, free, PTN_CE_FREE, FIELD_U64, "FREE"),
	F(census, slots, PTN_CE_SLOTS, FIELD_U64, "SLOTS"),
	F(census, extra, PTN_CE_EXTRA, FIELD_U64, "EXTRA"),
	F(census, lost, PTN_CE_LOST, FIELD_U64, "LOST"),
	F(census, twice, PTN_CE_DOUBLE, FIELD_U64, "DOUBLE"),
};
TABLE(census, "census");

static const struct field event_fields[] = {
	F(message_event, type, PTN_EV_TYPE, FIELD_U32, "TYPE"),
	F(message_event, port, PTN_EV_NAME, FIELD_STRING, "NAME"),
	F(message_event, pid, PTN_EV_PID, FIELD_U32, "PID"),
	F(message_event, sw, PTN_EV_SWITCH, FIELD_STRING, "SWITCH"),
	F(message_event, rate, PTN_EV_RATE, FIELD_U32, "RATE"),
};
TABLE(event, "event");

/* The nests of a message: what is in them and where it goes. */
static const struct nest {
	uint16_t attr;
	uint16_t pad; /* attribute that carries nothing */
	const struct field_table *spec, *status;
	size_t spec_at, status_at;
} nests[] = {
	{PTN_A_SWITCH, PTN_SW_PAD, &switch_table, &switch_status_table,
	 offsetof(struct message, sw), offsetof(struct message, sw_status)},
	{PTN_A_PIPE, 0, &pipe_table, &pipe_status_table,
	 offsetof(struct message, pipe), offsetof(struct message, pipe_status)},
	{PTN_A_PORT, PTN_PO_PAD, &port_table, &port_status_table,
	 offsetof(struct message, port), offsetof(struct message, port_status)},
	{PTN_A_FDB, 0, &fdb_table, NULL, offsetof(struct message, fdb), 0},
	{PTN_A_CENSUS, PTN_CE_PAD, &census_table, NULL,
	 offsetof(struct message, census), 0},
	{PTN_A_EVENT, 0, &event_table, NULL, offsetof(struct message, event),
	 0},
};

static const char *const cmd_names[PTN_CMD_MAX] = {
	[PTN_CMD_INFO_GET] = "INFO_GET",
	[PTN_CMD_INFO_NEW] = "INFO_NEW",
	[PTN_CMD_TXN_BEGIN] = "TXN_BEGIN",
	[PTN_CMD_TXN_COMMIT] = "TXN_COMMIT",
	[PTN_CMD_TXN_ABORT] = "TXN_ABORT",
	[PTN_CMD_SWITCH_NEW] = "SWITCH_NEW",
	[PTN_CMD_SWITCH_SET] = "SWITCH_SET",
	[PTN_CMD_SWITCH_DEL] = "SWITCH_DEL",
	[PTN_CMD_SWITCH_GET] = "SWITCH_GET",
	[PTN_CMD_PIPE_NEW] = "PIPE_NEW",
	[PTN_CMD_PIPE_DEL] = "PIPE_DEL",
	[PTN_CMD_PIPE_GET] = "PIPE_GET",
	[PTN_CMD_PORT_NEW] = "PORT_NEW",
	[PTN_CMD_PORT_SET] = "PORT_SET",
	[PTN_CMD_PORT_DEL] = "PORT_DEL",
	[PTN_CMD_PORT_GET] = "PORT_GET",
	[PTN_CMD_FDB_GET] = "FDB_GET",
	[PTN_CMD_FDB_NEW] = "FDB_NEW",
	[PTN_CMD_CENSUS_GET] = "CENSUS_GET",
	[PTN_CMD_CENSUS_NEW] = "CENSUS_NEW",
	[PTN_CMD_EVENT] = "EVENT",
};

const char *message_cmd_name(unsigned cmd)
{
	return cmd < PTN_CMD_MAX ? cmd_names[cmd] : NULL;
}

void message_fini(struct message *m)
{
	switch_spec_fini(&m->sw);
}

/* Writing. */

static int put_statics(struct nl_msg *msg, const struct switch_spec *sw)
{
	for (size_t i = 0; i < sw->n_statics; i++) {
		struct nlattr *nest = nla_nest_start(msg, PTN_SW_STATIC);

		if (!nest ||
		    field_put(msg, &static_table, &sw->statics[i], ~0u) ||
		    nla_nest_end(msg, nest) < 0)
			return -EMSGSIZE;
	}
	return 0;
}

/* What is not said. */
static uint32_t port_mask(const struct port_spec *p)
{
	return ~((p->has_mac ? 0 : FIELD_BIT(PTN_PO_MAC)) |
		 (p->nic_later ? 0 : FIELD_BIT(PTN_PO_NIC_LATER)));
}

static int put_nest(struct nl_msg *msg, const struct nest *n,
		    const struct message *m)
{
	struct nlattr *nest = nla_nest_start(msg, n->attr);
	const uint32_t mask = n->attr == PTN_A_PORT ? port_mask(&m->port) : ~0u;
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = field_put(msg, n->spec, (const char *)m + n->spec_at, mask);
	if (!err && n->attr == PTN_A_SWITCH)
		err = put_statics(msg, &m->sw);
	if (!err && n->status && (m->has & MESSAGE_STATUS))
		err = field_put(msg, n->status, (const char *)m + n->status_at,
				~0u);
	if (!err && nla_nest_end(msg, nest) < 0)
		err = -EMSGSIZE;
	return err;
}

static int put_family(struct nl_msg *msg, const struct message *m)
{
	int err;

	if (!genlmsg_put(msg, 0, m->seq, m->type, 0, m->flags, m->cmd,
			 PTN_FAMILY_VERSION))
		return -EMSGSIZE;
	err = field_put(msg, &message_table, m, m->has);
	for (size_t i = 0; !err && i < sizeof(nests) / sizeof(*nests); i++)
		if (m->has & MESSAGE_HAS(nests[i].attr))
			err = put_nest(msg, &nests[i], m);
	return err;
}

/* An acknowledgement as the kernel writes it, without the request's body. */
static int put_error(struct nl_msg *msg, const struct message *m)
{
	struct nlmsgerr body = {.error = m->error};
	int flags = m->error ? NLM_F_ACK_TLVS : 0;

	body.msg.nlmsg_len = NLMSG_HDRLEN;
	body.msg.nlmsg_seq = m->seq;
	if (!nlmsg_put(msg, 0, m->seq, NLMSG_ERROR, 0, NLM_F_CAPPED | flags) ||
	    nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO) < 0)
		return -EMSGSIZE;
	if (m->error && nla_put_string(msg, NLMSGERR_ATTR_MSG, m->text) < 0)
		return -EMSGSIZE;
	return 0;
}

static int put_done(struct nl_msg *msg, const struct message *m)
{
	int error = m->error;

	if (!nlmsg_put(msg, 0, m->seq, NLMSG_DONE, 0, m->flags) ||
	    nlmsg_append(msg, &error, sizeof(error), NLMSG_ALIGNTO) < 0)
		return -EMSGSIZE;
	return 0;
}

static int append(struct message_buf *b, const struct nlmsghdr *h)
{
	size_t padded = NLMSG_ALIGN(h->nlmsg_len);

	if (b->size - b->len < padded) {
		size_t size = b->size ? 2 * b->size : 4096;
		uint8_t *data;

		while (size - b->len < padded)
			size *= 2;
		data = realloc(b->data, size);
		if (!data)
			return -ENOMEM;
		b->data = data;
		b->size = size;
	}
	memset(b->data + b->len, 0, padded);
	memcpy(b->data + b->len, h, h->nlmsg_len);
	b->len += padded;
	return 0;
}

int message_put(struct message_buf *b, const struct message *m)
{
	struct nlmsghdr *h;
	int err;

	if (!b->scratch)
		b->scratch = nlmsg_alloc_size(SCRATCH_SIZE);
	if (!b->scratch)
		return -ENOMEM;
	h = nlmsg_hdr(b->scratch);
	h->nlmsg_len = NLMSG_HDRLEN;
	if (m->type == NLMSG_ERROR)
		err = put_error(b->scratch, m);
	else if (m->type == NLMSG_DONE)
		err = put_done(b->scratch, m);
	else
		err = put_family(b->scratch, m);
	return err ? err : append(b, h);
}

void message_buf_fini(struct message_buf *b)
{
	nlmsg_free(b->scratch);
	free(b->data);
	*b = (struct message_buf){0};
}

/* Reading. */

__attribute__((format(printf, 2, 3))) static int refuse(struct message *m,
							const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(m->text, sizeof(m->text), format, ap);
	va_end(ap);
	return -EINVAL;
}

static int unknown(struct message *m, const struct nlattr *a, const char *what)
{
	return refuse(m, "attribute %d of a %s is not known", nla_type(a),
		      what);
}

static int get_static(const struct nlattr *attr, struct message *m,
		      size_t *room)
{
	struct switch_spec *sw = &m->sw;
	struct static_mac *entry;
	struct nlattr *a;
	int left;

	if (sw->n_statics == *room) {
		size_t size = *room ? 2 * *room : 8;
		void *list = realloc(sw->statics, size * sizeof(*entry));

		if (!list)
			return -ENOMEM;
		sw->statics = list;
		*room = size;
	}
	entry = &sw->statics[sw->n_statics++];
	*entry = (struct static_mac){0};
	nla_for_each_nested(a, attr, left) {
		int err = field_get(a, &static_table, entry, m->text,
				    sizeof(m->text));

		if (err)
			return err == -ENOENT ? unknown(m, a, "static entry")
					      : err;
	}
	if (!entry->port[0])
		return refuse(m, "a static entry without a port");
	return 0;
}

static int get_nested(const struct nlattr *a, const struct nest *n,
		      struct message *m, size_t *statics_room)
{
	int err = field_get(a, n->spec, (char *)m + n->spec_at, m->text,
			    sizeof(m->text));

	if (!err && n->attr == PTN_A_PORT && nla_type(a) == PTN_PO_MAC)
		m->port.has_mac = true;
	if (err == -ENOENT && n->status) {
		err = field_get(a, n->status, (char *)m + n->status_at, m->text,
				sizeof(m->text));
		if (!err)
			m->has |= MESSAGE_STATUS;
	}
	if (err == -ENOENT && n->attr == PTN_A_SWITCH &&
	    nla_type(a) == PTN_SW_STATIC)
		err = get_static(a, m, statics_room);
	if (err == -ENOENT && n->pad && nla_type(a) == n->pad)
		err = 0;
	return err == -ENOENT ? unknown(m, a, n->spec->what) : err;
}

static int get_nest(const struct nlattr *attr, const struct nest *n,
		    struct message *m)
{
	size_t room = 0;
	struct nlattr *a;
	int left;

	if (m->has & MESSAGE_HAS(n->attr))
		return refuse(m, "two of a %s in one message", n->spec->what);
	nla_for_each_nested(a, attr, left) {
		int err = get_nested(a, n, m, &room);

		if (err)
			return err;
	}
	if (left > 0)
		return refuse(m, "a %s with a broken attribute", n->spec->what);
	return 0;
}

static int get_attr(const struct nlattr *a, struct message *m)
{
	int err = field_get(a, &message_table, m, m->text, sizeof(m->text));

	for (size_t i = 0; err == -ENOENT && i < sizeof(nests) / sizeof(*nests);
	     i++)
		if (nests[i].attr == nla_type(a))
			err = get_nest(a, &nests[i], m);
	if (err == -ENOENT && nla_type(a) == PTN_A_PAD)
		return 0;
	if (err == -ENOENT)
		return unknown(m, a, "message");
	if (!err)
		m->has |= MESSAGE_HAS(nla_type(a));
	return err;
}

static int get_family(const struct nlmsghdr *h, struct message *m)
{
	const struct genlmsghdr *g = nlmsg_data(h);
	int left = nlmsg_datalen(h) - GENL_HDRLEN;
	struct nlattr *a;

	if (left < 0)
		return refuse(m, "a message without a command");
	m->cmd = g->cmd;
	if (g->version != PTN_FAMILY_VERSION)
		return refuse(m,
			      "version %u of the control family: this side "
			      "speaks %d",
			      g->version, PTN_FAMILY_VERSION);
	if (!message_cmd_name(g->cmd))
		return refuse(m, "command %u is not known", g->cmd);
	nla_for_each_attr(a, (struct nlattr *)((char *)g + GENL_HDRLEN), left,
			  left) {
		int err = get_attr(a, m);

		if (err)
			return err;
	}
	return left > 0 ? refuse(m, "a message with a broken attribute") : 0;
}

static int get_error(const struct nlmsghdr *h, struct message *m)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	int left = nlmsg_datalen(h) - (int)sizeof(*e);
	uint32_t skip;
	struct nlattr *a;

	if (left < 0)
		return refuse(m, "a cut off error message");
	m->error = e->error;
	if (!e->error || !(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	skip = h->nlmsg_flags & NLM_F_CAPPED
		       ? 0
		       : NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (skip > (uint32_t)left)
		return refuse(m, "a cut off error message");
	a = (struct nlattr *)((char *)(e + 1) + skip);
	left -= (int)skip;
	for (; nla_ok(a, left); a = nla_next(a, &left))
		if (nla_type(a) == NLMSGERR_ATTR_MSG)
			snprintf(m->text, sizeof(m->text), "%.*s", nla_len(a),
				 (char *)nla_data(a));
	return 0;
}

static int get_done(const struct nlmsghdr *h, struct message *m)
{
	if (nlmsg_datalen(h) >= (int)sizeof(m->error))
		memcpy(&m->error, nlmsg_data(h), sizeof(m->error));
	return 0;
}

int message_next(const uint8_t **at, size_t *left, struct message *out)
{
	const struct nlmsghdr *h = (const void *)*at;
	size_t len;

	*out = (struct message){0};
	if (!*left)
		return 0;
	if (*left < NLMSG_HDRLEN || h->nlmsg_len < NLMSG_HDRLEN ||
	    h->nlmsg_len > *left) {
		*left = 0;
		return refuse(out, "a cut off message");
	}
	len = NLMSG_ALIGN(h->nlmsg_len);
	len = len > *left ? *left : len;
	*at += len;
	*left -= len;
	out->type = h->nlmsg_type;
	out->flags = h->nlmsg_flags;
	out->seq = h->nlmsg_seq;
	int err = h->nlmsg_type == NLMSG_ERROR	? get_error(h, out)
		  : h->nlmsg_type == NLMSG_DONE ? get_done(h, out)
						: get_family(h, out);
	return err ? err : 1;
}

size_t message_datagram(const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len) {
		const struct nlmsghdr *h = (const void *)(data + n);
		size_t one = NLMSG_ALIGN(h->nlmsg_len);

		if (n && n + one > MESSAGE_DATAGRAM)
			break;
		n += one;
	}
	return n;
}
