/* SPDX-License-Identifier: BSD-2-Clause */
/* vm: what a virtual machine needs for its interfaces, and how they are. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "json/json.h"
#include "vm.h"
#include "writer.h"

enum {
	OPTION_FORMAT = CTL_LONG_ONLY,
	OPTION_INTERVAL,
	INTERVAL_MS = 500, /* of rates in tables */
};

static const struct ctl_option options[] = {
	{OPTION_FORMAT, "format", "FORMAT",
	 "of args: qemu, libvirt for a domain's XML, or bhyve",
	 "qemu libvirt bhyve"},
	{OPTION_INTERVAL, "interval", "SECONDS",
	 "of status: how long rates are measured", NULL},
	{0},
};

static const struct action {
	const char *name;
	int (*run)(struct vm *vm);
	bool needs_vm, takes_command;
} actions[] = {
	{"args", vm_args, true, false},
	{"run", vm_run, true, true},
	{"status", vm_status, false, false},
};

enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

/* From one VM, or an array of them. */
static json_t *interfaces_of(const json_t *answer)
{
	json_t *all = json_array(), *one, *port;
	size_t i, j;

	json_array_extend(all, json_path(answer, "status.interfaces"));
	json_array_foreach(answer, i, one)
		json_array_foreach(json_path(one, "status.interfaces"), j, port)
			json_array_append(all, port);
	return all;
}

json_t *vm_interfaces(const struct vm *vm)
{
	_cleanup_json_ json_t *answer = NULL;

	if (ctl_get(vm->ctl, "/v1/vms", vm->name, NULL, &answer))
		return NULL;
	return interfaces_of(answer);
}

json_t *vm_interfaces_quietly(const struct vm *vm)
{
	_cleanup_json_ json_t *answer = NULL;
	struct client_error error;
	char target[512] = "/v1/vms/";

	if (http_quote(target, sizeof(target), vm->name) ||
	    ctl_try_get(vm->ctl, target, &answer, &error))
		return NULL;
	return interfaces_of(answer);
}

static const struct action *find_action(struct ctl *ctl, const char *word)
{
	const char *names[ACTIONS], *near;

	for (size_t i = 0; i < ACTIONS; i++) {
		names[i] = actions[i].name;
		if (!strcmp(word, names[i]))
			return &actions[i];
	}
	near = near_miss(word, names, ACTIONS);
	ctl_usage(ctl, "vm knows args, run and status, not \"%s\"%s%s%s", word,
		  near ? " (did you mean " : "", near ? near : "",
		  near ? "?)" : "");
	return NULL;
}

static int set_format(struct vm *vm, const char *word)
{
	if (!strcmp(word, "qemu"))
		vm->format = VM_QEMU;
	else if (!strcmp(word, "libvirt"))
		vm->format = VM_LIBVIRT;
	else if (!strcmp(word, "bhyve"))
		vm->format = VM_BHYVE;
	else
		return ctl_usage(
			vm->ctl,
			"--format takes qemu, libvirt or bhyve, not \"%s\"",
			word);
	return CTL_OK;
}

/* What comes after the action and the name. */
static int set_command(struct vm *vm, const struct action *action,
		       struct args *a)
{
	if (!action->takes_command)
		return ctl_usage(vm->ctl, "unexpected \"%s\"", a->value);
	vm->words = &a->argv[a->at - 1];
	return CTL_OK;
}

/* Which options an action takes. */
struct given {
	bool format, interval;
};

static int check(const struct vm *vm, const struct action *action,
		 const struct given *given)
{
	if (action->needs_vm && !vm->name)
		return ctl_usage(vm->ctl, "vm %s expects a VM", action->name);
	if (action->takes_command && !vm->words)
		return ctl_usage(vm->ctl,
				 "vm %s expects a command after the VM: %s -- "
				 "qemu-system-x86_64 ...",
				 action->name, vm->name);
	if (given->format && action->run != vm_args)
		return ctl_usage(vm->ctl, "vm %s takes no --format",
				 action->name);
	if (given->interval && action->run != vm_status)
		return ctl_usage(vm->ctl, "vm %s takes no --interval",
				 action->name);
	return CTL_OK;
}

/* What programs read comes at once, without rates. */
static unsigned default_interval(const struct ctl *ctl)
{
	return ctl->output == OUTPUT_TABLE ? INTERVAL_MS : 0;
}

static int take_option(struct vm *vm, struct args *a, int id,
		       struct given *given)
{
	if (id == OPTION_FORMAT) {
		given->format = true;
		return set_format(vm, a->value);
	}
	given->interval = true;
	return args_seconds(a, "--interval", &vm->interval_ms) ? CTL_OK
							       : CTL_ERROR;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct vm vm = {.ctl = ctl};
	const struct action *action = NULL;
	struct given given = {0};
	struct args a;
	int id = 0, err = CTL_OK;

	args_init(&a, ctl, argc, argv);
	while (!vm.words && (id = args_next(&a)) > 0) {
		if (id != ARGS_WORD) {
			err = take_option(&vm, &a, id, &given);
		} else if (!action) {
			action = find_action(ctl, a.value);
			err = action ? CTL_OK : CTL_ERROR;
		} else if (!vm.name) {
			vm.name = a.value;
		} else {
			err = set_command(&vm, action, &a);
		}
		if (err)
			return err;
	}
	if (!vm.words && id == ARGS_STOP)
		return a.status;
	if (!action)
		return ctl_usage(ctl, "expected args, run or status");
	if (!given.interval)
		vm.interval_ms = default_interval(ctl);
	err = check(&vm, action, &given);
	return err ?: action->run(&vm);
}

const struct ctl_command command_vm = {
	.name = "vm",
	.args = "args VM | run VM -- COMMAND... | status [VM]",
	.brief = "attach virtual machines, and show how they are attached",
	.text = "Work with the VMs of the topologies.\n"
		"\n"
		"  args      print the options that make QEMU attach a VM's "
		"interfaces, one a\n"
		"            line: qemu-system-x86_64 ... $(ptnetctl vm args "
		"web)\n"
		"  run       run COMMAND with these options at its end, say "
		"when the guest's\n"
		"            driver is up, and end as it ends\n"
		"  status    show each interface: who is attached, what moves, "
		"and what is\n"
		"            still missing\n"
		"\n"
		"QEMU and libvirt are used as they are; the guest needs ptnet.ko.",
	.options = options,
	.words = "args run status|@vms",
	.run = run,
};
