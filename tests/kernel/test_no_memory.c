// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory that runs out at every allocation, and copies from and to programs
 * that fail, one after another, of everything that the module can be asked:
 * an error and nothing else. What was asked for works afterwards.
 *
 * Where a kernel can be told to fail, which is so on
 * kernels: kasan
 * seconds: 800
 */
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ptnet/bind.h>

#include "world.h"

enum { SLOTS = 64, ENOUGH = 3000, EXTMEM_BYTES = 4 << 20 };

/*
 * One thing to ask. What it needs is made before; what it made, undone.
 */
struct trial {
	int (*run)(void); /* 0 or -errno */
	void (*undo)(void); /* of a run, done or not; NULL */
	void (*prepare)(void); /* NULL */
	void (*clean)(void); /* of what was prepared; NULL */
	bool tells; /* by a socket: it has errors of its own, and an answer
		     * that is lost undoes nothing */
};

/* Failing: the nth time that this thread asks the kernel for memory. */

static int fail_nth = -1;

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

static int may_fail(void **state)
{
	(void)state;
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	/* all kinds of memory, and not a word */
	return fail_nth < 0 || !set("failslab/ignore-gfp-wait", "N") ||
	       !set("fail_page_alloc/ignore-gfp-wait", "N") ||
	       !set("fail_page_alloc/ignore-gfp-highmem", "N") ||
	       !set("fail_page_alloc/min-order", "0") ||
	       !set("failslab/verbose", "0") ||
	       !set("fail_page_alloc/verbose", "0") ||
	       !set("fail_usercopy/verbose", "0");
}

static void arm(unsigned nth)
{
	char text[16];
	const int n = snprintf(text, sizeof(text), "%u", nth);

	assert_int_equal(pwrite(fail_nth, text, (size_t)n, 0), n);
}

/*
 * Whether the time had come. Both calls copy themselves, and may be what fails
 * then.
 */
