/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The control family: what a backend is told, and what it tells.
 *
 * Generic netlink messages (nlmsghdr, genlmsghdr, attributes). The kernel
 * module takes them by the generic netlink family "ptnet"; ptnet-engine takes
 * the same bytes on a SOCK_SEQPACKET socket, where nlmsg_type is
 * PTN_ENGINE_FAMILY. One datagram may carry several messages.
 *
 * Changes happen in transactions. TXN_BEGIN opens one on this socket, the
 * NEW, SET and DEL messages that follow are only written down, TXN_COMMIT
 * checks all of them against what is there and then does all or nothing;
 * closing the socket drops what was not committed. Objects are done in the
 * order in which they came. The revision that TXN_BEGIN named is the backend's
 * revision once the commit succeeded.
 *
 * A message with NLM_F_ACK is answered by NLMSG_ERROR; so is every message
 * that fails. A negative error comes with NLM_F_ACK_TLVS and
 * NLMSGERR_ATTR_MSG: a sentence for people. A failed commit's sentence names
 * the object that failed.
 *
 * GET with NLM_F_DUMP answers one NEW message an object (NLM_F_MULTI) and
 * NLMSG_DONE; without it, the object named, or -ENOENT. Messages with
 * NLM_F_DUMP_INTR: something came or went meanwhile, ask again.
 *
 * Revision 0 is nobody's: a transaction makes it only when nothing is left
 * afterwards, and the backend is as if new then, with another instance.
 *
 * Objects that programs make by opening them are shown, as FOREIGN, and are
 * not changed: a NEW of such a name is refused.
 *
 * The kernel's family has a multicast group for events; who does not read
 * them in time loses some, and hears of that by ENOBUFS. The engine tells them
 * to a connection that has sent EVENT as a request: of ports that it stopped,
 * each at most once in ten seconds, and of network devices. Who reads again
 * after he has lost some gets one error message of sequence number 0 with
 * -ENOBUFS, behind the events that came before. Nobody waits for who does not
 * read, and he loses nothing else: answers stay, and he is not heard until he
 * has taken them.
 *
 * A port whose device went keeps its place and is FAULTED. Once there is a
 * device of that name again (NIC_BACK) a VM's port and every one of the
 * engine has that; others of the kernel are STALE: made anew, they have it.
 */
#ifndef PTNET_UAPI_CONTROL_H
#define PTNET_UAPI_CONTROL_H

#define PTN_FAMILY_NAME "ptnet"
#define PTN_FAMILY_VERSION 1
#define PTN_ENGINE_FAMILY 0x7074
#define PTN_EVENTS_GROUP "events"

enum {
	PTN_NAME_MAX = 64, /* with the final zero */
};

enum ptn_cmd {
	PTN_CMD_UNSPEC,
	PTN_CMD_INFO_GET, /* -> INFO_NEW */
	PTN_CMD_INFO_NEW,
	PTN_CMD_TXN_BEGIN, /* REVISION */
	PTN_CMD_TXN_COMMIT,
	PTN_CMD_TXN_ABORT,
	PTN_CMD_SWITCH_NEW, /* SWITCH */
	PTN_CMD_SWITCH_SET,
	PTN_CMD_SWITCH_DEL,
	PTN_CMD_SWITCH_GET,
	PTN_CMD_PIPE_NEW, /* PIPE */
	PTN_CMD_PIPE_DEL,
	PTN_CMD_PIPE_GET,
	PTN_CMD_PORT_NEW, /* PORT */
	PTN_CMD_PORT_SET,
	PTN_CMD_PORT_DEL,
	PTN_CMD_PORT_GET,
	PTN_CMD_FDB_GET, /* SWITCH with its name, dump -> FDB_NEW */
	PTN_CMD_FDB_NEW,
	PTN_CMD_CENSUS_GET, /* -> CENSUS_NEW: count every buffer of every region
			     */
	PTN_CMD_CENSUS_NEW,
	/* To the group: EVENT, perhaps REVISION. To the engine: tell me. */
	PTN_CMD_EVENT,
	PTN_CMD_MAX,
};

/* Attributes of a message. */
enum ptn_attr {
	PTN_A_UNSPEC,
	PTN_A_REVISION, /* u64 */
	PTN_A_VERSION, /* string: of the backend's build */
	PTN_A_FEATURES, /* u32: enum ptn_feature */
	PTN_A_INSTANCE, /* u64: differs for every start of a backend */
	PTN_A_SWITCH, /* nest: enum ptn_switch_attr */
	PTN_A_PIPE, /* nest: enum ptn_pipe_attr */
	PTN_A_PORT, /* nest: enum ptn_port_attr */
	PTN_A_FDB, /* nest: enum ptn_fdb_attr */
	PTN_A_CENSUS, /* nest: enum ptn_census_attr */
	PTN_A_PAD,
	PTN_A_WORKERS, /* u32: threads that move frames */
	PTN_A_EVENT, /* nest: enum ptn_event_attr */
	PTN_A_MAX = PTN_A_EVENT,
};

