// SPDX-License-Identifier: BSD-2-Clause
/*
 * NETMAP_REQ_OPT_EXTMEM: rings and buffers in memory of the program's own. How
 * it is cut up, what it cannot be, and how long the kernel keeps it.
 */
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, MEGA = 1 << 20, SIZE = 8 * MEGA };

static void *map(size_t bytes, int flags)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
}

/* Shared memory that others may map as well. */
static char *shared(size_t bytes, int *fd, unsigned flags)
{
	char *mem;

	*fd = memfd_create("extmem", MFD_CLOEXEC | flags);
	if (*fd < 0 || ftruncate(*fd, (off_t)bytes))
		return NULL;
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return mem == MAP_FAILED ? NULL : mem;
}

static struct nmreq_opt_extmem lend(const void *mem, uint64_t bytes)
{
	return (struct nmreq_opt_extmem){
		.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_EXTMEM},
		.nro_usrptr = (uintptr_t)mem,
		.nro_info = {.nr_memsize = bytes},
	};
}

/* The port's view of the memory is the program's own: nothing is mapped. */
static int try_in(struct abi_port *p, const char *name, char *mem,
		  struct nmreq_opt_extmem *o)
{
	int err;

	*p = (struct abi_port){.fd = abi_device(), .mem = mem};
	err = abi_ctrl(p->fd, name, NETMAP_REQ_REGISTER, &p->reg, o);
	/* the option may be good, and the port too large for it */
	if (o->nro_opt.nro_status)
		assert_int_equal(o->nro_opt.nro_status, -err);
	if (err) {
		abi_close(p->fd);
		p->fd = -1;
		return err;
	}
	assert_int_equal(p->reg.nr_memsize, o->nro_info.nr_memsize);
	assert_int_equal(p->reg.nr_mem_id, o->nro_info.nr_mem_id);
	p->nifp = (void *)(mem + p->reg.nr_offset);
	return 0;
}

/* Memory of the program's own, and perhaps vale0:x in it. */
struct lent {
	int fd;
	size_t size;
	char *mem; /* NULL: not mapped any more */
	struct nmreq_opt_extmem o;
	struct abi_port p;
};

static int lend_some(void **state, size_t size)
{
	static struct lent l;

	l = (struct lent){.size = size, .p.fd = -1};
	l.mem = shared(size, &l.fd, 0);
	assert_non_null(l.mem);
	l.o = lend(l.mem, size);
	*state = &l;
	return 0;
}

static int memory_alone(void **state)
{
	return lend_some(state, SIZE);
}

static int open_in(void **state, size_t size)
{
	struct lent *l;

	lend_some(state, size);
	l = *state;
	assert_int_equal(try_in(&l->p, "vale0:x", l->mem, &l->o), 0);
	return 0;
}

static int with_a_port(void **state)
{
	return open_in(state, SIZE);
}

static int with_room_for_more(void **state)
{
	return open_in(state, (size_t)4 * SIZE);
}

static void unmap(struct lent *l)
{
	if (l->mem)
		assert_int_equal(munmap(l->mem, l->size), 0);
	l->mem = NULL;
}

static void close_port(struct lent *l)
{
	if (l->p.fd >= 0)
		abi_close(l->p.fd);
	l->p.fd = -1;
}

static int look_at_books(void **state)
{
	(void)state;
	abi_census(NULL);
	return 0;
}

static int teardown(void **state)
{
	struct lent *l = *state;

	close_port(l);
	unmap(l);
	close(l->fd);
	return look_at_books(state);
}

static void send_and_take(struct abi_port *a, struct abi_port *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		abi_send(a, 60 + i % 1000, TO_ALL, 1, i);
		assert_int_equal(abi_rxsync(b), 0);
		assert_int_equal(abi_take(abi_rx(b, 0)), i);
	}
}

static void inside(const void *at, size_t bytes, const struct lent *l)
{
	assert_true((const char *)at >= l->mem);
	assert_true((const char *)at + bytes <= l->mem + l->size);
}

