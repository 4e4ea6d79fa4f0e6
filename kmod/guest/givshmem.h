/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The first transport: QEMU's stock ivshmem device. givshmem.c binds it,
 * gwindow.c knows what lies in its memory, gcommand.c speaks with the host
 * about the whole port.
 */
#ifndef PTN_GIVSHMEM_H
#define PTN_GIVSHMEM_H

#include "ghost.h"
#include "gwindow.h"

enum {
	GIVSHMEM_POSITION = 8, /* the ID that the host gave us */
	GIVSHMEM_DOORBELL = 12,
	GIVSHMEM_REGISTERS = 16, /* bytes */
};

struct givshmem {
	struct ghost host;
	void __iomem *registers;
	struct gwindow window;
	u32 seq; /* of the last command */
};

/* gcommand.c */

/**
 * gcommand - give the host a command and wait for the answer; sleeps
 *
 * Returns 0, what the host answers, or -ETIMEDOUT.
 */
int gcommand(struct givshmem *s, enum ptn_region_command cmd);
int gcommand_with(struct givshmem *s, enum ptn_region_command cmd, u32 arg);

/** gcommand_leave - nobody is here any more; nobody waits for the answer */
void gcommand_leave(struct givshmem *s);

#endif
