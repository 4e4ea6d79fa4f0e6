/* SPDX-License-Identifier: BSD-2-Clause */
/* What an apply, a plan or a deletion did or would do. */
#ifndef PTNETCTL_RESULT_H
#define PTNETCTL_RESULT_H

#include "ctl.h"

/**
 * result_write - by ctl->output: a line a step and a summary, or the result
 * @planned: nothing was done
 *
 * Returns an exit status.
 */
int result_write(struct ctl *ctl, const json_t *result, bool planned);

/** result_changes - whether it has steps */
bool result_changes(const json_t *result);

#endif
