/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files and descriptors. */
#ifndef PTNET_BASE_FILE_H
#define PTNET_BASE_FILE_H

#include <stddef.h>

/**
 * fd_read_all - read to the end of a descriptor
 * @limit: bytes
 * @out: new string with a final zero that @len does not count
 *
 * Returns 0, -EFBIG when there is more than @limit, -ENOMEM or what read(2)
 * says. The caller frees *out.
 */
int fd_read_all(int fd, size_t limit, char **out, size_t *len);

/** file_read - the same for a file by its path, or open(2)'s error */
int file_read(const char *path, size_t limit, char **out, size_t *len);

/** fd_write_all - write all bytes; returns 0 or -errno */
int fd_write_all(int fd, const void *bytes, size_t len);

/**
 * file_lock - have a file for this process alone, made where it is not there
 *
 * One that was killed a moment ago may still be on its way out: waits a
 * second for it. Returns a descriptor, which holds the lock while it is open,
 * -EBUSY, or -errno.
 */
int file_lock(const char *path);

/** fd_set_nonblock - returns 0 or -errno */
int fd_set_nonblock(int fd);

#endif
