/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/keep.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum { PATIENCE_MS = 2000 };

struct keep {
	int sock; /* 0: no keeper */
	LIST_HEAD(, kept) left;
};

static void lose(struct keep *k, int err)
{
	log_warn("what VMs are attached to is not kept any more (%s): if the "
		 "engine dies, they must attach anew",
		 strerror(-err));
	close(k->sock);
	k->sock = 0;
}

static void say(struct keep *k, const struct keep_record *r, const int *fds,
		uint32_t n)
{
	int err = k->sock <= 0 ? 0 : keeper_send(k->sock, r, fds, n);

	if (err)
		lose(k, err);
}

/* In the order of windows, which was that of attaching. */
static void insert(struct keep *k, struct kept *new)
{
	struct kept *at = LIST_FIRST(&k->left), *before = NULL;

	for (; at && at->record.window < new->record.window;
	     at = LIST_NEXT(at, link))
		before = at;
	if (before)
		LIST_INSERT_AFTER(before, new, link);
	else
		LIST_INSERT_HEAD(&k->left, new, link);
}

static void free_kept(struct kept *left)
{
	LIST_REMOVE(left, link);
	for (uint32_t i = 0; i < left->n; i++)
		close(left->fd[i]);
	free(left);
}

/* Returns 0, 1 at the end, or -errno. */
static int take_one(struct keep *k)
{
	struct pollfd p = {.fd = k->sock, .events = POLLIN};
	struct kept *left = calloc(1, sizeof(*left));
	int err = left ? 0 : -ENOMEM;

	if (!err && poll(&p, 1, PATIENCE_MS) != 1)
		err = -ETIMEDOUT;
	if (!err)
		err = keeper_receive(k->sock, &left->record, left->fd,
				     &left->n);
	if (!err && left->record.op == KEEP_PUT) {
		insert(k, left);
		return 0;
	}
	free(left);
	return err ? err : 1;
}

static void take_over(struct keep *k)
{
	const struct keep_record hello = {.op = KEEP_HELLO};
	int err;

	say(k, &hello, NULL, 0);
	do {
		err = k->sock <= 0 ? 1 : take_one(k);
	} while (!err || err == -EAGAIN);
	if (err < 0)
		lose(k, err);
}

int keep_new(struct keep **out, int sock)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k) {
		if (sock > 0)
			close(sock);
		return -ENOMEM;
	}
	k->sock = sock;
	take_over(k);
	*out = k;
	return 0;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	while (LIST_FIRST(&k->left))
		free_kept(LIST_FIRST(&k->left));
	if (k->sock > 0)
		close(k->sock);
	free(k);
}

struct kept *keep_first(struct keep *k)
{
	return LIST_FIRST(&k->left);
}

struct kept *keep_next(struct kept *left)
{
	return LIST_NEXT(left, link);
}

void keep_took(struct kept *left)
{
	left->n = 0;
	free_kept(left);
}

void keep_refuse(struct keep *k, struct kept *left)
{
	keep_drop(k, left->record.name);
	free_kept(left);
}

void keep_put(struct keep *k, struct keep_record *r, const int *fds, uint32_t n)
{
	r->op = KEEP_PUT;
	say(k, r, fds, n);
}

void keep_drop(struct keep *k, const char *name)
{
	struct keep_record r = {.op = KEEP_DROP};

	strncpy(r.name, name, sizeof(r.name) - 1);
	say(k, &r, NULL, 0);
}
