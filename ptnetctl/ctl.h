/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all commands of ptnetctl share: the global options, the command
 * tables, arguments, requests to ptnetd, and errors.
 *
 * A command is one file (NAME.c) with one `const struct ctl_command
 * command_NAME` and its function; commands.c lists them. Help, completion and
 * the man page's synopsis come from these tables.
 */
#ifndef PTNETCTL_H
#define PTNETCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "client/client.h"

enum ctl_output {
	OUTPUT_TABLE, /* for people, and the default */
	OUTPUT_JSON,
	OUTPUT_YAML,
	OUTPUT_NAME, /* one name a line */
};

enum {
	CTL_OK = 0,
	CTL_ERROR = 1,
	CTL_CHANGES = 2, /* of plan --detailed-exitcode */
};

struct ctl_command;

struct ctl {
	const struct ctl_command *command; /* that runs; NULL before */
	enum ctl_output output;
	const char *server; /* as given, or NULL: the default */
	unsigned timeout_ms; /* of one request */
	bool no_color;
};

/* One option of a command, or a global one. Tables end with a NULL name. */
struct ctl_option {
	int id; /* its letter, or from CTL_LONG_ONLY up */
	const char *name; /* without the dashes */
	const char *value; /* "FILE"; NULL: takes none */
	const char *help; /* a phrase */
	const char *choices; /* for completion: words with spaces between,
				"@files", "@ports"; may be NULL */
};

enum { CTL_LONG_ONLY = 256, CTL_GLOBAL_ID = 512 };

struct ctl_command {
	const char *name;
	const char *args; /* synopsis without options: "FILE..." */
	const char *brief; /* a phrase */
	const char *text; /* paragraphs of at most 76 columns */
	const struct ctl_option *options; /* its own; may be NULL */
	/* What its words are, for completion: one entry a position with '|'
	 * between, the last one for all that follow. Words with spaces
	 * between, or @files @kinds @names @topologies @ports @commands. */
	const char *words;
	/* argv[0] is the command's name. Returns the exit status. */
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

/* Terminated by NULL. */
extern const struct ctl_command *const ctl_commands[];
extern const struct ctl_option ctl_global_options[];

/** ctl_command_find - by name, or NULL */
const struct ctl_command *ctl_command_find(const char *name);

/*
 * Arguments. Options may stand before, between and after words; global ones
 * are handled on the way.
 *
 *	struct args a;
 *	int id;
 *
 *	args_init(&a, ctl, argc, argv);
 *	while ((id = args_next(&a)) > 0) {
 *		if (id == ARGS_WORD)
 *			... a.value ...
 *		else if (id == 'f')
 *			... a.value ...
 *	}
 *	if (id == ARGS_STOP)
 *		return a.status;
 */
enum {
	ARGS_STOP = -1, /* --help was shown or an error told: exit a.status */
	ARGS_END = 0,
	ARGS_WORD = 1,
};

struct args {
	struct ctl *ctl;
	int argc;
	char **argv;
	int at; /* next argument */
	const char *cluster; /* rest of -abc */
	bool words_only; /* after -- */
	const char *value;
	int status;
};

/** args_init - begin after argv[0], with the options of ctl->command */
void args_init(struct args *a, struct ctl *ctl, int argc, char **argv);

/** args_next - ARGS_WORD, an option's id, ARGS_END or ARGS_STOP */
int args_next(struct args *a);

/**
 * args_none - all arguments of a command that takes only global options
 *
 * Returns false, or true to end with *@status.
 */
bool args_none(struct ctl *ctl, int argc, char **argv, int *status);

/**
 * args_uint - the value as a number from @min to @max
 *
 * Returns whether it is one; otherwise an error was told.
 */
bool args_uint(struct args *a, const char *what, uint64_t min, uint64_t max,
	       uint64_t *out);

/** args_seconds - the value as seconds like 0.5, in milliseconds from 1 */
bool args_seconds(struct args *a, const char *what, unsigned *out_ms);

/** ctl_error - "ptnetctl: ..." to stderr; returns CTL_ERROR */
__attribute__((format(printf, 1, 2))) int ctl_error(const char *format, ...);

/** ctl_usage - the same, and where help is; returns CTL_ERROR */
__attribute__((format(printf, 2, 3))) int ctl_usage(const struct ctl *ctl,
						    const char *format, ...);

/** ctl_hint - "  ..." to stderr, after an error */
__attribute__((format(printf, 1, 2))) void ctl_hint(const char *format, ...);

/** ctl_diags - all findings to stderr, one a line, and how many were left
 *  out */
void ctl_diags(const struct diags *d);

/** ctl_help - help of a command, or of all when NULL, to stdout */
void ctl_help(const struct ctl_command *command);

/*
 * Requests. Each returns 0 with *@out set to the JSON body that the caller
 * owns, or a negative errno when the words were already said on stderr:
 * -ENOENT for a 404, -ECONNREFUSED when nobody is there.
 */

/**
 * ctl_get - GET @base/@name@tail
 * @base: "/v1/ports"
 * @name: one segment, quoted here; may be NULL
 * @tail: "/fdb"; may be NULL
 */
int ctl_get(struct ctl *ctl, const char *base, const char *name,
	    const char *tail, json_t **out);

/**
 * ctl_post - POST a JSON body
 * @progress: what to call it while it takes time ("applying 1000 objects"),
 *	shown on stderr when that is a terminal; may be NULL
 * @now: show it at once, not only when it lasts
 */
int ctl_post(struct ctl *ctl, const char *target, const json_t *body,
	     const char *progress, bool now, json_t **out);

/** ctl_try_get - ctl_get() that says nothing: *@error holds the words */
int ctl_try_get(struct ctl *ctl, const char *target, json_t **out,
		struct client_error *error);

#endif
