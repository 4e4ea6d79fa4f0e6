// SPDX-License-Identifier: BSD-2-Clause
/*
 * NIOCCTRL's envelope: the header, the body, the list of options; what is
 * copied back, and what is refused. Before any request is looked at.
 */
#include "abi.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BAD_POINTER 0x10UL

static struct nmreq_header header(uint16_t type, const char *name, void *body)
{
	struct nmreq_header h = {
		.nr_version = NETMAP_API,
		.nr_reqtype = type,
		.nr_body = (uintptr_t)body,
	};

	strncpy(h.nr_name, name, sizeof(h.nr_name) - 1);
	return h;
}

static void test_versions(void **state)
{
	static const struct {
		uint16_t version;
		int error;
	} versions[] = {{0, EINVAL}, {1, EINVAL},  {13, EINVAL},    {14, 0},
			{15, 0},     {16, EINVAL}, {0xffff, EINVAL}};

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct nmreq_register body = {.nr_mode = NR_REG_ALL_NIC};
		struct nmreq_header h =
			header(NETMAP_REQ_REGISTER, "vale0:v", &body);
		int fd = abi_device();

		h.nr_version = versions[i].version;
		assert_error(abi_call(fd, &h), versions[i].error);
		if (!versions[i].error)
			assert_int_equal(h.nr_version, NETMAP_API);
		abi_close(fd);
	}
}

static void test_reserved_is_zero(void **state)
{
	struct nmreq_register body = {0};
	struct nmreq_header h = header(NETMAP_REQ_REGISTER, "vale0:r", &body);
	int fd = abi_device();

	(void)state;
	h.nr_reserved = 1;
	assert_error(abi_call(fd, &h), EINVAL);
	h.nr_reserved = 0x80000000;
	assert_error(abi_call(fd, &h), EINVAL);
	h.nr_reserved = 0;
	assert_int_equal(abi_call(fd, &h), 0);
	abi_close(fd);
}

static void test_unknown_requests(void **state)
{
	static const uint16_t types[] = {0, NETMAP_REQ_MAX + 1, 100, 0x8001,
					 0xffff};
	char body[256] = {0};
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		assert_fails(abi_ctrl(fd, "vale0:u", types[i], body, NULL));
		assert_fails(abi_ctrl(fd, "vale0:u", types[i], NULL, NULL));
	}
	abi_close(fd);
}

static bool has_no_body(unsigned type)
{
	return type == NETMAP_REQ_VALE_DELIF ||
	       type == NETMAP_REQ_SYNC_KLOOP_STOP ||
	       type == NETMAP_REQ_CSB_ENABLE;
}

static void test_bodies_are_there_or_not(void **state)
{
	char body[256] = {0};
	int fd = abi_device();

	(void)state;
	for (unsigned t = 1; t <= NETMAP_REQ_MAX; t++)
		assert_error(abi_ctrl(fd, "vale0:b", (uint16_t)t,
				      has_no_body((uint16_t)t) ? body : NULL,
				      NULL),
			     EINVAL);
	abi_close(fd);
}

static void test_pointers_to_nowhere(void **state)
{
	struct nmreq_register body = {0};
	struct nmreq_option opt = {.nro_reqtype = NETMAP_REQ_OPT_CSB,
				   .nro_next = BAD_POINTER};
	struct nmreq_header h;
	int fd = abi_device();

	(void)state;
	assert_error(ioctl(fd, NIOCCTRL, BAD_POINTER) ? -errno : 0, EFAULT);
	for (unsigned t = 1; t <= NETMAP_REQ_MAX; t++)
		if (!has_no_body((uint16_t)t))
			assert_error(abi_ctrl(fd, "vale0:n", (uint16_t)t,
					      (void *)BAD_POINTER, NULL),
				     EFAULT);
	h = header(NETMAP_REQ_REGISTER, "vale0:n", &body);
	h.nr_body = (uint64_t)-8;
	assert_error(abi_call(fd, &h), EFAULT);
	h.nr_body = 0xffff888000000000;
	assert_error(abi_call(fd, &h), EFAULT);
	assert_error(abi_ctrl(fd, "vale0:n", NETMAP_REQ_REGISTER, &body,
			      (void *)BAD_POINTER),
		     EFAULT);
	assert_fails(abi_ctrl(fd, "vale0:n", NETMAP_REQ_REGISTER, &body, &opt));
	/* nothing has been bound by any of these */
	assert_int_equal(abi_register(fd, "vale0:n", &body), 0);
	abi_close(fd);
}

