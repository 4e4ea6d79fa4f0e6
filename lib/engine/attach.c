/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/log.h"
#include "engine/adopt.h"
#include "engine/attach_inner.h"
#include "engine/control.h"
#include "engine/keep.h"
#include "engine/nic.h"
#include "engine/os/os.h"
#include "engine/uplink.h"
#include "engine/vport.h"
#include "engine/watch.h"
#include "nl/message.h"
#include "wire/wire.h"

enum {
	SHUT_MS = 10 * 1000, /* to a program that held a worker */
	/* Room in a domain's region for ports declared later. */
	DOMAIN_SPARE_PORTS = 16,
};

/* What the core asks for. */

static void report(struct attach *a)
{
	eventfd_write(a->port->engine->faults.fd, 1);
}

static void on_notify(void *home, uint32_t vector)
{
	const struct vport *p = home;
	struct attach *a = p->attach;

	if (watch_kick(a->client_fd[vector]))
		return;
	ptn_store(a->spoilt, 1);
	if (ptn_window_give_up(&a->window))
		report(a);
}

static void on_wake(void *home, uint32_t queue)
{
	const struct vport *p = home;

	queue_wake(&p->attach->queues[queue]);
}

static void on_fault(void *home, uint32_t vector, uint64_t total)
{
	const struct vport *p = home;
	struct attach *a = p->attach;

	(void)vector;
	(void)total;
	if (ptn_window_fault(&a->window))
		report(a);
}

static void on_abuse(void *home)
{
	on_fault(home, 0, 0);
}

const struct ptn_port_ops attach_port_ops = {
	.notify = on_notify,
	.wake = on_wake,
	.fault = on_fault,
	.abuse = on_abuse,
};

/* Running. */

static struct worker *choose_worker(struct attach *a)
{
	if (!a->memory->worker)
		a->memory->worker = engine_worker(a->port->engine);
	return a->memory->worker;
}

static void init_queues(struct attach *a, struct worker *w)
{
	const struct vport *p = a->port;

	for (uint32_t i = 0; i < p->queues; i++) {
		queue_init(&a->queues[i], w, p->core, i,
			   a->host_fd[PTN_VECTOR_TX(i)],
			   a->host_fd[PTN_VECTOR_RX(i)]);
		if (p->nic)
			a->queues[i].device_fd = nic_fd(p->nic, i);
	}
}

static void stop(void *home)
{
	struct attach *a = home;
	struct worker *w = a->memory->worker;

	worker_remove(w, a->queues, a->port->queues);
	ptn_port_stop(a->port->core);
	worker_flush(w);
}

static int start(void *home)
{
	struct attach *a = home;
	struct worker *w = choose_worker(a);
	uint32_t n = a->port->queues;
	int err;

	init_queues(a, w);
	err = ptn_port_start(a->port->core);
	if (!err)
		err = worker_add(w, a->queues, n);
	if (!err)
		return 0;
	ptn_port_stop(a->port->core);
	worker_flush(w);
	return err;
}

static void reset(void *home)
{
	struct attach *a = home;

	ptn_port_reset(a->port->core);
}

static void kick_control(void *home)
{
	struct attach *a = home;

	watch_kick(a->client_fd[PTN_VECTOR_CONTROL]);
}

static const struct ptn_window_ops window_ops = {
	.start = start,
	.stop = stop,
	.reset = reset,
	.kick = kick_control,
};

/* The eventfd is edge-triggered and never read, as in worker.h. */
static void doorbell_heard(struct loop_source *source, uint32_t events)
{
	struct attach *a = loop_owner(source, struct attach, doorbell);

	(void)events;
	if (!ptn_window_heard(&a->window))
		loop_change(&a->port->engine->loop, source, 0);
}

static void tell_stopped(struct attach *a)
{
	struct vport *p = a->port;
	struct message_event event = {.type = PTN_EVENT_PORT_STOPPED,
				      .pid = (uint32_t)a->pid};

	/* as control.h says */
	if (!limit_may_say(&p->told, (int64_t)ptn_now_ms()))
		return;
	strcpy(event.port, p->spec.name);
	control_tell(p->engine->control, &event);
}

static void fault(struct attach *a)
{
	if (!ptn_window_fail(&a->window))
		return;
	/* it cost its worker's other ports some time: not again at once */
	if (ptn_load(a->spoilt))
		a->port->shut_until = ptn_now_ms() + SHUT_MS;
	tell_stopped(a);
	if (!limit_may_say(&a->port->limit, (int64_t)ptn_now_ms()))
		return;
	log_warn("port %s: stopped, its program (pid %d) corrupted the rings "
		 "too often; it must attach again",
		 a->port->spec.name, (int)a->pid);
}

