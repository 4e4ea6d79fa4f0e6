/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ptnet/region.h>

#include "core/region.h"
#include "core/vale.h"

enum {
	EXTRA_BUFS_MAX = 65536,
	BUF_ALIGN = 64,
	/* All static entries go into one message of 64 KiB, with the rest. */
	STATICS_BYTES = 60 * 1024,
	STATIC_BYTES = 4 + 12 + 4, /* and the port's name */
};

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool check_name(const char *name)
{
	if (!is_alnum(name[0]))
		return false;
	for (const char *c = name + 1; *c; c++)
		if (!is_alnum(*c) && !strchr("_-.", *c))
			return false;
	return true;
}

struct finding {
	const char *kind, *name;
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int
refuse(const struct finding *f, int err, const char *format, ...)
{
	va_list ap;
	int n = snprintf(f->text, f->size, "%s %s: ", f->kind, f->name);

	if (n < 0 || (size_t)n >= f->size)
		return err;
	va_start(ap, format);
	vsnprintf(f->text + n, f->size - (size_t)n, format, ap);
	va_end(ap);
	return err;
}

static int check_title(const struct finding *f)
{
	if (!f->name[0]) {
		snprintf(f->text, f->size, "a %s without a name", f->kind);
		return -EINVAL;
	}
	if (!check_name(f->name))
		return refuse(f, -EINVAL,
			      "not a name: expected letters, digits, '_', "
			      "'-', '.'");
	return 0;
}

static bool in(uint32_t v, uint32_t min, uint32_t max)
{
	return v >= min && v <= max;
}

int check_switch(const struct switch_spec *s, char *text, size_t size)
{
	const struct finding f = {"switch", s->name, text, size};
	size_t bytes = 0;
	int err = check_title(&f);

	if (err)
		return err;
	if (!in(s->fdb_size, PTN_FDB_SIZE_MIN, PTN_FDB_SIZE_MAX) ||
	    (s->fdb_size & (s->fdb_size - 1)))
		return refuse(&f, -EINVAL,
			      "a table of %u entries: expected a power of two "
			      "from %d to %d",
			      s->fdb_size, PTN_FDB_SIZE_MIN, PTN_FDB_SIZE_MAX);
	for (size_t i = 0; i < s->n_statics; i++) {
		bytes +=
			STATIC_BYTES + (strlen(s->statics[i].port) + 4) / 4 * 4;
		if (bytes > STATICS_BYTES)
			return refuse(
				&f, -EINVAL,
				"%zu static entries are too many: %zu fit",
				s->n_statics, i);
		if (s->statics[i].mac[0] & 1)
			return refuse(&f, -EINVAL,
				      "a static entry for a group address");
		if (i &&
		    memcmp(s->statics[i - 1].mac, s->statics[i].mac, 6) >= 0)
			return refuse(&f, -EINVAL,
				      "static entries are not in order, or two "
				      "are for one address");
	}
	return 0;
}

int check_pipe(const struct pipe_spec *s, char *text, size_t size)
{
	const struct finding f = {"pipe", s->name, text, size};
	int err = check_title(&f);

	if (!err && !s->domain[0])
		return refuse(&f, -EINVAL, "no domain");
	return err;
}

static int check_device(const struct finding *f, const struct port_spec *s)
{
	if (!s->device[0])
		return refuse(f, -EINVAL, "which network device?");
	if (s->on_pipe[0])
		return refuse(f, -EINVAL,
			      "a network device cannot be on a pipe");
	if (s->host_stack)
		return refuse(f, -EOPNOTSUPP,
			      "the engine cannot put the host's stack of a "
			      "network device on a switch or at a program's "
			      "rings: leave out hostStack, or use the kernel "
			      "backend");
	return 0;
}

static int check_place(const struct finding *f, const struct port_spec *s)
{
	if (s->kind == PTN_PORT_NIC)
		return check_device(f, s);
	if (s->host_stack)
		return refuse(f, -EINVAL,
			      "only a network device has a host stack");
	if (s->kind != PTN_PORT_HOST && s->kind != PTN_PORT_VM)
		return refuse(f, -EINVAL, "kind %u of ports is not known",
			      (unsigned)s->kind);
	if (s->kind == PTN_PORT_HOST && s->device[0])
		return refuse(f, -EINVAL,
			      "only a VM has a network device for itself");
	if (!!s->on_switch[0] + !!s->on_pipe[0] + !!s->device[0] != 1)
		return refuse(f, -EINVAL,
			      "expected one of a switch, a pipe, or (a VM's) a "
			      "network device");
	if (s->end > 1)
		return refuse(f, -EINVAL, "end %u of a pipe: expected 0 or 1",
			      s->end);
	return 0;
}

/* What is 0 there is decided by the engine. */
static bool may_follow(const struct port_spec *s, uint32_t value)
{
	return s->kind == PTN_PORT_NIC && !value;
}

int check_port(const struct port_spec *s, char *text, size_t size)
{
	const struct finding f = {"port", s->name, text, size};
	int err = check_title(&f);

	if (!err)
		err = check_place(&f, s);
	if (err)
		return err;
	if (!may_follow(s, s->queues) && !in(s->queues, 1, PTN_RINGS_MAX))
		return refuse(&f, -EINVAL, "%u queues: expected 1 to %d",
			      s->queues, PTN_RINGS_MAX);
	if (!may_follow(s, s->slots) &&
	    !in(s->slots, PTN_SLOTS_MIN, PTN_SLOTS_MAX))
		return refuse(&f, -EINVAL, "%u slots: expected %d to %d",
			      s->slots, PTN_SLOTS_MIN, PTN_SLOTS_MAX);
	if (!may_follow(s, s->buf_size) &&
	    (!in(s->buf_size, PTN_BUF_SIZE_MIN, PTN_BUF_SIZE_MAX) ||
	     s->buf_size % BUF_ALIGN))
		return refuse(&f, -EINVAL,
			      "buffers of %u bytes: expected a multiple of %d "
			      "from %d to %d",
			      s->buf_size, BUF_ALIGN, PTN_BUF_SIZE_MIN,
			      PTN_BUF_SIZE_MAX);
	if (s->extra_bufs > EXTRA_BUFS_MAX)
		return refuse(&f, -EINVAL,
			      "%u extra buffers: expected at most %d",
			      s->extra_bufs, EXTRA_BUFS_MAX);
	return 0;
}
