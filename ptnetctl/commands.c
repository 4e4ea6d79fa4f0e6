/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands, in the order in which help shows them. */
#include "commands.h"

#include <string.h>

const struct ctl_command *const ctl_commands[] = {
	&command_apply,	     &command_plan,
	&command_validate,   &command_get,
	&command_describe,   &command_delete,
	&command_export,     &command_status,
	&command_top,	     &command_vm,
	&command_census,     &command_traffic,
	&command_version,    &command_help,
	&command_completion, NULL,
};

const struct ctl_command *ctl_command_find(const char *name)
{
	for (size_t i = 0; ctl_commands[i]; i++)
		if (!strcmp(ctl_commands[i]->name, name))
			return ctl_commands[i];
	return NULL;
}
