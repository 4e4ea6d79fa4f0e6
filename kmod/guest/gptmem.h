/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The memory device beside ptnet devices: netmap memory in a BAR, which the
 * ports of all devices that name its ID lie in. It has a driver of its own;
 * devices that use it are unbound before it is.
 */
#ifndef PTN_GPTMEM_H
#define PTN_GPTMEM_H

#include <linux/types.h>

#include "gregion.h"

struct gptmem;
struct pci_dev;

/**
 * gptmem_get - the memory with that ID, for @user
 * @region: its memory and pools come there
 *
 * Returns NULL when there is none (yet); gptmem_put() gives it back.
 */
struct gptmem *gptmem_get(struct pci_dev *user, u32 id, struct gregion *region);
void gptmem_put(struct gptmem *m);

#endif
