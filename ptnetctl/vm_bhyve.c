/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm args --format bhyve: for a FreeBSD host whose bhyve has the ptnet device
 * and whose kernel has netmap. There the switch is netmap's own, and bhyve
 * opens its port by name: nobody attaches to a socket.
 */
#include <stdio.h>
#include <string.h>

#include "json/json.h"
#include "vm.h"
#include "writer.h"

enum {
	FIRST_SLOT = 2, /* those before are the host bridge's and disks' */
	FUNCTIONS = 8, /* of a slot */
	NAME_MAX_BHYVE =
		15, /* characters of a port's name, in netmap's old call */
};

/* Names of netmap's switches begin with "vale". */
static int name_port(char *to, size_t size, const json_t *port)
{
	const char *name = json_string_value(json_object_get(port, "name"));
	const char *sw = json_string_value(json_path(port, "spec.switch"));
	int n;

	if (!sw)
		return ctl_error(
			"%s is not on a switch: bhyve has the ports of "
			"netmap's switches alone",
			name);
	n = snprintf(to, size, "%s%s:%s", strncmp(sw, "vale", 4) ? "vale" : "",
		     sw, name);
	if (n > NAME_MAX_BHYVE)
		return ctl_error("%s would be port %s%s:%s, and bhyve takes "
				 "names of %d characters",
				 name, strncmp(sw, "vale", 4) ? "vale" : "", sw,
				 name, NAME_MAX_BHYVE);
	return CTL_OK;
}

static int add_options(json_t *words, const json_t *port, size_t i)
{
	const char *mac = json_string_value(json_path(port, "spec.mac"));
	char name[NAME_MAX_BHYVE + 1];
	int err = name_port(name, sizeof(name), port);

	if (err)
		return err;
	json_array_append_new(words, json_string("-s"));
	json_array_append_new(
		words, json_sprintf("%zu:%zu,ptnet,%s%s%s",
				    FIRST_SLOT + i / FUNCTIONS, i % FUNCTIONS,
				    name, mac ? ",mac=" : "", mac ?: ""));
	return CTL_OK;
}

json_t *vm_bhyve_words(const json_t *interfaces)
{
	json_t *words = json_array();
	json_t *port;
	size_t i;

	json_array_foreach(interfaces, i, port) {
		if (add_options(words, port, i)) {
			json_decref(words);
			return NULL;
		}
	}
	return words;
}
