/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"

enum { HEAR_MS = 20 };

const struct backend_ops *host_ops = &backend_engine;

static void *serve(void *arg)
{
	struct host *h = arg;
	const struct engine_config config = {.run_dir = h->dir, .workers = 2};
	struct engine *e = NULL;
	char text[256];
	int err = engine_new(&e, &config, text, sizeof(text));

	pthread_barrier_wait(&h->ready);
	if (!err)
		err = engine_run(e);
	engine_free(e);
	return (void *)(intptr_t)err;
}

/* What the daemon's loop does. */
static void *hear(void *arg)
{
	struct host *h = arg;

	while (!__atomic_load_n(&h->ending, __ATOMIC_ACQUIRE)) {
		struct pollfd p = {.fd = host_ops->event_fd(h->backend),
				   .events = POLLIN};

		if (poll(&p, 1, HEAR_MS) != 1)
			continue;
		pthread_mutex_lock(&h->lock);
		h->changed |= host_ops->hear(h->backend);
		pthread_mutex_unlock(&h->lock);
	}
	return NULL;
}

static void open_backend(struct host *h)
{
	const struct backend_config config = {.run_dir = h->dir,
					      .engine_path = "/nowhere"};
	struct backend_error error = {0};

	if (host_ops->open(&h->backend, &config, &error))
		fail_msg("%s", error.message);
}

static void start_hearing(struct host *h)
{
	h->ending = false;
	pthread_create(&h->ear, NULL, hear, h);
}

static void stop_hearing(struct host *h)
{
	__atomic_store_n(&h->ending, true, __ATOMIC_RELEASE);
	pthread_join(h->ear, NULL);
}

static bool is_engine(void)
{
	return host_ops == &backend_engine;
}

int host_open(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	strcpy(h->dir, "/tmp/ptnet-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	pthread_barrier_init(&h->ready, NULL, 2);
	pthread_mutex_init(&h->lock, NULL);
	if (is_engine()) {
		pthread_create(&h->thread, NULL, serve, h);
		pthread_barrier_wait(&h->ready);
	}
	open_backend(h);
	start_hearing(h);
	*state = h;
	return 0;
}

static void end_engine(struct host *h)
{
	void *err;

	backend_engine.close(h->backend);
	pthread_kill(h->thread, SIGINT);
	pthread_join(h->thread, &err);
	assert_null(err);
}

static void end_kernel(struct host *h)
{
	host_ops->teardown(h->backend);
	host_ops->close(h->backend);
}

int host_close(void **state)
{
	struct host *h = *state;
	char ports[96];

	stop_hearing(h);
	if (is_engine())
		end_engine(h);
	else
		end_kernel(h);
	pthread_barrier_destroy(&h->ready);
	pthread_mutex_destroy(&h->lock);
	snprintf(ports, sizeof(ports), "%s/ports", h->dir);
	assert_int_equal(rmdir(ports), 0);
	assert_int_equal(rmdir(h->dir), 0);
	free(h);
	return 0;
}

void host_stop(struct host *h)
{
	stop_hearing(h);
	host_ops->close(h->backend);
}

void host_go_on(struct host *h)
{
	open_backend(h);
	start_hearing(h);
}

void host_apply(struct host *h, const struct objects *want)
{
	struct backend_error error = {0};
	struct objects have;
	struct plan plan;

	pthread_mutex_lock(&h->lock);
	assert_int_equal(host_ops->dump(h->backend, &have, &error), 0);
	assert_int_equal(plan_make(&plan, want, &have), 0);
	if (host_ops->apply(h->backend, &plan, 1, &error))
		fail_msg("%s", error.message);
	pthread_mutex_unlock(&h->lock);
	plan_fini(&plan);
	objects_fini(&have);
}

bool host_changed(struct host *h)
{
	bool changed;

	pthread_mutex_lock(&h->lock);
	changed = h->changed;
	h->changed = false;
	pthread_mutex_unlock(&h->lock);
	return changed;
}

struct port_status host_port(struct host *h, const char *name)
{
	struct backend_error error = {0};
	struct port_status status;
	struct objects have;

	pthread_mutex_lock(&h->lock);
	assert_int_equal(host_ops->dump(h->backend, &have, &error), 0);
	pthread_mutex_unlock(&h->lock);
	assert_non_null(objects_find_port(&have, name));
	status = have.port_status[objects_find_port(&have, name) - have.ports];
	objects_fini(&have);
	return status;
}

struct census host_census(struct host *h)
{
	struct backend_error error = {0};
	struct census census;

	pthread_mutex_lock(&h->lock);
	assert_int_equal(host_ops->census(h->backend, &census, &error), 0);
	pthread_mutex_unlock(&h->lock);
	return census;
}
