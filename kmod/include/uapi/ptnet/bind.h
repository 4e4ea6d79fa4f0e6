/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Binding a client to a VM's port in the kernel: what the server of the
 * port's attach socket (ptnet/region.h) asks of /dev/netmap.
 *
 * The server accepts a connection, makes the eventfds of all vectors, and
 * hands over both; it gets the memory file and the client's ID, with which it
 * greets the client. From then on the kernel has all of it and the server
 * nothing: it closes its descriptors. The connection is the binding: when the
 * client's end is closed, or says anything, the port is free. A server that
 * cannot greet its client shuts the connection down.
 *
 * For who has CAP_NET_ADMIN, on any descriptor of /dev/netmap.
 */
#ifndef PTNET_UAPI_BIND_H
#define PTNET_UAPI_BIND_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum {
	PTN_BIND_NAME = 64,
	PTN_BIND_TEXT = 184,
};

struct ptn_bind {
	char name[PTN_BIND_NAME]; /* of the port */
	__s32 connection; /* a UNIX stream socket */
	__u32 vectors; /* as many as the port has, or it is refused */
	__u64 host_fds; /* pointer to __s32 [vectors]: the client kicks these */
	__u64 client_fds; /* the same: the client waits on these */
	__u32 window; /* out: the client's ID */
	__s32 memory; /* out: a new descriptor, closed by exec */
	char text[PTN_BIND_TEXT]; /* out, when it is refused: a sentence */
};

/*
 * Returns 0; -EPERM; -ENOENT: no such port; -EBUSY: it is bound, or its
 * domain's memory cannot be a VM's now; -EINVAL, -EBADF: something else is
 * wrong with what came; -EMFILE, -ENOMEM.
 */
#define PTN_IOCBIND _IOWR('i', 176, struct ptn_bind)

#endif
