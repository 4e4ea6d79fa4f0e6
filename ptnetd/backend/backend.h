/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backends: who holds switches, pipes and ports and moves the frames.
 *
 * The service knows nothing below this table. One behaviour suite runs on
 * every backend (tests/backend). All calls are made from one thread and
 * return within BACKEND_TIMEOUT_MS.
 */
#ifndef PTNETD_BACKEND_H
#define PTNETD_BACKEND_H

#include "base/diag.h"
#include "model/objects.h"
#include "plan/plan.h"

enum { BACKEND_TIMEOUT_MS = 10000 };

struct backend;

struct backend_config {
	const char *run_dir; /* attach sockets go to RUN_DIR/ports */
	const char *engine_path; /* the ptnet-engine program */
	unsigned workers; /* 0: the engine's default */
};

struct backend_info {
	const char *name; /* of the backend */
	char version[64];
	uint64_t revision; /* 0: nothing applied yet */
	uint64_t instance; /* changes when the backend restarts */
	uint32_t features; /* enum ptn_feature */
	uint32_t workers;
};

/* A sentence about the last failure, and what it was about. */
struct backend_error {
	char message[512];
	object_name object; /* may be empty */
};

struct backend_ops {
	const char *name;

	/* Start or find it. 0 or -errno with *error set. */
	int (*open)(struct backend **out, const struct backend_config *config,
		    struct backend_error *error);

	/* Let go of it: objects and traffic go on. Takes NULL. */
	void (*close)(struct backend *b);

	/* End it and everything it holds (ptnetd --teardown, tests). */
	void (*teardown)(struct backend *b);

	int (*info)(struct backend *b, struct backend_info *out,
		    struct backend_error *error);

	/* All objects with status and counters, sorted. Caller frees. */
	int (*dump)(struct backend *b, struct objects *out,
		    struct backend_error *error);

	/*
	 * Do a plan's steps in order, all or nothing, and hold @revision
	 * afterwards. -EOPNOTSUPP names what it cannot do; -ECONNRESET: the
	 * backend died, ask the next instance's revision what happened.
	 */
	int (*apply)(struct backend *b, const struct plan *plan,
		     uint64_t revision, struct backend_error *error);

	/* The forwarding table of a switch. Caller frees *out. */
	int (*fdb)(struct backend *b, const char *name, struct fdb_entry **out,
		   size_t *count, struct backend_error *error);

	/* Where every packet buffer is. -EOPNOTSUPP where there are none. */
	int (*census)(struct backend *b, struct census *out,
		      struct backend_error *error);

	/*
	 * A descriptor that becomes readable when the backend died, or -1;
	 * the service then closes and opens it again and reconciles.
	 */
	int (*death_fd)(struct backend *b);

	/*
	 * A descriptor that is readable when there is something to hear, or
	 * -1. NULL: it never tells anything.
	 */
	int (*event_fd)(struct backend *b);

	/*
	 * Read what happened and log what people want to know. Returns
	 * whether it may hold something else now than what was applied.
	 */
	bool (*hear)(struct backend *b);

	/*
	 * hear() has something to say after this time, whether there is
	 * something to hear or not; -1: never. There if event_fd is.
	 */
	int (*hear_ms)(const struct backend *b);
};

extern const struct backend_ops backend_fake;
extern const struct backend_ops backend_engine;
extern const struct backend_ops backend_kernel;

/** backend_kernel_is_there - the module is loaded, and this its namespace */
bool backend_kernel_is_there(void);

/** backend_engine_is_there - one serves this directory */
bool backend_engine_is_there(const char *run_dir);

/**
 * backend_find - the ops of a backend by its name
 *
 * "auto" is that of an engine that serves @run_dir already, or the kernel's
 * where its module is loaded, else the engine's. Returns NULL for a name that
 * is not known.
 */
const struct backend_ops *backend_find(const char *name, const char *run_dir);

#endif