static bool disarm(void)
{
	char text[16] = "1";
	const ssize_t n = pread(fail_nth, text, sizeof(text) - 1, 0);

	if (pwrite(fail_nth, "0", 1, 0) != 1)
		assert_int_equal(errno, EFAULT);
	return n > 0 && atoi(text) == 0;
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

	arm(nth);
	err = t->run();
	hit = disarm();
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

static void exhaust(void **state)
{
	const struct trial *t = *state;
	struct world before;
	unsigned nth = 1;

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
}

/* Descriptors */

static int fd = -1;

static int open_device(void)
{
	fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static void close_device(void)
{
	if (fd >= 0)
		abi_close(fd);
	fd = -1;
}

static void have_device(void)
{
	fd = abi_device();
}

/* What was bound to it goes with it. */
static void reopen_device(void)
{
	close_device();
	have_device();
}

/* Registering */

static struct abi_port other;

static void have_other(void)
{
	have_device();
	abi_open(&other, "vale0:other");
}

static void shut_other(void)
{
	close_device();
	abi_shut(&other);
}

static int ask(const char *name, struct nmreq_register reg, void *options)
{
	if (!reg.nr_tx_slots)
		reg.nr_tx_slots = reg.nr_rx_slots = SLOTS;
	return abi_ctrl(fd, name, NETMAP_REQ_REGISTER, &reg, options);
}

static int open_on_switch(void)
{
	return ask("vale0:a",
		   (struct nmreq_register){.nr_tx_rings = 2,
					   .nr_rx_rings = 3,
					   .nr_extra_bufs = 40},
		   NULL);
}

static int open_pipe(void)
{
	return ask("p{1", (struct nmreq_register){0}, NULL);
}

static int open_pipe_of_other(void)
{
	return ask("vale0:other{1", (struct nmreq_register){0}, NULL);
}

static int open_memory(void)
{
	return ask("m", (struct nmreq_register){.nr_mode = NR_REG_NULL}, NULL);
}

static int open_monitor(void)
{
	return ask("vale0:other",
		   (struct nmreq_register){.nr_flags = NR_MONITOR_TX |
						       NR_MONITOR_RX},
		   NULL);
}

static int open_zcopy_monitor(void)
{
	return ask("vale0:other",
		   (struct nmreq_register){.nr_flags = NR_MONITOR_TX |
						       NR_MONITOR_RX |
						       NR_ZCOPY_MON},
		   NULL);
}

static struct {
	struct nm_csb_atok atok[2];
	struct nm_csb_ktoa ktoa[2];
} csb __attribute__((aligned(4096)));

static struct nmreq_opt_csb csb_option(void)
{
	return (struct nmreq_opt_csb){
		.nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB,
		.csb_atok = (uintptr_t)csb.atok,
		.csb_ktoa = (uintptr_t)csb.ktoa,
	};
}

static int open_with_csb(void)
{
	struct nmreq_opt_csb o = csb_option();

	return ask("vale0:a", (struct nmreq_register){.nr_flags = NR_EXCLUSIVE},
		   &o);
}

static void have_exclusive(void)
{
	have_device();
	assert_int_equal(ask("vale0:a",
			     (struct nmreq_register){.nr_flags = NR_EXCLUSIVE},
			     NULL),
			 0);
}

static void have_exclusive_again(void)
{
	close_device();
	have_exclusive();
}

static int enable_csb(void)
{
	struct nmreq_opt_csb o = csb_option();

	return abi_ctrl(fd, "vale0:a", NETMAP_REQ_CSB_ENABLE, NULL, &o);
}

static char extmem[EXTMEM_BYTES] __attribute__((aligned(4096)));

static int open_with_extmem(void)
{
	struct nmreq_opt_extmem o = {
		.nro_opt.nro_reqtype = NETMAP_REQ_OPT_EXTMEM,
		.nro_usrptr = (uintptr_t)extmem,
		.nro_info.nr_memsize = EXTMEM_BYTES,
	};

	return ask("vale0:a", (struct nmreq_register){0}, &o);
}

static int open_by_the_old_call(void)
{
	struct nmreq r = {
		.nr_name = "vale0:a", .nr_version = NETMAP_API, .nr_arg3 = 16};

	return ioctl(fd, NIOCREGIF, &r) ? -errno : 0;
}

/* Asking */

static int ask_for_port(void)
{
	struct nmreq_port_info_get body = {0};

	return abi_ctrl(fd, "vale0:new", NETMAP_REQ_PORT_INFO_GET, &body, NULL);
}

static int ask_for_pools(void)
{
	struct nmreq_pools_info body = {0};

	return abi_ctrl(fd, "vale0:other", NETMAP_REQ_POOLS_INFO_GET, &body,
			NULL);
}

static int ask_for_list(void)
{
	struct nmreq_vale_list body = {0};

	return abi_ctrl(fd, "vale0:other", NETMAP_REQ_VALE_LIST, &body, NULL);
}

static int set_header(void)
{
	struct nmreq_port_hdr body = {.nr_hdr_len = 12};

	return abi_ctrl(fd, "vale0:other", NETMAP_REQ_PORT_HDR_SET, &body,
			NULL);
}

/* Devices */

static void run(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

/* The devices' memory is there already: what it takes is tried once. */
static void have_nic(void)
{
	run("ip link add mem1 type veth peer name mem2 && "
	    "ip link set mem1 up && ip link set mem2 up");
	have_device();
	abi_open(&other, "mem2");
}

static void remove_nic(void)
{
	close_device();
	abi_shut(&other);
	run("ip link del mem1");
}

static int open_global_memory(void)
{
	return ask("g",
		   (struct nmreq_register){.nr_mode = NR_REG_NULL,
					   .nr_mem_id = 1},
		   NULL);
}

static int open_nic(void)
{
	return ask("mem1", (struct nmreq_register){.nr_mode = NR_REG_ALL_NIC},
		   NULL);
}

static int open_nic_and_stack(void)
{
	return ask("mem1", (struct nmreq_register){.nr_mode = NR_REG_NIC_SW},
		   NULL);
}

static int attach_as(uint32_t mode)
{
	struct nmreq_vale_attach body = {.reg.nr_mode = mode};

	return abi_ctrl(fd, "vale0:mem1", NETMAP_REQ_VALE_ATTACH, &body, NULL);
}

static int attach_nic(void)
{
	return attach_as(NR_REG_ALL_NIC);
}

static int attach_nic_and_stack(void)
{
	return attach_as(NR_REG_NIC_SW);
}

static int detach_nic(void)
{
	struct nmreq_vale_detach body = {0};

	return abi_ctrl(fd, "vale0:mem1", NETMAP_REQ_VALE_DETACH, &body, NULL);
}

static void nic_is_off(void)
{
	detach_nic();
}

static void nic_is_on(void)
{
	attach_nic();
}

static void have_attached_nic(void)
{
	have_nic();
	assert_int_equal(attach_nic(), 0);
}

static void remove_attached_nic(void)
{
	detach_nic();
	remove_nic();
}

static int poll_nic(void)
{
	struct nmreq_vale_polling body = {
		.nr_mode = NETMAP_POLLING_MODE_SINGLE_CPU,
		.nr_num_polling_cpus = 1};

	return abi_ctrl(fd, "vale0:mem1", NETMAP_REQ_VALE_POLLING_ENABLE, &body,
			NULL);
}

static void nic_is_not_polled(void)
{
	struct nmreq_vale_polling body = {0};

	abi_ctrl(fd, "vale0:mem1", NETMAP_REQ_VALE_POLLING_DISABLE, &body,
		 NULL);
}

static int make_port(void)
{
	struct nmreq_vale_newif body = {.nr_tx_slots = SLOTS,
					.nr_rx_slots = SLOTS};

	int err = abi_ctrl(fd, "mem3", NETMAP_REQ_VALE_NEWIF, &body, NULL);

	/* what devices answer that get no memory for their name */
	return err == -EINVAL ? -ENOMEM : err;
}

static int delete_port(void)
{
	return abi_ctrl(fd, "mem3", NETMAP_REQ_VALE_DELIF, NULL, NULL);
}

static void port_is_not_there(void)
{
	delete_port();
}

static void port_is_there(void)
{
	make_port();
}

static void have_port(void)
{
	have_device();
	assert_int_equal(make_port(), 0);
}

static void remove_port(void)
{
	delete_port();
	close_device();
}

/* Moving frames */

static int touch_memory(void)
{
	const struct netmap_ring *r = abi_rx(&other, 0);
	const char *const parts[] = {(const char *)other.nifp, (const char *)r,
				     abi_buf(abi_rx(&other, 0),
					     r->slot[0].buf_idx)};
	char *mem = mmap(NULL, other.reg.nr_memsize, PROT_READ | PROT_WRITE,
			 MAP_SHARED, other.fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < COUNT(parts); i++)
		__atomic_fetch_add(mem + (parts[i] - other.mem), 0,
				   __ATOMIC_RELAXED);
	return munmap(mem, other.reg.nr_memsize) ? -errno : 0;
}

/* A copy that fails loses the frame, which is counted, and no error. */
static int send_indirect(void)
{
	static char frame[FRAME_MIN];
	struct netmap_ring *r = abi_tx(&other, 0);
	struct netmap_slot *slot = &r->slot[r->head];

	abi_frame(frame, FRAME_MIN, TO_ALL, 1, 1);
	abi_put(r, FRAME_MIN, TO_ALL, 1, 1);
	slot->flags = NS_INDIRECT;
	slot->ptr = (uintptr_t)frame;
	return abi_txsync(&other);
}

static int wait_by_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	const int set_fd = epoll_create1(EPOLL_CLOEXEC);
	int err = 0;

	if (set_fd < 0)
		return -errno;
	if (epoll_ctl(set_fd, EPOLL_CTL_ADD, other.fd, &event) ||
	    epoll_wait(set_fd, &event, 1, 0) < 0)
		err = -errno;
	close(set_fd);
	return err;
}

/* The kernel's loop, which another thread ends. */

static int kicks[4];
static int loop_over;

static void *stop_loop(void *arg)
{
	while (!__atomic_load_n(&loop_over, __ATOMIC_ACQUIRE)) {
		usleep(5000);
		abi_ctrl(fd, "vale0:a", NETMAP_REQ_SYNC_KLOOP_STOP, NULL, NULL);
	}
	return arg;
}

static pthread_t stopper;

static void have_csb(void)
{
	for (int i = 0; i < 4; i++)
		kicks[i] = eventfd(0, EFD_NONBLOCK);
	have_device();
	assert_int_equal(open_with_csb(), 0);
	loop_over = 0;
	assert_int_equal(pthread_create(&stopper, NULL, stop_loop, NULL), 0);
}

static void have_no_csb(void)
{
	__atomic_store_n(&loop_over, 1, __ATOMIC_RELEASE);
	pthread_join(stopper, NULL);
	for (int i = 0; i < 4; i++)
		close(kicks[i]);
	close_device();
}

static int run_loop(void)
{
	struct nmreq_sync_kloop_start body = {.sleep_us = 0};
	/* struct nmreq_opt_sync_kloop_eventfds, of two rings */
	struct {
		struct nmreq_option o;
		int32_t fds[4];
	} events = {.o.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
		    .o.nro_size = sizeof(events)};

	for (int i = 0; i < 4; i++)
		events.fds[i] = kicks[i];
	return abi_ctrl(fd, "vale0:a", NETMAP_REQ_SYNC_KLOOP_START, &body,
			&events);
}

/* Transactions. With a device and without: one takes far more steps. */

static struct objects want;

static void on_switch(const char *name, const char *sw)
{
	struct port_spec *p = world_want_port(&want, name);

	strcpy(p->on_switch, sw);
	strcpy(p->domain, "shared");
}

static void on_pipe(const char *name, const char *pipe, uint8_t end)
{
	struct port_spec *p = world_want_port(&want, name);

	strcpy(p->on_pipe, pipe);
	snprintf(p->domain, sizeof(p->domain), "pipe:%.50s", pipe);
	p->end = end;
}

static void want_objects(void)
{
	world_want_switch(&want, "memsw");
	world_want_pipe(&want, "mempipe");
	on_switch("one", "memsw");
	on_switch("two", "memsw");
	on_pipe("a", "mempipe", 0);
	on_pipe("b", "mempipe", 1);
	objects_sort(&want);
}

static void want_device(void)
{
	struct port_spec *nic;

	have_nic();
	world_want_switch(&want, "memsw");
	nic = world_want_port(&want, "nic");
	nic->kind = PTN_PORT_NIC;
	nic->host_stack = true;
	nic->has_mac = false;
	strcpy(nic->device, "mem1");
	strcpy(nic->on_switch, "memsw");
}

static void want_nothing(void)
{
	objects_fini(&want);
}

static void want_no_device(void)
{
	want_nothing();
	remove_nic();
}

static int apply(void)
{
	return world_apply(&want);
}

static void clear(void)
{
	struct objects nothing = {0};

	assert_int_equal(world_apply(&nothing), 0);
}

static void have_objects(void)
{
	want_objects();
	assert_int_equal(apply(), 0);
}

static void have_no_objects(void)
{
	clear();
	want_nothing();
}

static int apply_device(void)
{
	return apply();
}

static int delete_all(void)
{
	struct objects nothing = {0};

	return world_apply(&nothing);
}

static void apply_again(void)
{
	assert_int_equal(apply(), 0);
}

/* VMs: the server of an attach socket, and its client's end */

enum { VM_VECTORS = 3 };

static struct ptn_bind vm;
static int ends[2], vm_host[VM_VECTORS], vm_client[VM_VECTORS];

static bool vm_is(enum ptn_port_state state)
{
	struct objects all;
	const struct port_spec *p;
	bool is;

	world_objects(&all);
	p = objects_find_port(&all, "vm");
	is = p && all.port_status[p - all.ports].state == state;
	objects_fini(&all);
	return is;
}

static void have_client(void)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	vm = (struct ptn_bind){.name = "vm",
			       .connection = ends[0],
			       .vectors = VM_VECTORS,
			       .memory = -1,
			       .host_fds = (uintptr_t)vm_host,
			       .client_fds = (uintptr_t)vm_client};
}

static void have_vm(void)
{
	struct objects wanted = {0};
	struct port_spec *p;

	world_want_switch(&wanted, "memsw");
	p = world_want_port(&wanted, "vm");
	p->kind = PTN_PORT_VM;
	strcpy(p->on_switch, "memsw");
	assert_int_equal(world_apply(&wanted), 0);
	objects_fini(&wanted);
	for (int i = 0; i < VM_VECTORS; i++) {
		vm_host[i] = eventfd(0, EFD_NONBLOCK);
		vm_client[i] = eventfd(0, EFD_NONBLOCK);
	}
	have_device();
	have_client();
}

static int bind_vm(void)
{
	int err = ioctl(fd, PTN_IOCBIND, &vm) ? -errno : 0;

	if (err)
		vm.memory = -1; /* nobody's */
	return err;
}

/* The client is gone, and the thread soon. */
static void vm_is_gone(void)
{
	close(ends[1]);
	for (int ms = 0; !vm_is(PTN_PORT_DOWN); ms++) {
		assert_in_range(ms, 0, 10000);
		usleep(1000);
	}
	close(ends[0]);
	if (vm.memory >= 0)
		close(vm.memory);
	have_client();
}

static void remove_vm(void)
{
	struct objects nothing = {0};

	close(ends[0]);
	close(ends[1]);
	close_device();
	for (int i = 0; i < VM_VECTORS; i++) {
		close(vm_host[i]);
		close(vm_client[i]);
	}
	assert_int_equal(world_apply(&nothing), 0);
}

/* The module itself */

static int module_fd = -1;

static void unload(void)
{
	/* EAGAIN: it is open just now */
	while (syscall(SYS_delete_module, "ptnetmap", 0) && errno != ENOENT)
		assert_int_equal(errno, EAGAIN);
	assert_int_equal(access("/dev/netmap", F_OK), -1);
}

static int load(void)
{
	return syscall(SYS_finit_module, module_fd, "", 0) ? -errno : 0;
}

/* The kernel's loader asks first, and far more often than the module does. */
static unsigned first_of_module(void)
{
	enum { MANY = 1000000, OF_MODULE = 300 };
	char text[16] = "";
	long all;

	arm(MANY);
	assert_int_equal(load(), 0);
	assert_true(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	disarm();
	unload();
	all = MANY - atol(text);
	print_message("# %ld allocations\n", all);
	return all > OF_MODULE ? (unsigned)(all - OF_MODULE) : 1;
}

static void test_loading(void **state)
{
	const char *file = getenv("PTNET_MODULE");
	unsigned nth, failures = 0;
	bool hit = true;

	(void)state;
	assert_non_null(file);
	module_fd = open(file ?: "", O_RDONLY | O_CLOEXEC);
	assert_true(module_fd >= 0);
	world_forget();
	unload();
	for (nth = first_of_module(); hit; nth++) {
		int err;

		arm(nth);
		err = load();
		hit = disarm();
		if (err) {
			assert_true(hit);
			assert_int_equal(access("/dev/netmap", F_OK), -1);
			assert_int_equal(load(), 0);
			failures++;
		}
		assert_int_equal(access("/dev/netmap", F_OK), 0);
		unload();
	}
	print_message("# %u failures\n", failures);
	assert_true(failures > 0);
	assert_int_equal(load(), 0);
	close(module_fd);
}

#define TRIAL_AS(run, undo, prepare, clean, tells)                             \
	{                                                                      \
		.name = #run, .test_func = exhaust,                            \
		.initial_state = &(struct trial)                               \
		{                                                              \
			run, undo, prepare, clean, tells                       \
		}                                                              \
	}
#define TRIAL(run, undo, prepare, clean)                                       \
	TRIAL_AS(run, undo, prepare, clean, false)
#define REGISTERS(run) TRIAL(run, reopen_device, have_device, close_device)
#define REGISTERS_AT(run) TRIAL(run, reopen_device, have_other, shut_other)
#define REGISTERS_NIC(run) TRIAL(run, reopen_device, have_nic, remove_nic)
#define ASKS(run) TRIAL(run, NULL, have_other, shut_other)

/* With an argument only trials whose names match it, as those of files do. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TRIAL(open_device, close_device, NULL, NULL),
		REGISTERS(open_on_switch),
		REGISTERS(open_pipe),
		REGISTERS(open_memory),
		REGISTERS(open_with_csb),
		REGISTERS(open_with_extmem),
		REGISTERS(open_by_the_old_call),
		REGISTERS_AT(open_pipe_of_other),
		REGISTERS_AT(open_monitor),
		REGISTERS_AT(open_zcopy_monitor),
		REGISTERS(open_global_memory),
		REGISTERS_NIC(open_nic),
		REGISTERS_NIC(open_nic_and_stack),
		TRIAL(enable_csb, have_exclusive_again, have_exclusive,
		      close_device),
		ASKS(ask_for_port),
		ASKS(ask_for_pools),
		ASKS(ask_for_list),
		ASKS(set_header),
		ASKS(touch_memory),
		ASKS(send_indirect),
		ASKS(wait_by_epoll),
		TRIAL(bind_vm, vm_is_gone, have_vm, remove_vm),
		TRIAL(run_loop, NULL, have_csb, have_no_csb),
		TRIAL(make_port, port_is_not_there, have_device, close_device),
		TRIAL(delete_port, port_is_there, have_port, remove_port),
		TRIAL(attach_nic, nic_is_off, have_nic, remove_nic),
		TRIAL(attach_nic_and_stack, nic_is_off, have_nic, remove_nic),
		TRIAL(detach_nic, nic_is_on, have_attached_nic,
		      remove_attached_nic),
		TRIAL(poll_nic, nic_is_not_polled, have_attached_nic,
		      remove_attached_nic),
		TRIAL_AS(world_try_to_look, NULL, have_other, shut_other, true),
		TRIAL_AS(apply, clear, want_objects, want_nothing, true),
		TRIAL_AS(apply_device, clear, want_device, want_no_device,
			 true),
		TRIAL_AS(delete_all, apply_again, have_objects, have_no_objects,
			 true),
		cmocka_unit_test(test_loading),
	};

	setlinebuf(stdout);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("no_memory", tests, may_fail, NULL);
}
