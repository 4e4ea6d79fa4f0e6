// SPDX-License-Identifier: BSD-2-Clause
/*
 * NS_INDIRECT: frames whose payload lies in the program's own memory, which is
 * there, or is to be brought first, or is none.
 */
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, LEN = 200, MANY = 600 };

static void put_part(struct netmap_ring *tx, const void *payload, uint16_t len,
		     uint16_t flags)
{
	struct netmap_slot *s = &tx->slot[tx->head];

	s->len = len;
	s->flags = NS_INDIRECT | flags;
	s->ptr = (uintptr_t)payload;
	tx->head = tx->cur = abi_next(tx, tx->head);
}

static void put(struct netmap_ring *tx, const void *payload)
{
	put_part(tx, payload, LEN, 0);
}

static void assert_takes(const struct abi_port *p, unsigned from, unsigned n)
{
	struct netmap_ring *rx = abi_rx(p, 0);

	assert_int_equal(abi_rxsync(p), 0);
	assert_int_equal(abi_space(rx), n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(abi_take(rx), from + i);
}

/* What was sent is the program's again when the call returns. */
static void test_whole_frames(void **state)
{
	static char payload[LEN];
	struct abi_pair *x = *state;
	struct netmap_ring *rx = abi_rx(&x->b, 0);

	for (unsigned i = 0; i < 3 * rx->num_slots; i++) {
		abi_frame(payload, LEN, TO_ALL, 1, i);
		put(abi_tx(&x->a, 0), payload);
		assert_int_equal(abi_txsync(&x->a), 0);
		memset(payload, 0, LEN);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(rx->slot[rx->head].len, LEN);
		assert_false(rx->slot[rx->head].flags & NS_INDIRECT);
		assert_int_equal(abi_take(rx), i);
	}
}

static void test_parts_of_frames(void **state)
{
	static char payload[1000];
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	const char *first, *second;

	abi_frame(payload, sizeof(payload), TO_ALL, 1, 5);
	put_part(tx, payload, 400, NS_MOREFRAG);
	put_part(tx, payload + 400, 600, 0);
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(abi_space(rx), 2);
	first = abi_buf(rx, rx->slot[0].buf_idx);
	second = abi_buf(rx, rx->slot[1].buf_idx);
	assert_memory_equal(first, payload, 400);
	assert_memory_equal(second, payload + 400, 600);
}

/* No more is read than a buffer has room for. */
static void test_longer_than_a_buffer(void **state)
{
	static char payload[UINT16_MAX];
	struct abi_pair *x = *state;

	abi_frame(payload, sizeof(payload), TO_ALL, 1, 5);
	put_part(abi_tx(&x->a, 0), payload, UINT16_MAX, 0);
	put(abi_tx(&x->a, 0), NULL);
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_takes(&x->b, 0, 0);
	abi_send(&x->a, FRAME_MIN, TO_ALL, 1, 6);
	assert_takes(&x->b, 6, 1);
}

/* A frame in each page of a file that nobody has touched by this mapping. */
static char *untouched(unsigned pages)
{
	const size_t bytes = (size_t)pages * PAGE;
	int fd = memfd_create("payloads", MFD_CLOEXEC);
	char *p;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	for (unsigned i = 0; i < pages; i++) {
		char frame[LEN];

		abi_frame(frame, LEN, TO_ALL, 1, i);
		assert_int_equal(pwrite(fd, frame, LEN, (off_t)i * PAGE), LEN);
	}
	p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	return p;
}

static void test_from_pages_not_touched_yet(void **state)
{
	struct abi_pair *x = *state;
	char *payloads = untouched(MANY);

	for (unsigned i = 0; i < MANY; i++)
		put(abi_tx(&x->a, 0), payloads + (size_t)i * PAGE);
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_takes(&x->b, 0, MANY);
	munmap(payloads, (size_t)MANY * PAGE);
}

/* Those that are none are dropped, however many, and no other. */
static void test_from_nowhere(void **state)
{
	struct abi_pair *x = *state;
	const char *const none[] = {
		NULL,
		(const char *)8,
		(const char *)-PAGE,
		(const char *)0xffff888000000000,
		(const char *)(1ull << 62),
	};
	char *payloads = untouched(MANY);
	unsigned n = 0;

	assert_int_equal(mprotect(payloads + PAGE, PAGE, PROT_NONE), 0);
	for (unsigned i = 0; i < MANY / 2; i++) {
		put(abi_tx(&x->a, 0), none[i % COUNT(none)]);
		put(abi_tx(&x->a, 0), payloads + (size_t)i * PAGE);
	}
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(abi_space(abi_rx(&x->b, 0)), MANY / 2 - 1);
	for (; n < MANY / 2; n++)
		if (n != 1)
			assert_int_equal(abi_take(abi_rx(&x->b, 0)), n);
	munmap(payloads, (size_t)MANY * PAGE);
}

/* Payloads that are late: a page whose fault somebody else answers. */

static int late_page(char **page)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	*page = NULL;
	if (fd < 0)
		return -1;
	*page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(*page, MAP_FAILED);
	reg.range.start = (uintptr_t)*page;
	reg.range.len = PAGE;
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	assert_int_equal(ioctl(fd, UFFDIO_REGISTER, &reg), 0);
	return fd;
}