/* A body, and an option, that end where the mapping ends. */
static void test_what_lies_at_the_end_of_memory(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct nmreq_register *body = (void *)(mem + page - sizeof(*body));
	int fd = abi_device();

	(void)state;
	assert_int_equal(munmap(mem + page, (size_t)page), 0);
	*body = (struct nmreq_register){0};
	assert_int_equal(abi_register(fd, "vale0:e", body), 0);
	assert_int_equal(body->nr_tx_rings, 1);
	abi_close(fd);

	fd = abi_device();
	body = (void *)((char *)body + 8);
	assert_error(abi_register(fd, "vale0:e", body), EFAULT);
	abi_close(fd);
	munmap(mem, (size_t)page);
}

static void test_read_only_memory(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	struct nmreq_register *body = mmap(NULL, (size_t)page,
					   PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct nmreq_register again = {.nr_flags = NR_EXCLUSIVE};
	int fd = abi_device();

	(void)state;
	*body = (struct nmreq_register){0};
	mprotect(body, (size_t)page, PROT_READ);
	assert_error(abi_register(fd, "vale0:ro", body), EFAULT);
	assert_error(abi_ctrl(fd, "ro0", NETMAP_REQ_VALE_NEWIF, body, NULL),
		     EFAULT);
	munmap(body, (size_t)page);
	/* nothing was done for an answer that nobody gets */
	assert_error(abi_ctrl(fd, "ro0", NETMAP_REQ_VALE_DELIF, NULL, NULL),
		     ENXIO);
	assert_int_equal(abi_register(fd, "vale0:ro", &again), 0);
	abi_close(fd);
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"",	     "vale0:",	    "vale0:a b",
		"vale0:a:b", "vale0:a.b",   "vale-0:a",
		"vale0:a/r", "vale0:ä",	    "vale0:a{",
		"vale0:a}",  "vale0:a{1{2", "vale0:a{b-c",
		"nosuchdev", "nosuchdev{",  "netmap:nosuchdev",
		"vale 0:a",  "{1",	    "}1",
		":",	     "vale0:\n",
	};
	struct nmreq_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct nmreq_register body = {0};
		int fd = abi_device();

		assert_fails(abi_register(fd, bad[i], &body));
		abi_close(fd);
	}
	for (unsigned t = 1; t <= NETMAP_REQ_MAX; t++) {
		char body[256] = {0};
		int fd = abi_device();

		h = header((uint16_t)t, "",
			   has_no_body((uint16_t)t) ? NULL : body);
		memset(h.nr_name, 'a', sizeof(h.nr_name));
		memcpy(h.nr_name, "vale0:", 6);
		assert_fails(abi_call(fd, &h));
		abi_close(fd);
	}
}

static void test_a_switch_without_a_name(void **state)
{
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	assert_int_equal(abi_register(fd, "vale:a", &body), 0);
	abi_close(fd);
}

/* Options */

static void test_an_option_that_the_request_does_not_take(void **state)
{
	static const uint32_t types[] = {0, NETMAP_REQ_OPT_SYNC_KLOOP_MODE,
					 NETMAP_REQ_OPT_MAX + 1, 77,
					 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		struct nmreq_opt_sync_kloop_mode o = {
			.nro_opt = {.nro_reqtype = types[i],
				    .nro_status = 4711}};
		struct nmreq_register body = {.nr_mode = NR_REG_ALL_NIC},
				      before = body;
		int fd = abi_device();

		assert_error(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body,
				      &o),
			     EOPNOTSUPP);
		assert_int_equal(o.nro_opt.nro_status, EOPNOTSUPP);
		assert_int_equal(o.nro_opt.nro_reqtype, types[i]);
		assert_memory_equal(&body, &before, sizeof(body));
		/* and nothing was done */
		assert_int_equal(abi_register(fd, "vale0:o", &body), 0);
		abi_close(fd);
	}
}

/* The second tells its status too, and both their own links. */
static void test_two_options_that_are_not_taken(void **state)
{
	struct nmreq_opt_sync_kloop_mode b = {
		.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_MODE}};
	struct nmreq_option a = {.nro_reqtype = 99, .nro_next = (uintptr_t)&b};
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	assert_error(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &a),
		     EOPNOTSUPP);
	assert_int_equal(a.nro_status, EOPNOTSUPP);
	assert_int_equal(b.nro_opt.nro_status, EOPNOTSUPP);
	assert_int_equal(a.nro_next, (uintptr_t)&b);
	assert_int_equal(b.nro_opt.nro_next, 0);
	abi_close(fd);
}

