/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptnetctl: wiring. Finds the command, lends it the shared state, and sees to
 * it that output which could not be written is an error.
 */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A closed standard descriptor must not become somebody's socket. The
 * stand-in is opened the wrong way round, so that using it still fails.
 */
static void guard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(CTL_ERROR);
	}
}

static int unknown_command(struct ctl *ctl, const char *word)
{
	const char *names[64], *near;
	size_t n = 0;

	while (n < 64 && ctl_commands[n]) {
		names[n] = ctl_commands[n]->name;
		n++;
	}
	near = near_miss(word, names, n);
	return ctl_usage(ctl, "there is no command \"%s\"%s%s%s", word,
			 near ? " (did you mean " : "", near ?: "",
			 near ? "?)" : "");
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct args a;
	int id;

	args_init(&a, ctl, argc, argv);
	id = args_next(&a);
	if (id == ARGS_STOP)
		return a.status;
	if (id == ARGS_END)
		return ctl_usage(ctl, "expected a command");
	ctl->command = ctl_command_find(a.value);
	if (!ctl->command)
		return unknown_command(ctl, a.value);
	return ctl->command->run(ctl, argc - a.at + 1, argv + a.at - 1);
}

/* The words of a broken pipe are for nobody; its status is for scripts. */
static int finish_output(int status)
{
	int err = 0;

	if (ferror(stdout) || fflush(stdout))
		err = errno ?: EIO;
	if (fclose(stdout) && !err)
		err = errno;
	if (!err)
		return status;
	if (err != EPIPE)
		ctl_error("cannot write the output: %s", strerror(err));
	return CTL_ERROR;
}

int main(int argc, char **argv)
{
	const char *no_color = getenv("NO_COLOR");
	struct ctl ctl = {
		.timeout_ms = CLIENT_TIMEOUT_MS,
		.no_color = no_color && *no_color,
	};

	guard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		return finish_output(run(&ctl, argc, argv));
	return ctl_usage(&ctl, "expected a command");
}
