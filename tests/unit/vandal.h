/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that means harm, on a stand-in for QEMU: each step writes something
 * that no driver would, or far too much of what one may, without waiting for
 * anything. What there was before its first step it remembers, as an attacker
 * would; so steps of one guest may be done by several threads at once, each
 * with a struct vandal of its own.
 */
#ifndef TESTS_UNIT_VANDAL_H
#define TESTS_UNIT_VANDAL_H

#include <stdint.h>

#include <ptnet/netmap.h>

#include "qemu.h"

enum { VANDAL_SLOTS = 1024, VANDAL_HEADER = 12 };

struct vandal {
	struct qemu *q;
	struct ptn_config config;
	struct netmap_slot *slot; /* of transmit ring 0 */
	uint32_t slots; /* in use, up to VANDAL_SLOTS */
	uint32_t own[VANDAL_SLOTS]; /* the buffers that they had */
	uint64_t seed; /* not 0 */
	uint32_t commands;
	uint8_t to[6], as[6]; /* addresses: a victim's, its own */
};

typedef void vandal_step(struct vandal *v);

/**
 * vandal_init - what a guest can know of the port that it is attached to
 *
 * @to and @as end the addresses 02:00:00:00:00:xx of a victim and its own.
 */
void vandal_init(struct vandal *v, struct qemu *q, uint64_t seed, uint8_t to,
		 uint8_t as);

/** vandal_scribble - random and likely numbers, anywhere in the region */
vandal_step vandal_scribble;

/** vandal_ring - a doorbell of any vector, for nothing */
vandal_step vandal_ring;

/** vandal_command - RESET, START and others, over and over */
vandal_step vandal_command;

/** vandal_hand_over - slots with anybody's buffers, of any length and flags */
vandal_step vandal_hand_over;

/** vandal_offload - virtio-net headers and packets that are nearly right */
vandal_step vandal_offload;

/* As many as the ring takes: they are laid out once, by one of these, and
 * handed over at each step. All but the first are in order. */
void vandal_lay_chain(struct vandal *v); /* one frame, without an end */
void vandal_lay_segments(struct vandal *v); /* of the most segments */
void vandal_lay_flood(struct vandal *v); /* to everybody */
void vandal_lay_frames(struct vandal *v); /* to the victim, nothing special */
vandal_step vandal_send;

#endif
