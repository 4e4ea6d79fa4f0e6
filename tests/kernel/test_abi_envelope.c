// SPDX-License-Identifier: BSD-2-Clause
/*
 * NIOCCTRL's envelope: the header, the body, the list of options; what is
 * copied back, and what is refused. Before any request is looked at.
 */
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
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

enum { MISC_MAJOR = 10 };

static void test_the_device(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat("/dev/netmap", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(major(st.st_rdev), MISC_MAJOR);
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
				      has_no_body(t) ? body : NULL, NULL),
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
		if (!has_no_body(t))
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

static const size_t body_sizes[NETMAP_REQ_MAX + 1] = {
	[NETMAP_REQ_REGISTER] = 56,
	[NETMAP_REQ_PORT_INFO_GET] = 32,
	[NETMAP_REQ_VALE_ATTACH] = 64,
	[NETMAP_REQ_VALE_DETACH] = 8,
	[NETMAP_REQ_VALE_LIST] = 8,
	[NETMAP_REQ_PORT_HDR_SET] = 8,
	[NETMAP_REQ_PORT_HDR_GET] = 8,
	[NETMAP_REQ_VALE_NEWIF] = 16,
	[NETMAP_REQ_VALE_POLLING_ENABLE] = 16,
	[NETMAP_REQ_VALE_POLLING_DISABLE] = 16,
	[NETMAP_REQ_POOLS_INFO_GET] = 64,
	[NETMAP_REQ_SYNC_KLOOP_START] = 8,
};

/* With room for two rings' eventfds. */
static const size_t option_sizes[NETMAP_REQ_OPT_MAX + 1] = {
	[NETMAP_REQ_OPT_EXTMEM] = 96,
	[NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS] = 40,
	[NETMAP_REQ_OPT_CSB] = 40,
	[NETMAP_REQ_OPT_SYNC_KLOOP_MODE] = 32,
	[NETMAP_REQ_OPT_OFFSETS] = 56,
};

/* The end of a page that nothing follows. */
static char *end_of_memory(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(mem, MAP_FAILED);
	assert_int_equal(munmap(mem + page, (size_t)page), 0);
	return mem + page;
}

static void free_before(char *end)
{
	long page = sysconf(_SC_PAGESIZE);

	assert_int_equal(munmap(end - page, (size_t)page), 0);
}

/* Bodies are as long as they are, and no byte more is touched. */
static void test_bodies_at_the_end_of_memory(void **state)
{
	char *end = end_of_memory();

	(void)state;
	for (unsigned t = 1; t <= NETMAP_REQ_MAX; t++) {
		const size_t size = body_sizes[t];
		int fd = abi_device();

		if (size) {
			memset(end - size, 0, size);
			assert_int_not_equal(abi_ctrl(fd, "vale0:e",
						      (uint16_t)t, end - size,
						      NULL),
					     -EFAULT);
			assert_error(abi_ctrl(fd, "vale0:e", (uint16_t)t,
					      end - size + 1, NULL),
				     EFAULT);
		}
		abi_close(fd);
	}
	free_before(end);
}

static void test_options_at_the_end_of_memory(void **state)
{
	char *end = end_of_memory();

	(void)state;
	for (uint32_t type = 1; type <= NETMAP_REQ_OPT_MAX; type++) {
		for (size_t missing = 0; missing <= 8; missing += 8) {
			struct nmreq_register body = {0};
			struct nmreq_option *o =
				(void *)(end - option_sizes[type] + missing);
			int fd = abi_device(), err;

			memset((void *)o, 0, (size_t)(end - (char *)o));
			o->nro_reqtype = type;
			o->nro_size = option_sizes[type];
			err = abi_ctrl(fd, "vale0:e", NETMAP_REQ_REGISTER,
				       &body, o);
			/* an address that the option has is a bad one, too */
			if (type != NETMAP_REQ_OPT_CSB || missing)
				assert_true((err == -EFAULT) == !!missing);
			abi_close(fd);
		}
	}
	free_before(end);
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

static void test_a_body_comes_back_from_success_only(void **state)
{
	struct nmreq_register body = {.nr_mode = NR_REG_ONE_NIC,
				      .nr_ringid = 5},
			      before = body;
	int fd = abi_device();

	(void)state;
	assert_error(abi_register(fd, "vale0:o", &body), EINVAL);
	assert_memory_equal(&body, &before, sizeof(body));
	body.nr_ringid = 0;
	assert_int_equal(abi_register(fd, "vale0:o", &body), 0);
	assert_int_equal(body.nr_tx_slots, 1024);
	before = body;
	assert_error(abi_register(fd, "vale0:o", &body), EBUSY);
	assert_memory_equal(&body, &before, sizeof(body));
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
		":",	     "vale0:\n",    "vale0:a-b",
		"vale0:a+",  "vale0:a@1",   "vale0a",
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

		h = header((uint16_t)t, "", has_no_body(t) ? NULL : body);
		memset(h.nr_name, 'a', sizeof(h.nr_name));
		memcpy(h.nr_name, "vale0:", 6);
		assert_fails(abi_call(fd, &h));
		abi_close(fd);
	}
}

/* With its colon, or its end, each part has 16 characters at most. */
static void test_lengths_of_names(void **state)
{
	static const struct {
		const char *name;
		bool works;
	} names[] = {
		{"vale0123456789:a", true},
		{"vale0123456789a:a", false},
		{"vale0:0123456789_ABCD", true},
		{"vale0:0123456789_ABCDE", false},
		{"vale_Switch9_Z:_Port_Number_9a", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct nmreq_register body = {0};
		int fd = abi_device();

		assert_error(abi_register(fd, names[i].name, &body),
			     names[i].works ? 0 : EINVAL);
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

static bool takes(uint16_t request, uint32_t option)
{
	switch (request) {
	case NETMAP_REQ_REGISTER:
		return option == NETMAP_REQ_OPT_EXTMEM ||
		       option == NETMAP_REQ_OPT_CSB ||
		       option == NETMAP_REQ_OPT_OFFSETS;
	case NETMAP_REQ_SYNC_KLOOP_START:
		return option == NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS ||
		       option == NETMAP_REQ_OPT_SYNC_KLOOP_MODE;
	case NETMAP_REQ_CSB_ENABLE:
		return option == NETMAP_REQ_OPT_CSB;
	default:
		return false;
	}
}

static void test_which_options_which_request_takes(void **state)
{
	int fd = abi_device();

	(void)state;
	for (unsigned t = 1; t <= NETMAP_REQ_MAX; t++)
		for (uint32_t type = 1; type <= NETMAP_REQ_OPT_MAX; type++) {
			char body[64] = {0}, bytes[96] = {0};
			struct nmreq_option *o = (void *)bytes;

			o->nro_reqtype = type;
			o->nro_size = option_sizes[type];
			o->nro_status = 4711;
			if (takes((uint16_t)t, type))
				continue;
			assert_error(abi_ctrl(fd, "vale0:o", (uint16_t)t,
					      has_no_body(t) ? NULL : body, o),
				     EOPNOTSUPP);
			assert_int_equal(o->nro_status, EOPNOTSUPP);
		}
	abi_close(fd);
}

/* Whatever else was wrong: nobody has looked at it. */
static void test_an_option_that_nobody_came_to(void **state)
{
	struct nmreq_opt_offsets o = {
		.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_OFFSETS,
			    .nro_status = 4711}};
	struct nmreq_register body = {0};
	struct nmreq_header h = header(NETMAP_REQ_REGISTER, "vale0:o", &body);
	int fd = abi_device();

	(void)state;
	h.nr_options = (uintptr_t)&o;
	memset(h.nr_name, 'a', sizeof(h.nr_name));
	assert_error(abi_call(fd, &h), EINVAL);
	assert_int_equal(o.nro_opt.nro_status, EOPNOTSUPP);
	assert_int_equal(abi_register(fd, "vale0:o", &body), 0);
	o.nro_opt.nro_status = 4711;
	assert_error(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &o),
		     EBUSY);
	assert_int_equal(o.nro_opt.nro_status, EOPNOTSUPP);
	abi_close(fd);
}

/* Zero bits come back as 64, if there are any offsets at all. */
static void test_an_option_comes_back_from_success_only(void **state)
{
	struct nmreq_opt_offsets o = {
		.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_OFFSETS},
		.nro_max_offset = 1 << 20};
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	assert_error(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &o),
		     EINVAL);
	assert_int_equal(o.nro_opt.nro_status, EINVAL);
	assert_int_equal(o.nro_offset_bits, 0);
	o.nro_max_offset = 128;
	assert_int_equal(
		abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &o), 0);
	assert_int_equal(o.nro_opt.nro_status, 0);
	assert_int_equal(o.nro_offset_bits, 64);
	abi_close(fd);
}

