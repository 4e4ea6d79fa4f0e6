/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole terminal for a while: its own page, keys without Enter. Knows
 * nothing of what is shown. Called by top.
 */
#ifndef PTNETCTL_SCREEN_H
#define PTNETCTL_SCREEN_H

#include <stddef.h>

enum { SCREEN_QUIT = 1 };

/** screen_open - take the terminal. Returns 0 or -errno. */
int screen_open(void);

/** screen_close - give it back as it was */
void screen_close(void);

/** screen_rows - lines that fit */
size_t screen_rows(void);

/** screen_draw - replace what is shown by @text */
void screen_draw(const char *text);

/**
 * screen_wait - until @ms have passed, q or a signal to end
 *
 * Returns 0 when the time is over or the size changed, or SCREEN_QUIT.
 */
int screen_wait(int ms);

#endif
