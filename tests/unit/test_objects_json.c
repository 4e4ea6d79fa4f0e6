/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects in the words of docs/REST.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "model/duration.h"
#include "model/objects_json.h"

/* Compares without regard to the order of keys; takes over @got. */
static void assert_json(json_t *got, const char *expected)
{
	_cleanup_json_ json_t *want = NULL;
	_cleanup_free_ char *text = json_write(got);

	assert_non_null(got);
	assert_int_equal(json_read(&want, expected, strlen(expected), NULL), 0);
	if (!json_equal(got, want))
		assert_string_equal(text, expected);
	json_decref(got);
}

static const struct port_spec probe = {
	.name = "probe",
	.owner = "edge",
	.kind = PTN_PORT_HOST,
	.on_switch = "vale0",
	.has_mac = true,
	.mac = {2, 0, 0, 0, 0, 1},
	.queues = 1,
	.slots = 1024,
	.buf_size = 2048,
};

#define PROBE_SPEC                                                             \
	"{\"name\":\"probe\",\"switch\":\"vale0\","                            \
	"\"mac\":\"02:00:00:00:00:01\",\"queues\":1,\"slots\":1024,"           \
	"\"bufferSize\":2048,\"extraBuffers\":0,\"hugePages\":false}"

static void a_switch_is_shown_whole(void **state)
{
	(void)state;
	struct static_mac entry = {.mac = {2, 0, 0, 0, 0, 9}, .port = "a"};
	struct switch_spec s = {.name = "vale0",
				.ageing_ms = 300000,
				.fdb_size = 8192,
				.statics = &entry,
				.n_statics = 1};
	struct switch_status st = {.ports = 2, .fdb_used = 3};

	st.counters[PTN_SWC_FLOODED] = 7;
	assert_json(switch_to_json(&s, &st),
		    "{\"kind\":\"Switch\",\"name\":\"vale0\",\"topology\":null,"
		    "\"spec\":{\"name\":\"vale0\",\"macAgeing\":\"300s\","
		    "\"macTable\":8192,\"staticMacs\":[{\"mac\":"
		    "\"02:00:00:00:00:09\",\"port\":\"a\"}]},"
		    "\"status\":{\"state\":\"up\",\"ports\":2,\"fdbUsed\":3},"
		    "\"counters\":{\"flooded\":7,\"copies\":0,\"learned\":0,"
		    "\"moved\":0,\"evicted\":0,\"expired\":0}}");
}

static void a_port_is_shown_whole(void **state)
{
	(void)state;
	struct port_status st = {
		.state = PTN_PORT_UP, .pid = 42, .worker = 1, .socket = "/s"};

	st.page_size = 4096;
	st.counters[PTN_C_RX_FRAMES] = 5;
	st.counters[PTN_C_DROP_RX_FULL] = 6;
	assert_json(
		port_to_json(&probe, &st),
		"{\"kind\":\"Port\",\"name\":\"probe\",\"topology\":\"edge\","
		"\"type\":\"host\",\"spec\":" PROBE_SPEC ","
		"\"status\":{\"state\":\"up\",\"pid\":42,\"socket\":\"/s\","
		"\"worker\":1,\"pageSize\":4096},"
		"\"counters\":{\"tx_frames\":0,\"tx_bytes\":0,"
		"\"rx_frames\":5,\"rx_bytes\":0,\"tx_syncs\":0,\"rx_syncs\":0,"
		"\"tx_kicks\":0,\"rx_kicks\":0,\"faults\":0,"
		"\"segmented\":0,\"segments\":0,\"checksums\":0,\"drops\":{"
		"\"rx_full\":6,\"rx_fault\":0,\"no_dest\":0,\"same_port\":0,"
		"\"too_short\":0,\"too_long\":0,\"too_big\":0,"
		"\"bad_buffer\":0,\"bad_chain\":0,\"indirect\":0,"
		"\"detached\":0,\"offload\":0,\"device\":0,"
		"\"offload_frame\":0,\"offload_parts\":0}}}");
}

static void what_is_missing_says_so(void **state)
{
	(void)state;
	_cleanup_json_ json_t *port = port_to_json(&probe, NULL);
	json_t *status = json_object_get(port, "status");

	assert_string_equal(json_string_value(json_object_get(status, "state")),
			    "missing");
	assert_true(json_is_null(json_object_get(status, "pid")));
	assert_true(json_is_null(json_object_get(status, "socket")));
}

static void nics_and_pipes_keep_their_documents_shape(void **state)
{
	(void)state;
	struct port_spec nic = {.name = "eth1",
				.kind = PTN_PORT_NIC,
				.device = "eth1",
				.on_switch = "vale0"};
	struct pipe_spec quiet = {.name = "p0", .domain = "pipe:p0"};
	struct pipe_spec said = {.name = "p1", .domain = "trusted"};

	assert_json(port_spec_to_json(&nic),
		    "{\"device\":\"eth1\",\"switch\":\"vale0\","
		    "\"hostStack\":false}");
	assert_json(pipe_spec_to_json(&quiet), "{\"name\":\"p0\"}");
	assert_json(pipe_spec_to_json(&said),
		    "{\"name\":\"p1\",\"domain\":\"trusted\"}");
}

