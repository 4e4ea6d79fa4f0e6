/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments by the option tables. Knows what an option looks like and what
 * the global ones set; what a command's own mean is the command's business.
 */
#include "ctl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_SERVER = CTL_GLOBAL_ID,
	OPTION_TIMEOUT,
	OPTION_NO_COLOR,
	OPTION_VERSION,
};

enum { AGAIN = 2 }; /* no option's id: these are letters, or larger */

const struct ctl_option ctl_global_options[] = {
	{'o', "output", "FORMAT", "table, json, yaml or name",
	 "table json yaml name"},
	{OPTION_SERVER, "server", "ADDRESS",
	 "unix:PATH or http://127.0.0.1:PORT", "unix: http://127.0.0.1:"},
	{OPTION_TIMEOUT, "timeout", "SECONDS",
	 "for each answer of the daemon (30)", NULL},
	{OPTION_NO_COLOR, "no-color", NULL, "no colours on a terminal", NULL},
	{'h', "help", NULL, "this help", NULL},
	{OPTION_VERSION, "version", NULL, "the version of ptnetctl", NULL},
	{0},
};

void args_init(struct args *a, struct ctl *ctl, int argc, char **argv)
{
	*a = (struct args){.ctl = ctl, .argc = argc, .argv = argv, .at = 1};
}

static int stop(struct args *a, int status)
{
	a->status = status;
	return ARGS_STOP;
}

static bool set_output(struct ctl *ctl, const char *word)
{
	static const char *const names[] = {
		[OUTPUT_TABLE] = "table",
		[OUTPUT_JSON] = "json",
		[OUTPUT_YAML] = "yaml",
		[OUTPUT_NAME] = "name",
	};

	for (int i = OUTPUT_TABLE; i <= OUTPUT_NAME; i++) {
		if (strcmp(names[i], word))
			continue;
		ctl->output = (enum ctl_output)i;
		return true;
	}
	ctl_usage(ctl, "-o takes table, json, yaml or name, not \"%s\"", word);
	return false;
}

/* ARGS_STOP, or AGAIN: look at the next one. */
static int global(struct args *a, int id)
{
	struct ctl *ctl = a->ctl;

	switch (id) {
	case 'o':
		return set_output(ctl, a->value) ? AGAIN : stop(a, CTL_ERROR);
	case OPTION_SERVER:
		ctl->server = a->value;
		return AGAIN;
	case OPTION_TIMEOUT:
		return args_seconds(a, "--timeout", &ctl->timeout_ms)
			       ? AGAIN
			       : ARGS_STOP;
	case OPTION_NO_COLOR:
		ctl->no_color = true;
		return AGAIN;
	case OPTION_VERSION:
		printf("ptnetctl " PTNET_VERSION "\n");
		return stop(a, CTL_OK);
	default:
		ctl_help(ctl->command);
		return stop(a, CTL_OK);
	}
}

static const struct ctl_option *find(const struct ctl_option *table, int id,
				     const char *name, size_t len)
{
	for (; table && table->name; table++)
		if (name ? strlen(table->name) == len &&
				    !memcmp(table->name, name, len)
			 : table->id == id)
			return table;
	return NULL;
}

/* The command's own come first: it may give a letter another meaning. */
static const struct ctl_option *lookup(const struct args *a, int id,
				       const char *name, size_t len)
{
	const struct ctl_command *c = a->ctl->command;

	return find(c ? c->options : NULL, id, name, len)
		       ?: find(ctl_global_options, id, name, len);
}

static int unknown_option(struct args *a, const char *name)
{
	const struct ctl_command *c = a->ctl->command;
	char word[64] = "";
	const char *names[64];
	const char *near;
	size_t n = 0;

	strncat(word, name, strcspn(name, "=") < 63 ? strcspn(name, "=") : 63);

	for (const struct ctl_option *o = c ? c->options : NULL; o && o->name;
	     o++)
		if (n < 48)
			names[n++] = o->name;
	for (const struct ctl_option *o = ctl_global_options; o->name; o++)
		names[n++] = o->name;
	near = near_miss(word, names, n);
	ctl_usage(a->ctl, "there is no option --%s%s%s%s", word,
		  near ? " (did you mean --" : "", near ?: "",
		  near ? "?)" : "");
	return stop(a, CTL_ERROR);
}

