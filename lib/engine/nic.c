/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/nic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/device.h"
#include "core/segment.h"

enum {
	ALL_FRAMES = 3, /* ETH_P_ALL */
	MESSAGES = 64, /* of one call */
	TRIES = 4, /* of a call that fails for one frame */
	TAG = 4, /* bytes of a VLAN tag, for which there is room before */
	ADDRESSES = 12,
	ETHERNET = 14, /* bytes of its header */
	VNET_HDR_LEN = 2, /* in the header, as VNET_CSUM_START: */
	VNET_CSUM_START = 6,
	NEEDS_CSUM = 1,
	FRAME_BYTES = 68 * 1024,
	SENTENCE = 256,
	CONTROL_BYTES = CMSG_SPACE(sizeof(struct tpacket_auxdata)),
	/*
	 * What is under way in the kernel: of small frames fewer than it
	 * queues up on a CPU (net.core.netdev_max_backlog), so that veth and
	 * the like lose none.
	 */
	UNDER_WAY_BYTES = 512 * 1024,
	ROOM_BYTES = 1024, /* of the least frame, with all that it takes */
	/* A batch of the largest frames is more than is to be under way. */
	SOCKET_BYTES = 16 * 1024 * 1024,
};

/* What a queue's worker needs for its calls. */
struct scratch {
	struct mmsghdr message[MESSAGES];
	struct iovec piece[MESSAGES][1 + PTN_PIECES_MAX];
	uint8_t headers[MESSAGES][PTN_HEADERS_MAX];
	uint32_t frame[MESSAGES]; /* of the batch, that the message is of */
	_Alignas(struct cmsghdr) char control[MESSAGES][CONTROL_BYTES];
	char in[MESSAGES][FRAME_BYTES];
};

struct nic_queue {
	int fd; /* -1: no device */
	struct scratch *scratch;
};

struct nic {
	char device[IFNAMSIZ];
	uint32_t buf_size; /* as nic_check() takes it */
	unsigned index; /* 0: there is none that can be had */
	unsigned unfit; /* the one that cannot, as the log knows */
	unsigned opened; /* the one that the sockets are of; 0: none */
	uint32_t runs; /* up, and with a carrier; the control thread's to say */
	struct ptn_port *port; /* NULL: not attached */
	uint32_t n;
	struct nic_queue queue[PTN_RINGS_MAX];
};

/* Frames of the device */

static uint16_t le16(const char *at)
{
	return (uint16_t)((uint8_t)at[0] | (uint8_t)at[1] << 8);
}

static void add_le16(char *at, uint32_t n)
{
	const uint32_t sum = le16(at) + n;

	at[0] = (char)sum;
	at[1] = (char)(sum >> 8);
}

static const struct tpacket_auxdata *auxdata_of(struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);

	return c && c->cmsg_level == SOL_PACKET &&
			       c->cmsg_type == PACKET_AUXDATA
		       ? (const void *)CMSG_DATA(c)
		       : NULL;
}

/* The kernel has taken the tag out of the frame: in again. Where it begins. */
static char *put_tag(char *header, const struct tpacket_auxdata *aux)
{
	char *to = header - TAG;
	char *tag = to + PTN_VNET_COMMON + ADDRESSES;
	const uint16_t words[] = {htons(aux->tp_vlan_tpid),
				  htons(aux->tp_vlan_tci)};

	memmove(to, header, PTN_VNET_COMMON + ADDRESSES);
	memcpy(tag, words, TAG);
	if (to[0] & NEEDS_CSUM)
		add_le16(to + VNET_CSUM_START, TAG);
	if (le16(to + VNET_HDR_LEN))
		add_le16(to + VNET_HDR_LEN, TAG);
	return to;
}

static void take_message(struct ptn_work *w, struct mmsghdr *m, char *at)
{
	const struct tpacket_auxdata *aux = auxdata_of(&m->msg_hdr);
	uint32_t len = m->msg_len;

	if (m->msg_hdr.msg_flags & MSG_TRUNC ||
	    len < PTN_VNET_COMMON + ADDRESSES)
		return;
	if (aux && aux->tp_status & TP_STATUS_VLAN_VALID) {
		at = put_tag(at, aux);
		len += TAG;
	}
	ptn_device_add(w, at, len, false, 0);
}

static void expect_message(struct scratch *s, uint32_t i)
{
	s->piece[i][0] = (struct iovec){s->in[i] + TAG, sizeof(s->in[i]) - TAG};
	s->message[i].msg_hdr = (struct msghdr){
		.msg_iov = s->piece[i],
		.msg_iovlen = 1,
		.msg_control = s->control[i],
		.msg_controllen = CONTROL_BYTES,
	};
}

