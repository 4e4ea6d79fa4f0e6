/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wires: veth pairs of which one end is a device that a backend has, and at
 * whose other end a packet socket is the wire. Only root has them.
 */
#ifndef TESTS_UNIT_WIRE_H
#define TESTS_UNIT_WIRE_H

#include <stdbool.h>
#include <stdint.h>

struct packet;

enum { WIRE_PATIENCE_MS = 10000 };

/**
 * wire_namespace - a network namespace of the process's own
 *
 * For backends that have no devices but those of where they are. 0 or -1.
 */
int wire_namespace(void);

/** wire_run - a shell's command, which succeeds */
void wire_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** wire_make - the pair, up and silent */
void wire_make(const char *device, const char *far);

/** wire_wait - until both ends are up: what is sent before is lost */
void wire_wait(const char *device, const char *far);

/** wire_remove - if it is there */
void wire_remove(const char *device);

/** wire_promiscuity - how many due all frames of the device */
int wire_promiscuity(const char *device);

/** wire_open - a socket at an end; its frames have headers of 10 bytes */
int wire_open(const char *far, bool headers);

void wire_send(int fd, const uint8_t *frame, uint32_t len);

/**
 * wire_take - the next frame whose sender has this address
 *
 * The tag that the kernel takes out of frames is in it again. Returns the
 * length; the test fails when none comes.
 */
uint32_t wire_take(int fd, uint64_t from, uint8_t *frame);

/**
 * wire_take_all - the next @n frames of that packet's sender, in any order
 *
 * The kernel's CPUs may let frames overtake each other. Each has as much more
 * payload (and seed) than @shortest, below WIRE_LENGTHS, as no other one has.
 */
enum { WIRE_LENGTHS = 1000 };
void wire_take_all(int fd, const struct packet *shortest, uint32_t n);

/** wire_is_silent - no frame of that address waits */
bool wire_is_silent(int fd, uint64_t from);

#endif
