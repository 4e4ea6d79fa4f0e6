/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of a process; called from everywhere in user space. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static const struct {
	const char *name, *journal, *word;
} levels[] = {
	[LOG_LEVEL_ERR] = {"err", "<3>", "error: "},
	[LOG_LEVEL_WARN] = {"warn", "<4>", "warning: "},
	[LOG_LEVEL_INFO] = {"info", "<6>", ""},
	[LOG_LEVEL_DEBUG] = {"debug", "<7>", "debug: "},
};

static const char *program_name;
static bool to_journal;
static _Atomic int max_level = LOG_LEVEL_INFO;

/* JOURNAL_STREAM names the device and inode of the journal's stream; a child
 * whose stderr was redirected has inherited the name, not the stream. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

void log_init(const char *program)
{
	program_name = program;
	to_journal = stderr_is_journal();
}

void log_set_level(enum log_level max)
{
	max_level = max;
}

int log_parse_level(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(name, levels[i].name) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t prefix(char *line, size_t size, enum log_level level)
{
	int n;

	if (to_journal)
		n = snprintf(line, size, "%s", levels[level].journal);
	else
		n = snprintf(line, size, "%.64s%s%s",
			     program_name ? program_name : "",
			     program_name ? ": " : "", levels[level].word);
	return n > 0 ? (size_t)n : 0;
}

/* One line is one record: what came from outside must not make two. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void log_at(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	int saved = errno;
	va_list args;
	size_t len;

	if ((int)level > max_level)
		return;
	len = prefix(line, sizeof(line), level);
	va_start(args, format);
	vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	va_end(args);
	flatten(line + len);
	len += strlen(line + len);
	line[len++] = '\n';
	/* When this fails there is nobody left to tell. */
	(void)!write(STDERR_FILENO, line, len);
	errno = saved;
}
