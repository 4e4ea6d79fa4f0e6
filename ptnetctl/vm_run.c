/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm run: QEMU with the options for a VM's interfaces at the end. Says when
 * the guest's driver is up, and ends with QEMU: as it did, and not before.
 *
 * QEMU is a child that has the terminal as we have it. Signals that would end
 * us are passed on, so that who supervises us supervises QEMU.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "json/json.h"
#include "vm.h"
#include "writer.h"

enum {
	LOOK_MS = 200,
	PATIENCE_MS = 30 * 1000, /* then what is waited for is said */
	EXIT_SIGNAL = 128, /* and its number, as shells have it */
};

static volatile sig_atomic_t child; /* its pid */

/* There is one at least. */
static size_t count(char **words)
{
	size_t n = 1;

	while (words[n])
		n++;
	return n;
}

static char **command_of(const struct vm *vm, const json_t *options)
{
	const size_t n = count(vm->words);
	char **argv = calloc(n + json_array_size(options) + 1, sizeof(*argv));
	json_t *word;
	size_t i;

	if (!argv)
		return NULL;
	for (i = 0; i < n; i++)
		argv[i] = vm->words[i];
	json_array_foreach(options, i, word)
		argv[n + i] = (char *)(uintptr_t)json_string_value(word);
	return argv;
}

static void pass_on(int sig)
{
	if (child > 0)
		kill((pid_t)child, sig);
}

/* Of a terminal they come to the child as well, which decides. */
static void pass_signals_on(sigset_t *all)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct sigaction act = {.sa_handler = pass_on};

	sigemptyset(all);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		sigaddset(all, signals[i]);
		sigaction(signals[i], &act, NULL);
	}
}

/* With the signals that we had; ours wait until it is known whom they mean. */
static int start(const char *program, char **argv)
{
	posix_spawnattr_t attr;
	sigset_t ours, before;
	pid_t pid;
	int err;

	pass_signals_on(&ours);
	sigprocmask(SIG_BLOCK, &ours, &before);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &before);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawnp(&pid, program, NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (!err)
		child = pid;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err ? ctl_error("%s: %s", program, strerror(err)) : CTL_OK;
}

/* How the interfaces are, together. */
struct look {
	bool up; /* all */
	bool attached; /* one of them */
	struct strbuf lack; /* of the last that is not up */
};

static void say_lack(struct look *l, const json_t *port)
{
	const char *lacks = json_string_value(json_path(port, "status.lacks"));

	if (!lacks)
		return;
	l->up = false;
	strbuf_fini(&l->lack);
	strbuf_addf(&l->lack, "%s: %s",
		    json_string_value(json_object_get(port, "name")), lacks);
}

static void look(const struct vm *vm, struct look *l)
{
	_cleanup_json_ json_t *interfaces = vm_interfaces_quietly(vm);
	json_t *port;
	size_t i;

	*l = (struct look){.up = interfaces};
	if (!interfaces)
		strbuf_add(&l->lack, "ptnetd does not answer");
	json_array_foreach(interfaces, i, port) {
		if (json_is_integer(json_path(port, "status.pid")))
			l->attached = true;
		say_lack(l, port);
	}
}

static bool has_ended(int *status, int options)
{
	pid_t got;

	do
		got = waitpid((pid_t)child, status, options);
	while (got < 0 && errno == EINTR);
	return got != 0;
}

static int status_of(int status)
{
	return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* Until the driver is up, or nobody is there any more: QEMU may have become a
 * daemon. */
static bool wait_until_up(const struct vm *vm, bool *ended, int *status)
{
	const struct timespec pause = {0, LOOK_MS * 1000000L};
	struct look now;

	for (unsigned ms = 0;; ms += LOOK_MS) {
		nanosleep(&pause, NULL);
		*ended = *ended || has_ended(status, WNOHANG);
		look(vm, &now);
		if (ms == PATIENCE_MS && !now.up)
			fprintf(stderr, "ptnetctl: waiting: %s\n",
				now.lack.data ?: "");
		strbuf_fini(&now.lack);
		if (now.up || (*ended && (*status || !now.attached)))
			return now.up;
	}
}

static int watch(const struct vm *vm)
{
	bool ended = false;
	int status = 0;

	if (wait_until_up(vm, &ended, &status))
		fprintf(stderr, "ptnetctl: %s is up\n", vm->name);
	if (!ended)
		has_ended(&status, 0);
	return status_of(status);
}

/* QEMU is refused in less words. */
static int check_free(const json_t *interfaces)
{
	json_t *port;
	size_t i;

	json_array_foreach(interfaces, i, port) {
		const json_t *pid = json_path(port, "status.pid");

		if (json_is_integer(pid))
			return ctl_error("%s: process %" JSON_INTEGER_FORMAT
					 " is attached already",
					 json_string_value(
						 json_object_get(port, "name")),
					 json_integer_value(pid));
	}
	return CTL_OK;
}

int vm_run(struct vm *vm)
{
	_cleanup_json_ json_t *interfaces = vm_interfaces(vm);
	_cleanup_json_ json_t *options = NULL;
	_cleanup_free_ char **argv = NULL;
	int err;

	options = interfaces ? vm_words(vm, interfaces) : NULL;
	if (!options || check_free(interfaces))
		return CTL_ERROR;
	argv = command_of(vm, options);
	if (!argv)
		return ctl_error("there is not enough memory");
	err = start(*vm->words, argv);
	return err ?: watch(vm);
}
