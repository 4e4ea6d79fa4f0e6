/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the modes of `ptnetctl traffic` share: settings, an open port with
 * frames in its rings, time, and the result.
 */
#ifndef PTNETCTL_TRAFFIC_H
#define PTNETCTL_TRAFFIC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"
#include "ctl.h"
#include "port/ptnet.h"

/* The options, in their units; 0 is "not said" unless told otherwise. */
struct traffic {
	struct ctl *ctl;
	const char *port, *socket, *run_dir, *to;
	uint64_t count, size, rate, vlan, batch, loop, queue;
	unsigned duration_ms, timeout_ms, interval_ms;
	uint8_t dst[MAC_LEN], src[MAC_LEN]; /* src all zeros: the port's */
	const char *pcap, *pcap_write;
	bool check, poll;
};

/* Each returns an exit status. */
int traffic_send(struct traffic *t);
int traffic_recv(struct traffic *t);
int traffic_ping(struct traffic *t);
int traffic_forward(struct traffic *t);

/** traffic_stopped - whether a signal has asked for an end */
bool traffic_stopped(void);

/* An open port. */
struct traffic_port {
	char name[64];
	struct ptnet_port *port; /* NULL: not open */
	bool netmap; /* opened by /dev/netmap: a sync is a system call */
	uint32_t buffers;
	size_t slot_max; /* bytes that fit into one slot */
	size_t frame_max; /* bytes that fit into a frame's slots */
	uint8_t *scratch; /* frame_max bytes */
};

/**
 * traffic_open - attach to port @name, or to the settings' socket when NULL
 *
 * Says what is wrong, and returns an exit status. traffic_close() is due when
 * that is CTL_OK, and allowed always.
 */
int traffic_open(const struct traffic *t, const char *name,
		 struct traffic_port *out);
void traffic_close(struct traffic_port *p);

/** traffic_failed - say why a port's call returned @err; CTL_ERROR */
int traffic_failed(const struct traffic_port *p, int err);

/** traffic_no_queue - say that the port cannot send there; CTL_ERROR */
int traffic_no_queue(const struct traffic_port *p, unsigned queue);

/** traffic_slots - how many slots a frame of @len bytes takes */
uint32_t traffic_slots(const struct traffic_port *p, size_t len);

/**
 * traffic_begin - where to write the next frame of @len bytes
 *
 * Returns 1; 0 when there is no room; -EPROTO when the ring is broken.
 */
int traffic_begin(struct traffic_port *p, struct netmap_ring *r, size_t len,
		  uint8_t **data);

/** traffic_commit - the frame is written: move head past it */
void traffic_commit(struct traffic_port *p, struct netmap_ring *r,
		    const uint8_t *data, size_t len);

struct traffic_frame {
	uint8_t *data; /* in the slot's buffer, or collected in scratch */
	size_t len;
	uint32_t slots;
	bool broken; /* no data: the slots make no sense */
};

/** traffic_peek - the frame at head of a receive ring; false: none, yet */
bool traffic_peek(struct traffic_port *p, struct netmap_ring *r,
		  struct traffic_frame *out);

/** traffic_skip - move head past @slots slots */
void traffic_skip(struct netmap_ring *r, uint32_t slots);

/** traffic_now - nanoseconds, monotonic */
int64_t traffic_now(void);

/* What was done. */
struct traffic_tally {
	uint64_t frames, bytes, syncs, waits;
	int64_t begin, end; /* traffic_now() */
};

/**
 * traffic_wait - look, then sleep until @deadline or a signal
 * @deadline: traffic_now(), or INT64_MAX
 * @busy: look once instead
 *
 * Returns as ptnet_wait(); 0 after a while too, so call it again.
 */
int traffic_wait(struct traffic_port *p, int what, int64_t deadline, bool busy,
		 struct traffic_tally *tally);

/** traffic_result - a new object with the tally of port @name */
json_t *traffic_result(const char *name, const struct traffic_tally *tally);

/** traffic_report - show the result, which is freed. An exit status */
int traffic_report(const struct traffic *t, json_t *result);

/* Frames of a file. */
struct traffic_pcap {
	struct traffic_packet {
		uint8_t *data;
		size_t len;
	} * packet;
	size_t count;
	size_t longest;
};

/** traffic_pcap_load - says what is wrong, and returns an exit status */
int traffic_pcap_load(struct traffic_pcap *p, const char *path);
void traffic_pcap_free(struct traffic_pcap *p);

struct traffic_dump;

/** traffic_dump_open - a new file for frames; NULL: said what is wrong */
struct traffic_dump *traffic_dump_open(const char *path);

/** traffic_dump_frame - with the time of now */
void traffic_dump_frame(struct traffic_dump *d, const uint8_t *data,
			size_t len);

/** traffic_dump_close - finish the file; an exit status. Takes NULL */
int traffic_dump_close(struct traffic_dump *d);

#endif
