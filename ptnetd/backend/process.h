/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process of an engine: find the one that serves a directory, start one,
 * end it. Knows nothing of what is spoken over the socket.
 */
#ifndef PTNETD_BACKEND_PROCESS_H
#define PTNETD_BACKEND_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	char *run_dir;
	char *program;
	unsigned workers; /* 0: its default */
	pid_t child; /* 0: not started from here */
	int pidfd; /* of the one that was connected to; -1: not known */
};

/** process_init - copies the strings; 0 or -ENOMEM */
int process_init(struct process *p, const char *run_dir, const char *program,
		 unsigned workers);
void process_fini(struct process *p);

/** process_connect - to the one that serves the directory; a socket or -errno
 */
int process_connect(struct process *p);

/**
 * process_find - connect, or start one and wait until it answers
 * @text: the sentence of a failure, with the last line of the log when the
 *	engine ended
 *
 * Returns a socket or -errno.
 */
int process_find(struct process *p, char *text, size_t size);

/** process_end - end it and wait until it is gone */
void process_end(struct process *p);

int64_t process_now_ms(void);

#endif
