/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Why something was refused: into the kernel's log, and kept until the next
 * refusal for who answers with a sentence.
 */
#ifndef PTN_KWHY_H
#define PTN_KWHY_H

/** kwhy - say it, without a dot and newline; under kctl_lock. Returns @err. */
__printf(2, 3) int kwhy(int err, const char *format, ...);

/**
 * kwhy_last - the last sentence since kwhy_forget(), or ""; under kctl_lock
 */
const char *kwhy_last(void);
void kwhy_forget(void);

#endif