/* A frame whose offload has no words in a header is lost, others are behind. */
static int receive(const struct nic_queue *q)
{
	int n = -1;

	for (int i = 0; n < 0 && i < TRIES; i++) {
		n = recvmmsg(q->fd, q->scratch->message, MESSAGES, MSG_DONTWAIT,
			     NULL);
		if (n < 0 && errno == EAGAIN)
			return 0;
	}
	return n < 0 ? 0 : n;
}

static void fetch(void *home, uint32_t queue, struct ptn_work *w)
{
	const struct nic *nic = home;
	const struct nic_queue *q = &nic->queue[queue];
	int n;

	if (q->fd < 0)
		return;
	for (uint32_t i = 0; i < MESSAGES; i++)
		expect_message(q->scratch, i);
	n = receive(q);
	w->hdr_len = PTN_VNET_COMMON;
	for (int i = 0; i < n; i++)
		take_message(w, &q->scratch->message[i],
			     q->scratch->in[i] + TAG);
}

/* Frames for the device */

static uint32_t room(void *home, uint32_t queue)
{
	const struct nic *nic = home;
	const int fd = nic->queue[queue].fd;
	int used = 0;

	/* else the kernel would take frames and say nothing of their end */
	if (fd < 0 || !ptn_load(nic->runs))
		return 0;
	if (ioctl(fd, SIOCOUTQ, &used) || used >= UNDER_WAY_BYTES)
		return 0;
	return (uint32_t)(UNDER_WAY_BYTES - used) / ROOM_BYTES + 1;
}

/* Frames that are sent together. */
struct outgoing {
	const struct nic_queue *queue;
	uint32_t n;
	uint32_t lost; /* frames */
	uint32_t last_lost; /* which was the last of them, + 1 */
};

static void lose(struct outgoing *out, uint32_t frame)
{
	if (out->last_lost != frame + 1)
		out->lost++;
	out->last_lost = frame + 1;
}

static void flush(struct outgoing *out)
{
	struct scratch *s = out->queue->scratch;
	uint32_t at = 0;

	while (at < out->n) {
		const int n = sendmmsg(out->queue->fd, s->message + at,
				       out->n - at, MSG_DONTWAIT);

		if (n > 0)
			at += (uint32_t)n;
		else if (errno != EINTR)
			lose(out, s->frame[at++]);
	}
	out->n = 0;
}

/* Nothing is left to be done by the kernel: an empty header goes before it. */
static void add_part(struct outgoing *out, const struct ptn_work *w,
		     uint32_t frame, uint32_t part)
{
	static char nothing[PTN_VNET_COMMON];
	struct scratch *s = out->queue->scratch;
	struct iovec *piece = s->piece[out->n];
	struct ptn_frag frag[PTN_PIECES_MAX];
	const uint32_t n =
		ptn_segment_pieces(w, frame, part, s->headers[out->n], frag);

	piece[0] = (struct iovec){nothing, sizeof(nothing)};
	for (uint32_t i = 0; i < n; i++)
		piece[1 + i] = (struct iovec){(void *)(uintptr_t)frag[i].addr,
					      frag[i].len};
	s->message[out->n].msg_hdr =
		(struct msghdr){.msg_iov = piece, .msg_iovlen = 1 + n};
	s->frame[out->n] = frame;
	if (++out->n == MESSAGES)
		flush(out);
}

static uint32_t xmit(void *home, uint32_t queue, struct ptn_work *w)
{
	const struct nic *nic = home;
	struct outgoing out = {.queue = &nic->queue[queue]};

	if (out.queue->fd < 0)
		return w->n_frames;
	for (uint32_t i = 0; i < w->n_frames; i++) {
		const uint32_t parts = ptn_segment_parts(w, i);

		if (!parts)
			lose(&out, i);
		for (uint32_t part = 0; part < parts; part++)
			add_part(&out, w, i, part);
	}
	flush(&out);
	return out.lost;
}

static const struct ptn_device_ops device_ops = {
	.room = room,
	.xmit = xmit,
	.fetch = fetch,
};

/* The device as the program of a port on a switch */

static uint32_t inject(struct nic *n, uint32_t queue, struct ptn_work *w)
{
	uint32_t frames;

	ptn_device_clear(w);
	fetch(n, queue, w);
	frames = w->n_frames;
	ptn_device_inject(n->port, queue, w);
	return frames;
}

static uint32_t drain(struct nic *n, uint32_t queue, struct ptn_work *w)
{
	uint32_t most;

	if (!ptn_device_waits(n->port, queue))
		return 0;
	most = room(n, queue);
	if (!most || !ptn_device_take(n->port, queue, w, most))
		return 0;
	ptn_device_lost(n->port, PTN_VECTOR_RX(queue), xmit(n, queue, w));
	return ptn_device_give_back(n->port, queue);
}

