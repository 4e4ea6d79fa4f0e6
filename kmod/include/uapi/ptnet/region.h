/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What an attached party (a VM, a container, a host program) sees of a port:
 * one memory file, and how to speak with the host through it.
 *
 * Attaching. A port's UNIX socket speaks QEMU's ivshmem server protocol:
 * little-endian 64-bit messages, at most one descriptor each, server to client
 * only: the protocol version 0; the client's ID; -1 with the memory file; then
 * the host's ID (always 1) once per vector, each with the eventfd that the
 * client writes to kick the host; then the client's own ID once per vector
 * with the eventfd that the client waits on. Instead of the version a server
 * that refuses sends a negative errno (-EBUSY: another client is attached;
 * -EAGAIN: the last one did harm, not for some seconds) and closes. The
 * connection is the attachment: when it ends, the port is free.
 *
 * The memory file. At 0: windows of PTN_WINDOW_SIZE, one a port in this region.
 * The client's ID is its window's number; ID 1 is the host, so window 1 is
 * unused. At mem_ofs: netmap memory, which is the interface pool, the ring
 * pool and the buffers. Then it is sparse, up to a power of two.
 *
 * A port with a region of its own has ID and window 0. Only ports of one trust
 * domain share a region.
 *
 * A window is four pages: config (host writes), control (client writes), atok
 * (client writes), ktoa (host writes). The host never reads back what it
 * wrote, and takes nothing that a client wrote for true.
 *
 * Vectors: 0 is control; transmit ring i has 1 + 2i, receive ring i 2 + 2i.
 *
 * Handshake: the client writes arg, cmd, then seq (a number other than the
 * last one) in the control page, kicks vector 0, and waits on its own vector 0
 * until ack_seq equals seq; ack_status is 0 or a negative errno. RESET puts
 * rings and CSB into their initial state; START lets the host sync; STOP ends
 * that. A client attaches, sends RESET, then START. In between it may send
 * HEADER, where the host offers it (PTN_REGION_HEADERS): from START on there is
 * a virtio-net header of arg[0] bytes (0, 10 or 12) before each frame that it
 * sends and gets, and vnet_hdr_len says so; the next RESET ends that. While the
 * port runs HEADER is -EBUSY. Such frames may be large ones, of up to 64 slots.
 *
 * A VM attaches once. When the host's side dies and comes back, the client
 * finds another generation, its rings reset and the state PTN_STATE_READY, is
 * kicked by vector 0, and begins again with RESET; offsets may be others than
 * before.
 *
 * Sleeping and waking. Before it sleeps on a ring's eventfd a client stores a
 * non-zero appl_need_kick, issues a full barrier, and looks at hwtail again.
 * The host kicks a client whose appl_need_kick is set once hwtail has passed
 * the client's cur. The value 1 asks for a kick at every such occasion; any
 * other value asks for one kick only, and the client must use another value
 * the next time. After publishing head a client issues a full barrier, loads
 * kern_need_kick, and kicks the host if it is set.
 */
#ifndef PTNET_UAPI_REGION_H
#define PTNET_UAPI_REGION_H

#include <linux/types.h>

#define PTN_CONFIG_MAGIC 0x3174656e7470ULL /* "ptnet1", little-endian */

enum {
	PTN_REGION_VERSION = 1,

	PTN_WINDOW_SIZE = 0x4000,
	PTN_WINDOW_CONFIG = 0x0000,
	PTN_WINDOW_CONTROL = 0x1000,
	PTN_WINDOW_ATOK = 0x2000,
	PTN_WINDOW_KTOA = 0x3000,
	PTN_WINDOW_AREA = 0x200000, /* all windows: 128 of them */
	PTN_WINDOWS_MAX = PTN_WINDOW_AREA / PTN_WINDOW_SIZE,

	PTN_HOST_ID = 1,

	PTN_RINGS_MAX = 16, /* of each direction */
	PTN_SLOTS_MIN = 16,
	PTN_SLOTS_MAX = 4096,
	PTN_VECTORS_MAX = 1 + 2 * PTN_RINGS_MAX,

	/* Large frames (gso_type) are cut into so many segments at most, and
	 * into more than one only when these have so much payload. */
	PTN_SEGMENTS_MAX = 256,
	PTN_SEGMENT_MIN = 64,
};

#define PTN_VECTOR_CONTROL 0
#define PTN_VECTOR_TX(i) (1 + 2 * (i))
#define PTN_VECTOR_RX(i) (2 + 2 * (i))

enum ptn_state {
	PTN_STATE_READY = 1, /* attached, not started */
	PTN_STATE_RUNNING = 2,
	PTN_STATE_FAULTED = 3, /* disabled after too many faults */
	PTN_STATE_GONE = 4, /* the port was deleted or the host is leaving */
};

enum ptn_region_command {
	PTN_REGION_RESET = 1,
	PTN_REGION_START = 2,
	PTN_REGION_STOP = 3,
	PTN_REGION_HEADER = 4, /* arg[0]: its length */
};

/* Bits of ptn_config.features. */
enum ptn_region_feature {
	/*
	 * Before the host sleeps it issues a barrier on every CPU by
	 * membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED). A program of the same
	 * host that has registered for these needs no barrier of its own
	 * between storing head and loading kern_need_kick, only order. A VM
	 * is not reached by it and keeps its full barrier.
	 */
	PTN_REGION_HEAVY_SLEEP = 1 << 0,
	/* The command HEADER is taken. */
	PTN_REGION_HEADERS = 1 << 1,
};

struct ptn_pool_info {
	__u64 offset; /* from the start of the netmap memory */
	__u32 count;
	__u32 size; /* of an object, bytes */
};

struct ptn_config {
	__u64 magic;
	__u32 version;
	__u32 bytes; /* of this structure */
	__u64 features;
	__u32 state; /* enum ptn_state */
	__u32 heartbeat; /* grows while the host is alive and busy */
	__u32 generation; /* of the host side: changes when it restarts */
	__u32 ack_seq;
	__s32 ack_status;
	__u32 window;
	__u32 vectors;
	__u32 tx_rings;
	__u32 rx_rings;
	__u32 tx_slots;
	__u32 rx_slots;
	__u32 vnet_hdr_len;
	__u32 mtu;
	__u8 mac[6];
	__u16 pad;
	__u64 atok_ofs; /* offsets in the memory file */
	__u64 ktoa_ofs;
	__u64 control_ofs;
	__u64 mem_ofs;
	__u64 mem_size; /* what is worth mapping, from mem_ofs */
	__u64 nifp_ofs; /* of the netmap_if, in the netmap memory */
	struct ptn_pool_info pool[3]; /* interface, ring, buffer */
	char name[64];
};

struct ptn_control {
	__u32 seq;
	__u32 cmd; /* enum ptn_region_command */
	__u32 arg[4];
	/*
	 * Which driver it is, for people: PTN_DRIVER_VERSION(), or 0 when none
	 * is there any more. Read with each command.
	 */
	__u32 driver;
};

#define PTN_DRIVER_VERSION(major, minor, patch)                                \
	((major) << 16 | (minor) << 8 | (patch))

#endif
