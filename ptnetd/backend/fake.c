/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backend that holds objects and moves nothing. Knows every kind of object,
 * NICs and VMs too, and keeps the rules that the others keep: names are
 * unique, what a port hangs on is there, a plan is done whole or not at all.
 * For tests, and for trying the daemon without an engine.
 *
 * There is one world a process, as there is one engine a host: closing the
 * backend leaves it, tearing down ends it.
 */
#include "backend/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backend/fake.h"
#include "base/cleanup.h"
#include "base/strbuf.h"

struct backend {
	char run_dir[96];
	int death_fd;
};

static struct {
	struct objects objects;
	uint64_t revision, instance;
	struct backend *open; /* who is connected */
	const char *lacks; /* a network device */
} world;

static struct {
	enum fake_fail how;
	unsigned step;
	unsigned after; /* plans that are done before */
} fail;

static const struct {
	const char *word;
	enum fake_fail how;
} fails[] = {
	{"refuse", FAKE_REFUSE},
	{"die", FAKE_DIE},
	{"lose", FAKE_LOSE},
	{"open", FAKE_NO_OPEN},
};

__attribute__((format(printf, 4, 5))) static int refuse(struct backend_error *e,
							int err,
							const char *object,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->message, sizeof(e->message), format, args);
	va_end(args);
	copy_string(e->object, sizeof(e->object), object);
	return err;
}

void fake_fail_next(enum fake_fail how, unsigned step)
{
	fake_fail_after(0, how, step);
}

void fake_fail_after(unsigned plans, enum fake_fail how, unsigned step)
{
	fail.how = how;
	fail.step = step;
	fail.after = plans;
}

void fake_lack(const char *device)
{
	world.lacks = device;
}

/* Whoever is connected hears of it by its death_fd. */
static void cut(void)
{
	if (world.open)
		eventfd_write(world.open->death_fd, 1);
	world.open = NULL;
}

void fake_die(void)
{
	cut();
	objects_fini(&world.objects);
	world.revision = 0;
	world.instance = 0;
}

void fake_forget(void)
{
	fake_die();
	fake_lack(NULL);
	fail.how = FAKE_WORKS;
	unsetenv("PTNET_FAKE_FAIL");
}

/* Once: the variable is taken out of the environment. */
static void read_environment(void)
{
	const char *text = getenv("PTNET_FAKE_FAIL");
	const char *colon = text ? strchr(text, ':') : NULL;

	for (size_t i = 0; colon && i < sizeof(fails) / sizeof(fails[0]); i++)
		if (strlen(fails[i].word) == (size_t)(colon - text) &&
		    strncmp(text, fails[i].word, (size_t)(colon - text)) == 0)
			fake_fail_next(fails[i].how, (unsigned)atoi(colon + 1));
	unsetenv("PTNET_FAKE_FAIL");
}

