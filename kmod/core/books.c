// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "books.h"

/* Slot @at of @r gets buffer @idx from @home, which gets the slot's. */
static void exchange(struct ptn_ring *r, u32 *homes, u32 at, u32 idx, u32 home)
{
	const u32 mine = r->buf[at];

	r->buf[at] = idx;
	ptn_store(homes[mine], home);
	ptn_store(homes[idx], PTN_HOME(r->number, at));
}

/* Two rings may claim the same extra buffer: one of them comes first. */
static int trade_extra(struct ptn_ring *r, u32 at, u32 idx, u32 home)
{
	struct ptn_region *region = r->port->region;
	u32 *homes = ptn_region_homes(region);
	bool same;

	ptn_spin_lock(ptn_region_extra_lock(region));
	same = ptn_load(homes[idx]) == home;
	if (same)
		exchange(r, homes, at, idx, home);
	ptn_spin_unlock(ptn_region_extra_lock(region));
	return same ? 0 : -EBUSY;
}

static int trade(struct ptn_ring *r, const struct ptn_ring *held, u32 at,
		 u32 idx)
{
	u32 *homes = ptn_region_homes(r->port->region);
	const u32 home = ptn_load(homes[idx]), slot = PTN_HOME_SLOT(home);
	struct ptn_ring *other;
	bool taken, same;

	if (home == PTN_HOME_FREE)
		return -ENOENT;
	if (slot >= PTN_HOME_EXTRA)
		return trade_extra(r, at, idx, home);
	other = ptn_region_ring_user(r->port->region, PTN_HOME_NUMBER(home));
	if (!other)
		return -ENOENT;
	taken = other != r && other != held;
	if (taken && !ptn_spin_trylock(&other->lock))
		return -EBUSY;
	same = ptn_load(homes[idx]) == home;
	if (same) {
		other->buf[slot] = r->buf[at];
		exchange(r, homes, at, idx, home);
	}
	if (taken)
		ptn_spin_unlock(&other->lock);
	return same ? 0 : -EBUSY;
}

int ptn_books_make_true(struct ptn_ring *r, const struct ptn_ring *held, u32 at)
{
	const u32 idx = ptn_load(r->slot[at].buf_idx);

	if (idx == r->buf[at])
		return 0;
	return ptn_buf_valid(r, idx) ? trade(r, held, at, idx) : -ENOENT;
}

/* Whoever keeps the buffer's ring busy is through with it once. */
static void wait_for_home(struct ptn_ring *r, u32 idx)
{
	const u32 home = ptn_load(ptn_region_homes(r->port->region)[idx]);
	struct ptn_ring *other;

	if (home == PTN_HOME_FREE || PTN_HOME_SLOT(home) >= PTN_HOME_EXTRA)
		return;
	other = ptn_region_ring_user(r->port->region, PTN_HOME_NUMBER(home));
	if (!other)
		return;
	ptn_spin_lock(&other->lock);
	ptn_spin_unlock(&other->lock);
}

/* The ring's lock is held, and given up for a while where another is busy. */
static void follow_locked(struct ptn_ring *r)
{
	for (u32 at = 0; at < r->num_slots;) {
		const u32 idx = ptn_load(r->slot[at].buf_idx);

		if (ptn_likely(idx == r->buf[at]) ||
		    ptn_books_make_true(r, NULL, at) != -EBUSY) {
			at++;
			continue;
		}
		ptn_spin_unlock(&r->lock);
		if (ptn_buf_valid(r, idx))
			wait_for_home(r, idx);
		ptn_spin_lock(&r->lock);
	}
}

void ptn_books_follow(struct ptn_ring *r)
{
	ptn_spin_lock(&r->lock);
	follow_locked(r);
	ptn_spin_unlock(&r->lock);
}

/*
 * Buffers that senders have leased are in no slot: the ring gives out none
 * until they are back.
 */
static void settle(struct ptn_ring *r)
{
	ptn_spin_lock(&r->lock);
	r->held++;
	if (ptn_ring_is_rx(r) && r->lease != r->hwtail) {
		ptn_spin_unlock(&r->lock);
		ptn_rcu_synchronize();
		ptn_spin_lock(&r->lock);
	}
	follow_locked(r);
	r->held--;
	ptn_spin_unlock(&r->lock);
}

void ptn_books_settle(struct ptn_region *r)
{
	for (u32 i = 0; i < ptn_region_rings(r); i++) {
		struct ptn_ring *ring = ptn_region_ring_user(r, i);

		if (ring)
			settle(ring);
	}
}

/* Extra lists */

/* The buffer after @idx in a list that a program wrote; 0: none. */
static u32 next_in_list(const struct ptn_region *r, u32 idx)
{
	const u32 next = ptn_load(*(u32 *)ptn_region_object(r, 2, idx));

	return next >= NM_BUF_RESERVED && next < ptn_region_bufs_used(r) ? next
									 : 0;
}

/* A list that goes in a circle has no length. */
static u32 list_length(const struct ptn_region *r, u32 head)
{
	u32 n = 0;

	for (u32 at = head; at && n <= ptn_region_bufs_used(r); n++)
		at = next_in_list(r, at);
	return n;
}

static u32 count_homes(struct ptn_region *r, u32 home)
{
	const u32 *homes = ptn_region_homes(r);
	u32 n = 0;

	for (u32 i = NM_BUF_RESERVED; i < ptn_region_bufs_used(r); i++)
		n += ptn_load(homes[i]) == home;
	return n;
}

static void replace_homes(struct ptn_region *r, u32 from, u32 to)
{
	u32 *homes = ptn_region_homes(r);

	for (u32 i = NM_BUF_RESERVED; i < ptn_region_bufs_used(r); i++)
		if (ptn_load(homes[i]) == from)
			ptn_store(homes[i], to);
}

/* Others may write into the list meanwhile: no step more than @n. */
static void exchange_lists(struct ptn_region *r, u32 number, u32 head, u32 n)
{
	const u32 mine = PTN_HOME(number, PTN_HOME_EXTRA);
	const u32 listed = PTN_HOME(number, PTN_HOME_LISTED);
	u32 *homes = ptn_region_homes(r);
	u32 unlisted = NM_BUF_RESERVED, at = head;

	for (u32 i = 0; at && i < n; i++, at = next_in_list(r, at))
		if (ptn_load(homes[at]) == mine)
			ptn_store(homes[at], listed);
	at = head;
	for (u32 i = 0; at && i < n; i++, at = next_in_list(r, at)) {
		const u32 home = ptn_load(homes[at]);

		if (home == listed || PTN_HOME_SLOT(home) != PTN_HOME_EXTRA)
			continue;
		while (unlisted < ptn_region_bufs_used(r) &&
		       ptn_load(homes[unlisted]) != mine)
			unlisted++;
		if (unlisted == ptn_region_bufs_used(r))
			break;
		ptn_store(homes[unlisted], home);
		ptn_store(homes[at], listed);
	}
}

void ptn_books_adopt(struct ptn_region *r, u32 number, u32 head)
{
	const u32 mine = PTN_HOME(number, PTN_HOME_EXTRA);
	u32 n;

	if (head < NM_BUF_RESERVED || head >= ptn_region_bufs_used(r))
		return;
	ptn_spin_lock(ptn_region_extra_lock(r));
	n = count_homes(r, mine);
	if (n == list_length(r, head)) {
		exchange_lists(r, number, head, n);
		replace_homes(r, PTN_HOME(number, PTN_HOME_LISTED), mine);
	}
	ptn_spin_unlock(ptn_region_extra_lock(r));
}
