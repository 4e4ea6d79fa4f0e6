/* SPDX-License-Identifier: BSD-2-Clause */
/* ptnetd: arguments and defaults; the daemon does the rest. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "daemon.h"

enum {
	EXIT_USAGE = 2,
	TIMEOUT_S = 30,
};

struct options {
	struct daemon_config daemon;
	char *state_dir, *run_dir, *engine; /* defaults, owned */
	bool teardown, version, help;
};

static const struct option_info {
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
} infos[] = {
	{"backend", "auto|engine|kernel|fake",
	 "who moves the frames (default: auto)"},
	{"state-dir", "DIR", "where the store is"},
	{"run-dir", "DIR", "where the sockets are"},
	{"listen", "ADDRESS", "serve on 127.0.0.1:PORT or [::1]:PORT, too"},
	{"engine", "PATH", "the program ptnet-engine"},
	{"workers", "N", "threads of a new engine (default: its own)"},
	{"request-timeout", "SECONDS",
	 "for a request to come in (default: 30)"},
	{"log-level", "err|warn|info|debug", "how much to say (default: info)"},
	{"teardown", NULL, "end the backend and all it holds, then leave"},
	{"version", NULL, "print the version"},
	{"help", NULL, "print this"},
};

enum option_name {
	OPT_BACKEND,
	OPT_STATE_DIR,
	OPT_RUN_DIR,
	OPT_LISTEN,
	OPT_ENGINE,
	OPT_WORKERS,
	OPT_REQUEST_TIMEOUT,
	OPT_LOG_LEVEL,
	OPT_TEARDOWN,
	OPT_VERSION,
	OPT_HELP,
	OPTIONS,
};

_Static_assert(sizeof(infos) / sizeof(infos[0]) == OPTIONS,
	       "each option has its line");

static void print_help(void)
{
	printf("Usage: ptnetd [OPTION]...\n"
	       "Keeps switches, pipes and ports of this host as declared in "
	       "topologies.\n\n");
	for (int i = 0; i < OPTIONS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", infos[i].name,
			 infos[i].argument ? " " : "",
			 infos[i].argument ? infos[i].argument : "");
		printf("  %-34s %s\n", left, infos[i].help);
	}
	printf("\nFor root the directories are /var/lib/ptnet and /run/ptnet, "
	       "for others\n$XDG_STATE_HOME/ptnet and $XDG_RUNTIME_DIR/ptnet. "
	       "See ptnetd(8).\n");
}

static bool read_number(const char *name, const char *text, unsigned most,
			unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < 1 || n > most) {
		log_err("--%s %s: a number from 1 to %u was expected", name,
			text, most);
		return false;
	}
	*out = (unsigned)n;
	return true;
}

static bool take_listen(struct daemon_config *d, const char *address)
{
	if (d->n_listen == LISTEN_MAX) {
		log_err("--listen may be given %d times", LISTEN_MAX);
		return false;
	}
	d->listen[d->n_listen++] = address;
	return true;
}

static bool take_level(const char *name)
{
	enum log_level level;

	if (log_parse_level(name, &level)) {
		log_err("--log-level %s: err, warn, info or debug was expected",
			name);
		return false;
	}
	log_set_level(level);
	return true;
}

static bool take_option(struct options *o, enum option_name name)
{
	switch (name) {
	case OPT_BACKEND:
		o->daemon.backend = optarg;
		return true;
	case OPT_STATE_DIR:
		o->daemon.state_dir = optarg;
		return true;
	case OPT_RUN_DIR:
		o->daemon.run_dir = optarg;
		return true;
	case OPT_LISTEN:
		return take_listen(&o->daemon, optarg);
	case OPT_ENGINE:
		o->daemon.engine = optarg;
		return true;
	case OPT_WORKERS:
		return read_number("workers", optarg, 256, &o->daemon.workers);
	case OPT_REQUEST_TIMEOUT:
		return read_number("request-timeout", optarg, 3600,
				   &o->daemon.timeout_s);
	case OPT_LOG_LEVEL:
		return take_level(optarg);
	case OPT_TEARDOWN:
		o->teardown = true;
		return true;
	case OPT_VERSION:
		o->version = true;
		return true;
	case OPT_HELP:
		o->help = true;
		return true;
	case OPTIONS:
		break;
	}
	return false;
}

static bool parse(struct options *o, int argc, char **argv)
{
	struct option longs[OPTIONS + 1] = {0};
	int c;

	for (int i = 0; i < OPTIONS; i++)
		longs[i] = (struct option){infos[i].name,
					   infos[i].argument ? required_argument
							     : no_argument,
					   NULL, i};
	/* getopt says itself what it does not know */
	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0)
		if (c == '?' || !take_option(o, (enum option_name)c))
			return false;
	if (optind < argc)
		log_err("unexpected argument: %s", argv[optind]);
	return optind == argc;
}

/* A directory for those who are not root, from the XDG variables. */
static char *user_dir(const char *variable, const char *below_home)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	char *path = NULL;
	int n = -1;

	if (base && base[0] == '/')
		n = asprintf(&path, "%s/ptnet", base);
	else if (below_home && home && home[0] == '/')
		n = asprintf(&path, "%s/%s/ptnet", home, below_home);
	else
		log_err("$%s is not set: say where with --%s-dir", variable,
			below_home ? "state" : "run");
	return n < 0 ? NULL : path;
}

static bool fill_dirs(struct options *o)
{
	bool root = geteuid() == 0;

	if (!o->daemon.state_dir)
		o->daemon.state_dir = o->state_dir =
			root ? strdup("/var/lib/ptnet")
			     : user_dir("XDG_STATE_HOME", ".local/state");
	if (!o->daemon.run_dir)
		o->daemon.run_dir = o->run_dir =
			root ? strdup("/run/ptnet")
			     : user_dir("XDG_RUNTIME_DIR", NULL);
	return o->daemon.state_dir && o->daemon.run_dir;
}

/* Beside this program, where it was installed, or in the PATH. */
static char *find_engine(void)
{
	static const char *const places[] = {"", "/../libexec"};
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *path = NULL;

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < 2; i++) {
		*slash = 0;
		if (asprintf(&path, "%s%s/ptnet-engine", self, places[i]) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(steal_ptr(&path));
	}
	return strdup("ptnet-engine");
}

static bool check_backend(const char *name)
{
	if (strcmp(name, "auto") == 0 || backend_find(name, NULL))
		return true;
	log_err("--backend %s: auto, engine, kernel or fake was expected",
		name);
	return false;
}

static void options_fini(struct options *o)
{
	free(o->state_dir);
	free(o->run_dir);
	free(o->engine);
}

int main(int argc, char **argv)
{
	_cleanup_(options_fini) struct options o = {
		.daemon = {.backend = "auto", .timeout_s = TIMEOUT_S},
	};
	int err;

	log_init("ptnetd");
	if (!parse(&o, argc, argv)) {
		fprintf(stderr, "Try 'ptnetd --help'.\n");
		return EXIT_USAGE;
	}
	if (o.help) {
		print_help();
		return 0;
	}
	if (o.version) {
		printf("ptnetd " PTNET_VERSION "\n");
		return 0;
	}
	if (!check_backend(o.daemon.backend) || !fill_dirs(&o))
		return EXIT_USAGE;
	if (!o.daemon.engine)
		o.daemon.engine = o.engine = find_engine();
	err = o.teardown ? daemon_teardown(&o.daemon) : daemon_run(&o.daemon);
	return err ? EXIT_FAILURE : 0;
}
