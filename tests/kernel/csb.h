/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program in CSB mode, and the thread that it lends the kernel: what tests of
 * CSBs and of the sync loop share.
 */
#ifndef TESTS_KERNEL_CSB_H
#define TESTS_KERNEL_CSB_H

#include "abi.h"

#include <pthread.h>

enum { CSB_ENTRIES = 64, CSB_SEND = 0, CSB_RECEIVE = 1 };

/* One page each. */
struct csb {
	struct nm_csb_atok *atok;
	struct nm_csb_ktoa *ktoa;
};

/** csb_map - arrays filled with ones */
void csb_map(struct csb *c);
void csb_unmap(struct csb *c);

/** csb_option - that names them */
struct nmreq_opt_csb csb_option(const struct csb *c);

/** csb_publish - the program's order of accesses: cur, barrier, head */
void csb_publish(struct nm_csb_atok *a, uint32_t head);

/* An option with room for two rings' eventfds, one of each direction. */
struct csb_fds {
	struct nmreq_option opt;
	struct {
		int32_t io, irq;
	} ring[2];
};

/* A program with one ring of each direction, all of its port's. */
struct csb_app {
	struct abi_port port;
	struct csb csb;
	struct netmap_ring *ring[2]; /* CSB_SEND, CSB_RECEIVE */
	int io[2], irq[2]; /* eventfds, or -1 */
	uint32_t mode; /* NM_OPT_SYNC_KLOOP_* */
	uint32_t sleep_us;
	pthread_t thread;
	int result; /* of START, once it has ended */
};

/** csb_open - a port in CSB mode, with eventfds for all; no loop yet */
void csb_open(struct csb_app *p, const char *name);
void csb_shut(struct csb_app *p);

/** csb_begin - START in a thread; it may be there only in a while */
void csb_begin(struct csb_app *p);

/** csb_start - the same; waits until the loop has run */
void csb_start(struct csb_app *p);

/** csb_run - START in this one, with its options. 0 or -errno */
int csb_run(struct csb_app *p);

/** csb_stop - STOP, and what START returned */
int csb_stop(struct csb_app *p);

/** csb_send - a frame, waiting for room without an end; kicks if asked to */
void csb_send(struct csb_app *p, size_t len, uint64_t n);

/** csb_take - the number of the next frame, waiting without an end for it */
uint64_t csb_take(struct csb_app *p);

/** csb_space - frames that can be put or taken now */
uint32_t csb_space(const struct csb_app *p, int ring);

/** csb_kick - the loop, if the kernel asks for it */
void csb_kick(const struct csb_app *p, int ring);

#endif