/* Never 0, and another one for every start. */
static uint64_t new_instance(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int fake_open(struct backend **out, const struct backend_config *config,
		     struct backend_error *error)
{
	struct backend *b;

	read_environment();
	if (fail.how == FAKE_NO_OPEN && fail.step) {
		fail.step--;
		return refuse(error, -ECONNREFUSED, "",
			      "the fake backend was told not to start");
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return refuse(error, -ENOMEM, "", "no memory");
	b->death_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->death_fd < 0) {
		free(b);
		return refuse(error, -errno, "", "no eventfd");
	}
	copy_string(b->run_dir, sizeof(b->run_dir),
		    config->run_dir ? config->run_dir : "");
	if (!world.instance)
		world.instance = new_instance();
	world.open = b;
	*out = b;
	return 0;
}

static void fake_close(struct backend *b)
{
	if (!b)
		return;
	if (world.open == b)
		world.open = NULL;
	close(b->death_fd);
	free(b);
}

static void fake_teardown(struct backend *b)
{
	(void)b;
	fake_die();
}

static int connected(struct backend *b, struct backend_error *error)
{
	return world.open == b ? 0
			       : refuse(error, -ECONNRESET, "",
					"the fake backend died");
}

static int fake_info(struct backend *b, struct backend_info *out,
		     struct backend_error *error)
{
	int err = connected(b, error);

	if (err)
		return err;
	*out = (struct backend_info){
		.name = "fake",
		.version = PTNET_VERSION,
		.revision = world.revision,
		.instance = world.instance,
		.features = PTN_FEATURE_SWITCH | PTN_FEATURE_PIPE |
			    PTN_FEATURE_PORT | PTN_FEATURE_NIC | PTN_FEATURE_VM,
		.workers = 1,
	};
	return 0;
}

static uint32_t ports_on(const struct objects *o, const char *name)
{
	uint32_t n = 0;

	for (size_t i = 0; i < o->n_ports; i++)
		n += strcmp(o->ports[i].on_switch, name) == 0;
	return n;
}

static int dump_switches(const struct objects *from, struct objects *out)
{
	int err = 0;

	for (size_t i = 0; i < from->n_switches && !err; i++) {
		const struct switch_spec *s = &from->switches[i];
		struct switch_status status = {
			.ports = ports_on(from, s->name),
			.fdb_used = (uint32_t)s->n_statics,
		};

		err = objects_add_switch(out, s, &status);
	}
	return err;
}

static int dump_ports(struct backend *b, struct objects *out)
{
	int err = 0;

	for (size_t i = 0; i < world.objects.n_ports && !err; i++) {
		const struct port_spec *p = &world.objects.ports[i];
		struct port_status status = {.state = PTN_PORT_DOWN};

		snprintf(status.socket, sizeof(status.socket),
			 "%.60s/ports/%.31s.sock", b->run_dir, p->name);
		err = objects_add_port(out, p, &status);
	}
	return err;
}

static int fake_dump(struct backend *b, struct objects *out,
		     struct backend_error *error)
{
	int err = connected(b, error);

	*out = (struct objects){0};
	if (err)
		return err;
	err = dump_switches(&world.objects, out);
	for (size_t i = 0; i < world.objects.n_pipes && !err; i++)
		err = objects_add_pipe(out, &world.objects.pipes[i], NULL);
	if (!err)
		err = dump_ports(b, out);
	if (err) {
		objects_fini(out);
		return refuse(error, err, "", "no memory");
	}
	objects_sort(out);
	return 0;
}

/*
 * A plan is done on a copy of the world, which then takes its place: what is
 * neither deleted, replaced nor changed is copied, what comes is added.
 */
struct touched {
	bool *switches, *pipes, *ports; /* parallel to the world's objects */
};

static void touched_fini(struct touched *t)
{
	free(t->switches);
	free(t->pipes);
	free(t->ports);
}

static int touched_find(struct touched *t, const struct plan *plan)
{
	const struct objects *o = &world.objects;

	t->switches = calloc(o->n_switches + 1, sizeof(bool));
	t->pipes = calloc(o->n_pipes + 1, sizeof(bool));
	t->ports = calloc(o->n_ports + 1, sizeof(bool));
	if (!t->switches || !t->pipes || !t->ports)
		return -ENOMEM;
	for (size_t i = 0; i < plan->count; i++) {
		const char *name = plan->steps[i].have;

		if (!name)
			continue;
		switch (plan->steps[i].kind) {
		case OBJECT_SWITCH:
			t->switches[objects_find_switch(o, name) -
				    o->switches] = true;
			break;
		case OBJECT_PIPE:
			t->pipes[objects_find_pipe(o, name) - o->pipes] = true;
			break;
		case OBJECT_PORT:
			t->ports[objects_find_port(o, name) - o->ports] = true;
			break;
		}
	}
	return 0;
}

static int copy_untouched(const struct plan *plan, struct objects *to)
{
	const struct objects *from = &world.objects;
	_cleanup_(touched_fini) struct touched t = {0};
	int err = touched_find(&t, plan);

	for (size_t i = 0; i < from->n_switches && !err; i++)
		if (!t.switches[i])
			err = objects_add_switch(to, &from->switches[i], NULL);
	for (size_t i = 0; i < from->n_pipes && !err; i++)
		if (!t.pipes[i])
			err = objects_add_pipe(to, &from->pipes[i], NULL);
	for (size_t i = 0; i < from->n_ports && !err; i++)
		if (!t.ports[i])
			err = objects_add_port(to, &from->ports[i], NULL);
	return err;
}

static int add_wanted(const struct plan *plan, struct objects *to)
{
	int err = 0;

	for (size_t i = 0; i < plan->count && !err; i++) {
		const struct plan_step *s = &plan->steps[i];

		if (!s->want)
			continue;
		switch (s->kind) {
		case OBJECT_SWITCH:
			err = objects_add_switch(to, s->want_switch, NULL);
			break;
		case OBJECT_PIPE:
			err = objects_add_pipe(to, s->want_pipe, NULL);
			break;
		case OBJECT_PORT:
			err = objects_add_port(to, s->want_port, NULL);
			break;
		}
	}
	return err;
}

static bool is_lacking(const struct plan_step *s)
{
	return world.lacks && s->kind == OBJECT_PORT && s->want &&
	       s->action != PLAN_CHANGE && !s->want_port->nic_later &&
	       strcmp(s->want_port->device, world.lacks) == 0;
}

/* What a step says about its object must be true before it. */
static int check_step(const struct plan_step *s, struct backend_error *error)
{
	const char *name = s->want ? s->want : s->have;
	const void *there = NULL;

	switch (s->kind) {
	case OBJECT_SWITCH:
		there = objects_find_switch(&world.objects, name);
		break;
	case OBJECT_PIPE:
		there = objects_find_pipe(&world.objects, name);
		break;
	case OBJECT_PORT:
		there = objects_find_port(&world.objects, name);
		break;
	}
	if (s->action == PLAN_CREATE && there)
		return refuse(error, -EEXIST, name, "%s is there already",
			      name);
	if (s->action != PLAN_CREATE && !there)
		return refuse(error, -ENOENT, name, "there is no %s", name);
	if (is_lacking(s))
		return refuse(error, -ENODEV, name,
			      "there is no network device %s", world.lacks);
	return 0;
}

static int check_port(const struct objects *o, const struct port_spec *p,
		      struct backend_error *error)
{
	if (p->on_switch[0] && !objects_find_switch(o, p->on_switch))
		return refuse(error, -ENOENT, p->name,
			      "port %s: there is no switch %s", p->name,
			      p->on_switch);
	if (p->on_pipe[0] && !objects_find_pipe(o, p->on_pipe))
		return refuse(error, -ENOENT, p->name,
			      "port %s: there is no pipe %s", p->name,
			      p->on_pipe);
	return 0;
}

static int run_steps(const struct plan *plan, struct backend_error *error)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *s = &plan->steps[i];
		const char *name = s->want ? s->want : s->have;
		bool now = fail.step == i + 1 && !fail.after;
		int err = check_step(s, error);

		if (err)
			return err;
		if (now && fail.how == FAKE_REFUSE) {
			fail.how = FAKE_WORKS;
			return refuse(error, -ENOSPC, name,
				      "%s: the fake backend was told to refuse",
				      name);
		}
		if (now && fail.how == FAKE_DIE) {
			fail.how = FAKE_WORKS;
			fake_die();
			return refuse(error, -ECONNRESET, name,
				      "the fake backend died");
		}
	}
	return 0;
}

