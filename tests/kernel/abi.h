/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of /dev/netmap share: requests, open ports, frames. Only by
 * what the interface promises (NETMAP_API 14); knows nothing of how the module
 * does it.
 */
#ifndef TESTS_KERNEL_ABI_H
#define TESTS_KERNEL_ABI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ptnet/netmap.h>
#include <ptnet/request.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/** abi_device - a descriptor of /dev/netmap */
int abi_device(void);

/** abi_close - and it must work */
void abi_close(int fd);

/** abi_call - NIOCCTRL. 0 or -errno */
int abi_call(int fd, struct nmreq_header *h);

/**
 * abi_ctrl - the same with a header made of these
 * @options: the first one's address, or NULL
 *
 * Returns 0 or -errno.
 */
int abi_ctrl(int fd, const char *name, uint16_t type, void *body,
	     void *options);

/** abi_register - REGISTER on a descriptor. 0 or -errno */
int abi_register(int fd, const char *name, struct nmreq_register *body);

/* A port that is open and mapped. */
struct abi_port {
	int fd;
	char name[NETMAP_REQ_IFNAMSIZ];
	struct nmreq_register reg;
	char *mem;
	struct netmap_if *nifp;
};

/** abi_try_open - 0 or -errno; @body NULL: all zeros, else it is used */
int abi_try_open(struct abi_port *p, const char *name,
		 const struct nmreq_register *body);

/** abi_try_open_with - the same with options, the first one's address */
int abi_try_open_with(struct abi_port *p, const char *name,
		      const struct nmreq_register *body, void *options);

/** abi_open - the same, and it must work */
void abi_open(struct abi_port *p, const char *name);
void abi_open_as(struct abi_port *p, const char *name,
		 struct nmreq_register body);
void abi_shut(struct abi_port *p);

/* Two ports that exchange frames, as setups of tests open them. */
struct abi_pair {
	struct abi_port a, b;
};

/** abi_pair_open - of these names, both with @body and @options, or NULL */
int abi_pair_open(void **state, const char *a, const char *b,
		  const struct nmreq_register *body, void *options);

/** abi_on_a_switch, abi_on_a_pipe - setups: the same with nothing special */
int abi_on_a_switch(void **state);
int abi_on_a_pipe(void **state);

/** abi_pair_shut - the teardown; no buffer is lost or in two places */
int abi_pair_shut(void **state);

#define ABI_ON_A_SWITCH(test)                                                  \
	cmocka_unit_test_setup_teardown(test, abi_on_a_switch, abi_pair_shut)
#define ABI_ON_A_PIPE(test)                                                    \
	{                                                                      \
#test " on a pipe", test, abi_on_a_pipe, abi_pair_shut, NULL   \
	}

/** abi_tx, abi_rx - a ring by its index among those of the direction */
struct netmap_ring *abi_tx(const struct abi_port *p, unsigned i);
struct netmap_ring *abi_rx(const struct abi_port *p, unsigned i);

/** abi_buf - where a buffer is, as the interface says */
char *abi_buf(struct netmap_ring *r, uint32_t idx);

static inline uint32_t abi_next(const struct netmap_ring *r, uint32_t i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

/** abi_space - slots in [head, tail) */
uint32_t abi_space(const struct netmap_ring *r);

/** abi_txsync, abi_rxsync - 0 or -errno */
int abi_txsync(const struct abi_port *p);
int abi_rxsync(const struct abi_port *p);

/*
 * Frames of these tests: destination and source are 02:00:00:00:00:N, N 255
 * is to all; then a number, then a pattern made from it.
 */
enum { TO_ALL = 255, FRAME_MIN = 60 };

/** abi_frame - fill in a frame of @len bytes, at least 26 */
void abi_frame(char *out, size_t len, unsigned dst, unsigned src, uint64_t n);

/** abi_frame_number - of a frame; fails when its bytes are not right */
uint64_t abi_frame_number(const char *data, size_t len);

/** abi_put - a frame in the next slot of a transmit ring; no sync */
void abi_put(struct netmap_ring *r, size_t len, unsigned dst, unsigned src,
	     uint64_t n);

/** abi_send - the same on ring 0, and a sync, which must work */
void abi_send(const struct abi_port *p, size_t len, unsigned dst, unsigned src,
	      uint64_t n);

/** abi_take - the next frame of a receive ring of one slot: its number */
uint64_t abi_take(struct netmap_ring *r);

/** abi_pass - the next frame of @rx goes on by @tx: buffers change places */
void abi_pass(struct netmap_ring *rx, struct netmap_ring *tx);

/** abi_drain - sync, take all frames of ring 0 there are; how many */
unsigned abi_drain(const struct abi_port *p);

/** abi_poll - revents of one poll() */
short abi_poll(const struct abi_port *p, short events, int timeout_ms);

/** assert_error - that @got is -@want */
#define assert_error(got, want) assert_int_equal(got, -(want))

/** assert_fails - that @got is a negative errno, whichever */
#define assert_fails(got) assert_true((got) < 0)

/*
 * Books of all regions, by the control family. Nothing may be lost or in two
 * places. @buffers: NULL, or how many there are in all.
 */
void abi_census(uint64_t *buffers);

/** abi_log - the kernel's log, from here on */
int abi_log(void);

/** abi_log_says - whether a line that has come since has these words */
bool abi_log_says(int log, const char *words);

/** abi_run - run @fn in a child, which ends well; its own asserts abort it */
void abi_run(void (*fn)(void *), void *arg);

#endif