void attach_faults(struct engine *e)
{
	struct attach *a;

	LIST_FOREACH(a, &e->attached, link)
	fault(a);
}

static void tick(struct attach *a)
{
	if (memory_lost(a->memory) && ptn_window_give_up(&a->window))
		report(a);
	if (ptn_window_tick(&a->window))
		loop_change(&a->port->engine->loop, &a->doorbell,
			    EPOLLIN | EPOLLET);
}

void attach_tick(struct engine *e)
{
	struct attach *a;

	LIST_FOREACH(a, &e->attached, link)
	tick(a);
}

void attach_status(const struct attach *a, struct port_status *out)
{
	out->state = ptn_window_state(&a->window);
	out->pid = (uint32_t)a->pid;
	out->driver = a->window.driver;
	out->generation = a->window.generation;
	out->page_size = memory_page_size(a->memory);
	if (a->memory->worker)
		out->worker = worker_number(a->memory->worker);
}

/* Memory. */

static void add_count(uint32_t *to, uint32_t count, uint32_t times,
		      uint32_t max)
{
	uint64_t sum = *to + (uint64_t)count * times;

	*to = sum < max ? (uint32_t)sum : max;
}

static void add_shape(struct ptn_shape *to, const struct ptn_shape *s,
		      uint32_t times)
{
	add_count(&to->if_count, s->if_count, times, 1 << 16);
	add_count(&to->ring_count, s->ring_count, times, 1 << 17);
	add_count(&to->buf_count, s->buf_count, times, 1 << 24);
	if (s->if_size > to->if_size)
		to->if_size = s->if_size;
	if (s->ring_size > to->ring_size)
		to->ring_size = s->ring_size;
	if (s->buf_size > to->buf_size)
		to->buf_size = s->buf_size;
}

static void port_shape(const struct vport *p, struct ptn_shape *out)
{
	ptn_shape_for_port(out, p->queues, p->slots, p->buf_size,
			   p->spec.extra_bufs);
}

/* All ports of the domain, and room: what is not touched costs nothing. */
static void domain_shape(const struct vport *first, struct ptn_shape *out)
{
	const struct engine *e = first->engine;
	const char *domain = vport_domain(first);
	struct table_node *n;
	struct ptn_shape s;

	port_shape(first, &s);
	*out = (struct ptn_shape){0};
	add_shape(out, &s, DOMAIN_SPARE_PORTS);
	for (n = table_next(&e->ports, NULL); n; n = table_next(&e->ports, n)) {
		const struct vport *p = loop_owner(n, struct vport, node);

		if (strcmp(vport_domain(p), domain) != 0)
			continue;
		port_shape(p, &s);
		add_shape(out, &s, 2);
	}
}

static int own_memory(struct vport *p, struct memory **out)
{
	struct ptn_shape shape;

	port_shape(p, &shape);
	return memory_new(out, &shape,
			  p->spec.kind == PTN_PORT_VM ? MEMORY_LONG
						      : MEMORY_SHORT,
			  p->spec.huge_pages, p->spec.name);
}

static int domain_memory(struct vport *p, struct memory **out)
{
	struct engine *e = p->engine;
	const char *domain = vport_domain(p);
	struct table_node *n = table_find(&e->domains, domain);
	struct ptn_shape shape;
	int err;

	if (n) {
		*out = loop_owner(n, struct memory, node);
		return 0;
	}
	domain_shape(p, &shape);
	err = table_reserve(&e->domains, 1);
	if (!err)
		err = memory_new(out, &shape, MEMORY_LONG, p->spec.huge_pages,
				 domain);
	if (err)
		return err;
	strcpy((*out)->domain, domain);
	table_add(&e->domains, &(*out)->node, (*out)->domain);
	return 0;
}

void attach_put_memory(struct engine *e, struct memory *m)
{
	if (m->users)
		return;
	if (m->domain[0])
		table_remove(&e->domains, &m->node);
	memory_free(m);
}

static int take_memory(struct attach *a)
{
	struct vport *p = a->port;
	int window, err;

	err = vport_domain(p)[0] ? domain_memory(p, &a->memory)
				 : own_memory(p, &a->memory);
	if (err)
		return err;
	window = p->buf_size > ptn_region_shape(a->memory->region)->buf_size
			 ? -ENOSPC
			 : memory_take_window(a->memory);
	if (window < 0) {
		attach_put_memory(p->engine, a->memory);
		a->memory = NULL;
		return window;
	}
	a->number = (uint32_t)window;
	a->memory->users++;
	return 0;
}

