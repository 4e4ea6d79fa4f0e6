/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports for `traffic`: from a name to an attached port, and whole frames in
 * its rings. What a slot says is checked before it is used: it was written by
 * the host, or by another program of the port's domain.
 */
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "client/client.h"

enum {
	SLICE_MS = 250, /* how long a signal may go unnoticed, at most */
	SLOT_BYTES_MAX = 65535, /* of netmap_slot.len */
};

/* The directory of the daemon's UNIX socket. */
static int run_dir_of_server(const struct traffic *t, char *out, size_t size)
{
	const char *given = t->ctl->server ?: getenv("PTNET_SERVER");
	struct client_server server;
	struct client_error error;
	const struct sockaddr_un *sun = (const void *)&server.address;
	const char *slash;
	char text[256];

	if (!given || !*given) {
		client_server_default(text, sizeof(text));
		given = text;
	}
	if (client_server_parse(&server, given, &error))
		return ctl_error("%s", error.message);
	if (server.address.ss_family != AF_UNIX) {
		ctl_error("ports are attached to by sockets of this host, "
			  "and %s does not tell where these are",
			  server.name);
		ctl_hint("say --run-dir DIR or --socket PATH");
		return CTL_ERROR;
	}
	slash = strrchr(sun->sun_path, '/');
	snprintf(out, size, "%.*s", slash ? (int)(slash - sun->sun_path) : 1,
		 slash ? sun->sun_path : ".");
	return CTL_OK;
}

static int socket_path(const struct traffic *t, const char *name, char *out,
		       size_t size)
{
	char dir[256];
	int n;

	if (!name) {
		n = snprintf(out, size, "%s", t->socket);
	} else if (!*name || strchr(name, '/')) {
		return ctl_error("\"%s\" is no name of a port", name);
	} else {
		if (t->run_dir)
			snprintf(dir, sizeof(dir), "%s", t->run_dir);
		else if (run_dir_of_server(t, dir, sizeof(dir)))
			return CTL_ERROR;
		n = snprintf(out, size, "%s/ports/%s.sock", dir, name);
	}
	if (n >= (int)size)
		return ctl_error("the path of the socket is too long: %s", out);
	return CTL_OK;
}

/* What the errors of ptnet_open() mean to people. */
static const struct {
	int err;
	const char *text, *hint;
} refusals[] = {
	{-EBUSY, "another program is attached to port %s",
	 "a port has one user at a time"},
	{-ENOENT, "there is no port %s", "see `ptnetctl get ports`"},
	{-ECONNREFUSED, "nobody serves port %s",
	 "is ptnet-engine running? See `ptnetctl status`"},
	{-EACCES, "not permitted to attach to port %s",
	 "its socket belongs to the user and group of ptnetd"},
	{-EPROTO, "what serves port %s does not speak the attach protocol",
	 NULL},
	{-ECONNRESET, "the host hung up while port %s was being attached to",
	 "see the engine's log, or `ptnetctl status`"},
	{-ETIMEDOUT, "the host of port %s does not answer", NULL},
};

static int refused(const char *name, const char *path, int err)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		char text[192];

		if (refusals[i].err != err)
			continue;
		snprintf(text, sizeof(text), "%s", refusals[i].text);
		*strstr(text, "%s") = '\0';
		ctl_error("%s%s%s: %s", text, name,
			  strstr(refusals[i].text, "%s") + 2, path);
		if (refusals[i].hint)
			ctl_hint("%s", refusals[i].hint);
		return CTL_ERROR;
	}
	return ctl_error("cannot attach to port %s: %s: %s", name, path,
			 strerror(-err));
}

int traffic_open(const struct traffic *t, const char *name,
		 struct traffic_port *out)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct netmap_ring *r;
	int err;

	*out = (struct traffic_port){.port = NULL};
	if (socket_path(t, name, path, sizeof(path)))
		return CTL_ERROR;
	err = ptnet_open(&out->port, path, NULL);
	if (err)
		return refused(name ?: "there", path, err);
	snprintf(out->name, sizeof(out->name), "%s", ptnet_name(out->port));
	r = ptnet_tx_ring(out->port, 0);
	out->buffers = ptnet_buffers(out->port);
	out->slot_max = r->nr_buf_size < SLOT_BYTES_MAX ? r->nr_buf_size
							: SLOT_BYTES_MAX;
	out->frame_max = NETMAP_MAX_FRAGS * out->slot_max;
	out->scratch = malloc(out->frame_max);
	if (!out->scratch) {
		traffic_close(out);
		return ctl_error("out of memory");
	}
	return CTL_OK;
}

