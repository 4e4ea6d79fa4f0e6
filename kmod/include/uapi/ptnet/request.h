/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What programs ask of /dev/netmap (NETMAP_API 14): requests with a header, a
 * body and a list of options, and the older fixed-size call.
 *
 * A program fills in a header, points it to a body and perhaps to options,
 * and passes it with NIOCCTRL. Request and options together are at most
 * NETMAP_REQ_MAXSIZE bytes. The body comes back only when the request
 * succeeded, the options' status always.
 */
#ifndef PTNET_UAPI_REQUEST_H
#define PTNET_UAPI_REQUEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define NETMAP_MIN_API 14
#define NETMAP_MAX_API 15

enum {
	NETMAP_REQ_IFNAMSIZ = 64,
	NETMAP_REQ_MAXSIZE = 4096,
};

struct nmreq_header {
	__u16 nr_version;
	__u16 nr_reqtype; /* enum: NETMAP_REQ_* */
	__u32 nr_reserved; /* 0 */
	char nr_name[NETMAP_REQ_IFNAMSIZ];
	__u64 nr_options; /* pointer to the first option */
	__u64 nr_body; /* pointer */
};

enum {
	NETMAP_REQ_REGISTER = 1,
	NETMAP_REQ_PORT_INFO_GET,
	NETMAP_REQ_VALE_ATTACH,
	NETMAP_REQ_VALE_DETACH,
	NETMAP_REQ_VALE_LIST,
	NETMAP_REQ_PORT_HDR_SET,
	NETMAP_REQ_PORT_HDR_GET,
	NETMAP_REQ_VALE_NEWIF,
	NETMAP_REQ_VALE_DELIF,
	NETMAP_REQ_VALE_POLLING_ENABLE,
	NETMAP_REQ_VALE_POLLING_DISABLE,
	NETMAP_REQ_POOLS_INFO_GET,
	NETMAP_REQ_SYNC_KLOOP_START,
	NETMAP_REQ_SYNC_KLOOP_STOP,
	NETMAP_REQ_CSB_ENABLE,
	NETMAP_REQ_MAX = NETMAP_REQ_CSB_ENABLE,
};

struct nmreq_option {
	__u64 nro_next; /* pointer */
	__u32 nro_reqtype; /* NETMAP_REQ_OPT_* */
	__u32 nro_status; /* out: 0, or an errno */
	__u64 nro_size; /* of the options that vary in size */
};

enum {
	NETMAP_REQ_OPT_EXTMEM = 1,
	NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
	NETMAP_REQ_OPT_CSB,
	NETMAP_REQ_OPT_SYNC_KLOOP_MODE,
	NETMAP_REQ_OPT_OFFSETS,
	NETMAP_REQ_OPT_MAX = NETMAP_REQ_OPT_OFFSETS,
};

/* nmreq_register.nr_mode: which rings. */
enum {
	NR_REG_DEFAULT, /* as NR_REG_ALL_NIC */
	NR_REG_ALL_NIC,
	NR_REG_SW, /* the host's rings */
	NR_REG_NIC_SW, /* all */
	NR_REG_ONE_NIC, /* nr_ringid of each direction */
	NR_REG_PIPE_MASTER, /* deprecated: by name */
	NR_REG_PIPE_SLAVE,
	NR_REG_NULL, /* none: memory only */
	NR_REG_ONE_SW,
};

/* nmreq_register.nr_flags */
#define NR_MONITOR_TX 0x100
#define NR_MONITOR_RX 0x200
#define NR_ZCOPY_MON 0x400
#define NR_EXCLUSIVE 0x800
#define NR_RX_RINGS_ONLY 0x2000
#define NR_TX_RINGS_ONLY 0x4000
#define NR_ACCEPT_VNET_HDR 0x8000
#define NR_DO_RX_POLL 0x10000
#define NR_NO_TX_POLL 0x20000

struct nmreq_register {
	__u64 nr_offset; /* out: of the netmap_if in the region */
	__u64 nr_memsize; /* out: of the region */
	__u32 nr_tx_slots;
	__u32 nr_rx_slots;
	__u16 nr_tx_rings;
	__u16 nr_rx_rings;
	__u16 nr_host_tx_rings;
	__u16 nr_host_rx_rings;
	__u16 nr_mem_id;
	__u16 nr_ringid;
	__u32 nr_mode;
	__u32 nr_extra_bufs;
	__u32 nr_pad;
	__u64 nr_flags;
};

struct nmreq_port_info_get {
	__u64 nr_memsize;
	__u32 nr_tx_slots;
	__u32 nr_rx_slots;
	__u16 nr_tx_rings;
	__u16 nr_rx_rings;
	__u16 nr_host_tx_rings;
	__u16 nr_host_rx_rings;
	__u16 nr_mem_id;
	__u16 nr_pad[3];
};

struct nmreq_vale_attach {
	struct nmreq_register reg;
	__u32 port_index; /* out */
	__u32 pad;
};