static void test_rings_are_in_the_programs_memory(void **state)
{
	struct lent *l = *state;
	struct netmap_ring *rx = abi_rx(&l->p, 0);
	struct abi_port other;

	assert_in_range(l->o.nro_info.nr_memsize, SIZE / 2, SIZE);
	assert_int_not_equal(l->p.reg.nr_mem_id, 1);
	inside(l->p.nifp, sizeof(*l->p.nifp), l);
	inside(abi_tx(&l->p, 0), 256, l);
	for (uint32_t i = 0; i < rx->num_slots; i++)
		inside(abi_buf(rx, rx->slot[i].buf_idx), 2048, l);
	abi_open(&other, "vale0:y");
	send_and_take(&l->p, &other, 3000);
	send_and_take(&other, &l->p, 3000);
	abi_shut(&other);
}

/* What mmap() of the descriptor shows is the same memory. */
static void test_both_views_are_one(void **state)
{
	const struct lent *l = *state;
	const size_t size = l->p.reg.nr_memsize;
	char *view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  l->p.fd, 0);

	assert_ptr_not_equal(view, MAP_FAILED);
	for (size_t at = 0; at < size; at += PAGE)
		view[at + 77] = (char)(at / PAGE);
	for (size_t at = 0; at < size; at += PAGE)
		assert_int_equal(l->mem[at + 77], (char)(at / PAGE));
	munmap(view, size);
}

/* The program's view goes, the kernel's stays; so does the descriptor's. */
static void test_unmapped_meanwhile(void **state)
{
	struct lent *l = *state;
	struct abi_port *const p = &l->p, other;

	unmap(l);
	p->mem = mmap(NULL, p->reg.nr_memsize, PROT_READ | PROT_WRITE,
		      MAP_SHARED, p->fd, 0);
	assert_ptr_not_equal(p->mem, MAP_FAILED);
	p->nifp = (void *)(p->mem + p->reg.nr_offset);
	abi_open(&other, "vale0:y");
	send_and_take(&other, p, 1500);
	munmap(p->mem, p->reg.nr_memsize);
	for (unsigned i = 0; i < 1500; i++)
		abi_send(&other, FRAME_MIN, TO_ALL, 1, i);
	assert_int_equal(abi_rxsync(p), 0);
	abi_shut(&other);
}

static void test_several_ports_of_one_memory(void **state)
{
	struct lent *l = *state;
	const struct nmreq_register same = {.nr_mem_id = l->p.reg.nr_mem_id};
	struct abi_port q, r;

	abi_open_as(&q, "vale0:y", same);
	assert_int_equal(q.reg.nr_mem_id, l->p.reg.nr_mem_id);
	assert_int_equal(q.reg.nr_memsize, l->p.reg.nr_memsize);
	assert_int_not_equal(q.reg.nr_offset, l->p.reg.nr_offset);
	q.nifp = (void *)(l->mem + q.reg.nr_offset);
	send_and_take(&l->p, &q, 2000);
	/* it lives as long as the last of them */
	close_port(l);
	abi_open_as(&r, "vale0:z", same);
	send_and_take(&q, &r, 2000);
	abi_shut(&r);
	abi_shut(&q);
	assert_fails(abi_try_open(&q, "vale0:y", &same));
}

/* Pipes are zero-copy in their parent's memory, this one too. */
static void test_a_pipe_in_it(void **state)
{
	const struct lent *l = *state;
	struct abi_port a, b;

	abi_open(&a, "vale0:x{1");
	abi_open(&b, "vale0:x}1");
	assert_int_equal(a.reg.nr_mem_id, l->p.reg.nr_mem_id);
	send_and_take(&a, &b, 3000);
	abi_shut(&a);
	abi_shut(&b);
}

/* REGISTER with the memory, for a port that need not take it. */
static int ask_for(struct lent *l, const char *name, uint64_t flags)
{
	struct abi_port *const p = &l->p;
	int err;

	*p = (struct abi_port){.fd = abi_device(), .mem = l->mem};
	p->reg.nr_flags = flags;
	l->o = lend(l->mem, l->size);
	err = abi_ctrl(p->fd, name, NETMAP_REQ_REGISTER, &p->reg, &l->o);
	p->nifp = (void *)(l->mem + p->reg.nr_offset);
	if (err)
		close_port(l);
	return err;
}

/* The program lends it for the port that it opens; another memory is another
 * one, and a port that is open already has its own. */