static void give_memory(struct attach *a)
{
	if (!a->memory)
		return;
	memory_give_window(a->memory, a->number);
	a->memory->users--;
	attach_put_memory(a->port->engine, a->memory);
}

/* The core cuts for whom has none; a pipe leaves frames alone. */
static uint64_t features_of(const struct vport *p)
{
	const bool headers = !p->spec.on_pipe[0] &&
			     (p->spec.kind != PTN_PORT_VM || p->spec.offload);

	return (os_heavy() ? PTN_REGION_HEAVY_SLEEP : 0) |
	       (headers ? PTN_REGION_HEADERS : 0);
}

static void fill_config(struct attach *a)
{
	const struct vport *p = a->port;
	const struct ptn_window_params params = {
		.name = p->spec.name,
		.mac = p->spec.mac,
		.features = features_of(p),
		.generation = p->engine->generation,
		.number = a->number,
		.queues = p->queues,
		.slots = p->slots,
	};

	ptn_window_show(&a->window, p->core, &params);
}

/* Beginning and end. */

static int open_vectors(struct attach *a)
{
	int err;

	a->vectors = 1 + 2 * a->port->queues;
	err = wire_open_vectors(a->vectors, a->host_fd, a->client_fd);
	a->doorbell.fd = a->host_fd[PTN_VECTOR_CONTROL];
	return err;
}

static int open_device(struct attach *a)
{
	const struct vport *p = a->port;
	int err = nic_attach(p->nic, p->core, p->queues);

	if (!err)
		err = nic_open(p->nic);
	if (err)
		nic_detach(p->nic);
	return err;
}

static int open_port(struct attach *a)
{
	int err;

	ptn_window_init(&a->window, memory_window(a->memory, a->number),
			&window_ops, a);
	err = ptn_port_open(a->port->core, a->memory->region,
			    ptn_window_atok(&a->window),
			    ptn_window_ktoa(&a->window));
	a->opened = !err;
	return err || !a->port->nic ? err : open_device(a);
}

static void close_port(struct attach *a)
{
	struct vport *p = a->port;
	uint64_t counters[PTN_C_MAX + 1];

	if (!a->opened)
		return;
	ptn_window_stop(&a->window);
	ptn_port_counters(p->core, counters);
	for (int c = 0; c <= PTN_C_MAX; c++)
		p->past[c] += counters[c];
	if (p->nic)
		nic_detach(p->nic);
	ptn_port_close(p->core);
}

void attach_free(struct attach *a)
{
	struct engine *e = a->port->engine;

	if (a->kept)
		keep_drop(e->keep, a->port->spec.name);
	loop_remove(&e->loop, &a->connection);
	loop_remove(&e->loop, &a->doorbell);
	close_port(a);
	if (a->port->attach == a) {
		a->port->attach = NULL;
		LIST_REMOVE(a, link);
		if (!--e->n_attached)
			watch_enable(e->watch, false);
	}
	give_memory(a);
	wire_close_vectors(a->vectors, a->host_fd, a->client_fd);
	close(a->connection.fd);
	free(a);
}

void attach_end(struct attach *a)
{
	ptn_window_end(&a->window);
	attach_free(a);
}

/* The worker has the queues no more, and then the new sockets. */
static int exchange_sockets(struct attach *a)
{
	struct worker *w = a->memory->worker;
	const uint32_t n = a->port->queues;
	int err;

	if (a->window.running) {
		worker_remove(w, a->queues, n);
		worker_flush(w);
	}
	nic_close(a->port->nic);
	err = nic_open(a->port->nic);
	if (!a->window.running)
		return err;
	init_queues(a, w);
	return worker_add(w, a->queues, n) ?: err;
}

void attach_renew_device(struct attach *a)
{
	const int err = exchange_sockets(a);

	if (err)
		log_warn("port %s: its network device cannot be opened: %s",
			 a->port->spec.name, strerror(-err));
}

/* A client has nothing to say: whatever comes ends the attachment. */
static void connection_heard(struct loop_source *source, uint32_t events)
{
	struct attach *a = loop_owner(source, struct attach, connection);

	(void)events;
	attach_free(a);
}

