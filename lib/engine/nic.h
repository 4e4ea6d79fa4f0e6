/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network devices of the host as ports, by packet sockets: one a queue, among
 * which the kernel spreads what comes. Back to back with a port that has one
 * for itself, or as the program of a port on a switch. The host's own stack
 * hears the device, too, which nobody can keep from it here.
 *
 * Frames travel with virtio-net headers on the sockets: what the kernel would
 * have cut or summed later comes whole, and the core does it for who has no
 * headers. What goes out is cut by the core, whatever the kernel could do.
 *
 * Knows devices and the core's ports; nothing of clients or messages. Called
 * by the control thread, but for what moves frames.
 */
#ifndef PTNET_ENGINE_NIC_H
#define PTNET_ENGINE_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nic;
struct ptn_port;
struct ptn_work;

/**
 * nic_check - whether a device of this name can be had
 * @buf_size: frames must fit into so many bytes; 0: they need not
 *
 * Returns 0, -ENODEV, -EINVAL, -EBUSY, with a sentence in @text.
 */
int nic_check(const char *device, uint32_t buf_size, char *text, size_t size);

/**
 * nic_new - for a port; its device is not touched. NULL: no memory
 * @buf_size: as nic_check() takes it, of this device and of those to come
 */
struct nic *nic_new(const char *device, uint32_t buf_size);

/** nic_free - closed, or never opened. Takes NULL. */
void nic_free(struct nic *n);

/**
 * nic_attach - join it to a port that is open, back to back
 *
 * Returns 0, -EBUSY, -ENOMEM. nic_detach() undoes it, also of one that is not
 * attached; the port is not syncing then.
 */
int nic_attach(struct nic *n, struct ptn_port *p, uint32_t queues);
void nic_detach(struct nic *n);

/**
 * nic_serve - be the program of a port that is open, on a switch
 *
 * From then on nic_sync() does for its queues what ptn_port_sync() does for
 * those of clients, and nic_arm() what ptn_port_arm() does: who brings frames
 * notifies the port's home, and the sockets tell of theirs. Returns 0 or
 * -ENOMEM; nic_detach() undoes it.
 */
int nic_serve(struct nic *n, struct ptn_port *p, uint32_t queues);
uint32_t nic_sync(struct nic *n, uint32_t queue, struct ptn_work *w);
bool nic_arm(struct nic *n, uint32_t queue);

/**
 * nic_prepare - the sockets, of which nothing comes before nic_open()
 *
 * So much of that can fail for want of rights or memory. Returns 0, -EPERM,
 * -errno.
 */
int nic_prepare(struct nic *n);

/**
 * nic_open - the sockets, if the device is there and up: frames flow
 *
 * Returns 0 (that it is not up is no error), -EPERM, -errno. nic_close()
 * closes them. The port is not syncing meanwhile.
 */
int nic_open(struct nic *n);
void nic_close(struct nic *n);

/** nic_fd - the socket of a queue, to be watched for both; -1: none */
int nic_fd(const struct nic *n, uint32_t queue);

enum nic_news {
	NIC_NO_NEWS,
	NIC_WENT,
	NIC_CAME,
	NIC_REPLACED, /* both: another one has its name */
	NIC_CHANGED, /* it can be opened now */
};

/** nic_look - something happened to some device; what of this one? */
enum nic_news nic_look(struct nic *n);

/** nic_is_lost - there is no device of its name that can be had */
bool nic_is_lost(const struct nic *n);

/** nic_is_same - both mean one device, by whichever of its names */
bool nic_is_same(const struct nic *a, const struct nic *b);

#endif
