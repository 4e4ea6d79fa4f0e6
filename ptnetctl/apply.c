/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apply and plan: the same files, checked here first, then sent at once.
 * Most errors need no daemon, and a refused file changes nothing.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>

#include "json/json.h"
#include "result.h"
#include "source.h"

enum {
	OPTION_EXITCODE = CTL_LONG_ONLY,
	MANY_OBJECTS = 1000, /* the progress is shown at once */
};

struct job {
	struct ctl *ctl;
	const char *target;
	const char *verb;
	bool planned, exitcode;
	struct sources sources;
};

/* How many objects, or -EINVAL when the findings were told. */
static ssize_t check(const struct sources *sources)
{
	_cleanup_(topologies_fini) struct topologies set = {0};
	_cleanup_(diags_fini) struct diags found = {0};
	int err = sources_parse(sources, &set, &found);

	if (err == -ENOMEM)
		ctl_error("there is not enough memory for these topologies");
	else if (err)
		ctl_diags(&found);
	return err ? -EINVAL : (ssize_t)topologies_objects(&set);
}

static int send_all(const struct job *job, size_t objects)
{
	_cleanup_json_ json_t *body = sources_body(&job->sources);
	_cleanup_json_ json_t *result = NULL;
	char what[64];
	int status;

	snprintf(what, sizeof(what), "%s %zu objects", job->verb, objects);
	if (!body)
		return ctl_error("the files are not UTF-8");
	if (ctl_post(job->ctl, job->target, body, what, objects >= MANY_OBJECTS,
		     &result))
		return CTL_ERROR;
	status = result_write(job->ctl, result, job->planned);
	if (status == CTL_OK && job->exitcode && result_changes(result))
		return CTL_CHANGES;
	return status;
}

static int run_job(struct job *job, int argc, char **argv)
{
	struct args a;
	ssize_t objects;
	int id;

	args_init(&a, job->ctl, argc, argv);
	while ((id = args_next(&a)) > 0) {
		if (id == OPTION_EXITCODE)
			job->exitcode = true;
		else if (sources_add(&job->sources, a.value))
			return CTL_ERROR;
	}
	if (id == ARGS_STOP)
		return a.status;
	if (!job->sources.count)
		return ctl_usage(job->ctl, "%s expects a FILE", argv[0]);
	objects = check(&job->sources);
	return objects < 0 ? CTL_ERROR : send_all(job, (size_t)objects);
}

static int run_apply(struct ctl *ctl, int argc, char **argv)
{
	struct job job = {
		.ctl = ctl,
		.target = "/v1/apply",
		.verb = "applying",
	};
	int status = run_job(&job, argc, argv);

	sources_fini(&job.sources);
	return status;
}

static int run_plan(struct ctl *ctl, int argc, char **argv)
{
	struct job job = {
		.ctl = ctl,
		.target = "/v1/plan",
		.verb = "planning",
		.planned = true,
	};
	int status = run_job(&job, argc, argv);

	sources_fini(&job.sources);
	return status;
}

static const struct ctl_option apply_options[] = {
	{'f', "file", "FILE", "the same as FILE", "@files"},
	{0},
};

static const struct ctl_option plan_options[] = {
	{'f', "file", "FILE", "the same as FILE", "@files"},
	{OPTION_EXITCODE, "detailed-exitcode", NULL,
	 "exit with 2 when there are changes", NULL},
	{0},
};

#define FILES_TEXT                                                             \
	"FILE is a topology in YAML or JSON, - for standard input, or a\n"     \
	"directory: its *.yaml, *.yml and *.json in the order of their names."

const struct ctl_command command_apply = {
	.name = "apply",
	.args = "FILE...",
	.brief = "make this host as topologies declare it",
	.text = "Make this host as the topologies declare it, all in one\n"
		"transaction: everything is done, or nothing. Topologies that "
		"are\nnot in these files stay as they are. One line a step is "
		"shown.\n\n" FILES_TEXT,
	.options = apply_options,
	.words = "@files",
	.run = run_apply,
};

const struct ctl_command command_plan = {
	.name = "plan",
	.args = "FILE...",
	.brief = "show what apply would do",
	.text = "Show what apply would do with these files, and do "
		"nothing.\n\n" FILES_TEXT,
	.options = plan_options,
	.words = "@files",
	.run = run_plan,
};
