/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t state;

static void seed(uint64_t n)
{
	state = n | 1;
}

uint64_t fuzz_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

uint32_t fuzz_below(uint32_t n)
{
	return (uint32_t)(fuzz_next() >> 11) % n;
}

bool fuzz_one_in(uint32_t n)
{
	return fuzz_below(n) == 0;
}

int fuzz_begin(int argc, char **argv)
{
	const int seconds = argc > 1 ? atoi(argv[1]) : 0;

	if (seconds < 1) {
		fprintf(stderr, "usage: %s SECONDS [SEED]\n", argv[0]);
		exit(2);
	}
	seed(argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL));
	printf("seed %llu\n", (unsigned long long)state);
	fflush(stdout);
	return seconds;
}

/* With numbers that no other process has. */
static pid_t start(int which, fuzz_life *live)
{
	const uint64_t own = fuzz_next();
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seed(own);
	live(which);
	_exit(0);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void fuzz_run(int seconds, int processes, int turn_ms, fuzz_life *live)
{
	const time_t over = time(NULL) + seconds;
	pid_t pids[FUZZ_PROCESSES];

	assert(processes <= FUZZ_PROCESSES);
	for (int i = 0; i < processes; i++)
		pids[i] = start(i, live);
	while (time(NULL) < over) {
		const int victim = (int)fuzz_below((uint32_t)processes);

		usleep((useconds_t)turn_ms * 1000);
		end(pids[victim]);
		pids[victim] = start(victim, live);
	}
	for (int i = 0; i < processes; i++)
		end(pids[i]);
}
