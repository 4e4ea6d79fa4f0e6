/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PTNET_PORT_MEMORY_H
#define PTNET_PORT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptnet/netmap.h>
#include <ptnet/region.h>

/*
 * The memory of a port as this program sees it: a file with windows, or that
 * of /dev/netmap, of which only what is said of it below is filled in.
 */
struct memory {
	char *base; /* NULL: not mapped */
	size_t bytes;
	uint64_t device, inode; /* tell the file from others */
	/*
	 * Checked copy; the host may not change it. /dev/netmap: name, mac,
	 * mem_size, nifp_ofs, tx_rings, rx_rings, pool[2]; slots are 0.
	 */
	struct ptn_config config;
	const struct ptn_config *live; /* state and acknowledgements */
	struct ptn_control *control;
	struct nm_csb_atok *atok;
	const struct nm_csb_ktoa *ktoa;
};

/**
 * memory_open - check the config page of window @id, map what it describes
 *
 * Returns 0; -EPROTO for a file or a config page that cannot be right; -errno.
 * In all cases memory_close() is due.
 */
int memory_open(struct memory *m, int fd, unsigned id);

/** memory_close - unmap */
void memory_close(struct memory *m);

/** memory_same - whether both are the same file, and pool of buffers */
bool memory_same(const struct memory *a, const struct memory *b);

/** memory_if - the netmap_if */
struct netmap_if *memory_if(const struct memory *m);

/**
 * memory_fits - whether the netmap_if and the buffers lie in the memory
 *
 * By the numbers in @m->config; nothing needs to be mapped.
 */
bool memory_fits(const struct memory *m);

/** memory_has_ring - whether the netmap_if shows a ring; see memory_ring() */
bool memory_has_ring(const struct memory *m, unsigned dir, unsigned queue);

/**
 * memory_ring - a ring of the netmap_if; after a RESET
 * @dir: 0 transmit, 1 receive
 * @queue: those of the host stack come behind the others
 *
 * Returns NULL when the ring or its buffers are not where they may be.
 */
struct netmap_ring *memory_ring(const struct memory *m, unsigned dir,
				unsigned queue);

#endif