static void wait_for_fault(int fd)
{
	struct uffd_msg msg;

	assert_int_equal(read(fd, &msg, sizeof(msg)), sizeof(msg));
	assert_int_equal(msg.event, UFFD_EVENT_PAGEFAULT);
}

static void answer_fault(int fd, char *page, unsigned n)
{
	char frame[PAGE];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)page, .src = (uintptr_t)frame, .len = PAGE};

	memset(frame, 0, sizeof(frame));
	abi_frame(frame, LEN, TO_ALL, 1, n);
	assert_int_equal(ioctl(fd, UFFDIO_COPY, &copy), 0);
}

static void *sync_it(void *port)
{
	return (void *)(intptr_t)abi_txsync(port);
}

/* Who waits for a payload holds up nobody: here one who begins to monitor. */
static void test_from_a_page_that_is_late(void **state)
{
	const struct nmreq_register tx = {.nr_flags = NR_MONITOR_TX};
	struct abi_pair *x = *state;
	struct abi_port monitor;
	pthread_t thread;
	void *answer;
	char *page;
	int fd = late_page(&page);

	if (fd < 0)
		skip();
	put(abi_tx(&x->a, 0), page);
	assert_int_equal(pthread_create(&thread, NULL, sync_it, &x->a), 0);
	wait_for_fault(fd);
	abi_open_as(&monitor, x->a.name, tx);
	abi_census(NULL);
	assert_takes(&x->b, 0, 0);
	answer_fault(fd, page, 77);
	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_int_equal((intptr_t)answer, 0);
	assert_takes(&x->b, 77, 1);
	assert_takes(&monitor, 77, 1);
	abi_shut(&monitor);
	munmap(page, PAGE);
	close(fd);
}

/* ... and can be killed, after which all is as before. */
static void wait_for_ever(void *arg)
{
	struct abi_port *p = arg;
	pthread_t thread;
	char *page;
	int fd = late_page(&page);

	abi_open(p, "vale0:c");
	put(abi_tx(p, 0), page);
	assert_int_equal(pthread_create(&thread, NULL, sync_it, p), 0);
	wait_for_fault(fd);
	_exit(0);
}

static void test_killed_while_it_is_late(void **state)
{
	struct abi_port p;
	char *page;
	int fd = late_page(&page);

	(void)state;
	if (fd < 0)
		skip();
	close(fd);
	munmap(page, PAGE);
	abi_run(wait_for_ever, &p);
	abi_open(&p, "vale0:c");
	abi_shut(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABI_ON_A_SWITCH(test_whole_frames),
		ABI_ON_A_PIPE(test_whole_frames),
		ABI_ON_A_SWITCH(test_parts_of_frames),
		ABI_ON_A_PIPE(test_parts_of_frames),
		ABI_ON_A_SWITCH(test_longer_than_a_buffer),
		ABI_ON_A_PIPE(test_longer_than_a_buffer),
		ABI_ON_A_SWITCH(test_from_pages_not_touched_yet),
		ABI_ON_A_SWITCH(test_from_nowhere),
		ABI_ON_A_PIPE(test_from_nowhere),
		ABI_ON_A_SWITCH(test_from_a_page_that_is_late),
		ABI_ON_A_SWITCH(test_killed_while_it_is_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
