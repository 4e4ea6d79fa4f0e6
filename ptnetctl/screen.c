/* SPDX-License-Identifier: BSD-2-Clause */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Own page, no cursor, long lines are cut; and all of it back. */
#define TAKE "\033[?1049h\033[?25l\033[?7l"
#define GIVE_BACK "\033[?7h\033[?25h\033[?1049l"

static struct termios before;
static bool has_keys;
static sigset_t unblocked;
static volatile sig_atomic_t ended;

static void on_end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void on_size(int signal_number)
{
	(void)signal_number;
}

/* Signals come only while waiting, so that none is missed. */
static void catch_signals(void)
{
	struct sigaction end = {.sa_handler = on_end};
	struct sigaction size = {.sa_handler = on_size};
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigaddset(&block, SIGWINCH);
	sigaddset(&block, SIGTSTP);
	sigprocmask(SIG_BLOCK, &block, &unblocked);
	sigaddset(&unblocked, SIGTSTP);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGWINCH, &size, NULL);
}

int screen_open(void)
{
	struct termios raw;

	has_keys = !tcgetattr(STDIN_FILENO, &before);
	if (has_keys) {
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
			return -errno;
	}
	catch_signals();
	fputs(TAKE, stdout);
	return fflush(stdout) ? -errno : 0;
}

void screen_close(void)
{
	fputs(GIVE_BACK, stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

size_t screen_rows(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_row)
		return 24;
	return w.ws_row;
}

void screen_draw(const char *text)
{
	fputs("\033[H", stdout);
	while (*text) {
		int len = (int)strcspn(text, "\n");

		printf("%.*s\033[K", len, text);
		text += len;
		if (*text)
			fputc(*text++, stdout);
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether a key to quit was typed; a terminal that is gone quits too. */
static bool quit_typed(void)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN) ||
	       (n == 1 && (key == 'q' || key == 'Q'));
}

int screen_wait(int ms)
{
	long end = now_ms() + ms;

	while (!ended) {
		struct pollfd p = {.fd = has_keys ? STDIN_FILENO : -1,
				   .events = POLLIN};
		long left = end - now_ms();
		struct timespec t = {left / 1000, left % 1000 * 1000000};
		int n;

		if (left <= 0)
			return 0;
		n = ppoll(&p, 1, &t, &unblocked);
		if (n > 0 && quit_typed())
			return SCREEN_QUIT;
		if (n < 0 && !ended)
			return 0;
	}
	return SCREEN_QUIT;
}
