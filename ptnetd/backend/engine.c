/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine as a backend: finds or starts ptnet-engine, and speaks the
 * control family with it. Knows its process; what the messages mean to the
 * engine is the engine's business. Called by the service through the ops
 * table.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/channel.h"
#include "backend/events.h"
#include "backend/process.h"
#include "base/cleanup.h"
#include "nl/message.h"

struct backend {
	struct channel channel;
	struct process process;
	int event_fd; /* a connection that is told what happens */
	struct events events;
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
	events_end(&b->events);
	channel_fini(&b->channel);
	process_fini(&b->process);
	if (b->event_fd >= 0)
		close(b->event_fd);
	free(b);
}

static void engine_teardown(struct backend *b)
{
	process_end(&b->process);
	channel_close(&b->channel);
}

/* An engine of before there were events refuses it, which is not heard. */
static int ask_for_events(int fd)
{
	const struct message m = {.type = PTN_ENGINE_FAMILY,
				  .flags = NLM_F_REQUEST,
				  .cmd = PTN_CMD_EVENT};
	struct message_buf out = {0};
	int err = message_put(&out, &m);

	if (!err && send(fd, out.data, out.len, MSG_NOSIGNAL) < 0)
		err = -errno;
	message_buf_fini(&out);
	return err;
}

static int open_events(struct backend *b, struct backend_error *error)
{
	_cleanup_close_ int fd = process_connect(&b->process);
	int err = fd < 0 ? fd : ask_for_events(fd);

	if (err)
		return backend_fail(error, -ECONNRESET,
				    "the engine tells no events: %s",
				    strerror(-err));
	b->event_fd = steal_fd(&fd);
	return 0;
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
		if (!err)
			err = open_events(b, error);
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
	b->event_fd = -1;
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

static int engine_event_fd(struct backend *b)
{
	return b->event_fd;
}

/* What has ended is readable for ever; that it has, the death_fd tells. */
static void be_deaf(struct backend *b)
{
	_cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC);

	if (fd >= 0)
		dup3(fd, b->event_fd, O_CLOEXEC);
}

static bool engine_hear(struct backend *b)
{
	bool ended;
	bool to_do =
		events_hear(&b->events, b->event_fd, process_now_ms(), &ended);

	if (ended)
		be_deaf(b);
	return to_do;
}

static int engine_hear_ms(const struct backend *b)
{
	return events_wait_ms(&b->events, process_now_ms());
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
	.event_fd = engine_event_fd,
	.hear = engine_hear,
	.hear_ms = engine_hear_ms,
};
