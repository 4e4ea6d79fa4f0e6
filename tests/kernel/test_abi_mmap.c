// SPDX-License-Identifier: BSD-2-Clause
/* Mapping the memory of a port: when, how much, how, and by whom. */
#include "abi.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_map(int fd, size_t length, int flags, off_t offset)
{
	void *mem =
		mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (mem == MAP_FAILED)
		return -errno;
	munmap(mem, length);
	return 0;
}

static void test_only_once_it_is_bound(void **state)
{
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	assert_error(try_map(fd, 4096, MAP_SHARED, 0), EINVAL);
	assert_int_equal(abi_register(fd, "vale0:m", &body), 0);
	assert_int_equal(try_map(fd, 4096, MAP_SHARED, 0), 0);
	abi_close(fd);
}

static void test_lengths_and_offsets(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	struct abi_port p;
	size_t size;

	(void)state;
	abi_open(&p, "vale0:m");
	size = (p.reg.nr_memsize + (size_t)page - 1) & ~((size_t)page - 1);
	assert_int_equal(try_map(p.fd, size, MAP_SHARED, 0), 0);
	assert_int_equal(try_map(p.fd, (size_t)page, MAP_SHARED, page), 0);
	assert_int_equal(
		try_map(p.fd, (size_t)page, MAP_SHARED, (off_t)size - page), 0);
	assert_fails(try_map(p.fd, size + (size_t)page, MAP_SHARED, 0));
	assert_fails(try_map(p.fd, size, MAP_SHARED, page));
	assert_fails(try_map(p.fd, (size_t)page, MAP_SHARED, (off_t)size));
	assert_fails(try_map(p.fd, (size_t)page, MAP_SHARED, 1L << 60));
	assert_fails(try_map(p.fd, (size_t)page, MAP_SHARED,
			     INT64_MAX & ~(page - 1)));
	abi_shut(&p);
}

static void test_only_shared(void **state)
{
	struct abi_port p;

	(void)state;
	abi_open(&p, "vale0:m");
	assert_error(try_map(p.fd, 4096, MAP_PRIVATE, 0), EINVAL);
	abi_shut(&p);
}

/* A part that is mapped by itself shows what the whole does. */
static void test_a_part_is_the_same_memory(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	struct netmap_ring *tx;
	struct abi_port p;
	char *buf, *part;
	off_t at;

	(void)state;
	abi_open(&p, "vale0:m");
	tx = abi_tx(&p, 0);
	buf = abi_buf(tx, tx->slot[7].buf_idx);
	at = (buf - p.mem) & ~(page - 1);
	part = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED,
		    p.fd, at);
	assert_ptr_not_equal(part, MAP_FAILED);
	strcpy(buf, "as one");
	assert_string_equal(part + (buf - p.mem - at), "as one");
	munmap(part, (size_t)page);
	abi_shut(&p);
}

static void pass(int sock, int fd)
{
	char data = 'x';
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&data, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_int_equal(sendmsg(sock, &m, 0), 1);
}

