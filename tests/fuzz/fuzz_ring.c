/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile program at two of four ports: the input is a list of writes into
 * rings, slots, CSB and buffers, between syncs. Whatever it writes, no access
 * leaves the regions (the sanitizers watch their borders), every buffer stays
 * in one place, conservation holds, and the two honest ports still exchange a
 * frame in the end.
 */
#include <stdlib.h>

#include "unit/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOTS = 32, BUF = 256, LEN = 60 };

struct world {
	struct ptn_vale *vale;
	struct ptn_pipe *pipe;
	struct rig honest[2]; /* on the switch */
	struct rig bad; /* on the switch */
	struct rig end[2]; /* of a pipe, both hostile */
	struct ptn_work *work;
};

static u64 mac_of(u32 i)
{
	return 0x0200 + ((u64)(i + 1) << 40);
}

static void open_world(struct world *w)
{
	const struct ptn_vale_params v = {"vale0", 64, 1000};
	const struct rig_params p = {2, SLOTS, BUF, 3};

	w->work = ptn_work_new();
	if (ptn_vale_new(&w->vale, &v) || ptn_pipe_new(&w->pipe, "p0"))
		abort();
	rig_open(&w->honest[0], "h0", &p);
	rig_open(&w->honest[1], "h1", &p);
	rig_open(&w->bad, "bad", &p);
	rig_open_pair(&w->end[0], &w->end[1], &p);
	ptn_vale_attach(w->vale, w->honest[0].port);
	ptn_vale_attach(w->vale, w->honest[1].port);
	ptn_vale_attach(w->vale, w->bad.port);
	ptn_pipe_attach(w->pipe, 0, w->end[0].port);
	ptn_pipe_attach(w->pipe, 1, w->end[1].port);
}

static void close_world(struct world *w)
{
	rig_close(&w->honest[0], ptn_vale_detach);
	rig_close(&w->honest[1], ptn_vale_detach);
	rig_close(&w->bad, ptn_vale_detach);
	rig_close(&w->end[1], ptn_pipe_detach);
	rig_close(&w->end[0], ptn_pipe_detach);
	ptn_vale_free(w->vale);
	ptn_pipe_free(w->pipe);
	ptn_work_free(w->work);
}

/* One step of the program: six bytes. */
struct step {
	u8 what, which;
	u8 at;
	u8 value[3];
};

/* Mostly values near what is legal; some are far off. */
static u32 value_of(const struct step *s)
{
	const u32 v = s->value[0] | (u32)s->value[1] << 8;

	return s->value[2] & 0x80 ? v << 16 | v : v % 160;
}

static struct netmap_ring *ring_of(struct rig *g, const struct step *s)
{
	return s->at & 1 ? rig_rx(g, s->at >> 1 & 1)
			 : rig_tx(g, s->at >> 1 & 1);
}

static void scribble(struct rig *g, const struct step *s)
{
	struct netmap_ring *r = ring_of(g, s);
	struct netmap_slot *slot = &r->slot[(s->at >> 2) % SLOTS];

	switch (s->what % 9) {
	case 0:
		g->atok[s->at % 4].head = value_of(s);
		break;
	case 1:
		g->atok[s->at % 4].cur = value_of(s);
		break;
	case 2:
		g->atok[s->at % 4].appl_need_kick = value_of(s);
		break;
	case 3:
		slot->buf_idx = value_of(s);
		break;
	case 4:
		slot->len = (u16)value_of(s);
		break;
	case 5:
		slot->flags = (u16)value_of(s);
		break;
	case 6: /* what only the host should write */
		memset(&g->ktoa[s->at % 4], s->value[0], sizeof(*g->ktoa));
		r->buf_ofs = value_of(s);
		r->num_slots = value_of(s);
		r->nr_buf_size = value_of(s);
		g->nifp->ni_bufs_head = value_of(s);
		break;
	case 7: /* move on by some slots at once */
		g->atok[s->at % 4].head =
			(g->atok[s->at % 4].head + s->value[0]) % SLOTS;
		break;
	case 8: /* a frame to somebody in some buffer */
		rig_frame((char *)g->region_mem +
				  ptn_region_pool(g->region, 2) +
				  (size_t)(2 + s->value[0] % 128) * BUF,
			  LEN, mac_of(s->value[1] % 5), mac_of(s->value[2] % 5),
			  s->at);
		break;
	}
}

