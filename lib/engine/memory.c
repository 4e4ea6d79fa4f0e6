/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

static size_t whole_pages(size_t bytes, bool huge)
{
	return huge ? (bytes + HUGE_PAGE - 1) / HUGE_PAGE * (size_t)HUGE_PAGE
		    : bytes;
}

/*
 * Small pages are not reserved: what nobody touches costs nothing. Huge ones
 * are, since touching one that is not there would end the engine.
 */
static int map_file(struct memory *m, int fd, bool huge)
{
	const size_t bytes = whole_pages(m->mapped, huge);
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
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
	m->fd = fd;
	m->huge = huge;
	return 0;
}

static int make_and_map(struct memory *m, const char *name, size_t least,
			bool huge)
{
	_cleanup_close_ int fd =
		make_file(name, huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0,
			  power_of_two(whole_pages(m->mapped, huge),
				       huge ? HUGE_PAGE : least));
	int err = fd < 0 ? fd : map_file(m, fd, huge);

	if (!err)
		steal_fd(&fd);
	return err;
}

static int open_file(struct memory *m, const char *name, size_t least,
		     bool huge)
{
	int err = huge ? make_and_map(m, name, least, true) : -ENOTSUP;

	if (huge && err)
		log_warn("%s: no huge pages (%s), small ones are used", name,
			 strerror(-err));
	return err ? make_and_map(m, name, least, false) : 0;
}

static struct memory *memory_alloc(const struct ptn_shape *shape)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->fd = -1;
	m->mapped = PTN_WINDOW_AREA + ptn_shape_bytes(shape);
	m->windows[PTN_HOST_ID] = true;
	return m;
}

static int make_region(struct memory *m, const struct ptn_shape *shape)
{
	return ptn_region_new(&m->region, m->base + PTN_WINDOW_AREA, shape);
}

int memory_new(struct memory **out, const struct ptn_shape *shape,
	       enum memory_length length, bool huge, const char *name)
{
	const size_t least = length == MEMORY_LONG ? (size_t)1 << 31
						   : (size_t)HUGE_PAGE;
	struct memory *m;
	int err;

	if (!ptn_shape_bytes(shape))
		return -EINVAL;
	m = memory_alloc(shape);
	if (!m)
		return -ENOMEM;
	err = open_file(m, name, least, huge);
	if (!err)
		err = make_region(m, shape);
	if (err) {
		memory_free(m);
		return err;
	}
	*out = m;
	return 0;
}

int memory_adopt(struct memory **out, const struct ptn_shape *shape, bool huge,
		 int fd)
{
	struct memory *m;
	struct stat st;
	int err;

	if (!ptn_shape_bytes(shape))
		return -EINVAL;
	m = memory_alloc(shape);
	if (!m)
		return -ENOMEM;
	err = fstat(fd, &st) ? -errno : 0;
	if (!err && (uint64_t)st.st_size < whole_pages(m->mapped, huge))
		err = -EINVAL;
	if (!err)
		err = map_file(m, fd, huge);
	if (!err)
		err = make_region(m, shape);
	if (err) {
		m->fd = -1;
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
		/* an earlier engine's client may have left something */
		memset(memory_window(m, (uint32_t)i), 0, PTN_WINDOW_SIZE);
		m->windows[i] = true;
		return i;
	}
	return -ENOSPC;
}

int memory_keep_window(struct memory *m, uint32_t window)
{
	if (window >= PTN_WINDOWS_MAX)
		return -EINVAL;
	if (m->windows[window])
		return -EBUSY;
	m->windows[window] = true;
	return 0;
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

uint32_t memory_page_size(const struct memory *m)
{
	return m->huge ? HUGE_PAGE : (uint32_t)sysconf(_SC_PAGESIZE);
}