int attach_begin(struct attach *a)
{
	struct loop *l = &a->port->engine->loop;
	int err = open_port(a);

	if (err)
		return err;
	fill_config(a);
	a->doorbell.heard = doorbell_heard;
	a->connection.heard = connection_heard;
	err = loop_add(l, &a->doorbell, EPOLLIN | EPOLLET);
	if (!err)
		err = loop_add(l, &a->connection, EPOLLIN | EPOLLRDHUP);
	return err;
}

static int attach_open(struct attach *a)
{
	int err = open_vectors(a);

	if (!err)
		err = take_memory(a);
	return err ? err : attach_begin(a);
}

void attach_join(struct attach *a)
{
	struct engine *e = a->port->engine;

	a->port->attach = a;
	LIST_INSERT_HEAD(&e->attached, a, link);
	if (!e->n_attached++)
		watch_enable(e->watch, true);
	engine_tick(e);
}

struct attach *attach_new(struct vport *p, int fd)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->port = p;
	a->connection.fd = fd;
	a->doorbell.fd = -1;
	a->pid = wire_peer_pid(fd);
	for (int i = 0; i < PTN_VECTORS_MAX; i++)
		a->host_fd[i] = a->client_fd[i] = -1;
	return a;
}

/* A program that died a moment ago does not keep the port. */
static bool taken(struct vport *p)
{
	char c;

	if (!p->attach)
		return false;
	if (recv(p->attach->connection.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) <
		    0 &&
	    errno == EAGAIN)
		return true;
	attach_free(p->attach);
	return false;
}

static void refuse(struct listener *l, int fd, int err)
{
	if (err != -EBUSY &&
	    limit_may_say(&l->port->limit, (int64_t)ptn_now_ms()))
		log_warn("port %s: cannot be attached: %s", l->port->spec.name,
			 strerror(-err));
	wire_refuse(fd, err);
	wire_keep_refused(&l->refused, fd);
}

static void accept_client(struct listener *l, int fd)
{
	struct vport *p = l->port;
	struct attach *a = NULL;
	int err = -EBUSY;

	if (ptn_now_ms() < p->shut_until) {
		err = -EAGAIN;
	} else if (!taken(p)) {
		a = attach_new(p, fd);
		err = a ? attach_open(a) : -ENOMEM;
	}
	if (err) {
		refuse(l, fd, err);
		if (a) {
			a->connection.fd = -1;
			attach_free(a);
		}
		return;
	}
	attach_join(a);
	if (wire_greet(fd, a->number, a->memory->fd, a->vectors, a->host_fd,
		       a->client_fd))
		attach_free(a);
	else if (p->spec.kind == PTN_PORT_VM)
		adopt_keep(a);
}

void attach_listener_heard(struct loop_source *source, uint32_t events)
{
	struct listener *l = loop_owner(source, struct listener, source);
	struct engine *e = l->port->engine;
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0) {
		accept_client(l, fd);
		return;
	}
	if (errno != EMFILE && errno != ENFILE)
		return;
	/* Out of descriptors: without one the client would wait for ever. */
	fd = wire_accept_spare(source->fd, &e->spare_fd);
	if (fd >= 0) {
		wire_refuse(fd, -EMFILE);
		close(fd);
		wire_keep_spare(&e->spare_fd);
	}
}

/* Census. */

static void add_census(struct census *to, const struct memory *m)
{
	struct ptn_census c;

	ptn_region_census(m->region, &c);
	to->regions++;
	to->buffers += c.buffers;
	to->free += c.free;
	to->slots += c.slots;
	to->extra += c.extra;
	to->lost += c.lost;
	to->twice += c.twice;
}

void attach_census(struct engine *e, struct census *out)
{
	struct table_node *n;
	struct attach *a;

	*out = (struct census){0};
	for (uint32_t i = 0; i < e->n_workers; i++)
		worker_pause(e->workers[i]);
	LIST_FOREACH(a, &e->attached, link)
	if (!a->memory->domain[0])
		add_census(out, a->memory);
	for (n = table_next(&e->domains, NULL); n;
	     n = table_next(&e->domains, n))
		add_census(out, loop_owner(n, struct memory, node));
	for (n = table_next(&e->ports, NULL); n; n = table_next(&e->ports, n)) {
		const struct vport *p = loop_owner(n, struct vport, node);

		if (p->uplink)
			add_census(out, uplink_memory(p->uplink));
	}
	for (uint32_t i = 0; i < e->n_workers; i++)
		worker_resume(e->workers[i]);
}
