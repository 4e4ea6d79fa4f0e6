// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kwhy.h"

#include <linux/kernel.h>
#include <linux/ratelimit.h>

#include "kctl.h"

static char last[256];

int kwhy(int err, const char *format, ...)
{
	va_list ap;

	kctl_assert_held();
	va_start(ap, format);
	vscnprintf(last, sizeof(last), format, ap);
	va_end(ap);
	pr_info_ratelimited("ptnetmap: %s\n", last);
	return err;
}

const char *kwhy_last(void)
{
	kctl_assert_held();
	return last;
}

void kwhy_forget(void)
{
	kctl_assert_held();
	last[0] = 0;
}