static void test_with_something_else(void **state)
{
	struct nmreq_register id = {.nr_mem_id = 1};
	struct lent *l = *state;
	struct abi_port open;
	int dev = abi_device();

	assert_error(abi_ctrl(dev, "vale0:x", NETMAP_REQ_REGISTER, &id, &l->o),
		     EINVAL);
	assert_int_equal(l->o.nro_opt.nro_status, EINVAL);
	abi_close(dev);
	abi_open(&open, "vale0:x");
	assert_error(ask_for(l, "vale0:x", 0), EINVAL);
	abi_shut(&open);
}

/* Where another memory is the only one possible, and where it is not. */
static void test_with_other_kinds_of_ports(void **state)
{
	struct nmreq_vale_newif made = {0};
	struct lent *l = *state;
	struct abi_port a, b;
	int dev = abi_device();

	assert_int_equal(
		abi_ctrl(dev, "ext0", NETMAP_REQ_VALE_NEWIF, &made, NULL), 0);
	assert_error(ask_for(l, "ext0", 0), EINVAL);
	assert_int_equal(
		abi_ctrl(dev, "ext0", NETMAP_REQ_VALE_DELIF, NULL, NULL), 0);
	abi_close(dev);
	abi_open(&a, "vale0:p{1");
	assert_error(ask_for(l, "vale0:p}1", 0), EINVAL);
	assert_error(ask_for(l, "vale0:p", 0), EINVAL);
	abi_shut(&a);
	abi_open(&a, "vale0:x");
	abi_open(&b, "vale0:y");
	assert_error(ask_for(l, "vale0:x", NR_MONITOR_TX | NR_ZCOPY_MON),
		     EINVAL);
	assert_int_equal(ask_for(l, "vale0:x", NR_MONITOR_TX), 0);
	inside(l->p.nifp, sizeof(*l->p.nifp), l);
	send_and_take(&a, &l->p, 1000);
	close_port(l);
	abi_shut(&b);
	abi_shut(&a);
}

/* Sizes */

static void test_pools_as_wished(void **state)
{
	static const struct {
		uint32_t if_size, ring_size, buf_size;
		int error;
	} cases[] = {
		{0, 0, 0, 0},
		{1024, 32768, 2048, 0},
		{4096, 131072, 65536, 0},
		{1024, 32768, 64, 0},
		{1024, 32768, 9216, 0},
		{4097, 0, 0, EINVAL},
		{UINT32_MAX, 0, 0, EINVAL},
		{0, 131073, 0, EINVAL},
		{0, UINT32_MAX, 0, EINVAL},
		{0, 0, 65537, EINVAL},
		{0, 0, UINT32_MAX, EINVAL},
		{0, 0, 0xffffffc0, EINVAL},
		{1, 0, 0, EINVAL}, /* no room for a ring's offset */
		{0, 64, 0, EINVAL},
	};
	int fd;
	char *mem = shared(160 * MEGA, &fd, 0);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nmreq_opt_extmem o = lend(mem, 160 * MEGA);
		struct abi_port p;

		o.nro_info.nr_if_pool_objsize = cases[i].if_size;
		o.nro_info.nr_ring_pool_objsize = cases[i].ring_size;
		o.nro_info.nr_buf_pool_objsize = cases[i].buf_size;
		o.nro_info.nr_buf_pool_objtotal = 2100;
		assert_error(try_in(&p, "vale0:x", mem, &o), cases[i].error);
		if (cases[i].error)
			continue;
		if (cases[i].buf_size)
			assert_int_equal(abi_tx(&p, 0)->nr_buf_size,
					 cases[i].buf_size);
		assert_int_equal(o.nro_info.nr_buf_pool_objsize,
				 abi_tx(&p, 0)->nr_buf_size);
		assert_int_equal(o.nro_info.nr_buf_pool_objtotal, 2100);
		assert_true(o.nro_info.nr_buf_pool_offset +
				    2100ULL * o.nro_info.nr_buf_pool_objsize <=
			    o.nro_info.nr_memsize);
		assert_true(o.nro_info.nr_memsize <= 160 * MEGA);
		abi_close(p.fd);
	}
	munmap(mem, 160 * MEGA);
	close(fd);
}

