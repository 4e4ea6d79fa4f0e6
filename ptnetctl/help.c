/* SPDX-License-Identifier: BSD-2-Clause */
/* Help, made from the tables. Knows no command by name. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

enum { LABEL = 26, WIDTH = 80 };

/* A label, and a phrase beside it that goes on in lines below. */
static void entry(const char *label, const char *phrase)
{
	size_t at = LABEL + 3;

	printf("  %-*s", LABEL, label);
	if (strlen(label) > LABEL)
		printf("\n  %*s", LABEL, "");
	while (*phrase) {
		size_t word = strcspn(phrase, " ");

		if (at + word > WIDTH) {
			printf("\n  %*s", LABEL, "");
			at = LABEL + 3;
		}
		printf(" %.*s", (int)word, phrase);
		at += word + 1;
		phrase += word + (phrase[word] == ' ');
	}
	putchar('\n');
}

static void option_entry(const struct ctl_option *o)
{
	char label[64];
	int n = o->id < CTL_LONG_ONLY
			? snprintf(label, sizeof(label), "-%c, ", o->id)
			: snprintf(label, sizeof(label), "    ");

	snprintf(label + n, sizeof(label) - (size_t)n, "--%s%s%s", o->name,
		 o->value ? " " : "", o->value ?: "");
	entry(label, o->help);
}

static bool is_own(const struct ctl_option *own, const char *name)
{
	for (; own && own->name; own++)
		if (!strcmp(own->name, name))
			return true;
	return false;
}

/* @own: a command's options, whose names hide global ones. */
static void options(const char *title, const struct ctl_option *table,
		    const struct ctl_option *own)
{
	printf("\n%s:\n", title);
	for (; table->name; table++)
		if (!is_own(own, table->name))
			option_entry(table);
}

static void command_entries(void)
{
	printf("\nCommands:\n");
	for (size_t i = 0; ctl_commands[i]; i++) {
		const struct ctl_command *c = ctl_commands[i];
		char label[64];

		snprintf(label, sizeof(label), "%s %s", c->name, c->args);
		entry(label, c->brief);
	}
}

void ctl_help(const struct ctl_command *c)
{
	if (!c) {
		printf("usage: ptnetctl [OPTION...] COMMAND [ARGUMENT...]\n"
		       "Declare switches, pipes and ports of this host's "
		       "ptnetd, and watch them.\n");
		command_entries();
		options("Options", ctl_global_options, NULL);
		printf("\nPTNET_SERVER is --server's default, NO_COLOR is "
		       "--no-color.\n"
		       "`ptnetctl help COMMAND` tells more.\n");
		return;
	}
	printf("usage: ptnetctl %s%s%s%s\n\n%s\n", c->name,
	       c->options ? " [OPTION...]" : "", *c->args ? " " : "", c->args,
	       c->text);
	if (c->options)
		options("Options", c->options, NULL);
	options("Options of all commands", ctl_global_options, c->options);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_command *c = NULL;
	struct args a;
	int id;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0) {
		c = ctl_command_find(a.value);
		if (!c)
			return ctl_usage(ctl, "there is no command \"%s\"",
					 a.value);
	}
	if (id == ARGS_STOP)
		return a.status;
	ctl_help(c);
	return CTL_OK;
}

const struct ctl_command command_help = {
	.name = "help",
	.args = "[COMMAND]",
	.brief = "show how to use ptnetctl or a command",
	.text = "Show how to use ptnetctl, or one of its commands.",
	.words = "@commands",
	.run = run,
};