/* The second begins in the middle of the first, and says what is not. */
static void test_options_that_overlap(void **state)
{
	union {
		struct nmreq_opt_extmem first;
		uint64_t words[12];
	} o;
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	for (size_t at = 1; at < 9; at++) {
		struct nmreq_option *second = (void *)&o.words[at];

		memset(&o, 0, sizeof(o));
		o.first.nro_opt.nro_reqtype = NETMAP_REQ_OPT_EXTMEM;
		second->nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_MODE;
		o.first.nro_opt.nro_next = (uintptr_t)second;
		assert_fails(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body,
				      &o));
	}
	assert_int_equal(abi_register(fd, "vale0:o", &body), 0);
	abi_close(fd);
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

/* Each of a kind that nobody knows; the last one's link is 0. */
static void link_options(struct nmreq_option *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		o[i] = (struct nmreq_option){
			.nro_reqtype = 1000 + (uint32_t)i,
			.nro_next = i + 1 < n ? (uintptr_t)&o[i + 1] : 0,
		};
}

/* A request with its options is 4,096 bytes at most. */
static void test_a_list_that_is_too_long(void **state)
{
	static struct nmreq_option o[4096 / sizeof(struct nmreq_option) + 1];
	struct nmreq_register body = {0};
	int fd = abi_device();

	(void)state;
	link_options(o, COUNT(o));
	assert_error(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &o[0]),
		     EMSGSIZE);
	link_options(o, 150);
	assert_error(abi_ctrl(fd, "vale0:o", NETMAP_REQ_REGISTER, &body, &o[0]),
		     EOPNOTSUPP);
	assert_int_equal(o[149].nro_status, EOPNOTSUPP);
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

