/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two guests that sleep as soon as there is nothing for them, and play
 * ping-pong. Who waits for so long that only a timer of the host's could have
 * made up for a wake-up that was lost, fails.
 */
#ifndef TESTS_UNIT_SLEEPERS_H
#define TESTS_UNIT_SLEEPERS_H

#include <stdint.h>

#include "host.h"

/**
 * sleepers_play - rounds between the VM's ports @a, whose address ends with
 *	@mac, and @b, whose one ends with the next number
 *
 * 3,000 of them, or as many as PTNET_WAKEUPS=N says.
 */
void sleepers_play(struct host *h, const char *a, const char *b, uint8_t mac);

#endif
