/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owned locals that free themselves when they go out of scope.
 *
 *	_cleanup_free_ char *text = NULL;
 *	_cleanup_close_ int fd = open(...);
 *
 * Always initialise them: the cleanup runs on every way out. `return
 * steal_ptr(&p)` hands ownership on. Other rooms make their own with
 * DEFINE_CLEANUP().
 */
#ifndef PTNET_BASE_CLEANUP_H
#define PTNET_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/*
 * DEFINE_CLEANUP(foo_ptr, struct foo *, foo_free) makes cleanup_foo_ptr() for
 * _cleanup_(cleanup_foo_ptr) struct foo *x = NULL.
 */
#define DEFINE_CLEANUP(name, type, func)                                       \
	static inline void cleanup_##name(type *p)                             \
	{                                                                      \
		if (*p)                                                        \
			func(*p);                                              \
	}                                                                      \
	struct cleanup_##name##_needs_semicolon

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

DEFINE_CLEANUP(fclose, FILE *, fclose);
DEFINE_CLEANUP(closedir, DIR *, closedir);

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

/* Take the value out of an owned local: *p is NULL afterwards. */
#define steal_ptr(p)                                                           \
	__extension__({                                                        \
		__typeof__(*(p)) stolen_ = *(p);                               \
		*(p) = NULL;                                                   \
		stolen_;                                                       \
	})

/** steal_fd - the same for a descriptor: *fd is -1 afterwards */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
