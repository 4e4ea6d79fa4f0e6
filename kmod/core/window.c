// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "window.h"

#include "region.h"
#include "ring.h"

enum {
	COMMANDS_PER_TICK = 256, /* doorbells of vector 0 */
	FAULTS_MAX = 1000,
	FAULTS_PERIOD_MS = 10000,
	ETHER_HEADER = 14,
	DRIVER_MAX = PTN_DRIVER_VERSION(255, 255, 255),
};

static struct ptn_config *config(const struct ptn_window *w)
{
	return (void *)(w->base + PTN_WINDOW_CONFIG);
}

static struct ptn_control *control(const struct ptn_window *w)
{
	return (void *)(w->base + PTN_WINDOW_CONTROL);
}

static void set_state(struct ptn_window *w, enum ptn_state state)
{
	ptn_store_release(config(w)->state, state);
}

/* What the client is told. */

void ptn_window_init(struct ptn_window *w, char *base,
		     const struct ptn_window_ops *ops, void *home)
{
	memset(w, 0, sizeof(*w));
	w->base = base;
	w->ops = ops;
	w->home = home;
}

struct nm_csb_atok *ptn_window_atok(const struct ptn_window *w)
{
	return (void *)(w->base + PTN_WINDOW_ATOK);
}

struct nm_csb_ktoa *ptn_window_ktoa(const struct ptn_window *w)
{
	return (void *)(w->base + PTN_WINDOW_KTOA);
}

static void show_memory(struct ptn_config *c, const struct ptn_region *r)
{
	const struct ptn_shape *s = ptn_region_shape(r);

	c->mtu = s->buf_size - ETHER_HEADER;
	c->mem_ofs = PTN_WINDOW_AREA;
	c->mem_size = ptn_shape_bytes(s);
	c->pool[0] = (struct ptn_pool_info){ptn_region_pool(r, 0), s->if_count,
					    s->if_size};
	c->pool[1] = (struct ptn_pool_info){ptn_region_pool(r, 1),
					    s->ring_count, s->ring_size};
	c->pool[2] = (struct ptn_pool_info){ptn_region_pool(r, 2), s->buf_count,
					    s->buf_size};
}

void ptn_window_show(struct ptn_window *w, struct ptn_port *p,
		     const struct ptn_window_params *params)
{
	const u64 at = (u64)params->number * PTN_WINDOW_SIZE;
	struct ptn_config c = {
		.magic = PTN_CONFIG_MAGIC,
		.version = PTN_REGION_VERSION,
		.bytes = sizeof(c),
		.features = params->features,
		.state = PTN_STATE_READY,
		.generation = params->generation,
		.window = params->number,
		.vectors = 1 + 2 * params->queues,
		.tx_rings = params->queues,
		.rx_rings = params->queues,
		.tx_slots = params->slots,
		.rx_slots = params->slots,
		.atok_ofs = at + PTN_WINDOW_ATOK,
		.ktoa_ofs = at + PTN_WINDOW_KTOA,
		.control_ofs = at + PTN_WINDOW_CONTROL,
		.nifp_ofs = ptn_port_nifp_ofs(p),
	};

	show_memory(&c, p->region);
	memcpy(c.mac, params->mac, sizeof(c.mac));
	strcpy(c.name, params->name);
	memcpy(config(w), &c, sizeof(c));
	w->port = p;
	w->headers = params->features & PTN_REGION_HEADERS;
	ptn_port_set_hdr_len(p, 0);
	w->generation = params->generation;
}

/* Commands */

void ptn_window_stop(struct ptn_window *w)
{
	if (!w->running)
		return;
	w->ops->stop(w->home);
	w->running = false;
}

static int start(struct ptn_window *w)
{
	int err;

	if (w->running)
		return 0;
	set_state(w, PTN_STATE_RUNNING);
	err = w->ops->start(w->home);
	if (err)
		set_state(w, PTN_STATE_READY);
	else
		w->running = true;
	return err;
}

