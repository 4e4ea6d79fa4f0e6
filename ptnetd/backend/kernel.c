/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel module as a backend: finds the generic netlink family, and
 * speaks the control family with it. Called by the service through the ops
 * table.
 *
 * Its objects outlive everything in user space. It dies when it is unloaded,
 * which it cannot be while it holds any, and by teardown, which leaves none.
 *
 * What the module cannot do is to listen for VMs: their attach sockets are
 * ours (sockets.h), their attachments its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "backend/backend.h"
#include "backend/channel.h"
#include "backend/events.h"
#include "backend/process.h"
#include "backend/sockets.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "nl/message.h"

enum { RECEIVE_BUFFER = 1024 * 1024, SEND_BUFFER = 256 * 1024 };

struct backend {
	struct channel channel;
	struct sockets *sockets;
	int death_fd;
	int event_fd; /* of the module's events */
	struct events events;
	int all_events; /* epoll: these, and who connects */
	int lock; /* one daemon a host: it holds no other's objects */
	bool ended; /* by us */
};

/* Not in the run directory: the kernel is one, whatever that is. */
static const char lock_dir[] = "/run/ptnet",
		  lock_path[] = "/run/ptnet/kernel.lock";

static const char gone[] = "is not loaded any more";

/* Netlink. */

static void free_sock(struct nl_sock **s)
{
	nl_socket_free(*s);
}

#define _cleanup_sock_ _cleanup_(free_sock)

/* The library closes its own descriptor. */
static int take_fd(struct nl_sock *s)
{
	int fd = fcntl(nl_socket_get_fd(s), F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

static int find_family(struct nl_sock *s)
{
	int n;

	if (!s)
		return -ENOMEM;
	if (genl_connect(s) < 0)
		return -EIO;
	n = genl_ctrl_resolve(s, PTN_FAMILY_NAME);
	return n < 0 ? -ENOENT : n;
}

static int kernel_connect(struct channel *c)
{
	_cleanup_sock_ struct nl_sock *s = nl_socket_alloc();
	int yes = 1, fd, family = find_family(s);

	/* the channel is its first member */
	if (((struct backend *)c)->ended)
		return -ECONNRESET;
	if (family < 0)
		return family;
	c->type = (uint16_t)family;
	fd = nl_socket_get_fd(s);
	nl_socket_set_buffer_size(s, RECEIVE_BUFFER, SEND_BUFFER);
	/* sentences with what the policies refuse, and not our own bytes */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	return take_fd(s);
}

bool backend_kernel_is_there(void)
{
	_cleanup_sock_ struct nl_sock *s = nl_socket_alloc();

	return find_family(s) >= 0;
}

/* Death: nlctrl tells of every family that goes; the filter of ours only. */

enum {
	AT_CMD = NLMSG_HDRLEN,
	AT_NAME = NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN,
};

static int watch_family(struct nl_sock *s)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_CMD),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CTRL_CMD_DELFAMILY, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT_NAME),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x70746e65 /* ptne */, 0,
			 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_NAME + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x7400 /* t, end */, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code};
	int group = genl_ctrl_resolve_grp(s, "nlctrl", "notify");

	if (group < 0 ||
	    setsockopt(nl_socket_get_fd(s), SOL_SOCKET, SO_ATTACH_FILTER,
		       &program, sizeof(program)))
		return -EIO;
	return nl_socket_add_membership(s, group) < 0 ? -EIO : 0;
}

static int open_death_fd(void)
{
	_cleanup_sock_ struct nl_sock *s = nl_socket_alloc();
	int err = find_family(s);

	if (err >= 0)
		err = watch_family(s);
	return err < 0 ? err : take_fd(s);
}

/* From now on it is readable, whoever watches it. */
static void die(struct backend *b)
{
	_cleanup_close_ int fd = eventfd(1, EFD_CLOEXEC);

	b->ended = true;
	b->channel.gone = "holds nothing any more";
	channel_close(&b->channel);
	if (fd >= 0)
		dup3(fd, b->death_fd, O_CLOEXEC);
}

/* Events: those that a daemon has something to do or to say about. */

enum { AT_EVENT = NLMSG_HDRLEN + GENL_HDRLEN + 2 * NLA_HDRLEN };

/*
 * What programs do, open and close ports, comes by the thousands: nobody is
 * woken for that, and status is asked for anew each time. A transaction's
 * event begins with its revision: what stands there is none of these.
 */
static int choose_events(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, AT_EVENT + 4, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT_EVENT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PTN_EVENT_PORT_FAULT),
			 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 htonl(PTN_EVENT_PORT_STOPPED), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PTN_EVENT_NIC_GONE),
			 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PTN_EVENT_STORM), 1,
			 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PTN_EVENT_NIC_BACK),
			 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program))
		       ? -errno
		       : 0;
}

static int open_event_fd(void)
{
	_cleanup_sock_ struct nl_sock *s = nl_socket_alloc();
	int err = find_family(s), group;

	if (err < 0)
		return err;
	/* the answer to this is none of the events */
	group = genl_ctrl_resolve_grp(s, PTN_FAMILY_NAME, PTN_EVENTS_GROUP);
	if (group < 0)
		return -EIO;
	err = choose_events(nl_socket_get_fd(s));
	if (!err && nl_socket_add_membership(s, group) < 0)
		err = -EIO;
	return err ? err : take_fd(s);
}

static bool kernel_hear(struct backend *b)
{
	bool ended;

	sockets_hear(b->sockets);
	return events_hear(&b->events, b->event_fd, process_now_ms(), &ended);
}

static int kernel_hear_ms(const struct backend *b)
{
	return events_wait_ms(&b->events, process_now_ms());
}

static int kernel_event_fd(struct backend *b)
{
	return b->all_events;
}

