/* SPDX-License-Identifier: BSD-2-Clause */
/* vm status: each interface, who is attached to it, and what it counts. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "vm.h"
#include "writer.h"

static void on_cell(struct strbuf *out, const json_t *port)
{
	const json_t *spec = json_object_get(port, "spec");
	const char *on =
		json_string_value(json_object_get(spec, "switch"))
			?: json_string_value(json_object_get(spec, "pipe"));

	strbuf_add(out, on ?: "-");
}

/* The name that the kernel here has for it: it may be gone already. */
static void process_cell(struct strbuf *out, const json_t *port)
{
	const json_int_t pid =
		json_integer_value(json_path(port, "status.pid"));
	_cleanup_fclose_ FILE *comm = NULL;
	char path[64], name[32] = "";

	if (!pid) {
		strbuf_add(out, "-");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%" JSON_INTEGER_FORMAT "/comm",
		 pid);
	comm = fopen(path, "re");
	if (comm && fgets(name, sizeof(name), comm))
		name[strcspn(name, "\n")] = '\0';
	strbuf_addf(out, "%" JSON_INTEGER_FORMAT "%s%s", pid, *name ? " " : "",
		    name);
}

static const struct column columns[] = {
	{"INTERFACE", "name", COLUMN_TEXT, NULL},
	{"ON", NULL, COLUMN_TEXT, on_cell},
	{"STATE", "status.state", COLUMN_STATE, NULL},
	{"PROCESS", NULL, COLUMN_TEXT, process_cell},
	{"QUEUES", "spec.queues", COLUMN_NUMBER, NULL},
	{"TX", "counters.tx_frames", COLUMN_NUMBER, NULL},
	{"RX", "counters.rx_frames", COLUMN_NUMBER, NULL},
	{"DROPS", "counters.drops", COLUMN_SUM, NULL},
	{"FAULTS", "counters.faults", COLUMN_NUMBER, NULL},
	{0},
};

int vm_status(struct vm *vm)
{
	_cleanup_json_ json_t *interfaces = vm_interfaces(vm);

	if (!interfaces)
		return CTL_ERROR;
	return write_list(vm->ctl, interfaces, columns,
			  "interfaces of VMs are there");
}
