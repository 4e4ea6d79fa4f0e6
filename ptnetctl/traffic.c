/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traffic: frames into and out of a port, as a program does it. This file
 * knows the options and which mode takes which; what a mode does is in
 * traffic_MODE.c.
 */
#include "traffic.h"

#include <signal.h>
#include <string.h>

#include "commands.h"

enum {
	SEND = 1,
	RECV = 2,
	PING = 4,
	FORWARD = 8,
	ALL = SEND | RECV | PING | FORWARD,
};

enum {
	OPTION_PORT = CTL_LONG_ONLY,
	OPTION_SOCKET,
	OPTION_RUN_DIR,
	OPTION_COUNT,
	OPTION_SIZE,
	OPTION_RATE,
	OPTION_DURATION,
	OPTION_DST,
	OPTION_SRC,
	OPTION_VLAN,
	OPTION_BATCH,
	OPTION_QUEUE,
	OPTION_PCAP,
	OPTION_LOOP,
	OPTION_TIMEOUT,
	OPTION_CHECK,
	OPTION_PCAP_WRITE,
	OPTION_INTERVAL,
	OPTION_TO,
	OPTION_POLL,
	OPTION_END,
};

static const struct ctl_option options[] = {
	{OPTION_PORT, "port", "NAME",
	 "the port to attach to, or netmap:NAME, valeSWITCH:NAME", "@ports"},
	{OPTION_SOCKET, "socket", "PATH", "the port's socket instead",
	 "@files"},
	{OPTION_RUN_DIR, "run-dir", "DIR",
	 "where ports/NAME.sock is (beside the daemon's socket)", "@files"},
	{OPTION_COUNT, "count", "N",
	 "frames after which to end (0: no limit; ping: 10)", NULL},
	{OPTION_SIZE, "size", "BYTES",
	 "send, ping: length of a frame without its checksum (60)", NULL},
	{OPTION_RATE, "rate", "PPS",
	 "send: frames a second (0: as fast as possible)", NULL},
	{OPTION_DURATION, "duration", "SECONDS",
	 "send, forward: time after which to end", NULL},
	{OPTION_DST, "dst", "MAC",
	 "send, ping: destination (ff:ff:ff:ff:ff:ff)", NULL},
	{OPTION_SRC, "src", "MAC", "send, ping: source (the port's)", NULL},
	{OPTION_VLAN, "vlan", "ID", "send, ping: VLAN tag, 1 to 4094", NULL},
	{OPTION_BATCH, "batch", "N",
	 "send: frames handed over at once, at most (256; kernel: 512)", NULL},
	{OPTION_QUEUE, "queue", "N", "send, ping: transmit queue (0)", NULL},
	{OPTION_PCAP, "pcap", "FILE", "send: the frames of a capture",
	 "@files"},
	{OPTION_LOOP, "loop", "N",
	 "send: how often to send the capture (1; 0: no limit)", NULL},
	{OPTION_TIMEOUT, "timeout", "SECONDS",
	 "recv: time after which to end; ping: for each answer (1)", NULL},
	{OPTION_CHECK, "check", NULL,
	 "recv: verify frames of `traffic send`, count what was lost", NULL},
	{OPTION_PCAP_WRITE, "pcap-write", "FILE",
	 "recv: write what arrives to a capture", "@files"},
	{OPTION_INTERVAL, "interval", "SECONDS",
	 "ping: pause between two frames (none)", NULL},
	{OPTION_TO, "to", "NAME",
	 "forward: exchange frames with this port (none: reflect)", "@ports"},
	{OPTION_POLL, "poll", NULL, "recv, ping, forward: poll, never sleep",
	 NULL},
	{0},
};

enum kind { TEXT, NUMBER, TIME, MAC, FLAG };

#define AT(field) offsetof(struct traffic, field)
#define ID(option) [option - CTL_LONG_ONLY]

/* Where an option's value goes, and who takes it. */
static const struct setting {
	unsigned modes;
	enum kind kind;
	size_t at;
	uint64_t min, max;
} settings[] = {
	ID(OPTION_PORT) = {ALL, TEXT, AT(port), 0, 0},
	ID(OPTION_SOCKET) = {ALL, TEXT, AT(socket), 0, 0},
	ID(OPTION_RUN_DIR) = {ALL, TEXT, AT(run_dir), 0, 0},
	ID(OPTION_COUNT) = {ALL, NUMBER, AT(count), 0, INT64_MAX},
	ID(OPTION_SIZE) = {SEND | PING, NUMBER, AT(size), 14, 64 * 65535},
	ID(OPTION_RATE) = {SEND, NUMBER, AT(rate), 0, 1000000000},
	ID(OPTION_DURATION) = {SEND | FORWARD, TIME, AT(duration_ms), 0, 0},
	ID(OPTION_DST) = {SEND | PING, MAC, AT(dst), 0, 0},
	ID(OPTION_SRC) = {SEND | PING, MAC, AT(src), 0, 0},
	ID(OPTION_VLAN) = {SEND | PING, NUMBER, AT(vlan), 1, 4094},
	ID(OPTION_BATCH) = {SEND, NUMBER, AT(batch), 1, 4096},
	ID(OPTION_QUEUE) = {SEND | PING, NUMBER, AT(queue), 0, 15},
	ID(OPTION_PCAP) = {SEND, TEXT, AT(pcap), 0, 0},
	ID(OPTION_LOOP) = {SEND, NUMBER, AT(loop), 0, INT64_MAX},
	ID(OPTION_TIMEOUT) = {RECV | PING, TIME, AT(timeout_ms), 0, 0},
	ID(OPTION_CHECK) = {RECV, FLAG, AT(check), 0, 0},
	ID(OPTION_PCAP_WRITE) = {RECV, TEXT, AT(pcap_write), 0, 0},
	ID(OPTION_INTERVAL) = {PING, TIME, AT(interval_ms), 0, 0},
	ID(OPTION_TO) = {FORWARD, TEXT, AT(to), 0, 0},
	ID(OPTION_POLL) = {RECV | PING | FORWARD, FLAG, AT(poll), 0, 0},
};