static int join_events(struct backend *b)
{
	struct epoll_event e = {.events = EPOLLIN};

	b->all_events = epoll_create1(EPOLL_CLOEXEC);
	if (b->all_events < 0 ||
	    epoll_ctl(b->all_events, EPOLL_CTL_ADD, b->event_fd, &e) ||
	    epoll_ctl(b->all_events, EPOLL_CTL_ADD, sockets_fd(b->sockets), &e))
		return -errno;
	return 0;
}

/* The ops. */

static void kernel_close(struct backend *b)
{
	if (!b)
		return;
	events_end(&b->events);
	channel_fini(&b->channel);
	sockets_free(b->sockets);
	if (b->all_events >= 0)
		close(b->all_events);
	if (b->death_fd >= 0)
		close(b->death_fd);
	if (b->event_fd >= 0)
		close(b->event_fd);
	if (b->lock >= 0)
		close(b->lock);
	free(b);
}

static void kernel_teardown(struct backend *b)
{
	struct backend_error error = {0};

	if (channel_clear(&b->channel, &error))
		log_err("%s", error.message);
	die(b);
}

static int kernel_info(struct backend *b, struct backend_info *out,
		       struct backend_error *error)
{
	int err = channel_info(&b->channel, out, error);

	out->name = backend_kernel.name;
	return err;
}

/* The watch comes first: what is missed then is seen by asking. */
static int make_contact(struct backend *b, struct backend_error *error)
{
	struct backend_info info;
	int err;

	b->death_fd = open_death_fd();
	if (b->death_fd == -ENOENT)
		return backend_fail(error, -ENOENT,
				    "the kernel module ptnetmap is not loaded "
				    "(modprobe ptnetmap), or this is a network "
				    "namespace of its own");
	if (b->death_fd < 0)
		return backend_fail(error, b->death_fd,
				    "no generic netlink: %s",
				    strerror(-b->death_fd));
	/* before anything is asked: what happens later is heard */
	b->event_fd = open_event_fd();
	err = channel_info(&b->channel, &info, error);
	if (err == -EPERM)
		return backend_fail(error, err,
				    "the kernel module takes orders from who "
				    "has CAP_NET_ADMIN on this host");
	if (!err && b->event_fd < 0)
		return backend_fail(error, b->event_fd,
				    "the kernel module tells no events: %s",
				    strerror(-b->event_fd));
	return err;
}

static int take_kernel(struct backend *b, struct backend_error *error)
{
	mkdir(lock_dir, 0755); /* what is wrong with it, the lock tells */
	b->lock = file_lock(lock_path);
	if (b->lock >= 0)
		return 0;
	if (b->lock == -EBUSY)
		return backend_fail(error, b->lock,
				    "another ptnetd has the kernel's objects "
				    "(it holds %s)",
				    lock_path);
	return backend_fail(error, b->lock, "cannot open %s: %s", lock_path,
			    strerror(-b->lock));
}

/* The VMs that are there may be attached to, and those attached stay so. */
static int open_sockets(struct backend *b, const char *run_dir,
			struct backend_error *error)
{
	struct objects have;
	int err = sockets_new(&b->sockets, run_dir);

	if (!err)
		err = join_events(b);
	if (err)
		return backend_fail(error, err, "%s", strerror(-err));
	err = channel_dump(&b->channel, &have, error);
	if (err)
		return err;
	err = sockets_for(b->sockets, &have, error);
	objects_fini(&have);
	return err;
}

static int kernel_open(struct backend **out,
		       const struct backend_config *config,
		       struct backend_error *error)
{
	struct backend *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return backend_fail(error, -ENOMEM, "no memory");
	b->death_fd = -1;
	b->event_fd = -1;
	b->all_events = -1;
	b->lock = -1;
	b->channel.peer = "the kernel module ptnetmap";
	b->channel.gone = gone;
	b->channel.connect = kernel_connect;
	err = channel_init(&b->channel);
	err = err ? backend_fail(error, err, "no memory")
		  : make_contact(b, error);
	if (!err)
		err = take_kernel(b, error);
	if (!err)
		err = open_sockets(b, config->run_dir, error);
	if (err) {
		kernel_close(b);
		return err;
	}
	*out = b;
	return 0;
}

static int kernel_dump(struct backend *b, struct objects *out,
		       struct backend_error *error)
{
	int err = channel_dump(&b->channel, out, error);

	if (!err)
		sockets_tell(b->sockets, out);
	return err;
}

static int kernel_apply(struct backend *b, const struct plan *plan,
			uint64_t revision, struct backend_error *error)
{
	int err = sockets_prepare(b->sockets, plan, error);

	if (err)
		return err;
	err = channel_apply(&b->channel, plan, revision, error);
	sockets_settle(b->sockets, plan, !err);
	return err;
}

static int kernel_fdb(struct backend *b, const char *name,
		      struct fdb_entry **out, size_t *count,
		      struct backend_error *error)
{
	return channel_fdb(&b->channel, name, out, count, error);
}

static int kernel_census(struct backend *b, struct census *out,
			 struct backend_error *error)
{
	return channel_census(&b->channel, out, error);
}

static int kernel_death_fd(struct backend *b)
{
	return b->death_fd;
}

const struct backend_ops backend_kernel = {
	.name = "kernel",
	.open = kernel_open,
	.close = kernel_close,
	.teardown = kernel_teardown,
	.info = kernel_info,
	.dump = kernel_dump,
	.apply = kernel_apply,
	.fdb = kernel_fdb,
	.census = kernel_census,
	.death_fd = kernel_death_fd,
	.event_fd = kernel_event_fd,
	.hear = kernel_hear,
	.hear_ms = kernel_hear_ms,
};
