/* SPDX-License-Identifier: BSD-2-Clause */
/* top: live rates of all ports, on the whole terminal or as a stream. */
#include "commands.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json/json.h"
#include "rates.h"
#include "screen.h"
#include "text.h"

enum {
	DELAY_MS = 1000,
	DELAY_MIN_MS = 100,
	ANSWER_MS = 3000, /* a screen that stands still helps nobody */
	HEAD_LINES = 4,
};

static const struct ctl_option options[] = {
	{'b', "batch", NULL, "print one table after another", NULL},
	{'n', "count", "COUNT", "end after so many (0: never)", NULL},
	{'d', "delay", "SECONDS", "between two readings (1)", NULL},
	{0},
};

struct top {
	struct ctl *ctl;
	bool batch;
	uint64_t count; /* 0: without end */
	unsigned delay_ms;
	json_t *before; /* the last reading, owned */
	double read_at; /* seconds */
	struct client_error error; /* of the last reading */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Read counters; *@rates is since the last time, NULL at the first. */
static int reading(struct top *top, json_t **rates)
{
	json_t *ports;
	int err = ctl_try_get(top->ctl, "/v1/ports", &ports, &top->error);
	double t = now();

	*rates = NULL;
	if (err)
		return err;
	if (top->before && t > top->read_at)
		*rates = rates_make(top->before, ports, t - top->read_at);
	json_decref(top->before);
	top->before = ports;
	top->read_at = t;
	return 0;
}

static int say_error(const struct top *top)
{
	ctl_error("%s", top->error.message);
	if (top->error.hint[0])
		ctl_hint("%s", top->error.hint);
	return CTL_ERROR;
}

static int batch_write(struct top *top, const json_t *rates, bool first)
{
	struct ctl *ctl = top->ctl;

	if (ctl->output == OUTPUT_JSON)
		return write_json_line(stdout, rates) ? CTL_ERROR : CTL_OK;
	if (!first)
		fputs(ctl->output == OUTPUT_YAML ? "---\n" : "\n", stdout);
	return write_list(ctl, rates, rates_columns, "ports");
}

static int batch(struct top *top)
{
	const struct timespec delay = {top->delay_ms / 1000,
				       top->delay_ms % 1000 * 1000000L};
	uint64_t n = 0;

	while (!top->count || n < top->count) {
		_cleanup_json_ json_t *rates = NULL;

		if (reading(top, &rates))
			return say_error(top);
		if (rates && batch_write(top, rates, n++ == 0))
			return CTL_ERROR;
		/* A reader that went away is noticed here. */
		if (fflush(stdout))
			return CTL_ERROR;
		if (!top->count || n < top->count)
			nanosleep(&delay, NULL);
	}
	return CTL_OK;
}

static void head(const struct top *top, const json_t *rates, FILE *to)
{
	static const struct {
		const char *label, *field;
	} sums[] = {
		{"tx frames/s", "tx_pps"}, {"tx bit/s", "tx_bps"},
		{"rx frames/s", "rx_pps"}, {"rx bit/s", "rx_bps"},
		{"drops/s", "drops_ps"},
	};

	fprintf(to, "ptnetctl top: %zu ports, every %.3g s, q quits\n",
		json_array_size(top->before), top->delay_ms / 1000.0);
	for (size_t i = 0; rates && i < sizeof(sums) / sizeof(*sums); i++) {
		_cleanup_strbuf_ struct strbuf text = {0};

		rate_format(&text, rates_sum(rates, sums[i].field));
		fprintf(to, "%s%s %s", i ? "   " : "", sums[i].label,
			text.data ?: "");
	}
	fputc('\n', to);
	if (top->error.message[0])
		text_put(to, top->error.message);
	fputc('\n', to);
}

static void draw(struct top *top, const json_t *rates)
{
	_cleanup_json_ json_t *sorted = rates_sort(rates);
	_cleanup_free_ char *text = NULL;
	size_t size, rows = screen_rows();
	FILE *page = open_memstream(&text, &size);

	if (!page)
		return;
	head(top, rates, page);
	rows = rows > HEAD_LINES ? rows - HEAD_LINES : 1;
	while (json_array_size(sorted) > rows)
		json_array_remove(sorted, json_array_size(sorted) - 1);
	if (json_array_size(sorted))
		write_table(page, sorted, rates_columns, use_color(top->ctl));
	/* No line after the last one: the page would scroll. */
	if (!fclose(page) && size && text[size - 1] == '\n') {
		text[size - 1] = '\0';
		screen_draw(text);
	}
}

static int full_screen(struct top *top)
{
	_cleanup_json_ json_t *shown = NULL;
	uint64_t n = 0;

	if (top->ctl->timeout_ms > ANSWER_MS)
		top->ctl->timeout_ms = ANSWER_MS;
	if (reading(top, &shown))
		return say_error(top);
	if (screen_open())
		return ctl_error("cannot use this terminal");
	do {
		json_t *rates;

		draw(top, shown);
		if (screen_wait((int)top->delay_ms) == SCREEN_QUIT)
			break;
		/* Old rates stay on the page while the daemon is away. */
		reading(top, &rates);
		if (rates) {
			json_decref(shown);
			shown = rates;
		}
	} while (!ferror(stdout) && (!top->count || n++ < top->count));
	screen_close();
	return CTL_OK;
}

static bool parse(struct top *top, int argc, char **argv, int *status)
{
	struct args a;
	int id = ARGS_END;
	bool ok = true;

	args_init(&a, top->ctl, argc, argv);
	while (ok && (id = args_next(&a)) > 0) {
		if (id == 'b')
			top->batch = true;
		else if (id == 'n')
			ok = args_uint(&a, "-n", 0, UINT32_MAX, &top->count);
		else if (id == 'd')
			ok = args_seconds(&a, "-d", &top->delay_ms);
		else
			ok = !ctl_usage(top->ctl, "top takes no argument");
	}
	*status = ok ? a.status : CTL_ERROR;
	return ok && id == ARGS_END;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct top top = {.ctl = ctl, .delay_ms = DELAY_MS};
	int status;

	if (!parse(&top, argc, argv, &status))
		return status;
	if (ctl->output == OUTPUT_NAME)
		return ctl_usage(ctl, "top writes table, json or yaml");
	if (top.delay_ms < DELAY_MIN_MS)
		top.delay_ms = DELAY_MIN_MS;
	if (top.batch || ctl->output != OUTPUT_TABLE || !isatty(STDOUT_FILENO))
		status = batch(&top);
	else
		status = full_screen(&top);
	json_decref(top.before);
	return status;
}

const struct ctl_command command_top = {
	.name = "top",
	.args = "",
	.brief = "show live rates of all ports",
	.text = "Show live rates of all ports, the busiest first; q quits. In "
		"a pipe, with\n-b or with -o json or yaml, one reading is "
		"printed after another: with\n-o json as one array a line.",
	.options = options,
	.run = run,
};
