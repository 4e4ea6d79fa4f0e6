/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The forwarding table of a switch: which address is behind which port.
 *
 * Set-associative with a seeded hash. An entry is one 64-bit word (address
 * and port), read and written in one piece, so that lookups need no lock and
 * never see half an entry; changes are made under the table's lock. Time is
 * counted in ticks that ptn_fdb_tick() moves on.
 *
 * An address is the first six bytes in memory order as a little-endian
 * number: bit 0 is the multicast bit.
 */
#ifndef PTN_FDB_H
#define PTN_FDB_H

#include "ptn_os.h"

#include <ptnet/control.h>

enum {
	PTN_FDB_WAYS = 8, /* entries of a set: one cache line */
	PTN_FDB_NONE = 0xffff,
	PTN_FDB_TICK_MS = 128,
};

#define PTN_FDB_STATIC 0x80000000u /* in a stamp */

struct ptn_fdb {
	u64 *entry; /* address << 16 | port + 1; 0 is empty */
	u32 *stamp; /* tick of the last sight, or PTN_FDB_STATIC */
	u64 seed[2];
	u32 mask; /* sets - 1 */
	u32 tick;
	u32 epoch; /* changes whenever an entry was moved or removed */
	ptn_spin_t lock;
	u32 used; /* the rest under lock */
	u64 count[PTN_SWC_MAX + 1];
};

/** ptn_fdb_init - an empty table of @size entries. 0, -EINVAL, -ENOMEM. */
int ptn_fdb_init(struct ptn_fdb *f, u32 size);
void ptn_fdb_fini(struct ptn_fdb *f);

/** ptn_fdb_learn - @mac was seen at @port */
void ptn_fdb_learn(struct ptn_fdb *f, u64 mac, u32 port);

/** ptn_fdb_pin - a static entry; 0 or -ENOSPC */
int ptn_fdb_pin(struct ptn_fdb *f, u64 mac, u32 port);

/** ptn_fdb_unpin - 0 or -ENOENT */
int ptn_fdb_unpin(struct ptn_fdb *f, u64 mac);

/** ptn_fdb_purge - forget what was learned at @port, and statics if asked */
void ptn_fdb_purge(struct ptn_fdb *f, u32 port, bool statics);

/** ptn_fdb_tick - move time on and drop entries older than @ageing_ms (0: none)
 */
void ptn_fdb_tick(struct ptn_fdb *f, u32 ageing_ms);

static inline u32 ptn_fdb_set(const struct ptn_fdb *f, u64 mac)
{
	u64 h = (mac ^ f->seed[0]) * f->seed[1];

	/* A product's bit depends on lower ones only, and addresses of one
	 * maker differ in their last bytes, the highest: from the top, and
	 * twice, or numbered stations would share a few sets. */
	h = (h ^ h >> 32) * f->seed[1];
	return (u32)(h >> 47) & f->mask;
}

/** ptn_fdb_lookup - port of an address, or PTN_FDB_NONE */
static inline u32 ptn_fdb_lookup(const struct ptn_fdb *f, u64 mac)
{
	const u64 *set = f->entry + (size_t)ptn_fdb_set(f, mac) * PTN_FDB_WAYS;

	for (int i = 0; i < PTN_FDB_WAYS; i++) {
		u64 e = ptn_load(set[i]);

		if (e >> 16 == mac && e)
			return (u32)(e & 0xffff) - 1;
	}
	return PTN_FDB_NONE;
}

#endif
