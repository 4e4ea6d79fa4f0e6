/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the objects of one document hang together: what no schema can say.
 */
#ifndef PTNET_MODEL_REFER_H
#define PTNET_MODEL_REFER_H

#include "base/diag.h"
#include "model/flat.h"

/**
 * refer_check - report names that are twice or lead nowhere, and places,
 * devices and addresses that are used twice
 * @f: ports on pipes get their pipe's domain
 *
 * Returns 0, with findings or without, or -ENOMEM.
 */
int refer_check(struct flat *f, const char *file, struct diags *diags);

#endif
