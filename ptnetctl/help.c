/* SPDX-License-Identifier: BSD-2-Clause */
/* Help, made from the tables. Knows no command by name. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static void option_line(const struct ctl_option *o)
{
	char text[64];
	int n = o->id < CTL_LONG_ONLY
			? snprintf(text, sizeof(text), "-%c, ", o->id)
			: snprintf(text, sizeof(text), "    ");

	snprintf(text + n, sizeof(text) - (size_t)n, "--%s%s%s", o->name,
		 o->value ? " " : "", o->value ?: "");
	printf("  %-26s %s\n", text, o->help);
}

static void options(const char *title, const struct ctl_option *table)
{
	printf("\n%s:\n", title);
	for (; table->name; table++)
		option_line(table);
}

static void command_lines(void)
{
	printf("\nCommands:\n");
	for (size_t i = 0; ctl_commands[i]; i++) {
		const struct ctl_command *c = ctl_commands[i];
		char text[64];

		snprintf(text, sizeof(text), "%s %s", c->name, c->args);
		if (strlen(text) <= 26)
			printf("  %-26s %s\n", text, c->brief);
		else
			printf("  %s\n  %-26s %s\n", text, "", c->brief);
	}
}

void ctl_help(const struct ctl_command *c)
{
	if (!c) {
		printf("usage: ptnetctl [OPTION...] COMMAND [ARGUMENT...]\n"
		       "Declare switches, pipes and ports of this host's "
		       "ptnetd, and watch them.\n");
		command_lines();
		options("Options", ctl_global_options);
		printf("\nPTNET_SERVER is --server's default, NO_COLOR is "
		       "--no-color.\n"
		       "`ptnetctl help COMMAND` tells more.\n");
		return;
	}
	printf("usage: ptnetctl %s%s%s%s\n\n%s\n", c->name,
	       c->options ? " [OPTION...]" : "", *c->args ? " " : "", c->args,
	       c->text);
	if (c->options)
		options("Options", c->options);
	options("Options of all commands", ctl_global_options);
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
