/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Windows (ptnet/region.h): what the client of a port (a VM, a container, a
 * program) is told of it, the commands that it gives, and how often its rings
 * may be found corrupt. The memory is the client's as well: what it wrote is
 * read once, and what the host wrote is never read back.
 *
 * Knows no connection, no eventfd and no thread: the home hears doorbells and
 * calls, all but the two that any context may call from one thread at a time.
 */
#ifndef PTN_WINDOW_H
#define PTN_WINDOW_H

#include "port.h"

/* What a window asks of its home. */
struct ptn_window_ops {
	/* Let frames flow, stop that. The window does not repeat itself. */
	int (*start)(void *home);
	void (*stop)(void *home);
	/* Put the port into its initial state; it is stopped. */
	void (*reset)(void *home);
	/* Vector 0: the client shall look at its config page. */
	void (*kick)(void *home);
};

struct ptn_window {
	char *base; /* PTN_WINDOW_SIZE bytes */
	const struct ptn_window_ops *ops;
	void *home;
	struct ptn_port *port; /* that was shown */
	bool running, faulted;
	bool headers; /* the client may ask for some */
	bool muted; /* too many doorbells: none is heard until the next tick */
	u32 commands; /* since the last tick */
	u32 seq; /* of the last command */
	u32 heartbeat;
	u32 generation;
	u32 driver; /* what the client says of itself; 0: nothing */
	/* any context's */
	u64 faults_since; /* ms */
	u32 faults;
	u32 too_many;
};

struct ptn_window_params {
	const char *name;
	const u8 *mac;
	u64 features; /* enum ptn_region_feature */
	u32 generation;
	u32 number; /* of the window, which is the client's ID */
	u32 queues, slots;
};

/** ptn_window_init - of zeroed memory; @ops is called with @home */
void ptn_window_init(struct ptn_window *w, char *base,
		     const struct ptn_window_ops *ops, void *home);

/** ptn_window_show - describe the open port, without headers, to the client */
void ptn_window_show(struct ptn_window *w, struct ptn_port *p,
		     const struct ptn_window_params *params);

/** ptn_window_atok, ptn_window_ktoa - the CSB arrays, an entry a ring */
struct nm_csb_atok *ptn_window_atok(const struct ptn_window *w);
struct nm_csb_ktoa *ptn_window_ktoa(const struct ptn_window *w);

/**
 * ptn_window_heard - a doorbell of vector 0: do the command, if there is one
 *
 * Returns false when there were too many: the home stops to listen until
 * ptn_window_tick() says otherwise.
 */
bool ptn_window_heard(struct ptn_window *w);

/** ptn_window_tick - each second; returns whether to listen again */
bool ptn_window_tick(struct ptn_window *w);

/** ptn_window_renew - another home has it now: a command that the last one
 * did not get to is answered, not done */
void ptn_window_renew(struct ptn_window *w);

/**
 * ptn_window_fault - a ring was found corrupt; any context
 *
 * Returns true when it was once too often: the home soon calls
 * ptn_window_fail(). ptn_window_give_up() says so for reasons of its own.
 */
bool ptn_window_fault(struct ptn_window *w);
bool ptn_window_give_up(struct ptn_window *w);

/** ptn_window_fail - disable a client that was given up; whether it was */
bool ptn_window_fail(struct ptn_window *w);

/** ptn_window_stop - if it runs */
void ptn_window_stop(struct ptn_window *w);

/** ptn_window_end - the port goes, or the host: stop, and tell the client */
void ptn_window_end(struct ptn_window *w);

/** ptn_window_state - of the port */
enum ptn_port_state ptn_window_state(const struct ptn_window *w);

#endif
