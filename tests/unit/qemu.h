/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stand-in for QEMU's ivshmem-doorbell device: takes the messages of a
 * server as that does, refuses what that refuses, and lets a test be the guest.
 */
#ifndef TESTS_UNIT_QEMU_H
#define TESTS_UNIT_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptnet/region.h>

enum { QEMU_PEERS_MAX = 65536, QEMU_WORD = 128 };

struct qemu {
	int sock;
	uint32_t vectors; /* vectors=N */
	int64_t id; /* the register IVPosition */
	int mem;
	char *bar; /* BAR 2, all of it */
	size_t size;
	/* by vector, in the order in which they came */
	int host[PTN_VECTORS_MAX], own[PTN_VECTORS_MAX];
	uint32_t n_host, n_own;
	char why[QEMU_WORD]; /* QEMU would end, or say this */
};

/**
 * qemu_start - `-device ivshmem-doorbell,vectors=N`
 *
 * Returns whether the device comes up; else @why is what QEMU would say. In
 * all cases qemu_end() is due.
 */
bool qemu_start(struct qemu *q, const char *path, uint32_t vectors);

/** qemu_hear - what the main loop does when the socket has something */
bool qemu_hear(struct qemu *q);

/** qemu_start_whole - the same, and all vectors have come */
bool qemu_start_whole(struct qemu *q, const char *path, uint32_t vectors);

/** qemu_end - the process is gone */
void qemu_end(struct qemu *q);

/** qemu_doorbell - the guest writes 1 << 16 | vector at BAR0 + 12 */
void qemu_doorbell(struct qemu *q, uint32_t vector);

/** qemu_config - the port's config page */
struct ptn_config *qemu_config(const struct qemu *q);

/** qemu_command - the guest's, by the control page: the answer, -ETIMEDOUT */
int qemu_command(struct qemu *q, enum ptn_region_command cmd);

/** qemu_interrupt - wait for the vector's interrupt; whether it came */
bool qemu_interrupt(struct qemu *q, uint32_t vector, int ms);

#endif
