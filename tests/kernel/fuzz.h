/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that mean no good: several processes at once, each by random
 * numbers of its own, one of them killed now and then. What they do is theirs.
 */
#ifndef PTNET_TESTS_FUZZ_H
#define PTNET_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers from one seed; each process has its own. */
uint64_t fuzz_next(void);
uint32_t fuzz_below(uint32_t n);
bool fuzz_one_in(uint32_t n);

/*
 * By the arguments SECONDS [SEED], which begin the numbers and are told. Ends
 * the program where they are wrong; returns the seconds.
 */
int fuzz_begin(int argc, char **argv);

/* What process @which does until it is killed. */
typedef void fuzz_life(int which);

enum { FUZZ_PROCESSES = 8 }; /* at most */

/* For so many seconds, and a new process each @turn_ms for one that dies. */
void fuzz_run(int seconds, int processes, int turn_ms, fuzz_life *live);

#endif