uint32_t nic_sync(struct nic *n, uint32_t queue, struct ptn_work *w)
{
	const uint32_t in = inject(n, queue, w);

	return in + drain(n, queue, w);
}

/* Without room the socket tells when there is some. */
bool nic_arm(struct nic *n, uint32_t queue)
{
	return ptn_device_sleep(n->port, queue) || !room(n, queue);
}

/* The device */

/* One of the calls that name a device. */
static int ask(const char *device, unsigned long what, struct ifreq *r)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(r, 0, sizeof(*r));
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", device);
	return fd < 0 || ioctl(fd, what, r) ? -errno : 0;
}

static bool has_master(const char *device)
{
	char path[64 + IFNAMSIZ];

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", device);
	return !access(path, F_OK);
}

static bool has_flag(const char *device, int flag)
{
	struct ifreq r;

	return !ask(device, SIOCGIFFLAGS, &r) && r.ifr_flags & flag;
}

static bool is_up(const char *device)
{
	return has_flag(device, IFF_UP);
}

static bool runs(const char *device)
{
	return has_flag(device, IFF_RUNNING);
}

/* What the core would carry in several buffers, nobody may have room for. */
static int check_mtu(const char *device, uint32_t buf_size, char *text,
		     size_t size)
{
	const uint32_t around = ETHERNET + TAG;
	struct ifreq r;

	if (ask(device, SIOCGIFMTU, &r) ||
	    (uint32_t)r.ifr_mtu + around <= buf_size)
		return 0;
	snprintf(text, size,
		 "%s: frames of MTU %d need buffers of %u bytes, there are %u: "
		 "ip link set %s mtu %u",
		 device, r.ifr_mtu, (uint32_t)r.ifr_mtu + around, buf_size,
		 device, buf_size - around);
	return -EINVAL;
}

int nic_check(const char *device, uint32_t buf_size, char *text, size_t size)
{
	struct ifreq r;

	/* behind a colon, the kernel reads no more of it */
	if (strchr(device, ':') || !if_nametoindex(device) ||
	    ask(device, SIOCGIFHWADDR, &r)) {
		snprintf(text, size, "there is no network device %s here",
			 device);
		return -ENODEV;
	}
	if (r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK) {
		snprintf(text, size, "%s cannot be a port", device);
		return -EINVAL;
	}
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		snprintf(text, size, "%s is not an Ethernet device", device);
		return -EINVAL;
	}
	if (has_master(device)) {
		snprintf(text, size,
			 "%s is a port of a bridge, a bond or the like",
			 device);
		return -EBUSY;
	}
	return buf_size ? check_mtu(device, buf_size, text, size) : 0;
}

/* The sockets */

/* What the host itself sends by the device is not for us. */
static int leave_out_outgoing(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program));
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* All frames are to come; it ends with the socket, however that ends. */
static int want_all(int fd, unsigned index)
{
	const struct packet_mreq all = {.mr_ifindex = (int)index,
					.mr_type = PACKET_MR_PROMISC};

	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all,
			  sizeof(all))
		       ? -errno
		       : 0;
}

static int configure(int fd)
{
	if (set(fd, SOL_PACKET, PACKET_VNET_HDR, 1) ||
	    set(fd, SOL_PACKET, PACKET_AUXDATA, 1) || leave_out_outgoing(fd) ||
	    set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BYTES) ||
	    set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BYTES))
		return -errno;
	return 0;
}

/* Without a protocol nothing comes. */
static int open_socket(struct nic_queue *q)
{
	q->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return q->fd < 0 ? -errno : configure(q->fd);
}

static int bind_socket(int fd, unsigned index)
{
	const struct sockaddr_ll a = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ALL_FRAMES),
				      .sll_ifindex = (int)index};

	return bind(fd, (const struct sockaddr *)&a, sizeof(a)) ? -errno : 0;
}

/* Frames of one flow go to one of them. */
static int spread(const struct nic *n)
{
	int group = PACKET_FANOUT_FLAG_UNIQUEID << 16;
	socklen_t size = sizeof(group);

	if (n->n == 1)
		return 0;
	if (set(n->queue[0].fd, SOL_PACKET, PACKET_FANOUT, group) ||
	    getsockopt(n->queue[0].fd, SOL_PACKET, PACKET_FANOUT, &group,
		       &size))
		return -errno;
	for (uint32_t i = 1; i < n->n; i++)
		if (set(n->queue[i].fd, SOL_PACKET, PACKET_FANOUT, group))
			return -errno;
	return 0;
}

