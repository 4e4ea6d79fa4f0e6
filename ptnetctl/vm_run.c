/* SPDX-License-Identifier: BSD-2-Clause */
/* vm run: become QEMU, with the options for a VM's interfaces at the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "vm.h"

/* There is one at least. */
static size_t count(char **words)
{
	size_t n = 1;

	while (words[n])
		n++;
	return n;
}

int vm_run(struct vm *vm)
{
	_cleanup_json_ json_t *interfaces = vm_interfaces(vm);
	_cleanup_json_ json_t *options = NULL;
	_cleanup_free_ char **argv = NULL;
	const size_t n = count(vm->words);
	json_t *word;
	size_t i;

	options = interfaces ? vm_words(vm, interfaces) : NULL;
	if (!options)
		return CTL_ERROR;
	argv = calloc(n + json_array_size(options) + 1, sizeof(*argv));
	if (!argv)
		return ctl_error("there is not enough memory");
	for (i = 0; i < n; i++)
		argv[i] = vm->words[i];
	json_array_foreach(options, i, word)
		argv[n + i] = (char *)(uintptr_t)json_string_value(word);
	execvp(*vm->words, argv);
	return ctl_error("%s: %s", *vm->words, strerror(errno));
}
