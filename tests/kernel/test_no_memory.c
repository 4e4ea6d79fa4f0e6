// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory that runs out at every allocation, and copies from and to programs
 * that fail, one after another, of everything that a program can ask: an error
 * and nothing else. What was asked for works afterwards.
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

#include "lack.h"
#include "world.h"

enum { SLOTS = 64, EXTMEM_BYTES = 4 << 20 };

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
	int err;

	if (mem == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < COUNT(parts); i++)
		__atomic_fetch_add(mem + (parts[i] - other.mem), 0,
				   __ATOMIC_RELAXED);
	err = munmap(mem, other.reg.nr_memsize) ? -errno : 0;
	if (err)
		munmap(mem, other.reg.nr_memsize); /* that fails but once */
	return err;
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
	};

	setlinebuf(stdout);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("no_memory", tests, lack_begin,
					   NULL);
}
