/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that vanishes under the engine. A file that shrinks stands for huge
 * pages that ran out: both are a SIGBUS at the next touch.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/guard.h"

enum { PAGE = 4096, PAGES = 4 };

static char *vanishing(void)
{
	const int fd = memfd_create("test", MFD_CLOEXEC);
	char *p;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	memset(p, 7, PAGES * PAGE);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	close(fd);
	return p;
}

static void assert_ends_by_sigbus(char *touched)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		alarm(10);
		*(volatile char *)touched = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static void a_page_that_vanished_is_replaced(void **state)
{
	char *p = vanishing(), *other = vanishing();

	(void)state;
	assert_int_equal(guard_add(p, PAGES * PAGE, PAGE), 0);
	assert_false(guard_hit(p));
	assert_int_equal(p[0], 7);
	assert_false(guard_hit(p));
	((volatile char *)p)[2 * PAGE + 5] = 9;
	assert_int_equal(p[2 * PAGE + 5], 9);
	assert_true(guard_hit(p));
	assert_int_equal(p[PAGE + 1], 0);
	assert_ends_by_sigbus(other + PAGE); /* which nobody watches */
	guard_remove(p);
	assert_false(guard_hit(p));
	munmap(p, PAGES * PAGE);
	munmap(other, PAGES * PAGE);
}

static void guards_run_out_and_come_back(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= GUARDS_MAX; i++)
		assert_int_equal(guard_add((void *)(i * PAGE), PAGE, PAGE), 0);
	assert_int_equal(guard_add((void *)1, PAGE, PAGE), -ENOSPC);
	for (uintptr_t i = 1; i <= GUARDS_MAX; i++)
		guard_remove((void *)(i * PAGE));
	assert_int_equal(guard_add((void *)PAGE, PAGE, PAGE), 0);
	guard_remove((void *)PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_that_vanished_is_replaced),
		cmocka_unit_test(guards_run_out_and_come_back),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
