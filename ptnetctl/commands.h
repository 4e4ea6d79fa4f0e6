/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands: each is defined in the file of its name. */
#ifndef PTNETCTL_COMMANDS_H
#define PTNETCTL_COMMANDS_H

#include "ctl.h"

extern const struct ctl_command command_apply;
extern const struct ctl_command command_census;
extern const struct ctl_command command_completion;
extern const struct ctl_command command_delete;
extern const struct ctl_command command_describe;
extern const struct ctl_command command_export;
extern const struct ctl_command command_get;
extern const struct ctl_command command_help;
extern const struct ctl_command command_plan;
extern const struct ctl_command command_status;
extern const struct ctl_command command_top;
extern const struct ctl_command command_traffic;
extern const struct ctl_command command_validate;
extern const struct ctl_command command_version;
extern const struct ctl_command command_vm;

#endif
