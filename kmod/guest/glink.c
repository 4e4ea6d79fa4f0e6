// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Whether the host's side is there: it has a heartbeat, a state, and a
 * generation that changes when it restarts. Nothing else tells: when the
 * process at the other end dies the memory stays, and so does the device.
 *
 * The carrier follows. A host that came back without our rings' state says
 * that it is ready, and the rings are started anew.
 */
#include <linux/rtnetlink.h>

#include "gdev.h"

/* The host's heart beats each second. */
enum { LOOK_MS = 1000, SILENCE_MS = 4000, RETRY_MS = 20 };

static void look_in(struct gdev *g, unsigned int ms)
{
	mod_delayed_work(system_wq, &g->link.work, msecs_to_jiffies(ms));
}

/* A host that has no pulse is there as long as the device is. */
static bool has_pulse(const struct gdev *g)
{
	return g->host->ops->feel;
}

static struct ghost_pulse pulse_of(const struct gdev *g)
{
	struct ghost_pulse p = {
		.is_ours = true,
		.state = g->started ? PTN_STATE_RUNNING : PTN_STATE_READY,
	};

	if (has_pulse(g))
		g->host->ops->feel(g->host, &p);
	return p;
}

static u32 state_of(const struct gdev *g)
{
	return pulse_of(g).state;
}

static bool is_alive(const struct gdev *g)
{
	const unsigned long silent =
		g->link.seen + msecs_to_jiffies(SILENCE_MS);

	return !has_pulse(g) ||
	       (time_before(jiffies, silent) && pulse_of(g).is_ours);
}

bool glink_is_up(const struct gdev *g)
{
	return g->started && is_alive(g) && state_of(g) == PTN_STATE_RUNNING;
}

/* Again and again, where anything can be seen by that. */
static void watch(struct gdev *g)
{
	if (has_pulse(g))
		look_in(g, LOOK_MS);
}

/* Not before it is up, nor while the machine is suspended. */
static bool is_watched(const struct gdev *g)
{
	return (g->user || netif_running(g->dev)) &&
	       netif_device_present(g->dev);
}

/* True when the heart beat since the last look. */
static bool feel(struct gdev *g)
{
	const u32 beat = pulse_of(g).heartbeat;

	if (beat == g->link.heartbeat)
		return false;
	g->link.heartbeat = beat;
	g->link.seen = jiffies;
	return true;
}

static void notice_restart(struct gdev *g)
{
	const u32 generation = pulse_of(g).generation;

	if (generation == g->link.generation)
		return;
	g->link.generation = generation;
	g->link.restarts++;
	netdev_info(g->dev, "the host's side was restarted\n");
}

static const char *why_down(const struct gdev *g)
{
	if (state_of(g) == PTN_STATE_FAULTED)
		return "the host has disabled the port after too many faults";
	if (state_of(g) == PTN_STATE_GONE || !is_alive(g))
		return "the host's side is gone";
	return "the host has stopped the port";
}

static void show(struct gdev *g)
{
	const bool up = glink_is_up(g);

	if (up == netif_carrier_ok(g->dev))
		return;
	if (up) {
		netif_carrier_on(g->dev);
		netdev_info(g->dev, "link is up\n");
	} else {
		netif_carrier_off(g->dev);
		netdev_info(g->dev, "link is down: %s\n", why_down(g));
	}
}

static bool wants_start(const struct gdev *g)
{
	return !g->started || state_of(g) == PTN_STATE_READY;
}

/* The rings of programs are not started anew: they are to open them again. */
static int state_for_programs(const struct gdev *g)
{
	if (pulse_of(g).generation != g->user_generation ||
	    state_of(g) != PTN_STATE_RUNNING)
		return -ENXIO;
	return is_alive(g) ? 0 : -ETIMEDOUT;
}

static void look(struct work_struct *work)
{
	struct gdev *g =
		container_of(to_delayed_work(work), struct gdev, link.work);
	const bool beat = feel(g);

	/* who holds it may be waiting for us in glink_end() */
	if (!rtnl_trylock()) {
		look_in(g, RETRY_MS);
		return;
	}
	if (beat)
		notice_restart(g);
	if (g->user) {
		gport_tell(g, state_for_programs(g));
	} else if (beat && wants_start(g)) {
		gnet_stop(g);
		gnet_start(g);
	}
	show(g);
	rtnl_unlock();
	watch(g);
}

void glink_init(struct gdev *g)
{
	INIT_DELAYED_WORK(&g->link.work, look);
	g->link.heartbeat = pulse_of(g).heartbeat;
	g->link.generation = pulse_of(g).generation;
	g->link.seen = jiffies;
}

void glink_begin(struct gdev *g)
{
	feel(g);
	show(g);
	watch(g);
}

void glink_end(struct gdev *g)
{
	cancel_delayed_work_sync(&g->link.work);
	netif_carrier_off(g->dev);
}

u32 glink_generation(const struct gdev *g)
{
	return pulse_of(g).generation;
}

void glink_fini(struct gdev *g)
{
	cancel_delayed_work_sync(&g->link.work);
}

void glink_look(struct gdev *g)
{
	if (is_watched(g))
		look_in(g, 0);
}
