// SPDX-License-Identifier: BSD-2-Clause
/*
 * The interface in numbers, as programs were compiled with it elsewhere. That
 * this file compiles is the test.
 */
#include <stddef.h>

#include <ptnet/netmap.h>
#include <ptnet/request.h>

#define VALUE(name, n) _Static_assert((name) == (n), #name)
#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)
#define PLACE(type, member, at, bytes)                                         \
	_Static_assert(offsetof(struct type, member) == (at) &&                \
			       sizeof(((struct type *)0)->member) == (bytes),  \
		       #type "." #member)

/* Shared memory */

SIZE(netmap_slot, 16);
PLACE(netmap_slot, buf_idx, 0, 4);
PLACE(netmap_slot, len, 4, 2);
PLACE(netmap_slot, flags, 6, 2);
PLACE(netmap_slot, ptr, 8, 8);
VALUE(NS_BUF_CHANGED, 0x1);
VALUE(NS_REPORT, 0x2);
VALUE(NS_FORWARD, 0x4);
VALUE(NS_NO_LEARN, 0x8);
VALUE(NS_INDIRECT, 0x10);
VALUE(NS_MOREFRAG, 0x20);
VALUE(NS_TXMON, 0x40);
VALUE(NS_PORT_SHIFT, 8);
VALUE(NS_PORT_MASK, 0xff00);
VALUE(NETMAP_MAX_FRAGS, 64);

SIZE(netmap_ring, 256);
PLACE(netmap_ring, buf_ofs, 0, 8);
PLACE(netmap_ring, num_slots, 8, 4);
PLACE(netmap_ring, nr_buf_size, 12, 4);
PLACE(netmap_ring, ringid, 16, 2);
PLACE(netmap_ring, dir, 18, 2);
PLACE(netmap_ring, head, 20, 4);
PLACE(netmap_ring, cur, 24, 4);
PLACE(netmap_ring, tail, 28, 4);
PLACE(netmap_ring, flags, 32, 4);
PLACE(netmap_ring, ts, 40, 16);
PLACE(netmap_ring, offset_mask, 56, 8);
PLACE(netmap_ring, buf_align, 64, 8);
PLACE(netmap_ring, sem, 128, 128);
_Static_assert(offsetof(struct netmap_ring, slot) == 256, "slot");
VALUE(NR_TIMESTAMP, 0x2);
VALUE(NR_FORWARD, 0x4);

SIZE(netmap_if, 56);
PLACE(netmap_if, ni_name, 0, 16);
PLACE(netmap_if, ni_version, 16, 4);
PLACE(netmap_if, ni_flags, 20, 4);
PLACE(netmap_if, ni_tx_rings, 24, 4);
PLACE(netmap_if, ni_rx_rings, 28, 4);
PLACE(netmap_if, ni_bufs_head, 32, 4);
PLACE(netmap_if, ni_host_tx_rings, 36, 4);
PLACE(netmap_if, ni_host_rx_rings, 40, 4);
PLACE(netmap_if, ni_spare1, 44, 12);
_Static_assert(offsetof(struct netmap_if, ring_ofs) == 56, "ring_ofs");
VALUE(NI_PRIV_MEM, 1);

SIZE(nm_csb_atok, 64);
PLACE(nm_csb_atok, head, 0, 4);
PLACE(nm_csb_atok, cur, 4, 4);
PLACE(nm_csb_atok, appl_need_kick, 8, 4);
PLACE(nm_csb_atok, sync_flags, 12, 4);
SIZE(nm_csb_ktoa, 64);
PLACE(nm_csb_ktoa, hwcur, 0, 4);
PLACE(nm_csb_ktoa, hwtail, 4, 4);
PLACE(nm_csb_ktoa, kern_need_kick, 8, 4);

/* Calls */

VALUE(NETMAP_API, 14);
VALUE(NIOCGINFO, 0xc03c6991);
VALUE(NIOCREGIF, 0xc03c6992);
VALUE(NIOCTXSYNC, 0x6994);
VALUE(NIOCRXSYNC, 0x6995);
VALUE(NIOCCONFIG, 0xc1106996);
VALUE(NIOCCTRL, 0xc0586997);
SIZE(nm_ifreq, 272);
PLACE(nm_ifreq, data, 16, 256);

SIZE(nmreq_header, 88);
PLACE(nmreq_header, nr_version, 0, 2);
PLACE(nmreq_header, nr_reqtype, 2, 2);
PLACE(nmreq_header, nr_reserved, 4, 4);
PLACE(nmreq_header, nr_name, 8, 64);
PLACE(nmreq_header, nr_options, 72, 8);
PLACE(nmreq_header, nr_body, 80, 8);
VALUE(NETMAP_REQ_MAXSIZE, 4096);
SIZE(nmreq_option, 24);
PLACE(nmreq_option, nro_next, 0, 8);
PLACE(nmreq_option, nro_reqtype, 8, 4);
PLACE(nmreq_option, nro_status, 12, 4);
PLACE(nmreq_option, nro_size, 16, 8);

VALUE(NETMAP_REQ_REGISTER, 1);
VALUE(NETMAP_REQ_PORT_INFO_GET, 2);
VALUE(NETMAP_REQ_VALE_ATTACH, 3);
VALUE(NETMAP_REQ_VALE_DETACH, 4);
VALUE(NETMAP_REQ_VALE_LIST, 5);
VALUE(NETMAP_REQ_PORT_HDR_SET, 6);
VALUE(NETMAP_REQ_PORT_HDR_GET, 7);
VALUE(NETMAP_REQ_VALE_NEWIF, 8);
VALUE(NETMAP_REQ_VALE_DELIF, 9);
VALUE(NETMAP_REQ_VALE_POLLING_ENABLE, 10);
VALUE(NETMAP_REQ_VALE_POLLING_DISABLE, 11);
VALUE(NETMAP_REQ_POOLS_INFO_GET, 12);
VALUE(NETMAP_REQ_SYNC_KLOOP_START, 13);
VALUE(NETMAP_REQ_SYNC_KLOOP_STOP, 14);
VALUE(NETMAP_REQ_CSB_ENABLE, 15);
VALUE(NETMAP_REQ_OPT_EXTMEM, 1);
VALUE(NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, 2);
VALUE(NETMAP_REQ_OPT_CSB, 3);
VALUE(NETMAP_REQ_OPT_SYNC_KLOOP_MODE, 4);
VALUE(NETMAP_REQ_OPT_OFFSETS, 5);

/* Bodies */

SIZE(nmreq_register, 56);
PLACE(nmreq_register, nr_offset, 0, 8);
PLACE(nmreq_register, nr_memsize, 8, 8);
PLACE(nmreq_register, nr_tx_slots, 16, 4);
PLACE(nmreq_register, nr_rx_slots, 20, 4);
PLACE(nmreq_register, nr_tx_rings, 24, 2);
PLACE(nmreq_register, nr_rx_rings, 26, 2);
PLACE(nmreq_register, nr_host_tx_rings, 28, 2);
PLACE(nmreq_register, nr_host_rx_rings, 30, 2);
PLACE(nmreq_register, nr_mem_id, 32, 2);
PLACE(nmreq_register, nr_ringid, 34, 2);
PLACE(nmreq_register, nr_mode, 36, 4);
PLACE(nmreq_register, nr_extra_bufs, 40, 4);
PLACE(nmreq_register, nr_flags, 48, 8);
VALUE(NR_REG_DEFAULT, 0);
VALUE(NR_REG_ALL_NIC, 1);
VALUE(NR_REG_SW, 2);
VALUE(NR_REG_NIC_SW, 3);
VALUE(NR_REG_ONE_NIC, 4);
VALUE(NR_REG_PIPE_MASTER, 5);
VALUE(NR_REG_PIPE_SLAVE, 6);
VALUE(NR_REG_NULL, 7);
VALUE(NR_REG_ONE_SW, 8);
VALUE(NR_MONITOR_TX, 0x100);
VALUE(NR_MONITOR_RX, 0x200);
VALUE(NR_ZCOPY_MON, 0x400);
VALUE(NR_EXCLUSIVE, 0x800);
VALUE(NR_RX_RINGS_ONLY, 0x2000);
VALUE(NR_TX_RINGS_ONLY, 0x4000);
VALUE(NR_ACCEPT_VNET_HDR, 0x8000);
VALUE(NR_DO_RX_POLL, 0x10000);
VALUE(NR_NO_TX_POLL, 0x20000);

SIZE(nmreq_port_info_get, 32);
PLACE(nmreq_port_info_get, nr_memsize, 0, 8);
PLACE(nmreq_port_info_get, nr_tx_slots, 8, 4);
PLACE(nmreq_port_info_get, nr_rx_slots, 12, 4);
PLACE(nmreq_port_info_get, nr_tx_rings, 16, 2);
PLACE(nmreq_port_info_get, nr_rx_rings, 18, 2);
PLACE(nmreq_port_info_get, nr_host_tx_rings, 20, 2);
PLACE(nmreq_port_info_get, nr_host_rx_rings, 22, 2);
PLACE(nmreq_port_info_get, nr_mem_id, 24, 2);
SIZE(nmreq_vale_attach, 64);
PLACE(nmreq_vale_attach, port_index, 56, 4);
SIZE(nmreq_vale_detach, 8);
PLACE(nmreq_vale_detach, port_index, 0, 4);
SIZE(nmreq_vale_list, 8);
PLACE(nmreq_vale_list, nr_bridge_idx, 0, 2);
PLACE(nmreq_vale_list, nr_port_idx, 4, 4);
SIZE(nmreq_port_hdr, 8);
PLACE(nmreq_port_hdr, nr_hdr_len, 0, 4);
SIZE(nmreq_vale_newif, 16);
PLACE(nmreq_vale_newif, nr_tx_slots, 0, 4);
PLACE(nmreq_vale_newif, nr_rx_slots, 4, 4);
PLACE(nmreq_vale_newif, nr_tx_rings, 8, 2);
PLACE(nmreq_vale_newif, nr_rx_rings, 10, 2);
PLACE(nmreq_vale_newif, nr_mem_id, 12, 2);
SIZE(nmreq_vale_polling, 16);
PLACE(nmreq_vale_polling, nr_mode, 0, 4);
PLACE(nmreq_vale_polling, nr_first_cpu_id, 4, 4);
PLACE(nmreq_vale_polling, nr_num_polling_cpus, 8, 4);
VALUE(NETMAP_POLLING_MODE_SINGLE_CPU, 1);
VALUE(NETMAP_POLLING_MODE_MULTI_CPU, 2);
SIZE(nmreq_pools_info, 64);
PLACE(nmreq_pools_info, nr_memsize, 0, 8);
PLACE(nmreq_pools_info, nr_mem_id, 8, 2);
PLACE(nmreq_pools_info, nr_if_pool_offset, 16, 8);
PLACE(nmreq_pools_info, nr_if_pool_objtotal, 24, 4);
PLACE(nmreq_pools_info, nr_if_pool_objsize, 28, 4);
PLACE(nmreq_pools_info, nr_ring_pool_offset, 32, 8);
PLACE(nmreq_pools_info, nr_buf_pool_offset, 48, 8);
PLACE(nmreq_pools_info, nr_buf_pool_objsize, 60, 4);
SIZE(nmreq_sync_kloop_start, 8);
PLACE(nmreq_sync_kloop_start, sleep_us, 0, 4);

/* Options */

SIZE(nmreq_opt_extmem, 96);
PLACE(nmreq_opt_extmem, nro_usrptr, 24, 8);
PLACE(nmreq_opt_extmem, nro_info, 32, 64);
SIZE(nmreq_opt_sync_kloop_eventfds, 24);
PLACE(nmreq_opt_sync_kloop_eventfds, eventfds[0], 24, 8);
PLACE(nmreq_opt_sync_kloop_eventfds, eventfds[0].irqfd, 28, 4);
SIZE(nmreq_opt_csb, 40);
PLACE(nmreq_opt_csb, csb_atok, 24, 8);
PLACE(nmreq_opt_csb, csb_ktoa, 32, 8);
SIZE(nmreq_opt_sync_kloop_mode, 32);
PLACE(nmreq_opt_sync_kloop_mode, mode, 24, 4);
VALUE(NM_OPT_SYNC_KLOOP_DIRECT_TX, 1);
VALUE(NM_OPT_SYNC_KLOOP_DIRECT_RX, 2);
SIZE(nmreq_opt_offsets, 56);
PLACE(nmreq_opt_offsets, nro_max_offset, 24, 8);
PLACE(nmreq_opt_offsets, nro_initial_offset, 32, 8);
PLACE(nmreq_opt_offsets, nro_offset_bits, 40, 4);
PLACE(nmreq_opt_offsets, nro_tx_align, 44, 4);
PLACE(nmreq_opt_offsets, nro_min_gap, 48, 8);

/* The older call */

SIZE(nmreq, 60);
PLACE(nmreq, nr_name, 0, 16);
PLACE(nmreq, nr_version, 16, 4);
PLACE(nmreq, nr_offset, 20, 4);
PLACE(nmreq, nr_memsize, 24, 4);
PLACE(nmreq, nr_tx_slots, 28, 4);
PLACE(nmreq, nr_rx_slots, 32, 4);
PLACE(nmreq, nr_tx_rings, 36, 2);
PLACE(nmreq, nr_rx_rings, 38, 2);
PLACE(nmreq, nr_ringid, 40, 2);
PLACE(nmreq, nr_cmd, 42, 2);
PLACE(nmreq, nr_arg1, 44, 2);
PLACE(nmreq, nr_arg2, 46, 2);
PLACE(nmreq, nr_arg3, 48, 4);
PLACE(nmreq, nr_flags, 52, 4);
PLACE(nmreq, spare2, 56, 4);
VALUE(NETMAP_HW_RING, 0x4000);
VALUE(NETMAP_SW_RING, 0x2000);
VALUE(NETMAP_NO_TX_POLL, 0x1000);
VALUE(NETMAP_DO_RX_POLL, 0x8000);
VALUE(NETMAP_RING_MASK, 0x0fff);
VALUE(NETMAP_BDG_ATTACH, 1);
VALUE(NETMAP_BDG_DETACH, 2);
VALUE(NETMAP_BDG_REGOPS, 3);
VALUE(NETMAP_BDG_LIST, 4);
VALUE(NETMAP_BDG_VNET_HDR, 5);
VALUE(NETMAP_BDG_NEWIF, 6);
VALUE(NETMAP_BDG_DELIF, 7);
VALUE(NETMAP_PT_HOST_CREATE, 8);
VALUE(NETMAP_PT_HOST_DELETE, 9);
VALUE(NETMAP_BDG_POLLING_ON, 10);
VALUE(NETMAP_BDG_POLLING_OFF, 11);
VALUE(NETMAP_VNET_HDR_GET, 12);
VALUE(NETMAP_BDG_HOST, 1);
VALUE(NR_REG_MASK, 0xf);