static void sync_all(struct world *w)
{
	struct rig *all[] = {&w->honest[0], &w->honest[1], &w->bad, &w->end[0],
			     &w->end[1]};

	for (u32 i = 0; i < 5; i++) {
		for (u32 q = 0; q < 2; q++) {
			ptn_port_sync(all[i]->port, q, w->work);
			ptn_port_arm(all[i]->port, q);
			ptn_port_disarm(all[i]->port, q);
		}
	}
}

static void check_census(const struct ptn_region *r)
{
	struct ptn_census c;

	ptn_region_census(r, &c);
	if (c.lost || c.twice || c.free + c.slots + c.extra != c.buffers)
		abort();
}

/* The rig trusts its ring header, which step 6 may have spoiled. */
static void reset(struct rig *g)
{
	ptn_port_stop(g->port);
	ptn_port_reset(g->port);
	ptn_port_start(g->port);
}

static void check_conservation(struct world *w, u64 honest_sent)
{
	const struct rig *on[] = {&w->honest[0], &w->honest[1], &w->bad};
	u64 tx = 0, rx = 0, drops = 0, c[PTN_SWC_MAX + 1];

	ptn_vale_counters(w->vale, c);
	for (int i = 0; i < 3; i++) {
		tx += rig_count(on[i], PTN_C_TX_FRAMES);
		rx += rig_count(on[i], PTN_C_RX_FRAMES);
		drops += rig_drops(on[i]);
	}
	if (tx + c[PTN_SWC_COPIES] - c[PTN_SWC_FLOODED] != rx + drops)
		abort();
	if (rig_count(&w->honest[0], PTN_C_TX_FRAMES) != honest_sent)
		abort();
}

static void check_honest(struct world *w)
{
	unsigned char frame[SLOTS * BUF], got[SLOTS * BUF];

	while (rig_recv(&w->honest[1], 0, got, sizeof(got)) >= 0)
		;
	while (rig_recv(&w->honest[1], 1, got, sizeof(got)) >= 0)
		;
	rig_frame(frame, LEN, mac_of(1), mac_of(0), 0xa5);
	if (!rig_send(&w->honest[0], frame, LEN, BUF))
		abort();
	while (ptn_port_sync(w->honest[0].port, 0, w->work))
		;
	if (rig_recv(&w->honest[1], 0, got, sizeof(got)) != LEN ||
	    memcmp(frame, got, LEN))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	u8 pinned[6] = {0};
	const u64 mac = mac_of(1);

	open_world(&w);
	memcpy(pinned, &mac, 6);
	ptn_vale_static(w.vale, pinned, w.honest[1].port);
	for (size_t i = 0; i + sizeof(struct step) <= size && i < 6000;
	     i += sizeof(struct step)) {
		struct rig *hostile[] = {&w.bad, &w.end[0], &w.end[1]};
		struct step s;

		memcpy(&s, data + i, sizeof(s));
		scribble(hostile[s.which % 3], &s);
		if (s.what & 0x40)
			sync_all(&w);
	}
	sync_all(&w);
	check_census(w.bad.region);
	check_census(w.end[0].region);
	check_conservation(&w, 0);
	check_honest(&w);
	reset(&w.bad);
	reset(&w.end[0]);
	reset(&w.end[1]);
	check_conservation(&w, 1);
	check_census(w.end[0].region);
	close_world(&w);
	return 0;
}