/* What a backend can do; a topology that needs more is refused by name. */
enum ptn_feature {
	PTN_FEATURE_SWITCH = 1 << 0,
	PTN_FEATURE_PIPE = 1 << 1,
	PTN_FEATURE_PORT = 1 << 2, /* ports for host programs */
	PTN_FEATURE_NIC = 1 << 3,
	PTN_FEATURE_VM = 1 << 4,
};

enum ptn_switch_attr {
	PTN_SW_UNSPEC,
	PTN_SW_NAME, /* string */
	PTN_SW_OWNER, /* string: the topology; empty: made by hand */
	PTN_SW_AGEING_MS, /* u32: 0 keeps entries for ever */
	PTN_SW_FDB_SIZE, /* u32: entries, a power of two */
	PTN_SW_STATIC, /* nest, many: enum ptn_fdb_attr, MAC and PORT */
	PTN_SW_PORTS, /* u32, out */
	PTN_SW_FDB_USED, /* u32, out */
	PTN_SW_COUNTERS, /* nest, out: enum ptn_switch_counter, u64 each */
	PTN_SW_PAD,
	PTN_SW_FOREIGN, /* u8, out: a program made it */
	PTN_SW_MAX = PTN_SW_FOREIGN,
};

enum ptn_switch_counter {
	PTN_SWC_UNSPEC,
	PTN_SWC_FLOODED, /* frames sent to more than one port or to unknown */
	PTN_SWC_COPIES, /* what these became: one a receiver */
	PTN_SWC_LEARNED,
	PTN_SWC_MOVED, /* an address was seen at another port */
	PTN_SWC_EVICTED, /* an entry made room for another address */
	PTN_SWC_EXPIRED,
	PTN_SWC_MAX = PTN_SWC_EXPIRED,
};

enum ptn_pipe_attr {
	PTN_PI_UNSPEC,
	PTN_PI_NAME, /* string */
	PTN_PI_OWNER, /* string */
	PTN_PI_DOMAIN, /* string: whose region the ends share */
	PTN_PI_FOREIGN, /* u8, out */
	PTN_PI_MAX = PTN_PI_FOREIGN,
};

enum ptn_port_kind {
	PTN_PORT_HOST = 1, /* for host programs and containers */
	PTN_PORT_VM = 2, /* a VM's interface */
	PTN_PORT_NIC = 3, /* a network device of the host */
};

enum ptn_port_attr {
	PTN_PO_UNSPEC,
	PTN_PO_NAME, /* string */
	PTN_PO_OWNER, /* string */
	PTN_PO_KIND, /* u32: enum ptn_port_kind */
	PTN_PO_SWITCH, /* string: on this switch, or */
	PTN_PO_PIPE, /* string: on this pipe and */
	PTN_PO_END, /* u8: 0 is a, 1 is b; or */
	PTN_PO_NIC, /* string: on this network device */
	PTN_PO_HOST_STACK, /* u8: keep the device's host stack connected */
	PTN_PO_DOMAIN, /* string: share this domain's region; empty: own one */
	PTN_PO_MAC, /* 6 bytes */
	PTN_PO_QUEUES, /* u32: rings of each direction */
	PTN_PO_SLOTS, /* u32: of each ring */
	PTN_PO_BUF_SIZE, /* u32: bytes */
	PTN_PO_EXTRA_BUFS, /* u32 */
	PTN_PO_HUGE_PAGES, /* u8 */
	PTN_PO_STATE, /* u32, out: enum ptn_port_state */
	PTN_PO_PID, /* u32, out: who is attached */
	/* string, out: attach here. The engine's is a path, the kernel's the
	 * name to open: "vale0:probe", "netmap:p{0", "netmap:eth0"; a VM's has
	 * none, but a server in user space (ptnet/bind.h) */
	PTN_PO_SOCKET,
	PTN_PO_COUNTERS, /* nest, out: enum ptn_counter, u64 each */
	PTN_PO_WORKER, /* u32, out */
	PTN_PO_PAD,
	PTN_PO_FOREIGN, /* u8, out */
	PTN_PO_OFFLOAD, /* u8: a VM's frames may have virtio-net headers */
	PTN_PO_DRIVER, /* u32, out: PTN_DRIVER_VERSION() of a VM's */
	PTN_PO_GENERATION, /* u32, out: of the host's side, as a VM sees it */
	PTN_PO_PAGE_SIZE, /* u32, out: of its memory, in bytes; 0: it has none
			   */
	PTN_PO_DEVICE_GONE, /* u8, out */
	/* u8, in: it has been declared before, so that its network device may
	 * be missing: as if that had gone */
	PTN_PO_NIC_LATER,
	PTN_PO_MAX = PTN_PO_NIC_LATER,
};

enum ptn_port_state {
	PTN_PORT_DOWN = 1, /* nobody attached */
	PTN_PORT_ATTACHED = 2, /* attached, not started */
	PTN_PORT_UP = 3,
	PTN_PORT_FAULTED = 4, /* its rings are corrupt, its device is gone */
	PTN_PORT_STALE = 5, /* another device of its device's name is there */
};

