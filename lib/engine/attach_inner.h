/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of attachments, shared by attach.c and adopt.c only. */
#ifndef PTNET_ENGINE_ATTACH_INNER_H
#define PTNET_ENGINE_ATTACH_INNER_H

#include "core/window.h"
#include "engine/attach.h"

struct attach {
	LIST_ENTRY(attach) link;
	struct vport *port;
	struct memory *memory;
	uint32_t number; /* of its window: the client's ID */
	struct ptn_window window;
	bool opened; /* the core's port */
	bool kept; /* by the keeper, too */
	uint32_t spoilt; /* atomic: an eventfd of it held its writer */
	pid_t pid;
	struct loop_source connection;
	struct loop_source doorbell; /* vector 0 */
	int host_fd[PTN_VECTORS_MAX]; /* the client kicks these */
	int client_fd[PTN_VECTORS_MAX]; /* and waits on these */
	uint32_t vectors;
	struct queue queues[PTN_RINGS_MAX];
};

/** attach_new - of the client at the other end of @fd, owned; or NULL */
struct attach *attach_new(struct vport *p, int fd);

/** attach_begin - it has memory and vectors: open the port, listen */
int attach_begin(struct attach *a);

/** attach_join - from now on it is the port's */
void attach_join(struct attach *a);

/** attach_free - end it, whatever of it there is */
void attach_free(struct attach *a);

/** attach_put_memory - free it if nobody uses it */
void attach_put_memory(struct engine *e, struct memory *m);

#endif
