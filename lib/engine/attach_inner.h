/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of attachments, shared by attach.c and adopt.c only. */
#ifndef PTNET_ENGINE_ATTACH_INNER_H
#define PTNET_ENGINE_ATTACH_INNER_H

#include "engine/attach.h"

struct attach {
	LIST_ENTRY(attach) link;
	struct vport *port;
	struct memory *memory;
	uint32_t window;
	bool opened; /* the core's port */
	bool kept; /* by the keeper, too */
	bool running;
	uint32_t spoilt; /* atomic: an eventfd of it held its writer */
	bool faulted;
	pid_t pid;
	struct loop_source connection;
	struct loop_source doorbell; /* vector 0 */
	int host_fd[PTN_VECTORS_MAX]; /* the client kicks these */
	int client_fd[PTN_VECTORS_MAX]; /* and waits on these */
	uint32_t vectors;
	uint32_t seq; /* of the last command */
	uint32_t commands; /* since the last tick */
	bool muted;
	uint32_t heartbeat;
	struct queue queues[PTN_RINGS_MAX];
	/* any thread's */
	uint64_t faults_since; /* ms */
	uint32_t faults;
	uint32_t too_many;
};

static inline struct ptn_config *attach_config(const struct attach *a)
{
	return (void *)(memory_window(a->memory, a->window) +
			PTN_WINDOW_CONFIG);
}

static inline struct ptn_control *attach_control(const struct attach *a)
{
	return (void *)(memory_window(a->memory, a->window) +
			PTN_WINDOW_CONTROL);
}

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

/** attach_kick_control - the client shall look at its config page */
void attach_kick_control(struct attach *a);

#endif
