/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of one port after region.h, as small as it can be: a listener
 * that attaches one client, and a memory file whose far side the test moves by
 * hand. It can be told to misbehave at any step.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <ptnet/netmap.h>
#include <ptnet/region.h>

enum {
	HOST_QUEUES = 2,
	HOST_VECTORS = 1 + 2 * HOST_QUEUES,
	HOST_MESSAGES = 3 + 2 * HOST_VECTORS,
	HOST_SLOTS = 16,
	HOST_BUF_SIZE = 256,
	HOST_NEVER = 1000,
};

/* What a host does instead of sending a message or answering a command. */
enum host_end { HOST_HANGS_UP, HOST_IS_SILENT };

struct host {
	/* how to misbehave; set before host_start() */
	int messages; /* HOST_NEVER, or the message before which it ends */
	int commands; /* HOST_NEVER, or the command before which it ends */
	enum host_end end;
	int status; /* of every command */
	int64_t version;
	int64_t id;
	bool no_fds;
	bool short_message;
	bool pipes; /* instead of eventfds */
	bool unsealed;
	uint64_t size; /* of the file */

	char dir[32], path[64];
	int listener, sock, mem, quit;
	int host[HOST_VECTORS], own[HOST_VECTORS];
	char *base;
	struct ptn_config *config;
	struct ptn_control *control;
	struct nm_csb_atok *atok;
	struct nm_csb_ktoa *ktoa;
	struct netmap_if *nifp;
	uint32_t kicked[2 * HOST_QUEUES]; /* last one-shot value obeyed */
	uint32_t seq;
	pthread_mutex_t lock; /* held while obeying a command */
	pthread_t thread;
	bool running;
};

/** host_init - a well-behaved host, its memory ready; nothing runs */
void host_init(struct host *h);

/** host_start - listen, and attach one client from a thread */
void host_start(struct host *h);

/**
 * host_settle - the host's memory may be looked at from this thread
 *
 * Client and host have mappings of their own, so the thread sanitizer does
 * not see that an answered command orders what they do.
 */
void host_settle(struct host *h);

/** host_hang_up - close the connection to the client */
void host_hang_up(struct host *h);

/** host_fini - end the thread, remove everything */
void host_fini(struct host *h);

struct netmap_ring *host_ring(struct host *h, bool rx, unsigned queue);

/** host_index - where a ring's entries are in the CSB arrays */
unsigned host_index(bool rx, unsigned queue);

/** host_publish - hwcur and hwtail, and the kick that is due; true if kicked */
bool host_publish(struct host *h, bool rx, unsigned queue, uint32_t hwcur,
		  uint32_t hwtail);

/** host_kicked - whether the client has kicked this vector since */
bool host_kicked(struct host *h, unsigned vector);

#endif