static bool is_global(const struct ctl_option *o)
{
	return find(ctl_global_options, o->id, NULL, 0) == o;
}

static int take(struct args *a, const struct ctl_option *o, const char *value)
{
	if (o->value && !value) {
		if (a->at >= a->argc) {
			ctl_usage(a->ctl, "--%s needs a value: %s", o->name,
				  o->value);
			return stop(a, CTL_ERROR);
		}
		value = a->argv[a->at++];
	}
	a->value = value;
	return is_global(o) ? global(a, o->id) : o->id;
}

static int long_option(struct args *a, const char *text)
{
	size_t len = strcspn(text, "=");
	const struct ctl_option *o = lookup(a, 0, text, len);

	if (!o)
		return unknown_option(a, text);
	if (text[len] && !o->value) {
		ctl_usage(a->ctl, "--%s takes no value", o->name);
		return stop(a, CTL_ERROR);
	}
	return take(a, o, text[len] ? text + len + 1 : NULL);
}

static int short_option(struct args *a)
{
	char letter = *a->cluster++;
	const struct ctl_option *o = lookup(a, letter, NULL, 0);
	const char *value = NULL;

	if (!o) {
		ctl_usage(a->ctl, "there is no option -%c", letter);
		return stop(a, CTL_ERROR);
	}
	if (o->value && *a->cluster) {
		value = a->cluster;
		a->cluster = NULL;
	}
	return take(a, o, value);
}

static int next(struct args *a)
{
	const char *arg;

	if (a->cluster && *a->cluster)
		return short_option(a);
	if (a->at >= a->argc)
		return ARGS_END;
	arg = a->argv[a->at++];
	if (!a->words_only && !strcmp(arg, "--")) {
		a->words_only = true;
		return next(a);
	}
	if (a->words_only || arg[0] != '-' || !arg[1]) {
		a->value = arg;
		return ARGS_WORD;
	}
	if (arg[1] == '-')
		return long_option(a, arg + 2);
	a->cluster = arg + 1;
	return short_option(a);
}

int args_next(struct args *a)
{
	int id;

	do
		id = next(a);
	while (id == AGAIN);
	return id;
}

bool args_none(struct ctl *ctl, int argc, char **argv, int *status)
{
	struct args a;
	int id;

	args_init(&a, ctl, argc, argv);
	id = args_next(&a);
	if (id == ARGS_WORD)
		*status = ctl_usage(ctl, "%s takes no argument", argv[0]);
	else if (id == ARGS_STOP)
		*status = a.status;
	return id != ARGS_END;
}

bool args_uint(struct args *a, const char *what, uint64_t min, uint64_t max,
	       uint64_t *out)
{
	const char *s = a->value;
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (*s >= '0' && *s <= '9' && !*end && !errno && n >= min && n <= max) {
		*out = n;
		return true;
	}
	ctl_usage(a->ctl, "%s takes a number from %llu to %llu, not \"%s\"",
		  what, (unsigned long long)min, (unsigned long long)max, s);
	a->status = CTL_ERROR;
	return false;
}

bool args_seconds(struct args *a, const char *what, unsigned *out_ms)
{
	const char *s = a->value;
	char *end;
	double n = strtod(s, &end);

	if (((*s >= '0' && *s <= '9') || *s == '.') && end != s && !*end &&
	    isfinite(n) && n >= 0.001 && n <= 86400) {
		*out_ms = (unsigned)(n * 1000);
		return true;
	}
	ctl_usage(a->ctl, "%s takes seconds from 0.001 to 86400, not \"%s\"",
		  what, s);
	a->status = CTL_ERROR;
	return false;
}
