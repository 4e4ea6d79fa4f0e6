/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine as a backend: finds or starts ptnet-engine, and speaks the
 * control family with it. Knows its process; what the messages mean to the
 * engine is the engine's business. Called by the service through the ops
 * table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/channel.h"
#include "backend/process.h"

struct backend {
	struct channel channel;
	struct process process;
};

static int engine_connect(struct channel *c)
{
	/* the channel is its first member */
	return process_connect(&((struct backend *)c)->process);
}

bool backend_engine_is_there(const char *run_dir)
{
	struct process p;
	int fd, err = process_init(&p, run_dir, "", 0);

	fd = err ? err : process_connect(&p);
	if (fd >= 0)
		close(fd);
	process_fini(&p);
	return fd >= 0;
}

static int engine_info(struct backend *b, struct backend_info *out,
		       struct backend_error *error)
{
	int err = channel_info(&b->channel, out, error);

	out->name = backend_engine.name;
	return err;
}

static void engine_close(struct backend *b)
{
	if (!b)
		return;
	channel_fini(&b->channel);
	process_fini(&b->process);
	free(b);
}

static void engine_teardown(struct backend *b)
{
	process_end(&b->process);
	channel_close(&b->channel);
}

enum { CONTACT_TRIES = 20, CONTACT_MS = 50 };

/* An engine that is about to die still takes connections for a moment. */
static int make_contact(struct backend *b, struct backend_error *error)
{
	struct backend_info info;
	int err = -ECONNRESET;

	for (int i = 0; err == -ECONNRESET && i < CONTACT_TRIES; i++) {
		if (i)
			usleep(CONTACT_MS * 1000);
		b->channel.sock =
			process_find(&b->process, error ? error->message : NULL,
				     error ? sizeof(error->message) : 0);
		err = b->channel.sock < 0 ? b->channel.sock
					  : engine_info(b, &info, error);
	}
	return err;
}

static int engine_open(struct backend **out,
		       const struct backend_config *config,
		       struct backend_error *error)
{
	struct backend *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return backend_fail(error, -ENOMEM, "no memory");
	b->channel.peer = "the engine";
	b->channel.gone = "has ended";
	b->channel.type = PTN_ENGINE_FAMILY;
	b->channel.connect = engine_connect;
	err = channel_init(&b->channel);
	if (!err)
		err = process_init(&b->process, config->run_dir,
				   config->engine_path, config->workers);
	if (err) {
		engine_close(b);
		return backend_fail(error, err, "%s", strerror(-err));
	}
	err = make_contact(b, error);
	if (err) {
		engine_close(b);
		return err;
	}
	*out = b;
	return 0;
}

static int engine_dump(struct backend *b, struct objects *out,
		       struct backend_error *error)
{
	return channel_dump(&b->channel, out, error);
}

static int engine_apply(struct backend *b, const struct plan *plan,
			uint64_t revision, struct backend_error *error)
{
	return channel_apply(&b->channel, plan, revision, error);
}

static int engine_fdb(struct backend *b, const char *name,
		      struct fdb_entry **out, size_t *count,
		      struct backend_error *error)
{
	return channel_fdb(&b->channel, name, out, count, error);
}

static int engine_census(struct backend *b, struct census *out,
			 struct backend_error *error)
{
	return channel_census(&b->channel, out, error);
}

static int engine_death_fd(struct backend *b)
{
	return b->process.pidfd >= 0 ? b->process.pidfd : b->channel.sock;
}

const struct backend_ops backend_engine = {
	.name = "engine",
	.open = engine_open,
	.close = engine_close,
	.teardown = engine_teardown,
	.info = engine_info,
	.dump = engine_dump,
	.apply = engine_apply,
	.fdb = engine_fdb,
	.census = engine_census,
	.death_fd = engine_death_fd,
};