static int next_world(const struct plan *plan, struct objects *next,
		      struct backend_error *error)
{
	int err = copy_untouched(plan, next);

	if (!err)
		err = add_wanted(plan, next);
	if (err)
		return refuse(error, err, "", "no memory");
	objects_sort(next);
	for (size_t i = 0; i < next->n_ports && !err; i++)
		err = check_port(next, &next->ports[i], error);
	return err;
}

static int fake_apply(struct backend *b, const struct plan *plan,
		      uint64_t revision, struct backend_error *error)
{
	struct objects next = {0};
	int err = connected(b, error);

	if (!err)
		err = run_steps(plan, error);
	if (!err)
		err = next_world(plan, &next, error);
	if (err) {
		objects_fini(&next);
		return err;
	}
	objects_fini(&world.objects);
	world.objects = next;
	world.revision = revision;
	if (fail.after) {
		fail.after--;
		return 0;
	}
	if (fail.how != FAKE_LOSE)
		return 0;
	fail.how = FAKE_WORKS;
	cut();
	return refuse(error, -ECONNRESET, "", "the fake backend went away");
}

static int fake_fdb(struct backend *b, const char *name, struct fdb_entry **out,
		    size_t *count, struct backend_error *error)
{
	const struct switch_spec *s;
	int err = connected(b, error);

	if (err)
		return err;
	s = objects_find_switch(&world.objects, name);
	if (!s)
		return refuse(error, -ENOENT, name, "there is no switch %s",
			      name);
	*out = calloc(s->n_statics + 1, sizeof(**out));
	if (!*out)
		return refuse(error, -ENOMEM, "", "no memory");
	for (size_t i = 0; i < s->n_statics; i++) {
		struct fdb_entry *e = &(*out)[i];

		memcpy(e->mac, s->statics[i].mac, sizeof(e->mac));
		copy_string(e->port, sizeof(e->port), s->statics[i].port);
		e->is_static = true;
	}
	*count = s->n_statics;
	return 0;
}

static int fake_census(struct backend *b, struct census *out,
		       struct backend_error *error)
{
	(void)b;
	(void)out;
	return refuse(error, -EOPNOTSUPP, "",
		      "the fake backend has no packet buffers");
}

static int fake_death_fd(struct backend *b)
{
	return b->death_fd;
}

const struct backend_ops backend_fake = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.teardown = fake_teardown,
	.info = fake_info,
	.dump = fake_dump,
	.apply = fake_apply,
	.fdb = fake_fdb,
	.census = fake_census,
	.death_fd = fake_death_fd,
};
