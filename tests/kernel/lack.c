// SPDX-License-Identifier: BSD-2-Clause
#include "lack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi.h"
#include "world.h"

enum { ENOUGH = 3000 };

/* Failing: the nth time that this thread asks the kernel for memory. */

static int fail_nth = -1, make_it_fail = -1;

static bool set(const char *name, const char *value)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	file = fopen(path, "we");
	if (!file)
		return false;
	fputs(value, file);
	return !fclose(file);
}

int lack_begin(void **state)
{
	(void)state;
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	make_it_fail =
		open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	/* all kinds of memory, and not a word */
	return fail_nth < 0 || make_it_fail < 0 ||
	       !set("failslab/ignore-gfp-wait", "N") ||
	       !set("fail_page_alloc/ignore-gfp-wait", "N") ||
	       !set("fail_page_alloc/ignore-gfp-highmem", "N") ||
	       !set("fail_page_alloc/min-order", "0") ||
	       !set("failslab/verbose", "0") ||
	       !set("fail_page_alloc/verbose", "0") ||
	       !set("fail_usercopy/verbose", "0");
}

void lack_arm(unsigned nth)
{
	char text[16];
	const int n = snprintf(text, sizeof(text), "%u", nth);

	assert_int_equal(pwrite(fail_nth, text, (size_t)n, 0), n);
}

/*
 * Whether the time had come. Both calls copy themselves, and may be what fails
 * then.
 */
bool lack_disarm(void)
{
	char text[16] = "1";
	const ssize_t n = pread(fail_nth, text, sizeof(text) - 1, 0);

	if (pwrite(fail_nth, "0", 1, 0) != 1)
		assert_int_equal(errno, EFAULT);
	return n > 0 && atoi(text) == 0;
}

long lack_left(void)
{
	char text[16] = "";

	assert_true(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	return atol(text);
}

static void set_all(const char *what, const char *value)
{
	static const char *const kinds[] = {"failslab", "fail_page_alloc"};
	char name[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(name, sizeof(name), "%s/%s", kinds[i], what);
		assert_true(set(name, value));
	}
}

/* Through what is open: to open something takes memory. */
static void may_fail_always(bool may)
{
	assert_int_equal(pwrite(make_it_fail, may ? "1" : "0", 1, 0), 1);
}

void lack_arm_all(unsigned bytes)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", bytes);
	set_all("task-filter", "Y");
	set_all("times", "-1");
	set_all("space", text);
	set_all("probability", "100");
	may_fail_always(true);
}

void lack_disarm_all(void)
{
	may_fail_always(false);
	set_all("probability", "0");
}

static bool is_lack(int err)
{
	return err == -ENOMEM || err == -ENOBUFS || err == -EFAULT;
}

/* Trying */

static void undo(const struct trial *t)
{
	if (t->undo)
		t->undo();
}

/* Returns whether it came to the nth time. */
static bool attempt(const struct trial *t, const struct world *before,
		    unsigned nth)
{
	char what[40];
	bool hit;
	int err;

	lack_arm(nth);
	err = t->run();
	hit = lack_disarm();
	snprintf(what, sizeof(what), "failure %u (%d)", nth, err);
	if (!hit)
		assert_int_equal(err, 0);
	else if (err && !t->tells && !is_lack(err))
		fail_msg("%s", what);
	/* an answer that could not be copied out comes after it was done */
	if (err && err != -EFAULT && !t->tells) {
		world_assert_same(before, what);
		assert_int_equal(t->run(), 0);
	}
	undo(t);
	world_assert_same(before, what);
	return hit;
}

/* What is closed may be let go a moment later. */
static void assert_users(int n)
{
	for (int ms = 0; world_module_users() != n; ms += 10) {
		if (ms > 10000)
			fail_msg("%d users of the module, %d before",
				 world_module_users(), n);
		usleep(10000);
	}
}

void lack_exhaust(void **state)
{
	const struct trial *t = *state;
	struct world before;
	unsigned nth = 1;
	int users;

	world_look(&before);
	users = world_module_users();
	if (t->prepare)
		t->prepare();
	world_look(&before);
	while (attempt(t, &before, nth))
		assert_true(++nth < ENOUGH);
	/* who asks for no memory is no trial */
	assert_true(nth > 1);
	print_message("# %u failures\n", nth - 1);
	if (t->clean)
		t->clean();
	assert_users(users);
}
