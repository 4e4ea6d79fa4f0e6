/* SPDX-License-Identifier: BSD-2-Clause */
/* vm status: each interface, who is attached to it, and what moves. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "rates.h"
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

static void rate_cell(struct strbuf *out, const json_t *port, const char *path)
{
	const json_t *rate = json_path(port, path);

	if (rate)
		rate_format(out, (double)json_integer_value(rate));
	else
		strbuf_add(out, "-");
}

static void tx_rate_cell(struct strbuf *out, const json_t *port)
{
	rate_cell(out, port, "rates.tx_pps");
}

static void rx_rate_cell(struct strbuf *out, const json_t *port)
{
	rate_cell(out, port, "rates.rx_pps");
}

static const struct column columns[] = {
	{"INTERFACE", "name", COLUMN_TEXT, NULL},
	{"ON", NULL, COLUMN_TEXT, on_cell},
	{"STATE", "status.state", COLUMN_STATE, NULL},
	{"PROCESS", NULL, COLUMN_TEXT, process_cell},
	{"DRIVER", "status.driver", COLUMN_TEXT, NULL},
	{"QUEUES", "spec.queues", COLUMN_NUMBER, NULL},
	{"TX", "counters.tx_frames", COLUMN_NUMBER, NULL},
	{"TX/S", NULL, COLUMN_NUMBER, tx_rate_cell},
	{"RX", "counters.rx_frames", COLUMN_NUMBER, NULL},
	{"RX/S", NULL, COLUMN_NUMBER, rx_rate_cell},
	{"DROPS", "counters.drops", COLUMN_SUM, NULL},
	{"FAULTS", "counters.faults", COLUMN_NUMBER, NULL},
	{"GENERATION", "status.generation", COLUMN_NUMBER, NULL},
	{0},
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* By a second look, a moment later; NULL: said what is wrong. */
static json_t *with_rates(const struct vm *vm, const json_t *before)
{
	const struct timespec pause = {vm->interval_ms / 1000,
				       vm->interval_ms % 1000 * 1000000L};
	const double begin = now();
	_cleanup_json_ json_t *interfaces = NULL;
	_cleanup_json_ json_t *rates = NULL;
	json_t *port;
	size_t i;

	nanosleep(&pause, NULL);
	interfaces = vm_interfaces(vm);
	if (!interfaces)
		return NULL;
	rates = rates_make(before, interfaces, now() - begin);
	json_array_foreach(interfaces, i, port)
		json_object_set(port, "rates", json_array_get(rates, i));
	return steal_ptr(&interfaces);
}

/* Below the table. */
static void say_lacks(const json_t *interfaces)
{
	bool any = false;
	json_t *port;
	size_t i;

	json_array_foreach(interfaces, i, port) {
		const char *lacks =
			json_string_value(json_path(port, "status.lacks"));

		if (!lacks)
			continue;
		if (!any)
			putchar('\n');
		any = true;
		printf("%s: %s\n",
		       json_string_value(json_object_get(port, "name")), lacks);
	}
}

int vm_status(struct vm *vm)
{
	_cleanup_json_ json_t *first = vm_interfaces(vm);
	_cleanup_json_ json_t *second = NULL;
	const json_t *interfaces = first;
	int err;

	if (vm->interval_ms && json_array_size(first))
		interfaces = second = with_rates(vm, first);
	if (!interfaces)
		return CTL_ERROR;
	err = write_list(vm->ctl, interfaces, columns,
			 "interfaces of VMs are there");
	if (!err && vm->ctl->output == OUTPUT_TABLE)
		say_lacks(interfaces);
	return err;
}
