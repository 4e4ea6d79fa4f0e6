/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that clients map: a sealed memfd with windows and a region
 * (ptnet/region.h), made when the first port of it is attached and gone with
 * the last.
 *
 * Knows files and mappings; no port, no client, no message.
 */
#ifndef PTNET_ENGINE_MEMORY_H
#define PTNET_ENGINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/region.h"
#include "engine/table.h"
#include "model/objects.h"

#include <ptnet/region.h>

struct worker;

struct memory {
	int fd;
	char *base;
	size_t mapped; /* bytes: windows and netmap memory */
	struct ptn_region *region;
	struct worker *worker; /* of all ports in here; NULL: none yet */
	uint32_t users; /* ports attached */
	bool windows[PTN_WINDOWS_MAX]; /* taken */
	bool huge;
	/* A domain's is found by its name. */
	object_name domain;
	struct table_node node;
};

/* How long the file is, at least: all behind the memory is a hole. */
enum memory_length {
	MEMORY_SHORT,
	/*
	 * As VMs want it: their firmware puts a BAR of this size above 4 GiB,
	 * where it is cached like memory. Below, it is not.
	 */
	MEMORY_LONG,
};

/**
 * memory_new - make and map it
 * @huge: huge pages if the host has them; else small ones and a log line. A
 *	file of these is never long: who maps it takes all its pages at once.
 *
 * Returns 0, -EINVAL for a shape that is not possible, -ENOMEM, -errno.
 */
int memory_new(struct memory **out, const struct ptn_shape *shape,
	       enum memory_length length, bool huge, const char *name);

/**
 * memory_adopt - map what an earlier engine made, with its shape
 * @fd: not taken over when it fails
 *
 * Returns 0, -EINVAL for a file that is too short for it, -ENOMEM, -errno.
 */
int memory_adopt(struct memory **out, const struct ptn_shape *shape, bool huge,
		 int fd);

/** memory_free - nobody uses it any more. Takes NULL. */
void memory_free(struct memory *m);

/** memory_take_window - the smallest free one, zeroed; -ENOSPC */
int memory_take_window(struct memory *m);

/** memory_keep_window - take this one, as it is; -EBUSY, -EINVAL */
int memory_keep_window(struct memory *m, uint32_t window);

/** memory_give_window - clear it and give it back */
void memory_give_window(struct memory *m, uint32_t window);

/** memory_lost - a client made a part of it vanish */
bool memory_lost(const struct memory *m);

/** memory_window - where a window is */
char *memory_window(const struct memory *m, uint32_t window);

/** memory_page_size - of the pages that it has, in bytes */
uint32_t memory_page_size(const struct memory *m);

#endif
