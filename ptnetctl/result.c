/* SPDX-License-Identifier: BSD-2-Clause */
/* Knows the API's result object. Called by apply, plan and delete. */
#include "result.h"

#include <string.h>

#include "json/json.h"
#include "text.h"
#include "writer.h"

static const struct {
	const char *action, *sign, *past;
	enum style style;
} actions[] = {
	{"create", "+", "created", STYLE_GOOD},
	{"change", "~", "changed", STYLE_WARN},
	{"replace", "!", "replaced", STYLE_WARN},
	{"delete", "-", "deleted", STYLE_BAD},
};

enum { ACTIONS = sizeof(actions) / sizeof(*actions) };

static const char *field(const json_t *step, const char *key)
{
	return json_string_value(json_object_get(step, key)) ?: "";
}

static void step_cells(struct table *t, const json_t *step)
{
	const char *action = field(step, "action");
	const char *topology = field(step, "topology");
	int i = 0;

	while (i < ACTIONS && strcmp(actions[i].action, action) != 0)
		i++;
	table_cell(t, i < ACTIONS ? actions[i].style : STYLE_PLAIN, "%s %s",
		   i < ACTIONS ? actions[i].sign : "?", action);
	table_cell(t, STYLE_PLAIN, "%s", field(step, "kind"));
	table_cell(t, STYLE_PLAIN, "%s", field(step, "name"));
	table_cell(t, STYLE_DIM, *topology ? "(%s)" : "%s", topology);
	table_cell(t, STYLE_PLAIN, "%s", field(step, "why"));
}

static json_int_t count(const json_t *result, const char *action)
{
	const json_t *summary = json_object_get(result, "summary");

	return json_integer_value(json_object_get(summary, action));
}

static void summary(const json_t *result, bool planned)
{
	json_int_t revision =
		json_integer_value(json_object_get(result, "revision"));

	if (!result_changes(result) &&
	    !json_is_true(json_object_get(result, "changed"))) {
		printf("no changes\n");
		return;
	}
	if (planned)
		printf("plan: ");
	else
		printf("revision %" JSON_INTEGER_FORMAT ": ", revision);
	for (int i = 0; i < ACTIONS; i++)
		printf("%s%" JSON_INTEGER_FORMAT " %s%s", i ? ", " : "",
		       count(result, actions[i].action), planned ? "to " : "",
		       planned ? actions[i].action : actions[i].past);
	putchar('\n');
}

static void names(const json_t *steps)
{
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step) {
		text_put(stdout, field(step, "name"));
		putchar('\n');
	}
}

bool result_changes(const json_t *result)
{
	return json_array_size(json_object_get(result, "steps")) > 0;
}

int result_write(struct ctl *ctl, const json_t *result, bool planned)
{
	_cleanup_(table_fini) struct table t = {.columns = 5};
	const json_t *steps = json_object_get(result, "steps");
	json_t *step;
	size_t i;

	if (ctl->output == OUTPUT_JSON || ctl->output == OUTPUT_YAML)
		return write_value(ctl, result);
	if (ctl->output == OUTPUT_NAME) {
		names(steps);
		return CTL_OK;
	}
	json_array_foreach(steps, i, step)
		step_cells(&t, step);
	table_print(&t, stdout, use_color(ctl));
	summary(result, planned);
	return CTL_OK;
}
