/* SPDX-License-Identifier: BSD-2-Clause */
/* ptnet-engine: arguments and wiring; the engine is in lib/engine. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/keeper.h"

static const struct option options[] = {
	{"run-dir", required_argument, NULL, 'r'},
	{"workers", required_argument, NULL, 'w'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void usage(FILE *to)
{
	fputs("Usage: ptnet-engine --run-dir DIR [--workers N]\n"
	      "\n"
	      "Moves the frames of ptnet's switches and pipes. Started by "
	      "ptnetd, and outlives it.\n"
	      "\n"
	      "  --run-dir DIR  where the sockets are made\n"
	      "  --workers N    threads that move frames (one a CPU, less one)\n"
	      "  --version      print the version\n"
	      "  --help         this text\n",
	      to);
}

/* Returns -1 to go on, else the exit status. */
static int parse_workers(const char *text, struct engine_config *config)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (!*text || *end || n < 1 || n > ENGINE_WORKERS_MAX) {
		fprintf(stderr,
			"ptnet-engine: --workers %s: expected a number from "
			"1 to %d\n",
			text, ENGINE_WORKERS_MAX);
		return 2;
	}
	config->workers = (uint32_t)n;
	return -1;
}

static int parse(int argc, char **argv, struct engine_config *config)
{
	int status = -1, c;

	while (status < 0 &&
	       (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			config->run_dir = optarg;
			break;
		case 'w':
			status = parse_workers(optarg, config);
			break;
		case 'V':
			puts("ptnet-engine " PTNET_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (status < 0 && (optind < argc || !config->run_dir)) {
		usage(stderr);
		return 2;
	}
	return status;
}

/* What keeps for the directory, or a child of ours that will. */
static pid_t open_keeper(struct engine_config *config)
{
	int pair[2];
	pid_t child;

	mkdir(config->run_dir, 0755);
	pair[0] = keeper_find(config->run_dir);
	if (pair[0] >= 0) {
		config->keeper = pair[0];
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, pair))
		return -1;
	child = fork();
	config->keeper = pair[!child];
	if (child)
		close(pair[1]);
	return child;
}

/* What ps shows of the child: the name, in the place of one as long. */
static int be_keeper(char *name, const struct engine_config *config)
{
	static const char keeper[] = "ptnet-keeper";
	char *at = strstr(name, "ptnet-engine");

	if (at)
		memcpy(at, keeper, sizeof(keeper) - 1);
	return keeper_serve(config->run_dir, config->keeper) ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct engine_config config = {0};
	struct engine *engine;
	char text[512];
	int status = parse(argc, argv, &config);

	if (status >= 0)
		return status;
	log_init("ptnet-engine");
	if (!open_keeper(&config))
		return be_keeper(argv[0], &config);
	if (engine_new(&engine, &config, text, sizeof(text))) {
		log_err("%s", text);
		return 1;
	}
	log_info("serving %s", config.run_dir);
	status = engine_run(engine) ? 1 : 0;
	engine_free(engine);
	return status;
}
