/* SPDX-License-Identifier: BSD-2-Clause */
/* The codec of the control family: what is written is read, no byte more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl/message.h"

static const struct port_spec a_port = {
	.name = "vm.in",
	.owner = "edge",
	.kind = PTN_PORT_VM,
	.on_pipe = "p0",
	.end = 1,
	.huge_pages = true,
	.offload = true,
	.has_mac = true,
	.mac = {2, 1, 2, 3, 4, 5},
	.domain = "trusted",
	.queues = 16,
	.slots = 4096,
	.buf_size = 65536,
	.extra_bufs = 7,
};

/* Write one, read it back; the caller ends with message_fini(). */
static void there_and_back(struct message *m, struct message *out)
{
	struct message_buf b = {0};
	const uint8_t *at;
	size_t left;

	m->seq = 77;
	assert_int_equal(message_put(&b, m), 0);
	at = b.data;
	left = b.len;
	assert_int_equal(message_next(&at, &left, out), 1);
	assert_int_equal(left, 0);
	assert_int_equal(out->seq, 77);
	assert_int_equal(out->type, m->type);
	message_buf_fini(&b);
}

static void a_port_with_status_comes_back(void **state)
{
	(void)state;
	struct message out,
		m = {
			.type = PTN_ENGINE_FAMILY,
			.cmd = PTN_CMD_PORT_NEW,
			.has = MESSAGE_HAS(PTN_A_PORT) | MESSAGE_STATUS,
			.port = a_port,
			.port_status = {.state = PTN_PORT_UP,
					.pid = 12,
					.worker = 3,
					.socket = "/run/x.sock"},
		};

	for (int c = 1; c <= PTN_C_MAX; c++)
		m.port_status.counters[c] = UINT64_MAX - (uint64_t)c;
	there_and_back(&m, &out);
	assert_int_equal(out.cmd, PTN_CMD_PORT_NEW);
	assert_true(port_spec_equal(&out.port, &a_port));
	assert_true(out.has & MESSAGE_STATUS);
	assert_memory_equal(&out.port_status, &m.port_status,
			    sizeof(m.port_status));
	m.port.has_mac = false;
	m.has &= ~MESSAGE_STATUS;
	there_and_back(&m, &out);
	assert_false(out.port.has_mac);
	assert_false(out.has & MESSAGE_STATUS);
}

static void a_switch_comes_back_with_its_static_entries(void **state)
{
	(void)state;
	struct static_mac statics[] = {{{2, 0, 0, 0, 0, 1}, "p1"},
				       {{2, 0, 0, 0, 0, 2}, "p2"}};
	struct message out,
		m = {
			.type = PTN_ENGINE_FAMILY,
			.cmd = PTN_CMD_SWITCH_NEW,
			.has = MESSAGE_HAS(PTN_A_SWITCH) | MESSAGE_STATUS,
			.sw = {.name = "vale0",
			       .owner = "t",
			       .ageing_ms = 5,
			       .fdb_size = 64,
			       .statics = statics,
			       .n_statics = 2},
			.sw_status = {.ports = 4,
				      .fdb_used = 9,
				      .counters = {0, 1, 2}},
		};

	there_and_back(&m, &out);
	assert_true(switch_spec_equal(&out.sw, &m.sw));
	assert_memory_equal(&out.sw_status, &m.sw_status, sizeof(m.sw_status));
	message_fini(&out);
}

static void all_else_comes_back(void **state)
{
	(void)state;
	struct message out,
		m = {
			.type = PTN_ENGINE_FAMILY,
			.cmd = PTN_CMD_INFO_NEW,
			.has = MESSAGE_HAS(PTN_A_REVISION) |
			       MESSAGE_HAS(PTN_A_VERSION) |
			       MESSAGE_HAS(PTN_A_PIPE) |
			       MESSAGE_HAS(PTN_A_FDB) |
			       MESSAGE_HAS(PTN_A_CENSUS) |
			       MESSAGE_HAS(PTN_A_EVENT) |
			       MESSAGE_HAS(PTN_A_INSTANCE) |
			       MESSAGE_HAS(PTN_A_WORKERS) |
			       MESSAGE_HAS(PTN_A_FEATURES),
			.revision = UINT64_MAX,
			.instance = 5,
			.features = 7,
			.workers = 2,
			.version = "0.1.0",
			.pipe = {"p0", "t", "trusted"},
			.fdb = {{2, 0, 0, 0, 0, 9}, "p1", true, 1234},
			.census = {1, 2, 3, 4, 5, 6, 7},
			.event = {PTN_EVENT_STORM, "p2", "vale0", 17, 100000},
		};

	there_and_back(&m, &out);
	assert_int_equal(out.has, m.has);
	assert_true(out.revision == UINT64_MAX && out.instance == 5 &&
		    out.features == 7 && out.workers == 2);
	assert_string_equal(out.version, "0.1.0");
	assert_true(pipe_spec_equal(&out.pipe, &m.pipe));
	assert_memory_equal(&out.census, &m.census, sizeof(m.census));
	assert_memory_equal(&out.event, &m.event, sizeof(m.event));
	assert_memory_equal(out.fdb.mac, m.fdb.mac, 6);
	assert_string_equal(out.fdb.port, "p1");
	assert_true(out.fdb.is_static && out.fdb.age_ms == 1234);
}

static void a_refusal_carries_its_sentence(void **state)
{
	(void)state;
	struct message out, m = {.type = NLMSG_ERROR, .error = -EBUSY};

	strcpy(m.text, "port a: is taken");
	there_and_back(&m, &out);
	assert_int_equal(out.error, -EBUSY);
	assert_string_equal(out.text, "port a: is taken");
	m.error = 0;
	there_and_back(&m, &out);
	assert_int_equal(out.error, 0);
}