int nic_prepare(struct nic *n)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < n->n; i++)
		err = n->queue[i].fd < 0 ? open_socket(&n->queue[i]) : 0;
	if (err)
		nic_close(n);
	return err;
}

static int join_device(struct nic *n)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < n->n; i++)
		err = bind_socket(n->queue[i].fd, n->index);
	if (!err)
		err = spread(n);
	return err ? err : want_all(n->queue[0].fd, n->index);
}

int nic_open(struct nic *n)
{
	int err;

	if (!n->index || !is_up(n->device)) {
		nic_close(n);
		return 0;
	}
	err = nic_prepare(n);
	if (!err)
		err = join_device(n);
	if (err) {
		nic_close(n);
		return err;
	}
	n->opened = n->index;
	ptn_store(n->runs, runs(n->device));
	return 0;
}

void nic_close(struct nic *n)
{
	for (uint32_t i = 0; i < PTN_RINGS_MAX; i++) {
		if (n->queue[i].fd >= 0)
			close(n->queue[i].fd);
		n->queue[i].fd = -1;
	}
	n->opened = 0;
}

int nic_fd(const struct nic *n, uint32_t queue)
{
	return n->queue[queue].fd;
}

/* Life */

struct nic *nic_new(const char *device, uint32_t buf_size)
{
	char text[SENTENCE];
	struct nic *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	snprintf(n->device, sizeof(n->device), "%s", device);
	n->buf_size = buf_size;
	if (!nic_check(device, buf_size, text, sizeof(text)))
		n->index = if_nametoindex(device);
	for (uint32_t i = 0; i < PTN_RINGS_MAX; i++)
		n->queue[i].fd = -1;
	return n;
}

void nic_free(struct nic *n)
{
	free(n);
}

/* Only what is touched of it is there. */
static struct scratch *new_scratch(void)
{
	void *s = mmap(NULL, sizeof(struct scratch), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return s == MAP_FAILED ? NULL : s;
}

static void free_scratch(struct nic *n)
{
	for (uint32_t i = 0; i < PTN_RINGS_MAX; i++) {
		if (n->queue[i].scratch)
			munmap(n->queue[i].scratch, sizeof(struct scratch));
		n->queue[i].scratch = NULL;
	}
}

int nic_serve(struct nic *n, struct ptn_port *p, uint32_t queues)
{
	for (uint32_t i = 0; i < queues; i++) {
		n->queue[i].scratch = new_scratch();
		if (!n->queue[i].scratch) {
			free_scratch(n);
			return -ENOMEM;
		}
	}
	n->port = p;
	n->n = queues;
	return 0;
}

int nic_attach(struct nic *n, struct ptn_port *p, uint32_t queues)
{
	int err = nic_serve(n, p, queues);

	if (!err)
		err = ptn_device_attach(p, &device_ops, n);
	if (err)
		nic_detach(n);
	return err;
}

void nic_detach(struct nic *n)
{
	if (!n->port)
		return;
	nic_close(n);
	ptn_device_detach(n->port);
	free_scratch(n);
	n->port = NULL;
}

/* News */

bool nic_is_lost(const struct nic *n)
{
	return !n->index;
}

bool nic_is_same(const struct nic *a, const struct nic *b)
{
	return (a->index && a->index == b->index) ||
	       !strcmp(a->device, b->device);
}

/* Who waits for it to run goes on when it does. */
static void look_at_carrier(struct nic *n)
{
	const bool did = ptn_load(n->runs), does = runs(n->device);

	ptn_store(n->runs, does);
	for (uint32_t i = 0; n->port && does && !did && i < n->n; i++)
		ptn_device_room_made(n->port, i);
}

/* A device of its name that comes must be as one that is declared. */
static unsigned find(struct nic *n)
{
	const unsigned index = if_nametoindex(n->device);
	char text[SENTENCE];

	if (!index || index == n->index)
		return index;
	if (!nic_check(n->device, n->buf_size, text, sizeof(text))) {
		n->unfit = 0;
		return index;
	}
	if (n->unfit != index)
		log_warn("a network device that came is not taken: %s", text);
	n->unfit = index;
	return 0;
}

enum nic_news nic_look(struct nic *n)
{
	const unsigned was = n->index;

	n->index = find(n);
	if (was && !n->index)
		return NIC_WENT;
	if (!was && n->index)
		return NIC_CAME;
	if (was != n->index)
		return NIC_REPLACED;
	if (n->port && n->index && n->opened != n->index && is_up(n->device))
		return NIC_CHANGED;
	if (n->opened)
		look_at_carrier(n);
	return NIC_NO_NEWS;
}