/* Ports have nothing that is configured so. */
static void test_the_call_for_configuration(void **state)
{
	struct nm_ifreq r = {.nifr_name = "vale0:c"};
	int fd = abi_device();

	(void)state;
	assert_int_equal(ioctl(fd, NIOCCONFIG, &r), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	abi_close(fd);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* There are ten in five seconds, of which other tests have had some. */
static void test_a_refusal_leaves_a_sentence(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		struct nmreq_register body;
	} refused[] = {
		{"vale0:", NETMAP_REQ_REGISTER, {0}},
		{"nosuchdev", NETMAP_REQ_REGISTER, {0}},
		{"vale0:a", NETMAP_REQ_REGISTER, {.nr_mode = 9}},
		{"vale0:a", NETMAP_REQ_REGISTER, {.nr_mem_id = 60000}},
		{"vale0:a", NETMAP_REQ_REGISTER, {.nr_flags = 1}},
		{"vale0:a", NETMAP_REQ_REGISTER, {.nr_mode = NR_REG_SW}},
		{"vale0:a{1", NETMAP_REQ_REGISTER, {.nr_mode = NR_REG_SW}},
		{"vale0:a", NETMAP_REQ_REGISTER, {.nr_flags = NR_MONITOR_TX}},
		{"nosuchdev", NETMAP_REQ_PORT_INFO_GET, {0}},
		{"nosuchdev", NETMAP_REQ_VALE_ATTACH, {0}},
		{"vale0:nosuchdev", NETMAP_REQ_VALE_ATTACH, {0}},
		{"vale0:nobody", NETMAP_REQ_VALE_DETACH, {0}},
		{"vale0:nobody", NETMAP_REQ_VALE_LIST, {0}},
		{"vale0:nobody", NETMAP_REQ_PORT_HDR_GET, {0}},
		{"vale0:nobody", NETMAP_REQ_PORT_HDR_SET, {0}},
		{"a:b", NETMAP_REQ_VALE_NEWIF, {0}},
		{"nobody", NETMAP_REQ_VALE_DELIF, {0}},
		{"vale0:nobody", NETMAP_REQ_VALE_POLLING_ENABLE, {0}},
		{"vale0:nobody", NETMAP_REQ_VALE_POLLING_DISABLE, {0}},
		{"vale0:a", NETMAP_REQ_SYNC_KLOOP_START, {0}},
		{"vale0:a", NETMAP_REQ_CSB_ENABLE, {0}},
	};
	int log = abi_log();
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const double end = now() + 20;
		struct nmreq_vale_attach body = {.reg = refused[i].body};

		for (;;) {
			assert_fails(abi_ctrl(
				fd, refused[i].name, refused[i].type,
				has_no_body(refused[i].type) ? NULL : &body,
				NULL));
			if (abi_log_says(log, "ptnetmap: "))
				break;
			if (now() > end)
				fail_msg("nothing is said of request %u, %s",
					 refused[i].type, refused[i].name);
			usleep(100000);
		}
	}
	abi_close(fd);
	close(log);
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
		cmocka_unit_test(test_the_device),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_reserved_is_zero),
		cmocka_unit_test(test_unknown_requests),
		cmocka_unit_test(test_bodies_are_there_or_not),
		cmocka_unit_test(test_pointers_to_nowhere),
		cmocka_unit_test(test_bodies_at_the_end_of_memory),
		cmocka_unit_test(test_options_at_the_end_of_memory),
		cmocka_unit_test(test_read_only_memory),
		cmocka_unit_test(test_a_body_comes_back_from_success_only),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lengths_of_names),
		cmocka_unit_test(test_a_switch_without_a_name),
		cmocka_unit_test(test_an_option_that_the_request_does_not_take),
		cmocka_unit_test(test_which_options_which_request_takes),
		cmocka_unit_test(test_an_option_that_nobody_came_to),
		cmocka_unit_test(test_an_option_comes_back_from_success_only),
		cmocka_unit_test(test_options_that_overlap),
		cmocka_unit_test(test_two_options_that_are_not_taken),
		cmocka_unit_test(test_the_same_option_twice),
		cmocka_unit_test(test_lists_that_do_not_end),
		cmocka_unit_test(test_a_list_that_is_too_long),
		cmocka_unit_test(test_sizes_of_options_that_vary),
		cmocka_unit_test(test_calls_that_there_are_not),
		cmocka_unit_test(test_the_call_for_configuration),
		cmocka_unit_test(test_a_refusal_leaves_a_sentence),
		cmocka_unit_test(test_syncs_of_what_is_not_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
