/* SPDX-License-Identifier: BSD-2-Clause */
/* What the actions of `ptnetctl vm` share. */
#ifndef PTNETCTL_VM_H
#define PTNETCTL_VM_H

#include <jansson.h>

#include "ctl.h"

enum vm_format { VM_QEMU, VM_LIBVIRT, VM_BHYVE };

struct vm {
	struct ctl *ctl;
	const char *name; /* NULL: all */
	enum vm_format format;
	char **words; /* vm run: the command, NULL at its end */
	unsigned interval_ms; /* vm status: of rates; 0: none */
};

/* Each returns an exit status. */
int vm_args(struct vm *vm);
int vm_run(struct vm *vm);
int vm_status(struct vm *vm);

/** vm_interfaces - ports of the VM, or of all; NULL: said what is wrong */
json_t *vm_interfaces(const struct vm *vm);

/** vm_interfaces_quietly - the same, and nothing is said */
json_t *vm_interfaces_quietly(const struct vm *vm);

/**
 * vm_words - QEMU's options for all interfaces, as an array of strings
 *
 * NULL: said what is wrong.
 */
json_t *vm_words(const struct vm *vm, const json_t *interfaces);

/** vm_bhyve_words - the same of bhyve's */
json_t *vm_bhyve_words(const json_t *interfaces);

#endif
