/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachments across engines. QEMU attaches once, whatever becomes of the
 * server: so the keeper holds what VMs are attached to, and the next engine
 * takes it back. Their guests find the rings reset, and a new generation.
 */
#ifndef PTNET_ENGINE_ADOPT_H
#define PTNET_ENGINE_ADOPT_H

#include "engine/state.h"

/** adopt_keep - have a VM's attachment kept */
void adopt_keep(struct attach *a);

/**
 * adopt_all - give what an earlier engine left back to its ports
 *
 * After the first transaction, which declares all ports: what fits none of
 * them is cut off.
 */
void adopt_all(struct engine *e);

#endif