static const struct mode {
	const char *name;
	unsigned bit;
	int (*run)(struct traffic *t);
} modes[] = {
	{"send", SEND, traffic_send},
	{"recv", RECV, traffic_recv},
	{"ping", PING, traffic_ping},
	{"forward", FORWARD, traffic_forward},
};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

bool traffic_stopped(void)
{
	return stopped;
}

/* Without SA_RESTART: a sleep ends, and the result is shown. */
static void catch_signals(void)
{
	struct sigaction sa = {.sa_handler = stop};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static bool set_mac(struct args *a, const struct ctl_option *o, uint8_t *mac)
{
	if (!mac_parse(mac, a->value))
		return true;
	ctl_usage(a->ctl,
		  "--%s takes an address like 02:00:00:00:00:01, not \"%s\"",
		  o->name, a->value);
	return false;
}

/* Returns false when it was told what is wrong with the value. */
static bool set(struct traffic *t, struct args *a, int id)
{
	const struct setting *s = &settings[id - CTL_LONG_ONLY];
	const struct ctl_option *o = &options[id - CTL_LONG_ONLY];
	void *field = (char *)t + s->at;
	char name[32];

	snprintf(name, sizeof(name), "--%s", o->name);
	switch (s->kind) {
	case TEXT:
		*(const char **)field = a->value;
		return true;
	case NUMBER:
		return args_uint(a, name, s->min, s->max, field);
	case TIME:
		return args_seconds(a, name, field);
	case MAC:
		return set_mac(a, o, field);
	case FLAG:
		*(bool *)field = true;
		return true;
	}
	return false;
}

static const struct mode *find_mode(struct ctl *ctl, const char *word)
{
	const char *names[MODES], *near;

	for (size_t i = 0; i < MODES; i++) {
		names[i] = modes[i].name;
		if (!strcmp(word, names[i]))
			return &modes[i];
	}
	near = near_miss(word, names, MODES);
	ctl_usage(
		ctl,
		"traffic knows send, recv, ping and forward, not \"%s\"%s%s%s",
		word, near ? " (did you mean " : "", near ? near : "",
		near ? "?)" : "");
	return NULL;
}

/* All options that were given, but not to this mode. */
static int refuse_others(struct ctl *ctl, const struct mode *mode,
			 uint32_t given)
{
	for (int id = CTL_LONG_ONLY; id < OPTION_END; id++) {
		int i = id - CTL_LONG_ONLY;

		if (given & 1U << i && !(settings[i].modes & mode->bit))
			return ctl_usage(ctl, "traffic %s takes no --%s",
					 mode->name, options[i].name);
	}
	return CTL_OK;
}

static bool was_given(uint32_t given, int id)
{
	return given & 1U << (id - CTL_LONG_ONLY);
}

static int check(struct traffic *t, const struct mode *mode, uint32_t given)
{
	struct ctl *ctl = t->ctl;

	if (refuse_others(ctl, mode, given))
		return CTL_ERROR;
	if (!t->port == !t->socket)
		return ctl_usage(ctl, "expected one of --port and --socket");
	if (t->pcap &&
	    (was_given(given, OPTION_SIZE) || was_given(given, OPTION_DST) ||
	     was_given(given, OPTION_SRC) || t->vlan))
		return ctl_usage(ctl, "--pcap sends frames as they are: it "
				      "excludes --size, --dst, --src, --vlan");
	if (was_given(given, OPTION_LOOP) && !t->pcap)
		return ctl_usage(ctl, "--loop needs --pcap");
	if (mode->bit == PING && !was_given(given, OPTION_COUNT))
		t->count = 10;
	return CTL_OK;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct traffic t = {.ctl = ctl, .size = 60, .loop = 1};
	const struct mode *mode = NULL;
	uint32_t given = 0;
	struct args a;
	int id;

	memset(t.dst, 0xff, sizeof(t.dst));
	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0) {
		if (id != ARGS_WORD) {
			given |= 1U << (id - CTL_LONG_ONLY);
			if (!set(&t, &a, id))
				return CTL_ERROR;
			continue;
		}
		if (mode)
			return ctl_usage(ctl, "unexpected \"%s\"", a.value);
		mode = find_mode(ctl, a.value);
		if (!mode)
			return CTL_ERROR;
	}
	if (id == ARGS_STOP)
		return a.status;
	if (!mode)
		return ctl_usage(ctl, "expected send, recv, ping or forward");
	if (check(&t, mode, given))
		return CTL_ERROR;
	catch_signals();
	return mode->run(&t);
}

const struct ctl_command command_traffic = {
	.name = "traffic",
	.args = "send|recv|ping|forward --port NAME",
	.brief = "send, receive, reflect frames on a port",
	.text = "Attach to a port as a program would, and work on its rings.\n"
		"\n"
		"  send      send frames by count, size and rate, or a capture\n"
		"  recv      count, check, write to a file what arrives; ends "
		"after\n"
		"            --count frames (exit status 0) or --timeout (1)\n"
		"  ping      round trips to a port that runs `traffic forward`\n"
		"  forward   send frames back, or exchange them between two "
		"ports\n"
		"\n"
		"Interrupted, each mode ends and shows its result. A port has "
		"one user at a\ntime.",
	.options = options,
	.words = "send recv ping forward",
	.run = run,
};
