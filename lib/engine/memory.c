/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/guard.h"

enum { HUGE_PAGE = 2 * 1024 * 1024 };

/* QEMU takes no other: the file becomes a BAR. */
static size_t power_of_two(size_t n, size_t least)
{
	size_t p = least;

	while (p < n)
		p *= 2;
	return p;
}

static int make_file(const char *name, unsigned flags, size_t bytes)
{
	_cleanup_close_ int fd =
		memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	return steal_fd(&fd);
}

/*
 * Small pages are not reserved: what nobody touches costs nothing. Huge ones
 * are, since touching one that is not there would end the engine.
 */
static int map_file(struct memory *m, const char *name, size_t least, bool huge)
{
	size_t bytes = huge ? (m->mapped + HUGE_PAGE - 1) / HUGE_PAGE *
				       (size_t)HUGE_PAGE
			    : m->mapped;
	_cleanup_close_ int fd =
		make_file(name, huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0,
			  power_of_two(bytes, huge ? HUGE_PAGE : least));
	void *base;

	if (fd < 0)
		return fd;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | (huge ? 0 : MAP_NORESERVE), fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	if (huge && guard_add(base, bytes, HUGE_PAGE)) {
		munmap(base, bytes);
		return -ENOSPC;
	}
	/* a fork must not double what clients share */
	madvise(base, bytes, MADV_DONTFORK);
	m->base = base;
	m->mapped = bytes;
	m->fd = steal_fd(&fd);
	m->huge = huge;
	return 0;
}

static int open_file(struct memory *m, const char *name, size_t least,
		     bool huge)
{
	int err = huge ? map_file(m, name, least, true) : -ENOTSUP;

	if (huge && err)
		log_warn("%s: no huge pages (%s), small ones are used", name,
			 strerror(-err));
	return err ? map_file(m, name, least, false) : 0;
}

int memory_new(struct memory **out, const struct ptn_shape *shape,
	       enum memory_length length, bool huge, const char *name)
{
	const size_t least = length == MEMORY_LONG ? (size_t)1 << 31
						   : (size_t)HUGE_PAGE;
	size_t bytes = ptn_shape_bytes(shape);
	struct memory *m;
	int err;

	if (!bytes)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->fd = -1;
	m->mapped = PTN_WINDOW_AREA + bytes;
	m->windows[PTN_HOST_ID] = true;
	err = open_file(m, name, least, huge);
	if (!err)
		err = ptn_region_new(&m->region, m->base + PTN_WINDOW_AREA,
				     shape);
	if (err) {
		memory_free(m);
		return err;
	}
	*out = m;
	return 0;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	ptn_region_free(m->region);
	if (m->huge)
		guard_remove(m->base);
	if (m->base)
		munmap(m->base, m->mapped);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

int memory_take_window(struct memory *m)
{
	for (int i = 0; i < PTN_WINDOWS_MAX; i++) {
		if (m->windows[i])
			continue;
		m->windows[i] = true;
		return i;
	}
	return -ENOSPC;
}

void memory_give_window(struct memory *m, uint32_t window)
{
	memset(memory_window(m, window), 0, PTN_WINDOW_SIZE);
	m->windows[window] = false;
}

bool memory_lost(const struct memory *m)
{
	return m->huge && guard_hit(m->base);
}

char *memory_window(const struct memory *m, uint32_t window)
{
	return m->base + (size_t)window * PTN_WINDOW_SIZE;
}
