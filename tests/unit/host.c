/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"

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

int host_open(void **state)
{
	struct host *h = calloc(1, sizeof(*h));
	const struct backend_config config = {.run_dir = h->dir,
					      .engine_path = "/nowhere"};
	struct backend_error error;

	strcpy(h->dir, "/tmp/ptnet-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	pthread_barrier_init(&h->ready, NULL, 2);
	pthread_create(&h->thread, NULL, serve, h);
	pthread_barrier_wait(&h->ready);
	assert_int_equal(backend_engine.open(&h->backend, &config, &error), 0);
	*state = h;
	return 0;
}

int host_close(void **state)
{
	struct host *h = *state;
	char ports[96];
	void *err;

	backend_engine.close(h->backend);
	pthread_kill(h->thread, SIGINT);
	pthread_join(h->thread, &err);
	assert_null(err);
	pthread_barrier_destroy(&h->ready);
	snprintf(ports, sizeof(ports), "%s/ports", h->dir);
	assert_int_equal(rmdir(ports), 0);
	assert_int_equal(rmdir(h->dir), 0);
	free(h);
	return 0;
}

void host_apply(struct host *h, const struct objects *want)
{
	struct backend_error error = {0};
	struct objects have;
	struct plan plan;

	assert_int_equal(backend_engine.dump(h->backend, &have, &error), 0);
	assert_int_equal(plan_make(&plan, want, &have), 0);
	if (backend_engine.apply(h->backend, &plan, 1, &error))
		fail_msg("%s", error.message);
	plan_fini(&plan);
	objects_fini(&have);
}
