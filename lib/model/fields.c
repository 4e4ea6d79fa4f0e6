/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The topology document as tables. schemas/topology.schema.json says the same
 * for editors and other programs, and tests hold them together.
 */
#include "model/fields.h"

#include "model/topology.h"

/* Where something is attached: fields of one number go together. */
enum { ON_SWITCH = 1, ON_PIPE, ON_NIC };

#define NAME(n) .name = n, .type = SHAPE_NAME, .max = OBJECT_NAME_MAX
#define INT(n, lo, hi, dflt)                                                   \
	.name = n, .type = SHAPE_INT, .min = lo, .max = hi, .fallback = dflt,  \
	.has_fallback = true
#define BOOL(n) .name = n, .type = SHAPE_BOOL, .has_fallback = true
#define LIST(n, shape) .name = n, .type = SHAPE_LIST, .of = &(shape)

static const char *const api_versions[] = {TOPOLOGY_API_VERSION, NULL};
static const char *const kinds[] = {"Topology", NULL};
static const char *const ends[] = {"a", "b", NULL};

const struct shape static_mac_shape = {
	"a static address",
	(const struct shape_field[]){
		{.name = "mac", .type = SHAPE_MAC, .required = true},
		{.name = "port",
		 .type = SHAPE_TEXT,
		 .min = 1,
		 .max = TOPOLOGY_NAME_MAX,
		 .required = true},
		{0},
	},
};

const struct shape switch_shape = {
	"a switch",
	(const struct shape_field[]){
		{NAME("name"), .required = true},
		{.name = "macAgeing",
		 .type = SHAPE_DURATION,
		 .fallback_text = "300s"},
		{INT("macTable", 64, 1048576, 8192), .power_of_two = true},
		{LIST("staticMacs", static_mac_shape)},
		{0},
	},
};

const struct shape pipe_shape = {
	"a pipe",
	(const struct shape_field[]){
		{NAME("name"), .required = true},
		{NAME("domain")},
		{0},
	},
};

const struct shape port_shape = {
	"a port",
	(const struct shape_field[]){
		{NAME("name"), .required = true},
		{NAME("switch"), .place = ON_SWITCH},
		{NAME("pipe"), .place = ON_PIPE},
		{.name = "end",
		 .type = SHAPE_CHOICE,
		 .choices = ends,
		 .place = ON_PIPE},
		{.name = "mac", .type = SHAPE_MAC},
		{INT("queues", 1, 16, 1)},
		{INT("slots", 16, 4096, 1024)},
		{INT("bufferSize", 64, 65536, 2048), .multiple_of = 64},
		{INT("extraBuffers", 0, 65536, 0)},
		{BOOL("hugePages")},
		{0},
	},
};

const struct shape nic_shape = {
	"a NIC",
	(const struct shape_field[]){
		{.name = "device", .type = SHAPE_DEVICE, .required = true},
		{NAME("switch")},
		{BOOL("hostStack")},
		{0},
	},
};

const struct shape interface_shape = {
	"a VM's interface",
	(const struct shape_field[]){
		{NAME("name"), .required = true},
		{NAME("switch"), .place = ON_SWITCH},
		{NAME("pipe"), .place = ON_PIPE},
		{.name = "end",
		 .type = SHAPE_CHOICE,
		 .choices = ends,
		 .place = ON_PIPE},
		{.name = "nic", .type = SHAPE_DEVICE, .place = ON_NIC},
		{.name = "mac", .type = SHAPE_MAC},
		{INT("queues", 1, 16, 1)},
		{INT("slots", 16, 4096, 1024)},
		{INT("bufferSize", 64, 65536, 2048), .multiple_of = 64},
		{BOOL("hugePages")},
		{BOOL("offload"), .fallback = true},
		{0},
	},
};

const struct shape vm_shape = {
	"a VM",
	(const struct shape_field[]){
		{NAME("name"), .required = true},
		{NAME("domain")},
		{LIST("interfaces", interface_shape), .min = 1,
		 .required = true},
		{0},
	},
};

static const struct shape metadata_shape = {
	"metadata",
	(const struct shape_field[]){
		{.name = "name",
		 .type = SHAPE_NAME,
		 .max = TOPOLOGY_NAME_MAX,
		 .required = true},
		{.name = "labels", .type = SHAPE_LABELS},
		{.name = "description", .type = SHAPE_TEXT, .max = 1024},
		{0},
	},
};

static const struct shape spec_shape = {
	"a spec",
	(const struct shape_field[]){
		{LIST("switches", switch_shape)},
		{LIST("pipes", pipe_shape)},
		{LIST("nics", nic_shape)},
		{LIST("ports", port_shape)},
		{LIST("vms", vm_shape)},
		{0},
	},
};

const struct shape topology_shape = {
	"a topology",
	(const struct shape_field[]){
		{.name = "apiVersion",
		 .type = SHAPE_CHOICE,
		 .choices = api_versions,
		 .required = true},
		{.name = "kind",
		 .type = SHAPE_CHOICE,
		 .choices = kinds,
		 .required = true},
		{.name = "metadata",
		 .type = SHAPE_MAP,
		 .of = &metadata_shape,
		 .required = true},
		{.name = "spec",
		 .type = SHAPE_MAP,
		 .of = &spec_shape,
		 .required = true},
		{0},
	},
};
