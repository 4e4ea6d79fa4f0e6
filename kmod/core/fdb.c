// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The forwarding table: learning, ageing, static entries, purge.
 */
#include "fdb.h"

static u32 now_tick(void)
{
	return (u32)(ptn_now_ms() / PTN_FDB_TICK_MS) & ~PTN_FDB_STATIC;
}

static u32 entries(const struct ptn_fdb *f)
{
	return (f->mask + 1) * PTN_FDB_WAYS;
}

int ptn_fdb_init(struct ptn_fdb *f, u32 size)
{
	if (size < PTN_FDB_WAYS || (size & (size - 1)))
		return -EINVAL;
	f->entry = ptn_alloc(size * sizeof(*f->entry));
	f->stamp = ptn_alloc(size * sizeof(*f->stamp));
	if (!f->entry || !f->stamp) {
		ptn_fdb_fini(f);
		return -ENOMEM;
	}
	ptn_random(f->seed, sizeof(f->seed));
	f->seed[1] |= 1;
	f->mask = size / PTN_FDB_WAYS - 1;
	f->tick = now_tick();
	ptn_spin_init(&f->lock);
	return 0;
}

void ptn_fdb_fini(struct ptn_fdb *f)
{
	ptn_free(f->entry);
	ptn_free(f->stamp);
	f->entry = NULL;
	f->stamp = NULL;
}

static u64 word(u64 mac, u32 port)
{
	return mac << 16 | (port + 1);
}

/* Index of the address's entry, or -1. */
static long find(const struct ptn_fdb *f, u64 mac)
{
	const u32 first = ptn_fdb_set(f, mac) * PTN_FDB_WAYS;

	for (u32 i = first; i < first + PTN_FDB_WAYS; i++)
		if (f->entry[i] && f->entry[i] >> 16 == mac)
			return i;
	return -1;
}

/* An empty entry of the address's set, else the oldest learned one, or -1. */
static long find_room(const struct ptn_fdb *f, u64 mac)
{
	const u32 first = ptn_fdb_set(f, mac) * PTN_FDB_WAYS;
	long oldest = -1;

	for (u32 i = first; i < first + PTN_FDB_WAYS; i++) {
		if (!f->entry[i])
			return i;
		if (f->stamp[i] & PTN_FDB_STATIC)
			continue;
		if (oldest < 0 ||
		    f->tick - f->stamp[i] > f->tick - f->stamp[oldest])
			oldest = i;
	}
	return oldest;
}

static void changed(struct ptn_fdb *f)
{
	ptn_store(f->epoch, f->epoch + 1);
}

static void remove_at(struct ptn_fdb *f, u32 i)
{
	ptn_store(f->entry[i], 0);
	f->used--;
	changed(f);
}

static void learn_new(struct ptn_fdb *f, u64 mac, u32 port)
{
	long i = find_room(f, mac);

	if (i < 0)
		return; /* the set is full of static entries: floods */
	if (f->entry[i]) {
		f->count[PTN_SWC_EVICTED]++;
		changed(f);
	} else {
		f->used++;
	}
	ptn_store(f->stamp[i], f->tick);
	ptn_store(f->entry[i], word(mac, port));
	f->count[PTN_SWC_LEARNED]++;
}

static void learn_again(struct ptn_fdb *f, u32 i, u64 mac, u32 port)
{
	if (f->stamp[i] & PTN_FDB_STATIC)
		return;
	ptn_store(f->stamp[i], f->tick);
	if (f->entry[i] == word(mac, port))
		return;
	ptn_store(f->entry[i], word(mac, port));
	f->count[PTN_SWC_MOVED]++;
	changed(f);
}

void ptn_fdb_learn(struct ptn_fdb *f, u64 mac, u32 port)
{
	long i;

	ptn_spin_lock(&f->lock);
	i = find(f, mac);
	if (i < 0)
		learn_new(f, mac, port);
	else
		learn_again(f, (u32)i, mac, port);
	ptn_spin_unlock(&f->lock);
}

int ptn_fdb_pin(struct ptn_fdb *f, u64 mac, u32 port)
{
	long i;

	ptn_spin_lock(&f->lock);
	i = find(f, mac);
	if (i < 0)
		i = find_room(f, mac);
	if (i >= 0) {
		f->used += !f->entry[i];
		ptn_store(f->stamp[i], PTN_FDB_STATIC);
		ptn_store(f->entry[i], word(mac, port));
		changed(f);
	}
	ptn_spin_unlock(&f->lock);
	return i < 0 ? -ENOSPC : 0;
}

int ptn_fdb_unpin(struct ptn_fdb *f, u64 mac)
{
	int err = -ENOENT;
	long i;

	ptn_spin_lock(&f->lock);
	i = find(f, mac);
	if (i >= 0 && f->stamp[i] & PTN_FDB_STATIC) {
		remove_at(f, (u32)i);
		err = 0;
	}
	ptn_spin_unlock(&f->lock);
	return err;
}

void ptn_fdb_purge(struct ptn_fdb *f, u32 port, bool statics)
{
	ptn_spin_lock(&f->lock);
	for (u32 i = 0; f->used && i < entries(f); i++) {
		if ((f->entry[i] & 0xffff) != port + 1)
			continue;
		if (statics || !(f->stamp[i] & PTN_FDB_STATIC))
			remove_at(f, i);
	}
	ptn_spin_unlock(&f->lock);
}

static bool expired(const struct ptn_fdb *f, u32 i, u32 limit)
{
	return f->entry[i] && !(f->stamp[i] & PTN_FDB_STATIC) &&
	       ((f->tick - f->stamp[i]) & ~PTN_FDB_STATIC) > limit;
}

void ptn_fdb_tick(struct ptn_fdb *f, u32 ageing_ms)
{
	u32 limit = ageing_ms / PTN_FDB_TICK_MS;

	ptn_spin_lock(&f->lock);
	ptn_store(f->tick, now_tick());
	for (u32 i = 0; ageing_ms && f->used && i < entries(f); i++) {
		if (expired(f, i, limit)) {
			remove_at(f, i);
			f->count[PTN_SWC_EXPIRED]++;
		}
	}
	ptn_spin_unlock(&f->lock);
}
