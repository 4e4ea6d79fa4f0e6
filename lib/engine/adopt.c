/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/adopt.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/attach_inner.h"
#include "engine/keep.h"
#include "engine/os/os.h"
#include "engine/vport.h"

static_assert(sizeof(struct ptn_shape) ==
		      sizeof(((struct keep_record *)0)->shape),
	      "the keeper keeps whole shapes");

void adopt_keep(struct attach *a)
{
	const struct vport *p = a->port;
	struct keep_record r = {
		.window = a->number,
		.queues = p->queues,
		.slots = p->slots,
		.huge = a->memory->huge,
	};
	int fds[KEEP_FDS_MAX];

	memcpy(r.shape, ptn_region_shape(a->memory->region), sizeof(r.shape));
	strcpy(r.name, p->spec.name);
	strcpy(r.domain, vport_domain(p));
	fds[KEEP_MEMORY] = a->memory->fd;
	fds[KEEP_CONNECTION] = a->connection.fd;
	memcpy(fds + KEEP_VECTORS, a->host_fd, a->vectors * sizeof(int));
	memcpy(fds + KEEP_VECTORS + a->vectors, a->client_fd,
	       a->vectors * sizeof(int));
	keep_put(p->engine->keep, &r, fds, KEEP_VECTORS + 2 * a->vectors);
	a->kept = true;
}

static struct ptn_shape shape_of(const struct keep_record *r)
{
	struct ptn_shape shape;

	memcpy(&shape, r->shape, sizeof(shape));
	return shape;
}

static bool fits(const struct vport *p, const struct kept *left)
{
	const struct keep_record *r = &left->record;
	const struct ptn_shape shape = shape_of(r);

	return p && p->spec.kind == PTN_PORT_VM && !p->attach &&
	       r->queues == p->queues && r->slots == p->slots &&
	       shape.buf_size >= p->buf_size &&
	       !strcmp(r->domain, vport_domain(p)) &&
	       left->n == KEEP_VECTORS + 2 * (1 + 2 * r->queues);
}

/* The members of a domain have the same file; the first one maps it. */
static int find_memory(struct engine *e, const struct keep_record *r, int *fd,
		       struct memory **out)
{
	struct table_node *n = *r->domain ? table_find(&e->domains, r->domain)
					  : NULL;
	const struct ptn_shape shape = shape_of(r);
	int err;

	if (n) {
		*out = loop_owner(n, struct memory, node);
		return 0;
	}
	err = table_reserve(&e->domains, 1);
	if (!err)
		err = memory_adopt(out, &shape, r->huge, *fd);
	if (err)
		return err;
	*fd = -1;
	if (*r->domain) {
		strcpy((*out)->domain, r->domain);
		table_add(&e->domains, &(*out)->node, (*out)->domain);
	}
	return 0;
}

static int take_memory(struct attach *a, const struct keep_record *r, int *fd)
{
	struct memory *m = NULL;
	int err = find_memory(a->port->engine, r, fd, &m);

	if (err)
		return err;
	err = memory_keep_window(m, r->window);
	if (err) {
		attach_put_memory(a->port->engine, m);
		return err;
	}
	a->memory = m;
	a->number = r->window;
	m->users++;
	return 0;
}

static void take_vectors(struct attach *a, const struct kept *left)
{
	a->vectors = 1 + 2 * left->record.queues;
	memcpy(a->host_fd, left->fd + KEEP_VECTORS, a->vectors * sizeof(int));
	memcpy(a->client_fd, left->fd + KEEP_VECTORS + a->vectors,
	       a->vectors * sizeof(int));
	a->doorbell.fd = a->host_fd[PTN_VECTOR_CONTROL];
}

/* A command that the last engine did not get to is answered: not done. */
static int begin(struct attach *a)
{
	int err = attach_begin(a);

	if (err)
		return err;
	attach_join(a);
	ptn_window_renew(&a->window);
	return 0;
}

static void adopt(struct vport *p, struct kept *left)
{
	const struct keep_record r = left->record;
	struct attach *a = attach_new(p, left->fd[KEEP_CONNECTION]);
	int memory = left->fd[KEEP_MEMORY], err;

	if (!a) {
		keep_refuse(p->engine->keep, left);
		return;
	}
	take_vectors(a, left);
	keep_took(left);
	a->kept = true;
	err = take_memory(a, &r, &memory);
	if (memory >= 0)
		close(memory);
	if (!err)
		err = begin(a);
	if (!err) {
		log_info("port %s: taken over with its VM (pid %d)", r.name,
			 (int)a->pid);
		return;
	}
	log_warn("port %s: its VM (pid %d) is cut off: %s", r.name, (int)a->pid,
		 strerror(-err));
	attach_free(a);
}

void adopt_all(struct engine *e)
{
	struct kept *left, *next;

	for (left = keep_first(e->keep); left; left = next) {
		struct vport *p = engine_port(e, left->record.name);

		next = keep_next(left);
		if (fits(p, left))
			adopt(p, left);
		else
			keep_refuse(e->keep, left);
	}
}
