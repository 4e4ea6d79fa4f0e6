/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports for `traffic`: from a name to an attached port, by its socket or by
 * /dev/netmap, and whole frames in its rings. What a slot says is checked
 * before it is used: it was written by the host, or by another program of the
 * port's domain.
 */
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "client/client.h"
#include "json/json.h"

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

/* What ptnet_open() takes for a port: a socket, or what /dev/netmap opens. */
static int place_of(const struct traffic *t, const char *name, char *out,
		    size_t size)
{
	char dir[256];
	int n;

	if (!name || ptnet_is_netmap(name)) {
		n = snprintf(out, size, "%s", name ?: t->socket);
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

/*
 * A port without a socket may be one of the kernel's: its status tells how
 * to open it.
 */
static bool told_place(const struct traffic *t, const char *name, char *out,
		       size_t size)
{
	_cleanup_json_ json_t *port = NULL;
	struct client_error error;
	char target[256] = "/v1/ports/";
	const char *place;

	if (!name || t->run_dir || http_quote(target, sizeof(target), name) ||
	    ctl_try_get(t->ctl, target, &port, &error))
		return false;
	place = json_string_value(
		json_object_get(json_object_get(port, "status"), "socket"));
	return place && ptnet_is_netmap(place) &&
	       snprintf(out, size, "%s", place) < (int)size;
}

struct refusal {
	int err;
	const char *text, *hint;
};

/* What the errors of ptnet_open() mean to people. */
static const struct refusal by_socket[] = {
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
	{0},
};

static const struct refusal by_device[] = {
	{-ENODEV, "there is no /dev/netmap to open port %s by",
	 "load the kernel module: modprobe ptnetmap"},
	{-EACCES, "not permitted to open port %s",
	 "/dev/netmap belongs to root"},
	{-ENXIO, "there is no port %s",
	 "a network device, a port, or a VALE port like vale0:NAME"},
	{-EBUSY, "another program has port %s for itself", NULL},
	{-EINVAL, "the kernel takes no such port: %s",
	 "the kernel's log (dmesg) tells why"},
	{-ENAMETOOLONG, "the name of port %s is too long", NULL},
	{-EIO, "the frames of port %s have headers",
	 "only a program that accepts these may open it"},
	{-EPROTO, "the memory of port %s is broken", NULL},
	{0},
};

static int refused(const char *name, const char *place, int err)
{
	const struct refusal *r = ptnet_is_netmap(place) ? by_device
							 : by_socket;
	char text[192];

	while (r->err && r->err != err)
		r++;
	if (!r->err)
		return ctl_error("cannot attach to port %s: %s: %s", name,
				 place, strerror(-err));
	snprintf(text, sizeof(text), "%s", r->text);
	*strstr(text, "%s") = '\0';
	ctl_error("%s%s%s%s%s", text, name, strstr(r->text, "%s") + 2,
		  strcmp(name, place) ? ": " : "",
		  strcmp(name, place) ? place : "");
	if (r->hint)
		ctl_hint("%s", r->hint);
	return CTL_ERROR;
}

static int sizes_of(struct traffic_port *p)
{
	const struct netmap_ring *r = ptnet_rx_ring(p->port, 0)
					      ?: ptnet_tx_ring(p->port, 0);

	if (!r)
		return ctl_error("port %s has no rings", p->name);
	p->buffers = ptnet_buffers(p->port);
	p->slot_max = r->nr_buf_size < SLOT_BYTES_MAX ? r->nr_buf_size
						      : SLOT_BYTES_MAX;
	p->frame_max = NETMAP_MAX_FRAGS * p->slot_max;
	p->scratch = malloc(p->frame_max);
	return p->scratch ? CTL_OK : ctl_error("out of memory");
}

int traffic_open(const struct traffic *t, const char *name,
		 struct traffic_port *out)
{
	char place[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int err;

	*out = (struct traffic_port){.port = NULL};
	if (place_of(t, name, place, sizeof(place)))
		return CTL_ERROR;
	err = ptnet_open(&out->port, place, NULL);
	if (err == -ENOENT && told_place(t, name, place, sizeof(place)))
		err = ptnet_open(&out->port, place, NULL);
	if (err)
		return refused(name ?: "there", place, err);
	out->netmap = ptnet_is_netmap(place);
	snprintf(out->name, sizeof(out->name), "%s", ptnet_name(out->port));
	if (!sizes_of(out))
		return CTL_OK;
	traffic_close(out);
	return CTL_ERROR;
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

int traffic_no_queue(const struct traffic_port *p, unsigned queue)
{
	const unsigned queues = ptnet_tx_queues(p->port);

	if (!queues)
		return ctl_error("port %s cannot send: it has no transmit "
				 "queue",
				 p->name);
	return ctl_error("port %s has no queue %u: its last is %u", p->name,
			 queue, queues - 1);
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
