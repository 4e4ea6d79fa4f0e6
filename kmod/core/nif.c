// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Interface objects: a window of its own for each program that has a port
 * open, and the extra buffers that are its home.
 */
#include "nif.h"

#include "books.h"
#include "ring.h"

struct ptn_nif {
	struct ptn_port *port;
	struct ptn_region *region;
	u32 number;
	u64 tx, rx; /* bits of the queues shown */
	bool shares_region;
	bool extra;
	char name[sizeof(((struct netmap_if *)0)->ni_name)];
};

static struct netmap_if *shared(const struct ptn_nif *n)
{
	return ptn_region_object(n->region, 0, n->number);
}

static void take_params(struct ptn_nif *n, const struct ptn_nif_params *params)
{
	size_t len = strlen(params->name);

	if (len >= sizeof(n->name))
		len = sizeof(n->name) - 1;
	memcpy(n->name, params->name, len);
	n->tx = params->tx;
	n->rx = params->rx;
	n->shares_region = params->shares_region;
	n->extra = params->extra_bufs;
}

int ptn_nif_new(struct ptn_nif **out, struct ptn_port *p,
		const struct ptn_nif_params *params)
{
	struct ptn_nif *n;
	int err;

	if (!p->region)
		return -ENXIO;
	n = ptn_alloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	err = ptn_region_reserve(p->region, 1, 0, params->extra_bufs);
	if (!err)
		err = ptn_region_if_get(p->region, params->extra_bufs,
					&n->number);
	if (err) {
		ptn_free(n);
		return err;
	}
	n->port = p;
	n->region = p->region;
	take_params(n, params);
	ptn_nif_reset(n);
	*out = n;
	return 0;
}

void ptn_nif_follow(struct ptn_nif *n)
{
	if (!n->extra)
		return;
	ptn_books_settle(n->region);
	ptn_books_adopt(n->region, n->number,
			ptn_load(shared(n)->ni_bufs_head));
}

void ptn_nif_free(struct ptn_nif *n)
{
	if (!n)
		return;
	ptn_nif_follow(n);
	ptn_region_if_put(n->region, n->number);
	ptn_free(n);
}

size_t ptn_nif_ofs(const struct ptn_nif *n)
{
	return (size_t)((char *)shared(n) -
			(char *)ptn_region_object(n->region, 0, 0));
}

void ptn_nif_reset(struct ptn_nif *n)
{
	const struct ptn_port *p = n->port;
	const u32 rings = ptn_port_rings(p);
	struct netmap_if *s = shared(n);

	memset(s, 0, sizeof(*s) + rings * sizeof(s64));
	memcpy(s->ni_name, n->name, sizeof(n->name));
	s->ni_version = NETMAP_API;
	s->ni_flags = n->shares_region ? 0 : NI_PRIV_MEM;
	s->ni_tx_rings = p->queues;
	s->ni_rx_rings = p->rx_queues;
	s->ni_host_tx_rings = p->host_queues;
	s->ni_host_rx_rings = p->host_queues;
	if (n->extra)
		s->ni_bufs_head = ptn_region_extra_chain(n->region, n->number);
	for (u32 i = 0; i < rings; i++) {
		const bool shown = i < p->tx_rings
					   ? n->tx >> i & 1
					   : n->rx >> (i - p->tx_rings) & 1;

		if (shown)
			s->ring_ofs[i] = (char *)p->tx[i].shared - (char *)s;
	}
}
