/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The inside of a switch, shared by its life (vale.c) and its data path
 * (forward.c).
 */
#ifndef PTN_VALE_INNER_H
#define PTN_VALE_INNER_H

#include "batch.h"
#include "fdb.h"
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

/** ptn_forward - a port's transmit ring to wherever its frames go */
u32 ptn_forward(struct ptn_port *p, u32 queue, struct ptn_work *w);

/** ptn_forward_inject - frames of a device that is the port's program */
void ptn_forward_inject(struct ptn_port *p, u32 queue, struct ptn_work *w);

/** ptn_forward_arm - wait for kicks; true when there is nothing to send */
bool ptn_forward_arm(struct ptn_port *p, u32 queue);

#endif