static void test_too_small(void **state)
{
	static const uint64_t sizes[] = {0,    1,	  PAGE - 1,
					 PAGE, 10 * PAGE, 2 * MEGA};
	const struct lent *l = *state;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct nmreq_opt_extmem o = lend(l->mem, sizes[i]);
		struct abi_port p;

		assert_fails(try_in(&p, "vale0:x", l->mem, &o));
	}
}

static void test_counts_without_bounds(void **state)
{
	const struct lent *l = *state;

	for (int i = 0; i < 3; i++) {
		struct nmreq_opt_extmem o = lend(l->mem, SIZE);
		struct abi_port p;

		if (i == 0)
			o.nro_info.nr_if_pool_objtotal = UINT32_MAX;
		if (i == 1)
			o.nro_info.nr_ring_pool_objtotal = UINT32_MAX;
		if (i == 2)
			o.nro_info.nr_buf_pool_objtotal = UINT32_MAX;
		if (i < 2) {
			assert_error(try_in(&p, "vale0:x", l->mem, &o), EINVAL);
			continue;
		}
		/* as many as there is room for */
		assert_int_equal(try_in(&p, "vale0:x", l->mem, &o), 0);
		assert_true(o.nro_info.nr_buf_pool_objtotal < SIZE / 2048);
		abi_close(p.fd);
	}
}

static void test_extra_buffers_of_it(void **state)
{
	struct lent *l = *state;
	struct abi_port *const p = &l->p;
	uint32_t at, n = 0;

	*p = (struct abi_port){.fd = abi_device(), .mem = l->mem};
	p->reg.nr_extra_bufs = 100;
	assert_int_equal(abi_ctrl(p->fd, "vale0:x", NETMAP_REQ_REGISTER,
				  &p->reg, &l->o),
			 0);
	assert_int_equal(p->reg.nr_extra_bufs, 100);
	p->nifp = (void *)(l->mem + p->reg.nr_offset);
	for (at = p->nifp->ni_bufs_head; at; n++) {
		char *buf = abi_buf(abi_tx(p, 0), at);

		inside(buf, 2048, l);
		at = *(uint32_t *)(void *)buf;
	}
	assert_int_equal(n, 100);
}

/* Memory that is none */

static void test_pointers(void **state)
{
	char *fixed =
		mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *hole = map(SIZE, MAP_SHARED | MAP_ANONYMOUS);
	char *code = (char *)((uintptr_t)test_pointers & ~(uintptr_t)4095);
	const struct {
		uint64_t at, bytes;
	} cases[] = {
		{0, SIZE},
		{(uintptr_t)hole + 8, SIZE - PAGE}, /* not at a page */
		{(uintptr_t)hole, SIZE}, /* with a hole */
		{(uintptr_t)hole, 2ULL * SIZE}, /* beyond its end */
		{(uintptr_t)hole, UINT64_MAX},
		{(uintptr_t)hole, 1ULL << 47},
		{(uintptr_t)fixed, SIZE}, /* read only */
		{(uintptr_t)code, SIZE},
		{0xffff888000000000, SIZE}, /* the kernel's */
		{0xfffffffffffff000, SIZE},
		{UINT64_MAX - PAGE + 1, 2 * PAGE},
		{0x0123456789abc000, SIZE},
	};

	(void)state;
	assert_int_equal(munmap(hole + 5 * MEGA, PAGE), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nmreq_opt_extmem o = lend(NULL, cases[i].bytes);
		struct abi_port p;

		o.nro_usrptr = cases[i].at;
		assert_fails(try_in(&p, "vale0:x", NULL, &o));
	}
	munmap(hole, SIZE);
	munmap(fixed, SIZE);
}

