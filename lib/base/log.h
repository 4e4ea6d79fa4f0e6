/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the one who runs the program: to stderr, and with the journal's
 * priority prefix where stderr is the journal.
 */
#ifndef PTNET_BASE_LOG_H
#define PTNET_BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/**
 * log_init - name the program and look where stderr goes
 *
 * @program is kept, not copied. Without a call there is no name and no
 * journal. Call before threads start.
 */
void log_init(const char *program);

/** log_set_level - say only this much and more; default LOG_LEVEL_INFO */
void log_set_level(enum log_level max);

/** log_parse_level - "err", "warn", "info", "debug"; returns -EINVAL else */
int log_parse_level(const char *name, enum log_level *out);

/** log_at - one line, written at once; keeps errno; any thread */
__attribute__((format(printf, 2, 3))) void log_at(enum log_level level,
						  const char *format, ...);

#define log_err(...) log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