static int take(int sock)
{
	char data;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&data, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	const struct cmsghdr *c;
	int fd = -1;

	assert_int_equal(recvmsg(sock, &m, 0), 1);
	c = CMSG_FIRSTHDR(&m);
	if (!c)
		fail_msg("no descriptor came");
	else
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

struct heir {
	int sock;
	struct nmreq_register reg;
};

/* Works on a port that another process has opened. */
static void inherit(void *arg)
{
	const struct heir *h = arg;
	struct abi_port p = {.fd = take(h->sock), .reg = h->reg};

	p.mem = mmap(NULL, p.reg.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED,
		     p.fd, 0);
	assert_ptr_not_equal(p.mem, MAP_FAILED);
	p.nifp = (void *)(p.mem + p.reg.nr_offset);
	for (unsigned i = 0; i < 5; i++)
		abi_send(&p, FRAME_MIN, 2, 1, i);
	abi_shut(&p);
}

static void test_a_descriptor_that_was_passed_on(void **state)
{
	struct abi_port a, b;
	struct heir h;
	int sock[2];

	(void)state;
	abi_open(&a, "vale0:a");
	abi_open(&b, "vale0:b");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	pass(sock[0], a.fd);
	h = (struct heir){.sock = sock[1], .reg = a.reg};
	/* closed here, open on its way and in the other process */
	abi_shut(&a);
	abi_run(inherit, &h);
	close(sock[0]);
	close(sock[1]);
	assert_int_equal(abi_drain(&b), 5);
	abi_shut(&b);
}

/* The memory stays as long as it is mapped, the port as the descriptor. */
static void test_a_mapping_outlives_the_descriptor(void **state)
{
	struct abi_port a, again;
	struct netmap_ring *tx;

	(void)state;
	abi_open_as(&a, "vale0:a",
		    (struct nmreq_register){.nr_flags = NR_EXCLUSIVE});
	tx = abi_tx(&a, 0);
	abi_close(a.fd);
	memset(abi_buf(tx, tx->slot[0].buf_idx), 0x5a, tx->nr_buf_size);
	tx->head = 12345;
	munmap(a.mem, a.reg.nr_memsize);
	abi_open_as(&again, "vale0:a",
		    (struct nmreq_register){.nr_flags = NR_EXCLUSIVE});
	abi_shut(&again);
}

/* Nobody finds what an earlier one has left. */
static void test_memory_comes_clean(void **state)
{
	static const char secret[] = "a frame that was somebody else's";

	(void)state;
	for (int round = 0; round < 3; round++) {
		struct netmap_ring *tx;
		struct abi_port p;

		abi_open(&p, "vale0:a");
		tx = abi_tx(&p, 0);
		for (uint32_t i = 0; i < tx->num_slots; i++) {
			char *buf = abi_buf(tx, tx->slot[i].buf_idx);

			assert_memory_not_equal(buf, secret, sizeof(secret));
			memcpy(buf, secret, sizeof(secret));
		}
		abi_shut(&p);
	}
}

static void work_on(void *arg)
{
	const struct abi_port *p = arg;

	abi_send(p, FRAME_MIN, 2, 1, 0);
}

static void test_a_fork_shares_all(void **state)
{
	struct abi_port a, b;

	(void)state;
	abi_open(&a, "vale0:a");
	abi_open(&b, "vale0:b");
	abi_run(work_on, &a);
	abi_send(&a, FRAME_MIN, 2, 1, 1);
	assert_int_equal(abi_drain(&b), 2);
	abi_shut(&a);
	abi_shut(&b);
}

static void test_remapping_stays_inside(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	struct abi_port p;
	size_t size;
	char *mem;

	(void)state;
	abi_open(&p, "vale0:m");
	size = (p.reg.nr_memsize + (size_t)page - 1) & ~((size_t)page - 1);
	mem = mremap(p.mem, size, size + (size_t)page, MREMAP_MAYMOVE);
	/* grown or not: what is beyond is nobody's page */
	if (mem != MAP_FAILED)
		p.mem = mremap(mem, size + (size_t)page, size, 0);
	p.nifp = (void *)(p.mem + p.reg.nr_offset);
	abi_send(&p, FRAME_MIN, 2, 1, 0);
	abi_shut(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_once_it_is_bound),
		cmocka_unit_test(test_lengths_and_offsets),
		cmocka_unit_test(test_only_shared),
		cmocka_unit_test(test_a_part_is_the_same_memory),
		cmocka_unit_test(test_a_descriptor_that_was_passed_on),
		cmocka_unit_test(test_a_mapping_outlives_the_descriptor),
		cmocka_unit_test(test_memory_comes_clean),
		cmocka_unit_test(test_a_fork_shares_all),
		cmocka_unit_test(test_remapping_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
