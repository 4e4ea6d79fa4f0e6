/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of a host, flat: what topologies become and backends hold.
 *
 * A topology's ports, VM interfaces and NIC attachments are all ports here.
 * Specs are what people declare; the *_status structs carry what a backend
 * reports. Plain values without pointers, so that copies are copies; the one
 * exception (static entries) is owned by its switch.
 */
#ifndef PTNET_MODEL_OBJECTS_H
#define PTNET_MODEL_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptnet/control.h>

enum object_kind {
	OBJECT_SWITCH,
	OBJECT_PIPE,
	OBJECT_PORT,
};

typedef char object_name[PTN_NAME_MAX];

struct static_mac {
	uint8_t mac[6];
	object_name port;
};

struct switch_spec {
	object_name name;
	object_name owner; /* topology */
	uint32_t ageing_ms; /* 0: entries do not age */
	uint32_t fdb_size;
	struct static_mac *statics; /* sorted by MAC */
	size_t n_statics;
};

struct pipe_spec {
	object_name name;
	object_name owner;
	object_name domain; /* never empty: "pipe:NAME" when not declared */
};

struct port_spec {
	object_name name; /* a VM's interface is VM.INTERFACE */
	object_name owner;
	enum ptn_port_kind kind;
	/* exactly one of these three is not empty, for NICs device and
	 * perhaps a switch */
	object_name on_switch;
	object_name on_pipe;
	object_name device; /* network device of the host */
	uint8_t end; /* of the pipe: 0 a, 1 b */
	bool host_stack; /* NIC */
	bool huge_pages;
	bool offload; /* VM: on a switch its frames may have headers */
	bool has_mac;
	uint8_t mac[6];
	object_name domain; /* empty: a region of its own */
	uint32_t queues;
	uint32_t slots;
	uint32_t buf_size;
	uint32_t extra_bufs;
	/* how it is to be made, not what it is: its device may be missing */
	bool nic_later;
};

struct port_status {
	enum ptn_port_state state;
	uint32_t pid; /* 0: nobody */
	uint32_t worker;
	char socket[108];
	uint64_t counters[PTN_C_MAX + 1]; /* by enum ptn_counter */
	bool foreign; /* a program made it; its owner is empty then */
	uint32_t page_size; /* of its memory, bytes; 0: it has none */
	bool device_gone; /* there is no network device of its name */
	/* of a VM's interface that is attached; 0: not said */
	uint32_t driver; /* its version: major, minor, patch, a byte each */
	uint32_t generation; /* of the host's side, as the guest sees it */
};

struct switch_status {
	uint32_t ports;
	uint32_t fdb_used;
	uint64_t counters[PTN_SWC_MAX + 1]; /* by enum ptn_switch_counter */
	bool foreign;
};

struct pipe_status {
	bool foreign;
};

struct fdb_entry {
	uint8_t mac[6];
	object_name port;
	bool is_static;
	uint32_t age_ms;
};

struct census {
	uint32_t regions;
	uint64_t buffers, free, slots, extra, lost, twice;
};

/*
 * A set of objects, each kind sorted by name. @desired sets come from
 * topologies and have no status; a backend's dump fills the status arrays,
 * which run parallel to the specs.
 */
struct objects {
	struct switch_spec *switches;
	struct switch_status *switch_status; /* NULL in desired sets */
	size_t n_switches;
	struct pipe_spec *pipes;
	struct pipe_status *pipe_status; /* NULL in desired sets */
	size_t n_pipes;
	struct port_spec *ports;
	struct port_status *port_status; /* NULL in desired sets */
	size_t n_ports;
};

/** objects_fini - free what the set holds; it is empty then */
void objects_fini(struct objects *o);

/**
 * objects_add_switch, objects_add_pipe, objects_add_port - append a copy
 *
 * A switch's static entries are copied too. @status may be NULL; a set has
 * status for all objects of a kind or for none. Returns 0 or -ENOMEM. The
 * caller ends with objects_sort().
 */
int objects_add_switch(struct objects *o, const struct switch_spec *spec,
		       const struct switch_status *status);
int objects_add_pipe(struct objects *o, const struct pipe_spec *spec,
		     const struct pipe_status *status);
int objects_add_port(struct objects *o, const struct port_spec *spec,
		     const struct port_status *status);

/** objects_sort - sort each kind by name, status along with its spec */
void objects_sort(struct objects *o);

/** objects_find_switch, _pipe, _port - by name in a sorted set, or NULL */
struct switch_spec *objects_find_switch(const struct objects *o,
					const char *name);
struct pipe_spec *objects_find_pipe(const struct objects *o, const char *name);
struct port_spec *objects_find_port(const struct objects *o, const char *name);

/** switch_spec_equal, pipe_spec_equal, port_spec_equal - same declaration */
bool switch_spec_equal(const struct switch_spec *a,
		       const struct switch_spec *b);
bool pipe_spec_equal(const struct pipe_spec *a, const struct pipe_spec *b);
bool port_spec_equal(const struct port_spec *a, const struct port_spec *b);

/** switch_spec_fini - free a switch's static entries */
void switch_spec_fini(struct switch_spec *s);

/** counter_name - "tx_frames", "rx_full", ... of an enum ptn_counter */
const char *counter_name(enum ptn_counter c);

/** counter_is_drop - whether it counts lost frames, under "drops" in JSON */
bool counter_is_drop(enum ptn_counter c);

/** switch_counter_name - "flooded", ... of an enum ptn_switch_counter */
const char *switch_counter_name(enum ptn_switch_counter c);

#endif