static void add_end(struct objects *o, const char *pipe, uint8_t end,
		    enum ptn_port_state state)
{
	struct port_spec p = {.kind = PTN_PORT_HOST, .end = end};
	struct port_status s = {.state = state};

	snprintf(p.name, sizeof(p.name), "%s-%c", pipe, end ? 'b' : 'a');
	snprintf(p.on_pipe, sizeof(p.on_pipe), "%s", pipe);
	assert_int_equal(objects_add_port(o, &p, &s), 0);
}

static void a_pipe_is_up_when_both_ends_are(void **state)
{
	(void)state;
	struct objects o = {0};
	struct pipe_spec full = {.name = "full", .domain = "d"};
	struct pipe_spec half = {.name = "half", .domain = "d"};
	struct pipe_ends *ends;

	assert_int_equal(objects_add_pipe(&o, &half, NULL), 0);
	assert_int_equal(objects_add_pipe(&o, &full, NULL), 0);
	add_end(&o, "full", 0, PTN_PORT_UP);
	add_end(&o, "full", 1, PTN_PORT_ATTACHED);
	add_end(&o, "half", 1, PTN_PORT_UP);
	objects_sort(&o);
	ends = pipe_ends_find(&o);
	assert_json(pipe_to_json(&o.pipes[0], &ends[0]),
		    "{\"kind\":\"Pipe\",\"name\":\"full\",\"topology\":null,"
		    "\"spec\":{\"name\":\"full\",\"domain\":\"d\"},"
		    "\"status\":{\"state\":\"up\",\"ends\":{\"a\":\"full-a\","
		    "\"b\":\"full-b\"}}}");
	assert_json(pipe_to_json(&o.pipes[1], &ends[1]),
		    "{\"kind\":\"Pipe\",\"name\":\"half\",\"topology\":null,"
		    "\"spec\":{\"name\":\"half\",\"domain\":\"d\"},"
		    "\"status\":{\"state\":\"waiting\",\"ends\":{\"a\":null,"
		    "\"b\":\"half-b\"}}}");
	free(ends);
	objects_fini(&o);
}

static void vms_are_gathered_from_their_interfaces(void **state)
{
	(void)state;
	static const char *const names[] = {"fw.in", "fw.out", "fw-2.in"};
	struct port_spec nic = {
		.name = "fw.1", .device = "fw.1", .kind = PTN_PORT_NIC};
	struct objects o = {0};
	_cleanup_json_ json_t *all = NULL, *one = NULL, *none = NULL;
	json_t *spec;

	for (size_t i = 0; i < 3; i++) {
		struct port_spec p = {.kind = PTN_PORT_VM, .domain = "d"};

		snprintf(p.name, sizeof(p.name), "%s", names[i]);
		assert_int_equal(objects_add_port(&o, &p, NULL), 0);
	}
	assert_int_equal(objects_add_port(&o, &nic, NULL), 0);
	assert_int_equal(objects_add_port(&o, &probe, NULL), 0);
	objects_sort(&o);

	all = vms_to_json(&o, NULL);
	assert_int_equal(json_array_size(all), 2);
	one = vms_to_json(&o, "fw");
	assert_int_equal(json_array_size(one), 1);
	spec = json_object_get(json_array_get(one, 0), "spec");
	assert_string_equal(json_string_value(json_object_get(spec, "domain")),
			    "d");
	assert_int_equal(json_array_size(json_object_get(spec, "interfaces")),
			 2);
	none = vms_to_json(&o, "probe");
	assert_int_equal(json_array_size(none), 0);
	objects_fini(&o);
}

static void durations_go_both_ways(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int result;
		uint32_t ms;
		const char *again;
	} cases[] = {
		{"300s", 0, 300000, "300s"},
		{"5m", 0, 300000, "300s"},
		{"1h", 0, 3600000, "3600s"},
		{"500ms", 0, 500, "500ms"},
		{"1500ms", 0, 1500, "1500ms"},
		{"0s", 0, 0, "0s"},
		{"1193h", 0, 4294800000, "4294800s"},
		{"1194h", -ERANGE, 0, NULL},
		{"99999999999999999999s", -ERANGE, 0, NULL},
		{"300", -EINVAL, 0, NULL},
		{"s", -EINVAL, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{"-1s", -EINVAL, 0, NULL},
		{"1.5s", -EINVAL, 0, NULL},
		{"1 s", -EINVAL, 0, NULL},
		{"1s ", -EINVAL, 0, NULL},
		{"1d", -EINVAL, 0, NULL},
	};
	char text[DURATION_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t ms = 0;

		assert_int_equal(duration_parse(cases[i].text, &ms),
				 cases[i].result);
		assert_int_equal(ms, cases[i].ms);
		if (cases[i].again)
			assert_string_equal(duration_format(text, ms),
					    cases[i].again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_switch_is_shown_whole),
		cmocka_unit_test(a_port_is_shown_whole),
		cmocka_unit_test(what_is_missing_says_so),
		cmocka_unit_test(nics_and_pipes_keep_their_documents_shape),
		cmocka_unit_test(a_pipe_is_up_when_both_ends_are),
		cmocka_unit_test(vms_are_gathered_from_their_interfaces),
		cmocka_unit_test(durations_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
