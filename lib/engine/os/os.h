/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grace periods for the core in user space, by quiescent states.
 *
 * A thread that calls the core's sync functions registers, says
 * os_quiescent() between two rounds of work (it holds no pointer from the
 * core then), and brackets every sleep by os_offline() and os_online().
 * ptn_rcu_synchronize() returns once every registered thread was quiescent or
 * offline after the call began; a registered caller counts as quiescent.
 */
#ifndef PTNET_ENGINE_OS_H
#define PTNET_ENGINE_OS_H

#include <stdbool.h>

/** os_thread_register - the calling thread takes part, and is online */
void os_thread_register(void);

/** os_thread_unregister - before the thread ends */
void os_thread_unregister(void);

void os_quiescent(void);
void os_offline(void);
void os_online(void);

/** os_heavy - whether ptn_mb_heavy() reaches the programs' CPUs */
bool os_heavy(void);

#endif