/* A file's pages are written back: they are not lent. */
static void test_files(void **state)
{
	struct nmreq_opt_extmem o;
	struct abi_port p;
	int fd = open("/dev/shm/extmem", O_RDWR | O_CREAT | O_EXCL, 0600);
	char *mem;

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(unlink("/dev/shm/extmem"), 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	o = lend(mem, SIZE);
	assert_int_equal(try_in(&p, "vale0:x", mem, &o), 0);
	abi_close(p.fd);
	munmap(mem, SIZE);
	close(fd);
}

static void test_huge_pages(void **state)
{
	struct nmreq_opt_extmem o;
	struct abi_port p, other;
	int fd = -1, all = open("/proc/sys/vm/nr_hugepages", O_RDWR);
	char *mem = NULL;

	(void)state;
	if (all >= 0 && write(all, "8", 1) == 1)
		mem = shared(SIZE, &fd, MFD_HUGETLB);
	if (!mem)
		skip();
	o = lend(mem, SIZE);
	assert_int_equal(try_in(&p, "vale0:x", mem, &o), 0);
	abi_open(&other, "vale0:y");
	send_and_take(&other, &p, 3000);
	send_and_take(&p, &other, 3000);
	abi_shut(&other);
	munmap(mem, SIZE);
	close(fd);
	abi_close(p.fd);
	assert_int_equal(write(all, "0", 1), 1);
	close(all);
}

/* Memory that is locked is counted. */

static void as_a_user(void *arg)
{
	const struct rlimit limit = {.rlim_cur = 4 * MEGA,
				     .rlim_max = 4 * MEGA};
	struct nmreq_opt_extmem o;
	struct abi_port p = {.fd = *(int *)arg};
	char *mem = map(SIZE, MAP_SHARED | MAP_ANONYMOUS);

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(setuid(65534), 0);
	for (int i = 0; i < 5; i++) {
		o = lend(mem, SIZE);
		assert_error(abi_ctrl(p.fd, "vale0:x", NETMAP_REQ_REGISTER,
				      &p.reg, &o),
			     ENOMEM);
		assert_int_equal(o.nro_opt.nro_status, ENOMEM);
	}
	/* what was refused is not counted */
	o = lend(mem, 3 * MEGA);
	o.nro_info.nr_if_pool_objtotal = 2;
	o.nro_info.nr_ring_pool_objtotal = 2;
	o.nro_info.nr_buf_pool_objsize = 1024;
	assert_int_equal(
		abi_ctrl(p.fd, "vale0:x", NETMAP_REQ_REGISTER, &p.reg, &o), 0);
}

static void test_limits_of_locked_memory(void **state)
{
	int fd = abi_device();

	(void)state;
	abi_run(as_a_user, &fd);
	abi_close(fd);
}

/* Killed while its memory is lent. */

static void be_killed(void *arg)
{
	struct nmreq_opt_extmem o;
	struct abi_port p;
	char *mem = map(SIZE, MAP_SHARED | MAP_ANONYMOUS);

	o = lend(mem, SIZE);
	assert_int_equal(try_in(&p, "vale0:x", mem, &o), 0);
	assert_int_equal(write(*(int *)arg, "x", 1), 1);
	for (uint64_t n = 0;; n++)
		abi_send(&p, FRAME_MIN, TO_ALL, 1, n);
}

static void test_killed(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		int pipes[2], status;
		char c;
		pid_t pid;

		assert_int_equal(pipe(pipes), 0);
		pid = fork();
		if (!pid) {
			setenv("CMOCKA_TEST_ABORT", "1", 1);
			be_killed(&pipes[1]);
		}
		assert_int_equal(read(pipes[0], &c, 1), 1);
		usleep((useconds_t)i * 700);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		close(pipes[0]);
		close(pipes[1]);
		abi_census(NULL);
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, look_at_books)
#define LENT(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		LENT(test_rings_are_in_the_programs_memory, with_a_port),
		LENT(test_both_views_are_one, with_a_port),
		LENT(test_unmapped_meanwhile, with_a_port),
		LENT(test_several_ports_of_one_memory, with_room_for_more),
		LENT(test_a_pipe_in_it, with_room_for_more),
		LENT(test_with_something_else, memory_alone),
		LENT(test_with_other_kinds_of_ports, memory_alone),
		TEST(test_pools_as_wished),
		LENT(test_too_small, memory_alone),
		LENT(test_counts_without_bounds, memory_alone),
		LENT(test_extra_buffers_of_it, memory_alone),
		TEST(test_pointers),
		TEST(test_files),
		TEST(test_huge_pages),
		TEST(test_limits_of_locked_memory),
		TEST(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
