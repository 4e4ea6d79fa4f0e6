/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A netmap program's descriptor: what tests of /dev/netmap do all the time.
 * Everything that is not a test's subject must work, or the test ends.
 */
#ifndef PTNET_TESTS_PROGRAM_H
#define PTNET_TESTS_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include <ptnet/netmap.h>
#include <ptnet/request.h>

struct program {
	int fd;
	struct nmreq_register reg; /* what was asked for; what came back */
	char *mem;
	struct netmap_if *nifp;
};

/* A descriptor of /dev/netmap that is bound to nothing. */
int program_fd(void);

/* NIOCCTRL without options. 0 or -errno. */
int program_ask(int fd, unsigned type, const char *name, void *body);

/* The same with options, the first one's address. */
int program_ask_with(int fd, unsigned type, const char *name, void *body,
		     void *options);

/* REGISTER by p->reg, and map the memory. 0 or -errno. */
int program_try(struct program *p, const char *name);

/* The same with everything as usual, or with p->reg; it must work. */
void program_open(struct program *p, const char *name);
void program_open_as(struct program *p, const char *name);

/* The mapping and the descriptor. */
void program_close(struct program *p);

struct netmap_ring *program_tx(const struct program *p, unsigned ring);
struct netmap_ring *program_rx(const struct program *p, unsigned ring);
char *program_buf(const struct netmap_ring *r, uint32_t idx);

/* poll() for these events. What it returned in revents; 0 when time is over. */
short program_poll(const struct program *p, short events, int ms);

/*
 * Put up to @n broadcast frames of @len bytes into ring 0, each with a number
 * that counts from *next on, and sync. Returns how many there was room for.
 */
unsigned program_send(struct program *p, unsigned n, unsigned len,
		      uint64_t *next);

/*
 * Sync and take all frames of ring 0; each must have the number *next, which
 * counts on. Returns how many there were.
 */
unsigned program_receive(struct program *p, unsigned len, uint64_t *next);

#endif