static void test_the_same_option_twice(void **state)
{
	static char atok[64] __attribute__((aligned(64)));
	struct nmreq_opt_csb b = {.nro_opt = {.nro_reqtype =
						      NETMAP_REQ_OPT_CSB},
				  .csb_atok = (uintptr_t)atok,
				  .csb_ktoa = (uintptr_t)atok};
	struct nmreq_opt_csb a = b;
	struct nmreq_register body = {.nr_flags = NR_EXCLUSIVE};
	int fd = abi_device();

	(void)state;
	a.nro_opt.nro_next = (uintptr_t)&b;
	assert_error(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &a),
		     EINVAL);
	assert_int_equal(a.nro_opt.nro_status, EINVAL);
	assert_int_equal(b.nro_opt.nro_status, EINVAL);
	assert_int_equal(a.nro_opt.nro_next, (uintptr_t)&b);
	abi_close(fd);
}

static void test_lists_that_do_not_end(void **state)
{
	struct nmreq_option o[3] = {
		{.nro_reqtype = 90}, {.nro_reqtype = 91}, {.nro_reqtype = 92}};
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	for (size_t loop = 0; loop < COUNT(o); loop++) {
		o[0].nro_next = (uintptr_t)&o[1];
		o[1].nro_next = (uintptr_t)&o[2];
		o[2].nro_next = (uintptr_t)&o[loop];
		assert_fails(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body,
				      &o[0]));
		assert_int_equal(o[2].nro_next, (uintptr_t)&o[loop]);
	}
	assert_int_equal(abi_register(fd, "vale0:o", &body), 0);
	abi_close(fd);
}

/* A request with its options is 4,096 bytes at most. */
static void test_a_list_that_is_too_long(void **state)
{
	static struct nmreq_option o[4096 / sizeof(struct nmreq_option) + 1];
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(o); i++) {
		o[i].nro_reqtype = 1000 + (uint32_t)i;
		o[i].nro_next = i + 1 < COUNT(o) ? (uintptr_t)&o[i + 1] : 0;
	}
	assert_fails(
		abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &o[0]));
	assert_int_equal(abi_register(fd, "vale0:o", &body), 0);
	abi_close(fd);
}

static void test_sizes_of_options_that_vary(void **state)
{
	static const uint64_t sizes[] = {0,
					 1,
					 23,
					 25,
					 4096,
					 4097,
					 65536,
					 UINT32_MAX,
					 1ULL << 32,
					 (uint64_t)-1,
					 (uint64_t)-24,
					 1ULL << 63};
	static union {
		struct nmreq_option o;
		char space[8192];
	} big;
	struct nmreq_sync_kloop_start start = {.sleep_us = 10};
	struct abi_port p;

	(void)state;
	abi_open(&p, "vale0:s");
	for (size_t i = 0; i < COUNT(sizes); i++) {
		memset(&big, 0xff, sizeof(big));
		big.o = (struct nmreq_option){
			.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
			.nro_size = sizes[i]};
		assert_fails(abi_ctrl(p.fd, p.name, NETMAP_REQ_SYNC_KLOOP_START,
				      &start, &big));
	}
	abi_shut(&p);
}

/* Other calls */

static void test_calls_that_there_are_not(void **state)
{
	static const unsigned long calls[] = {
		_IO('i', 147),
		_IO('i', 152),
		_IO('j', 148),
		_IOWR('i', 151, struct nmreq),
		_IOWR('i', 146, struct nmreq_header),
		0,
		~0U,
	};
	char arg[512] = {0};
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++)
		assert_int_equal(ioctl(fd, calls[i], arg), -1);
	abi_close(fd);
}

static void test_syncs_of_what_is_not_bound(void **state)
{
	struct abi_port p = {.fd = abi_device()};

	(void)state;
	assert_fails(abi_txsync(&p));
	assert_fails(abi_rxsync(&p));
	abi_close(p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_reserved_is_zero),
		cmocka_unit_test(test_unknown_requests),
		cmocka_unit_test(test_bodies_are_there_or_not),
		cmocka_unit_test(test_pointers_to_nowhere),
		cmocka_unit_test(test_what_lies_at_the_end_of_memory),
		cmocka_unit_test(test_read_only_memory),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_a_switch_without_a_name),
		cmocka_unit_test(test_an_option_that_the_request_does_not_take),
		cmocka_unit_test(test_two_options_that_are_not_taken),
		cmocka_unit_test(test_the_same_option_twice),
		cmocka_unit_test(test_lists_that_do_not_end),
		cmocka_unit_test(test_a_list_that_is_too_long),
		cmocka_unit_test(test_sizes_of_options_that_vary),
		cmocka_unit_test(test_calls_that_there_are_not),
		cmocka_unit_test(test_syncs_of_what_is_not_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
