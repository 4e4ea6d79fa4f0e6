/* SPDX-License-Identifier: BSD-2-Clause */
/* Words on stderr. All of them may hold text from others. */
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "text.h"

__attribute__((format(printf, 2, 0))) static void
say(const char *before, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return;
	}
	/* What was said so far belongs before it. */
	fflush(stdout);
	fputs(before, stderr);
	text_put(stderr, text);
	fputc('\n', stderr);
}

int ctl_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("ptnetctl: ", format, args);
	va_end(args);
	return CTL_ERROR;
}

int ctl_usage(const struct ctl *ctl, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("ptnetctl: ", format, args);
	va_end(args);
	if (ctl->command)
		ctl_hint("`ptnetctl help %s` shows how to use it",
			 ctl->command->name);
	else
		ctl_hint("`ptnetctl help` shows the commands");
	return CTL_ERROR;
}

void ctl_hint(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("  ", format, args);
	va_end(args);
}

void ctl_diags(const struct diags *d)
{
	fflush(stdout);
	for (size_t i = 0; i < d->count; i++) {
		_cleanup_free_ char *text = diag_format(&d->list[i]);

		text_put(stderr, text ?: d->list[i].message);
		fputc('\n', stderr);
	}
	if (d->dropped)
		ctl_error("%zu more findings are not shown", d->dropped);
}
