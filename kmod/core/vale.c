// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The VALE switch's life: ports come and go, addresses age.
 *
 * Senders see only running ports, in a published table; a port that stops
 * leaves the table, and ptn_port_stop() waits until no sender still uses it.
 */
#include "vale.h"

#include "vale_inner.h"

enum { TABLE_FIRST = 16 };

int ptn_vale_new(struct ptn_vale **out, const struct ptn_vale_params *params)
{
	struct ptn_vale *v;
	int err;

	if (!*params->name || strlen(params->name) >= PTN_NAME_MAX ||
	    params->fdb_size < PTN_FDB_SIZE_MIN ||
	    params->fdb_size > PTN_FDB_SIZE_MAX)
		return -EINVAL;
	v = ptn_alloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	strcpy(v->name, params->name);
	v->ageing_ms = params->ageing_ms;
	ptn_spin_init(&v->count_lock);
	err = ptn_fdb_init(&v->fdb, params->fdb_size);
	if (err) {
		ptn_free(v);
		return err;
	}
	*out = v;
	return 0;
}

void ptn_vale_free(struct ptn_vale *v)
{
	if (!v)
		return;
	ptn_fdb_fini(&v->fdb);
	ptn_free(v->table);
	ptn_free(v->member);
	ptn_free(v);
}

void ptn_vale_set_ageing(struct ptn_vale *v, u32 ageing_ms)
{
	v->ageing_ms = ageing_ms;
}

/* Ports */

static struct ptn_vale_table *table_new(u32 size)
{
	struct ptn_vale_table *t =
		ptn_alloc(sizeof(*t) + size * sizeof(struct ptn_port *));

	if (t)
		t->size = size;
	return t;
}

static int table_grow(struct ptn_vale *v)
{
	struct ptn_vale_table *old = v->table;
	const u32 size = old ? 2 * old->size : TABLE_FIRST;
	struct ptn_vale_table *t = table_new(size);
	struct ptn_port **member = ptn_alloc(size * sizeof(*member));

	if (!t || !member) {
		ptn_free(t);
		ptn_free(member);
		return -ENOMEM;
	}
	if (old) {
		t->end = old->end;
		memcpy(t->port, old->port, old->size * sizeof(*old->port));
		memcpy(member, v->member, old->size * sizeof(*member));
	}
	ptn_store_release(v->table, t);
	ptn_free(v->member);
	v->member = member;
	if (old)
		ptn_rcu_synchronize();
	ptn_free(old);
	return 0;
}

static int index_get(struct ptn_vale *v, u32 *index)
{
	u32 i = v->free_hint;
	int err;

	if (v->ports >= PTN_VALE_PORTS_MAX)
		return -ENOSPC;
	if (!v->table || v->ports == v->table->size) {
		i = v->ports;
		err = table_grow(v);
		if (err)
			return err;
	}
	while (v->member[i])
		i++;
	v->free_hint = i + 1 < v->table->size ? i + 1 : i;
	*index = i;
	return 0;
}

static void port_up(struct ptn_port *p)
{
	struct ptn_vale *v = p->peer;

	ptn_fdb_tick(&v->fdb, 0);
	ptn_store_release(v->table->port[p->index], p);
	if (v->table->end <= p->index)
		ptn_store_release(v->table->end, p->index + 1);
}

static void port_down(struct ptn_port *p)
{
	struct ptn_vale *v = p->peer;
	struct ptn_vale_table *t = v->table;
	u32 end = t->end;

	ptn_store_release(t->port[p->index], NULL);
	while (end && !t->port[end - 1])
		end--;
	ptn_store(t->end, end);
	ptn_fdb_purge(&v->fdb, p->index, false);
}

static const struct ptn_link_ops vale_link = {
	.tx = ptn_forward,
	.arm = ptn_forward_arm,
	.settle = ptn_csb_settle,
	.inject = ptn_forward_inject,
	.up = port_up,
	.down = port_down,
};

int ptn_vale_attach(struct ptn_vale *v, struct ptn_port *p)
{
	int err;

	if (p->link)
		return -EBUSY;
	err = index_get(v, &p->index);
	if (err)
		return err;
	v->ports++;
	v->member[p->index] = p;
	p->peer = v;
	p->link = &vale_link;
	if (ptn_port_running(p))
		port_up(p);
	return 0;
}

void ptn_vale_detach(struct ptn_port *p)
{
	struct ptn_vale *v = p->peer;

	if (p->link != &vale_link)
		return;
	if (ptn_port_running(p)) {
		port_down(p);
		ptn_rcu_synchronize();
	}
	ptn_fdb_purge(&v->fdb, p->index, true);
	v->member[p->index] = NULL;
	if (p->index < v->free_hint)
		v->free_hint = p->index;
	v->ports--;
	p->link = NULL;
	p->peer = NULL;
}

/* Addresses */

static u64 mac_number(const u8 mac[6])
{
	u64 n = 0;

	memcpy(&n, mac, 6);
	return n;
}

int ptn_vale_static(struct ptn_vale *v, const u8 mac[6], struct ptn_port *p)
{
	if (!p)
		return ptn_fdb_unpin(&v->fdb, mac_number(mac));
	if (p->link != &vale_link || p->peer != v)
		return -EXDEV;
	return ptn_fdb_pin(&v->fdb, mac_number(mac), p->index);
}

void ptn_vale_age(struct ptn_vale *v)
{
	ptn_fdb_tick(&v->fdb, v->ageing_ms);
}

static const struct ptn_port *port_at(const struct ptn_vale *v, u32 index)
{
	return v->table && index < v->table->size ? v->member[index] : NULL;
}

bool ptn_vale_fdb(struct ptn_vale *v, u32 *at, struct ptn_fdb_view *out)
{
	const u32 size = (v->fdb.mask + 1) * PTN_FDB_WAYS;

	while (*at < size) {
		const u32 i = (*at)++;
		const u64 entry = ptn_load(v->fdb.entry[i]);
		const u32 stamp = ptn_load(v->fdb.stamp[i]);
		const u64 mac = entry >> 16;

		if (!entry)
			continue;
		memcpy(out->mac, &mac, 6);
		out->is_static = stamp & PTN_FDB_STATIC;
		out->age_ms = out->is_static
				      ? 0
				      : (v->fdb.tick - stamp) * PTN_FDB_TICK_MS;
		out->port = port_at(v, (u32)(entry & 0xffff) - 1);
		return true;
	}
	return false;
}

void ptn_vale_counters(const struct ptn_vale *v, u64 out[PTN_SWC_MAX + 1])
{
	for (int i = 0; i <= PTN_SWC_MAX; i++)
		out[i] = ptn_load(v->fdb.count[i]);
	out[PTN_SWC_FLOODED] = ptn_load(v->flooded);
	out[PTN_SWC_COPIES] = ptn_load(v->copies);
}

u32 ptn_vale_ports(const struct ptn_vale *v)
{
	return v->ports;
}

u32 ptn_vale_fdb_used(const struct ptn_vale *v)
{
	return ptn_load(v->fdb.used);
}