static int set_header(struct ptn_window *w, u32 len)
{
	int err;

	if (!w->headers)
		return -EOPNOTSUPP;
	if (w->running)
		return -EBUSY;
	err = ptn_port_set_hdr_len(w->port, len);
	if (!err)
		ptn_store(config(w)->vnet_hdr_len, len);
	return err;
}

static void reset(struct ptn_window *w)
{
	ptn_window_stop(w);
	w->ops->reset(w->home);
	ptn_port_set_hdr_len(w->port, 0);
	ptn_store(config(w)->vnet_hdr_len, 0);
}

static int command(struct ptn_window *w, u32 cmd)
{
	if (w->faulted)
		return -EIO;
	switch (cmd) {
	case PTN_REGION_RESET:
		reset(w);
		break;
	case PTN_REGION_START:
		return start(w);
	case PTN_REGION_STOP:
		ptn_window_stop(w);
		break;
	case PTN_REGION_HEADER:
		return set_header(w, ptn_load(control(w)->arg[0]));
	default:
		return -EOPNOTSUPP;
	}
	set_state(w, PTN_STATE_READY);
	return 0;
}

static void answer(struct ptn_window *w, u32 seq, int status)
{
	w->seq = seq;
	ptn_store(config(w)->ack_status, status);
	ptn_store_release(config(w)->ack_seq, seq);
	w->ops->kick(w->home);
}

/* Only numbers, and only to be shown. */
static void hear_driver(struct ptn_window *w)
{
	const u32 driver = ptn_load(control(w)->driver);

	ptn_store(w->driver, driver <= DRIVER_MAX ? driver : 0);
}

bool ptn_window_heard(struct ptn_window *w)
{
	const u32 seq = ptn_load_acquire(control(w)->seq);

	if (++w->commands > COMMANDS_PER_TICK) {
		w->muted = true;
	} else if (seq != w->seq) {
		hear_driver(w);
		answer(w, seq, command(w, ptn_load(control(w)->cmd)));
	}
	return !w->muted;
}

void ptn_window_renew(struct ptn_window *w)
{
	hear_driver(w);
	answer(w, ptn_load(control(w)->seq), -ECONNRESET);
}

bool ptn_window_tick(struct ptn_window *w)
{
	const bool muted = w->muted;

	ptn_store(config(w)->heartbeat, ++w->heartbeat);
	w->commands = 0;
	w->muted = false;
	return muted;
}

/* Faults and the end */

/* Said twice when two say it at once, which does no harm. */
bool ptn_window_give_up(struct ptn_window *w)
{
	if (ptn_load(w->too_many))
		return false;
	ptn_store_release(w->too_many, 1);
	return true;
}

bool ptn_window_fault(struct ptn_window *w)
{
	const u64 now = ptn_now_ms();

	if (now - ptn_load(w->faults_since) > FAULTS_PERIOD_MS) {
		ptn_store(w->faults_since, now);
		ptn_store(w->faults, 0);
	}
	ptn_store(w->faults, ptn_load(w->faults) + 1);
	return ptn_load(w->faults) >= FAULTS_MAX && ptn_window_give_up(w);
}

bool ptn_window_fail(struct ptn_window *w)
{
	if (w->faulted || !ptn_load_acquire(w->too_many))
		return false;
	ptn_window_stop(w);
	w->faulted = true;
	set_state(w, PTN_STATE_FAULTED);
	w->ops->kick(w->home);
	return true;
}

void ptn_window_end(struct ptn_window *w)
{
	set_state(w, PTN_STATE_GONE);
	ptn_window_stop(w);
	w->ops->kick(w->home);
}

enum ptn_port_state ptn_window_state(const struct ptn_window *w)
{
	return w->faulted   ? PTN_PORT_FAULTED
	       : w->running ? PTN_PORT_UP
			    : PTN_PORT_ATTACHED;
}
