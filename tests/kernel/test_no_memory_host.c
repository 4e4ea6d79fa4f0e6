// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory that runs out at every allocation of what only the host's own
 * programs do: transactions, VMs that are bound, the module that is loaded.
 *
 * Where a kernel can be told to fail, which is so on
 * kernels: kasan
 * seconds: 800
 */
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ptnet/bind.h>

#include "lack.h"
#include "world.h"

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

static void run(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

static struct abi_port other;

/* The devices' memory is there already: what it takes is tried once. */
static void want_device(void)
{
	struct port_spec *nic;

	run("ip link add mem1 type veth peer name mem2 && "
	    "ip link set mem1 up && ip link set mem2 up");
	abi_open(&other, "mem2");
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
	abi_shut(&other);
	run("ip link del mem1");
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

static bool port_is(const char *name, enum ptn_port_state state)
{
	struct objects all;
	const struct port_spec *p;
	bool is;

	world_objects(&all);
	p = objects_find_port(&all, name);
	is = p && all.port_status[p - all.ports].state == state;
	objects_fini(&all);
	return is;
}

/*
 * The device goes from one port to another, and no memory is there from a
 * moment on, not even for going back. Its port has it, or is stale: the next
 * transaction makes that anew.
 */
static void test_device_that_cannot_go_back(void **state)
{
	enum { STEP = 256, MOST = 8 << 20 };
	unsigned failures = 0, stale = 0;
	struct world before;
	int err = -1;

	(void)state;
	want_device();
	assert_int_equal(apply(), 0);
	world_look(&before);
	for (unsigned bytes = 0; err; bytes += STEP) {
		assert_in_range(bytes, 0, MOST);
		strcpy(want.ports[0].name, "moved");
		lack_arm_all(bytes);
		err = apply();
		lack_disarm_all();
		failures += err != 0;
		stale += port_is("nic", PTN_PORT_STALE);
		strcpy(want.ports[0].name, "nic");
		assert_int_equal(apply(), 0);
		assert_false(port_is("nic", PTN_PORT_STALE));
		assert_false(port_is("nic", PTN_PORT_FAULTED));
		world_assert_same(&before, "it went back");
	}
	print_message("# %u failures, %u of them with a stale port\n", failures,
		      stale);
	assert_true(stale > 0);
	clear();
	want_no_device();
}

/* VMs: the server of an attach socket, and its client's end */

enum { VM_VECTORS = 3 };

static int fd; /* /dev/netmap */
static struct ptn_bind vm;
static int ends[2], vm_host[VM_VECTORS], vm_client[VM_VECTORS];

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
	fd = abi_device();
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
	for (int ms = 0; !port_is("vm", PTN_PORT_DOWN); ms++) {
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
	abi_close(fd);
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
	long all;

	lack_arm(MANY);
	assert_int_equal(load(), 0);
	all = MANY - lack_left();
	lack_disarm();
	unload();
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

		lack_arm(nth);
		err = load();
		hit = lack_disarm();
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TRIAL(bind_vm, vm_is_gone, have_vm, remove_vm),
		TRIAL_AS(apply, clear, want_objects, want_nothing, true),
		TRIAL_AS(apply_device, clear, want_device, want_no_device,
			 true),
		TRIAL_AS(delete_all, apply_again, have_objects, have_no_objects,
			 true),
		cmocka_unit_test(test_device_that_cannot_go_back),
		cmocka_unit_test(test_loading),
	};

	setlinebuf(stdout);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("no_memory_host", tests, lack_begin,
					   NULL);
}
