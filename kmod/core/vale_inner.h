/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The inside of a switch, shared by its life (vale.c) and its data path
 * (forward.c).
 */
#ifndef PTN_VALE_INNER_H
#define PTN_VALE_INNER_H

#include "fdb.h"
#include "ring.h"
#include "vale.h"

/* Running ports by their index; replaced as a whole when it must grow. */
struct ptn_vale_table {
	u32 size;
	u32 end; /* no running port from here on */
	struct ptn_port *port[];
};

struct ptn_vale {
	struct ptn_vale_table *table; /* published */
	struct ptn_fdb fdb;
	u32 ageing_ms;
	u32 ports; /* attached */
	struct ptn_port **member; /* attached ports by index */
	u32 free_hint; /* no free index below it */
	ptn_spin_t count_lock;
	u64 flooded; /* under count_lock */
	u64 copies;
	char name[PTN_NAME_MAX];
};

/**
 * ptn_gather - read a batch of a transmit ring's slots into @w
 * @head: up to here; moves on when the program does meanwhile
 *
 * Returns the number of slots that are done with: none when the first frame's
 * end has not come yet.
 */
u32 ptn_gather(struct ptn_ring *r, u32 *head, struct ptn_work *w);

/**
 * ptn_deliver - copy frames order[0..n) (0..n without an order) to a port
 *
 * What does not fit is dropped and counted there.
 */
void ptn_deliver(struct ptn_port *to, const struct ptn_ring *from, u32 queue,
		 struct ptn_work *w, const u16 *order, u32 n);

/** ptn_notify_published - a full barrier, then wake who sleeps and got some */
void ptn_notify_published(struct ptn_ring *from, struct ptn_work *w);

/** ptn_forward - a port's transmit ring to wherever its frames go */
u32 ptn_forward(struct ptn_port *p, u32 queue, struct ptn_work *w);

/** ptn_forward_arm - wait for kicks; true when there is nothing to send */
bool ptn_forward_arm(struct ptn_port *p, u32 queue);

#endif
