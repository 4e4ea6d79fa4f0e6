/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that runs out, and copies from and to programs that fail: all that a
 * thing to ask may meet of it, one failure after another. Where a kernel can
 * be told to fail, which is so on that of KASAN.
 */
#ifndef PTNET_TESTS_LACK_H
#define PTNET_TESTS_LACK_H

#include <stdbool.h>

/*
 * One thing to ask. What it needs is made before; what it made, undone.
 */
struct trial {
	int (*run)(void); /* 0 or -errno */
	void (*undo)(void); /* of a run, done or not; NULL */
	void (*prepare)(void); /* NULL */
	void (*clean)(void); /* of what was prepared; NULL */
	bool tells; /* by a socket: it has errors of its own, and an answer
		     * that is lost undoes nothing */
};

/** lack_begin - 0 where the kernel can be told to fail; a group's setup */
int lack_begin(void **state);

/** lack_arm - what this thread asks for the @nth time (from 1) fails */
void lack_arm(unsigned nth);

/** lack_disarm - returns whether the time had come */
bool lack_disarm(void);

/** lack_left - how many times it may still ask; it stays armed */
long lack_left(void);

/** lack_arm_all - all that this thread asks for after @bytes of it fails */
void lack_arm_all(unsigned bytes);
void lack_disarm_all(void);

/**
 * lack_exhaust - try it with each failure that there is
 *
 * The test of a TRIAL. After a failure the world is what it was, and the same
 * works. In the end nobody uses the module that did not before.
 */
void lack_exhaust(void **state);

#define TRIAL_AS(run, undo, prepare, clean, tells)                             \
	{                                                                      \
		.name = #run, .test_func = lack_exhaust,                       \
		.initial_state = &(struct trial)                               \
		{                                                              \
			run, undo, prepare, clean, tells                       \
		}                                                              \
	}
#define TRIAL(run, undo, prepare, clean)                                       \
	TRIAL_AS(run, undo, prepare, clean, false)

#endif