struct nmreq_vale_detach {
	__u32 port_index; /* out */
	__u32 pad;
};

struct nmreq_vale_list {
	__u16 nr_bridge_idx;
	__u16 pad;
	__u32 nr_port_idx;
};

struct nmreq_port_hdr {
	__u32 nr_hdr_len; /* 0, 10 or 12 */
	__u32 pad;
};

struct nmreq_vale_newif {
	__u32 nr_tx_slots;
	__u32 nr_rx_slots;
	__u16 nr_tx_rings;
	__u16 nr_rx_rings;
	__u16 nr_mem_id;
	__u16 pad;
};

enum {
	NETMAP_POLLING_MODE_SINGLE_CPU = 1,
	NETMAP_POLLING_MODE_MULTI_CPU,
};

struct nmreq_vale_polling {
	__u32 nr_mode;
	__u32 nr_first_cpu_id;
	__u32 nr_num_polling_cpus;
	__u32 pad;
};

struct nmreq_pools_info {
	__u64 nr_memsize;
	__u16 nr_mem_id;
	__u16 pad[3];
	__u64 nr_if_pool_offset;
	__u32 nr_if_pool_objtotal;
	__u32 nr_if_pool_objsize;
	__u64 nr_ring_pool_offset;
	__u32 nr_ring_pool_objtotal;
	__u32 nr_ring_pool_objsize;
	__u64 nr_buf_pool_offset;
	__u32 nr_buf_pool_objtotal;
	__u32 nr_buf_pool_objsize;
};

struct nmreq_sync_kloop_start {
	__u32 sleep_us;
	__u32 pad;
};

struct nmreq_opt_extmem {
	struct nmreq_option nro_opt;
	__u64 nro_usrptr;
	struct nmreq_pools_info nro_info;
};

struct nmreq_opt_sync_kloop_eventfds {
	struct nmreq_option nro_opt; /* nro_size is that of all */
	struct {
		__s32 ioeventfd; /* application to kernel */
		__s32 irqfd; /* kernel to application */
	} eventfds[];
};

struct nmreq_opt_csb {
	struct nmreq_option nro_opt;
	__u64 csb_atok; /* pointers, aligned to 64 bytes */
	__u64 csb_ktoa;
};

#define NM_OPT_SYNC_KLOOP_DIRECT_TX 1
#define NM_OPT_SYNC_KLOOP_DIRECT_RX 2

struct nmreq_opt_sync_kloop_mode {
	struct nmreq_option nro_opt;
	__u32 mode;
	__u32 pad;
};

struct nmreq_opt_offsets {
	struct nmreq_option nro_opt;
	__u64 nro_max_offset;
	__u64 nro_initial_offset;
	__u32 nro_offset_bits;
	__u32 nro_tx_align;
	__u64 nro_min_gap;
};

/* The older call: one structure for everything. */
struct nmreq {
	char nr_name[16];
	__u32 nr_version;
	__u32 nr_offset;
	__u32 nr_memsize;
	__u32 nr_tx_slots;
	__u32 nr_rx_slots;
	__u16 nr_tx_rings;
	__u16 nr_rx_rings;
	__u16 nr_ringid;
	__u16 nr_cmd;
	__u16 nr_arg1;
	__u16 nr_arg2; /* memory id */
	__u32 nr_arg3; /* extra buffers */
	__u32 nr_flags;
	__u32 spare2[1];
};

/* nmreq.nr_ringid */
#define NETMAP_HW_RING 0x4000
#define NETMAP_SW_RING 0x2000
#define NETMAP_NO_TX_POLL 0x1000
#define NETMAP_DO_RX_POLL 0x8000
#define NETMAP_RING_MASK 0x0fff

/* nmreq.nr_cmd */
enum {
	NETMAP_BDG_ATTACH = 1,
	NETMAP_BDG_DETACH,
	NETMAP_BDG_REGOPS,
	NETMAP_BDG_LIST,
	NETMAP_BDG_VNET_HDR,
	NETMAP_BDG_NEWIF,
	NETMAP_BDG_DELIF,
	NETMAP_PT_HOST_CREATE,
	NETMAP_PT_HOST_DELETE,
	NETMAP_BDG_POLLING_ON,
	NETMAP_BDG_POLLING_OFF,
	NETMAP_VNET_HDR_GET,
};

#define NETMAP_BDG_HOST 1 /* nmreq.nr_arg1: attach the host's rings too */
#define NR_REG_MASK 0xf /* nmreq.nr_flags: the mode */

struct nm_ifreq {
	char nifr_name[16];
	char data[256];
};

#define NIOCGINFO _IOWR('i', 145, struct nmreq)
#define NIOCREGIF _IOWR('i', 146, struct nmreq)
#define NIOCTXSYNC _IO('i', 148)
#define NIOCRXSYNC _IO('i', 149)
#define NIOCCONFIG _IOWR('i', 150, struct nm_ifreq)
#define NIOCCTRL _IOWR('i', 151, struct nmreq_header)

#endif