/*
 * Counters of a port, from its program's point of view: tx is what the
 * program sent, dropped or not; rx is what it was given. On a switch, the sum
 * of tx + copies - flooded + segments - segmented is the sum of rx + drops but
 * DROP_DEVICE, whose frames are in the rx of the device's port as well.
 */
enum ptn_counter {
	PTN_C_UNSPEC,
	PTN_C_TX_FRAMES,
	PTN_C_TX_BYTES,
	PTN_C_RX_FRAMES,
	PTN_C_RX_BYTES,
	PTN_C_TX_SYNCS, /* batches that moved something */
	PTN_C_RX_SYNCS,
	PTN_C_TX_KICKS, /* doorbells heard */
	PTN_C_RX_KICKS, /* notifications sent */
	PTN_C_FAULTS, /* times a ring was found corrupt and reset */
	/* Frames lost, counted where they were lost. */
	PTN_C_DROP_RX_FULL, /* at the receiver: no free slot */
	PTN_C_DROP_RX_FAULT, /* at the receiver: its free slots are corrupt */
	PTN_C_DROP_NO_DEST, /* at the sender: nobody to deliver to */
	PTN_C_DROP_SAME_PORT, /* at the sender: the destination is the sender */
	PTN_C_DROP_TOO_SHORT, /* at the sender: no Ethernet header */
	PTN_C_DROP_TOO_LONG, /* at the sender: longer than the buffer */
	PTN_C_DROP_TOO_BIG, /* at the receiver: needs more fragments than fit */
	PTN_C_DROP_BAD_BUFFER, /* at the sender: buffer index not its own */
	PTN_C_DROP_BAD_CHAIN, /* at the sender: endless or oversized chain */
	PTN_C_DROP_INDIRECT, /* at the sender: NS_INDIRECT not possible here */
	PTN_C_DROP_DETACHED, /* at the sender: detached with frames pending */
	PTN_C_DROP_OFFLOAD, /* at the sender: a virtio-net header is not valid
			     */
	/* at the sender, or at the device's port on a switch: the device could
	 * not send it */
	PTN_C_DROP_DEVICE,
	PTN_C_DROP_OFFLOAD_FRAME, /* at the sender: the frame is not what its
				   * virtio-net header says */
	PTN_C_DROP_OFFLOAD_PARTS, /* at the sender: too many segments, or too
				   * small ones */
	/* At a receiver without virtio-net headers, of frames that had one. */
	PTN_C_SEGMENTED, /* frames that were cut into segments */
	PTN_C_SEGMENTS, /* what these became, dropped or not */
	PTN_C_CHECKSUMS, /* frames that were not cut and got their checksum */
	PTN_C_MAX = PTN_C_CHECKSUMS,

	/* All from DROP_RX_FULL up to here are drops. */
	PTN_C_DROP_LAST = PTN_C_DROP_OFFLOAD_PARTS,
};

enum ptn_fdb_attr {
	PTN_FDB_UNSPEC,
	PTN_FDB_MAC, /* 6 bytes */
	PTN_FDB_PORT, /* string */
	PTN_FDB_STATIC, /* u8 */
	PTN_FDB_AGE_MS, /* u32 */
	PTN_FDB_MAX = PTN_FDB_AGE_MS,
};

enum ptn_census_attr {
	PTN_CE_UNSPEC,
	PTN_CE_REGIONS, /* u32 */
	PTN_CE_BUFFERS, /* u64: that exist */
	PTN_CE_FREE, /* u64: in free lists */
	PTN_CE_SLOTS, /* u64: in exactly one slot */
	PTN_CE_EXTRA, /* u64: in exactly one extra list */
	PTN_CE_LOST, /* u64: nowhere */
	PTN_CE_DOUBLE, /* u64: in more than one place */
	PTN_CE_PAD,
	PTN_CE_MAX = PTN_CE_PAD,
};

enum ptn_event_attr {
	PTN_EV_UNSPEC,
	PTN_EV_TYPE, /* u32: enum ptn_event */
	PTN_EV_NAME, /* string: of the port, where it is about one */
	PTN_EV_PID, /* u32: of the program */
	PTN_EV_SWITCH, /* string: of the switch, where it is about one */
	PTN_EV_RATE, /* u32: STORM: frames that it floods in a second */
	PTN_EV_MAX = PTN_EV_RATE,
};

enum ptn_event {
	PTN_EVENT_CHANGED = 1, /* a transaction was done: REVISION */
	PTN_EVENT_PORT_UP, /* a program opened it */
	PTN_EVENT_PORT_DOWN, /* closed, or died with it open */
	PTN_EVENT_PORT_FAULT, /* a ring was found corrupt, and reset */
	PTN_EVENT_PORT_NEW, /* a program made it */
	PTN_EVENT_PORT_GONE, /* what a program made is gone */
	PTN_EVENT_NIC_GONE, /* the network device went, or changed namespace */
	PTN_EVENT_STORM, /* a switch floods more than it should; told once */
	PTN_EVENT_NIC_BACK, /* a device of its name came */
	PTN_EVENT_PORT_STOPPED, /* disabled: it did harm too often */
};

#endif
