/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Worker threads: each moves the frames of the queues that it was given.
 *
 * A queue is either active (the worker looks at it again and again, the
 * program need not kick) or armed (the program kicks the queue's eventfds).
 * A queue without work for a while is armed; a worker without active queues
 * sleeps. Knows queues of the core, their eventfds and devices, no client or
 * message. Everything but queue_wake() is called by the control thread.
 *
 * Eventfds are watched edge-triggered and never read: the client holds the
 * same open file and could make a read block.
 */
#ifndef PTNET_ENGINE_WORKER_H
#define PTNET_ENGINE_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct nic;
struct ptn_port;
struct watch;
struct worker;

struct queue {
	struct ptn_port *port;
	uint32_t index;
	int tx_fd, rx_fd; /* what the program kicks */
	int device_fd; /* has frames, or room for some; -1: none */
	struct nic *device; /* is the port's program; NULL: a client is */
	struct worker *worker;
	/* the worker's */
	bool active, gone;
	TAILQ_ENTRY(queue) link; /* of the active ones */
	bool muted; /* looked at without its eventfds: it kicks without end */
	uint32_t unasked; /* kicks ... */
	uint64_t unasked_since; /* ... from then on, ns */
	uint64_t idle_since, armed_at; /* ns */
	uint64_t budget; /* ns of empty looks before it is armed */
	uint32_t most; /* slots that it may move in a turn */
	uint64_t used; /* ns of the worker's, as fair shares go: see worker.c */
	/* anyone's */
	struct queue *next; /* in the inbox */
	uint32_t waiting; /* it is in the inbox */
};

/** worker_new - start a thread. 0, -ENOMEM, -errno. */
int worker_new(struct worker **out, uint32_t number, struct watch *watch);

/** worker_free - end a thread that has no queues. Takes NULL. */
void worker_free(struct worker *w);

uint32_t worker_number(const struct worker *w);

/** worker_load - queues that it has */
uint32_t worker_load(const struct worker *w);

/**
 * queue_init - a queue that a worker will have; from now on it can be woken
 *
 * To be called before the port is started. It has no device.
 */
void queue_init(struct queue *q, struct worker *w, struct ptn_port *port,
		uint32_t index, int tx_fd, int rx_fd);

/**
 * worker_add - give it queues of one started port, and look at them at once
 *
 * Returns 0, or -errno with nothing added.
 */
int worker_add(struct worker *w, struct queue *queues, uint32_t n);

/** worker_remove - when it returns the worker does not touch these queues,
 * except by queue_wake() from others, see worker_flush() */
void worker_remove(struct worker *w, struct queue *queues, uint32_t n);

/** worker_flush - forget wakes of queues that were removed; nobody wakes them
 * any more */
void worker_flush(struct worker *w);

/** worker_pause, worker_resume - while paused it touches no queue */
void worker_pause(struct worker *w);
void worker_resume(struct worker *w);

/** queue_wake - look at a queue again soon; any thread, does not sleep */
void queue_wake(struct queue *q);

#endif
