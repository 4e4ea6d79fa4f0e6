/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "model/objects.h"

enum { MANY = 300 };

static struct port_spec named(unsigned i)
{
	struct port_spec p = {.kind = PTN_PORT_HOST, .slots = i};

	snprintf(p.name, sizeof(p.name), "p%03u", i);
	return p;
}

static void sorting_moves_status_along(void **state)
{
	(void)state;
	struct objects o = {0};

	for (unsigned i = 0; i < MANY; i++) {
		struct port_spec p = named(i * 7 % MANY);
		struct port_status s = {.pid = p.slots};

		assert_int_equal(objects_add_port(&o, &p, &s), 0);
	}
	objects_sort(&o);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(o.ports[i].slots, i);
		assert_int_equal(o.port_status[i].pid, i);
	}
	assert_ptr_equal(objects_find_port(&o, "p123"), &o.ports[123]);
	assert_null(objects_find_port(&o, "p999"));
	assert_null(objects_find_switch(&o, "p123"));
	objects_fini(&o);
	assert_int_equal(o.n_ports, 0);
}

static void a_set_owns_its_static_entries(void **state)
{
	(void)state;
	struct static_mac entry = {.mac = {2, 0, 0, 0, 0, 1}, .port = "a"};
	struct switch_spec s = {
		.name = "vale0", .statics = &entry, .n_statics = 1};
	struct objects o = {0};

	assert_int_equal(objects_add_switch(&o, &s, NULL), 0);
	assert_ptr_not_equal(o.switches[0].statics, &entry);
	assert_true(switch_spec_equal(&o.switches[0], &s));
	entry.mac[5] = 2;
	assert_false(switch_spec_equal(&o.switches[0], &s));
	objects_fini(&o);
}

static void every_field_of_a_port_counts(void **state)
{
	(void)state;
	static const struct {
		size_t offset;
	} fields[] = {
		{offsetof(struct port_spec, name)},
		{offsetof(struct port_spec, owner)},
		{offsetof(struct port_spec, kind)},
		{offsetof(struct port_spec, on_switch)},
		{offsetof(struct port_spec, on_pipe)},
		{offsetof(struct port_spec, device)},
		{offsetof(struct port_spec, end)},
		{offsetof(struct port_spec, host_stack)},
		{offsetof(struct port_spec, huge_pages)},
		{offsetof(struct port_spec, offload)},
		{offsetof(struct port_spec, mac)},
		{offsetof(struct port_spec, domain)},
		{offsetof(struct port_spec, queues)},
		{offsetof(struct port_spec, slots)},
		{offsetof(struct port_spec, buf_size)},
		{offsetof(struct port_spec, extra_bufs)},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct port_spec a = {.has_mac = true}, b = a;

		assert_true(port_spec_equal(&a, &b));
		((char *)&b)[fields[i].offset] = 1;
		assert_false(port_spec_equal(&a, &b));
	}
}

static void counters_have_names_of_their_own(void **state)
{
	(void)state;
	unsigned drops = 0;

	for (int i = 1; i <= PTN_C_MAX; i++) {
		assert_non_null(counter_name((enum ptn_counter)i));
		for (int j = 1; j < i; j++)
			assert_string_not_equal(
				counter_name((enum ptn_counter)i),
				counter_name((enum ptn_counter)j));
		drops += counter_is_drop((enum ptn_counter)i);
		assert_int_equal(counter_is_drop((enum ptn_counter)i),
				 i >= PTN_C_DROP_RX_FULL &&
					 i <= PTN_C_DROP_LAST);
	}
	assert_int_equal(drops, PTN_C_DROP_LAST - PTN_C_FAULTS);
	for (int i = 1; i <= PTN_SWC_MAX; i++)
		assert_non_null(
			switch_counter_name((enum ptn_switch_counter)i));
	assert_string_equal(counter_name(PTN_C_MAX + 1), "unknown");
	assert_string_equal(switch_counter_name(PTN_SWC_MAX + 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorting_moves_status_along),
		cmocka_unit_test(a_set_owns_its_static_entries),
		cmocka_unit_test(every_field_of_a_port_counts),
		cmocka_unit_test(counters_have_names_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