static void datagrams_are_cut_between_messages(void **state)
{
	(void)state;
	struct message m = {.type = PTN_ENGINE_FAMILY,
			    .cmd = PTN_CMD_PORT_NEW,
			    .has = MESSAGE_HAS(PTN_A_PORT),
			    .port = a_port};
	struct message_buf b = {0};
	size_t sent = 0, messages = 0;

	for (int i = 0; i < 1000; i++)
		assert_int_equal(message_put(&b, &m), 0);
	while (sent < b.len) {
		const uint8_t *at = b.data + sent;
		size_t left = message_datagram(at, b.len - sent);
		struct message out;

		assert_in_range(left, 1, MESSAGE_DATAGRAM);
		sent += left;
		while (message_next(&at, &left, &out) == 1)
			messages++;
	}
	assert_int_equal(messages, 1000);
	message_buf_fini(&b);
}

static void a_switch_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	struct static_mac *statics = calloc(4000, sizeof(*statics));
	struct message m = {
		.type = PTN_ENGINE_FAMILY,
		.cmd = PTN_CMD_SWITCH_NEW,
		.has = MESSAGE_HAS(PTN_A_SWITCH),
		.sw = {.name = "vale0", .statics = statics, .n_statics = 4000}};
	struct message_buf b = {0};

	for (int i = 0; i < 4000; i++)
		strcpy(statics[i].port, "a-port");
	assert_int_equal(message_put(&b, &m), -EMSGSIZE);
	assert_int_equal(b.len, 0);
	message_buf_fini(&b);
	free(statics);
}

/* Every length of every message, and every byte of it wrong. */
static void broken_bytes_are_refused_or_harmless(void **state)
{
	(void)state;
	struct static_mac entry = {{2, 0, 0, 0, 0, 1}, "p1"};
	struct message m = {
		.type = PTN_ENGINE_FAMILY,
		.cmd = PTN_CMD_PORT_NEW,
		.has = MESSAGE_HAS(PTN_A_PORT) | MESSAGE_HAS(PTN_A_SWITCH) |
		       MESSAGE_STATUS,
		.port = a_port,
		.sw = {.name = "s", .statics = &entry, .n_statics = 1}};
	struct message_buf b = {0};

	assert_int_equal(message_put(&b, &m), 0);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);
		const uint8_t *at = copy;
		size_t left = len;
		struct message out;

		memcpy(copy, b.data, len);
		assert_int_equal(message_next(&at, &left, &out),
				 len ? -EINVAL : 0);
		message_fini(&out);
		free(copy);
	}
	for (size_t i = 0; i < 8 * b.len; i++) {
		const uint8_t *at = b.data;
		size_t left = b.len;
		struct message out;

		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
		while (message_next(&at, &left, &out))
			message_fini(&out);
		message_fini(&out);
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	message_buf_fini(&b);
}

/* A message of one attribute in a port, made by hand. */
static int read_port_attr(uint16_t type, const void *value, uint16_t len,
			  struct message *out)
{
	struct {
		struct nlmsghdr h;
		uint8_t cmd, version;
		uint16_t zero;
		struct nlattr nest, attr;
		char value[80];
	} __attribute__((aligned(4))) w = {
		.h = {.nlmsg_type = PTN_ENGINE_FAMILY},
		.cmd = PTN_CMD_PORT_NEW,
		.version = PTN_FAMILY_VERSION,
		.nest = {(uint16_t)(8 + NLA_ALIGN(len)), PTN_A_PORT},
		.attr = {(uint16_t)(4 + len), type},
	};
	const uint8_t *at = (void *)&w;
	size_t left = 16 + 4 + 4 + 4 + NLA_ALIGN(len);

	memcpy(w.value, value, len);
	w.h.nlmsg_len = (uint32_t)left;
	return message_next(&at, &left, out);
}

static void wrong_attributes_get_a_sentence(void **state)
{
	(void)state;
	char name[70];
	struct message m;

	memset(name, 'a', sizeof(name));
	assert_int_equal(read_port_attr(PTN_PO_NAME, "eth0", 5, &m), 1);
	assert_string_equal(m.port.name, "eth0");
	assert_int_equal(read_port_attr(PTN_PO_NAME, "eth0", 4, &m), -EINVAL);
	assert_string_equal(m.text, "NAME of a port: expected a string that "
				    "fits, got 4 bytes");
	assert_int_equal(read_port_attr(PTN_PO_NAME, "a\0b", 4, &m), -EINVAL);
	assert_int_equal(read_port_attr(PTN_PO_NAME, "", 0, &m), -EINVAL);
	name[69] = 0;
	assert_int_equal(read_port_attr(PTN_PO_NAME, name, 70, &m), -EINVAL);
	assert_int_equal(read_port_attr(PTN_PO_QUEUES, name, 2, &m), -EINVAL);
	assert_int_equal(read_port_attr(PTN_PO_MAC, name, 5, &m), -EINVAL);
	assert_int_equal(read_port_attr(PTN_PO_HUGE_PAGES, "\2", 1, &m),
			 -EINVAL);
	assert_int_equal(read_port_attr(77, name, 4, &m), -EINVAL);
	assert_string_equal(m.text, "attribute 77 of a port is not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_with_status_comes_back),
		cmocka_unit_test(a_switch_comes_back_with_its_static_entries),
		cmocka_unit_test(all_else_comes_back),
		cmocka_unit_test(a_refusal_carries_its_sentence),
		cmocka_unit_test(datagrams_are_cut_between_messages),
		cmocka_unit_test(a_switch_that_does_not_fit_is_refused),
		cmocka_unit_test(broken_bytes_are_refused_or_harmless),
		cmocka_unit_test(wrong_attributes_get_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