void traffic_close(struct traffic_port *p)
{
	ptnet_close(p->port);
	free(p->scratch);
	*p = (struct traffic_port){.port = NULL};
}

int traffic_failed(const struct traffic_port *p, int err)
{
	if (err == -ECONNRESET)
		return ctl_error("the host has ended the attachment to port %s",
				 p->name);
	if (err == -EIO)
		return ctl_error("the host has disabled port %s after too many "
				 "faults",
				 p->name);
	if (err == -EPROTO)
		return ctl_error("the rings of port %s are broken", p->name);
	return ctl_error("port %s: %s", p->name, strerror(-err));
}

uint32_t traffic_slots(const struct traffic_port *p, size_t len)
{
	return (uint32_t)((len + p->slot_max - 1) / p->slot_max);
}

static uint8_t *buffer(const struct traffic_port *p, struct netmap_ring *r,
		       uint32_t idx)
{
	return idx >= NM_BUF_RESERVED && idx < p->buffers
		       ? (uint8_t *)ptnet_buf(r, idx)
		       : NULL;
}

int traffic_begin(struct traffic_port *p, struct netmap_ring *r, size_t len,
		  uint8_t **data)
{
	uint32_t need = traffic_slots(p, len), at = r->head;

	if (ptnet_space(r) < need)
		return 0;
	for (uint32_t i = 0; i < need; i++, at = ptnet_next(r, at))
		if (!buffer(p, r, r->slot[at].buf_idx))
			return -EPROTO;
	*data = need == 1 ? buffer(p, r, r->slot[r->head].buf_idx) : p->scratch;
	return *data ? 1 : -EPROTO;
}

void traffic_commit(struct traffic_port *p, struct netmap_ring *r,
		    const uint8_t *data, size_t len)
{
	uint32_t at = r->head;
	size_t n;

	do {
		struct netmap_slot *s = &r->slot[at];
		uint8_t *to = buffer(p, r, s->buf_idx);

		n = len < p->slot_max ? len : p->slot_max;
		if (to && to != data)
			memcpy(to, data, n);
		s->len = (uint16_t)n;
		s->flags = n < len ? NS_MOREFRAG : 0;
		data += n;
		len -= n;
		at = ptnet_next(r, at);
	} while (len);
	r->head = r->cur = at;
}

/* Add a slot to a frame of several. False: it makes no sense. */
static bool collect(struct traffic_port *p, struct netmap_ring *r,
		    const struct netmap_slot *s, struct traffic_frame *f)
{
	const uint8_t *from = buffer(p, r, s->buf_idx);

	if (!from || s->len > p->slot_max || f->slots > NETMAP_MAX_FRAGS)
		return false;
	memcpy(p->scratch + f->len, from, s->len);
	f->len += s->len;
	return true;
}

static bool peek_long(struct traffic_port *p, struct netmap_ring *r,
		      struct traffic_frame *f)
{
	uint32_t at = r->head;
	struct netmap_slot s;

	*f = (struct traffic_frame){.data = p->scratch};
	do {
		if (at == r->tail)
			return false;
		s = r->slot[at];
		f->slots++;
		f->broken = f->broken || !collect(p, r, &s, f);
		at = ptnet_next(r, at);
	} while (s.flags & NS_MOREFRAG);
	return true;
}

bool traffic_peek(struct traffic_port *p, struct netmap_ring *r,
		  struct traffic_frame *out)
{
	struct netmap_slot s;

	if (r->head == r->tail)
		return false;
	s = r->slot[r->head];
	if (s.flags & NS_MOREFRAG)
		return peek_long(p, r, out);
	*out = (struct traffic_frame){
		.data = buffer(p, r, s.buf_idx), .len = s.len, .slots = 1};
	out->broken = !out->data || s.len > p->slot_max;
	return true;
}

void traffic_skip(struct netmap_ring *r, uint32_t slots)
{
	while (slots--)
		r->head = ptnet_next(r, r->head);
	r->cur = r->head;
}

int traffic_wait(struct traffic_port *p, int what, int64_t deadline, bool busy,
		 struct traffic_tally *tally)
{
	int64_t left = deadline - traffic_now();
	int ms = left >= SLICE_MS * 1000000LL ? SLICE_MS
		 : left > 0		      ? (int)((left + 999999) / 1000000)
					      : 0;
	int ready = ptnet_wait(p->port, what, 0);

	tally->syncs++;
	if (ready || busy || !ms)
		return ready;
	tally->waits++;
	ready = ptnet_wait(p->port, what, ms);
	return ready == -EINTR ? 0 : ready;
}
