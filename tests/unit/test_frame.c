// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames that are recognised where they arrive, and the books of what was
 * lost on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "frame/frame.h"
#include "frame/track.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct frame_shape shape = {
	.dst = {2, 0, 0, 0, 0, 2},
	.src = {2, 0, 0, 0, 0, 1},
	.stream = 0xcafe,
	.size = 60,
};

static void test_what_is_built_is_recognised(void **state)
{
	static const size_t sizes[] = {38, 60, 294, 295, 1514, 9000, 65535};
	static const uint16_t vlans[] = {0, 5, 4094};
	uint8_t frame[65540];
	struct frame_mark m;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes) * COUNT(vlans); i++) {
		struct frame_shape s = shape;

		s.size = sizes[i / 3] + 4 * !!vlans[i % 3];
		s.vlan = vlans[i % 3];
		frame_build(&s, 300 + i, frame);
		assert_int_equal(frame_check(frame, s.size, &m), 0);
		assert_int_equal(m.stream, 0xcafe);
		assert_int_equal(m.seq, 300 + i);
		assert_memory_equal(frame, s.dst, MAC_LEN);
		assert_memory_equal(frame + MAC_LEN, s.src, MAC_LEN);
	}
}

static void test_vlan_tag(void **state)
{
	static const uint8_t want[] = {0x81, 0x00, 0x00, 0x05, 0x88, 0xb5};
	struct frame_shape s = shape;
	uint8_t frame[60];

	(void)state;
	s.vlan = 5;
	frame_build(&s, 0, frame);
	assert_memory_equal(frame + 12, want, sizeof(want));
	assert_int_equal(frame_size_min(&s, true), 42);
	assert_int_equal(frame_size_min(&shape, false), 14);
}

static void test_every_damaged_byte_is_noticed(void **state)
{
	struct frame_mark m;
	uint8_t frame[100];
	struct frame_shape s = shape;

	(void)state;
	s.size = sizeof(frame);
	frame_build(&s, 7, frame);
	for (size_t i = FRAME_HEADER; i < sizeof(frame); i++) {
		frame[i] ^= 0x10;
		assert_int_not_equal(frame_check(frame, sizeof(frame), &m), 0);
		frame[i] ^= 0x10;
	}
	assert_int_equal(frame_check(frame, sizeof(frame) - 1, &m), -EBADMSG);
}

static void test_strangers_have_no_mark(void **state)
{
	struct frame_shape s = shape;
	struct frame_mark m;
	uint8_t frame[64] = {0};

	(void)state;
	assert_int_equal(frame_check(frame, sizeof(frame), &m), -ENOMSG);
	s.size = 37;
	frame_build(&s, 1, frame);
	for (size_t len = 0; len <= s.size; len++)
		assert_int_equal(frame_check(frame, len, &m), -ENOMSG);
	memset(frame + 12, 0x81, 52);
	assert_int_equal(frame_check(frame, sizeof(frame), &m), -ENOMSG);
}

static void test_padding_is_no_damage(void **state)
{
	struct frame_shape s = shape;
	struct frame_mark m;
	uint8_t frame[60] = {0};

	(void)state;
	s.size = 40;
	frame_build(&s, 1, frame);
	assert_int_equal(frame_check(frame, sizeof(frame), &m), 0);
}

static void test_turn(void **state)
{
	static const uint8_t own[] = {2, 0, 0, 0, 0, 9};
	struct frame_shape s = shape;
	uint8_t frame[60];

	(void)state;
	frame_build(&s, 0, frame);
	frame_turn(frame, sizeof(frame), own);
	assert_memory_equal(frame, shape.src, MAC_LEN);
	assert_memory_equal(frame + MAC_LEN, shape.dst, MAC_LEN);
	memset(frame, 0xff, MAC_LEN);
	frame_turn(frame, sizeof(frame), own);
	assert_memory_equal(frame, shape.dst, MAC_LEN);
	assert_memory_equal(frame + MAC_LEN, own, MAC_LEN);
}

static void check_track(const uint64_t *seq, size_t count, uint64_t lost,
			uint64_t reordered, uint64_t duplicated)
{
	struct track *t = track_new();
	struct track_result r;

	for (size_t i = 0; i < count; i++)
		track_add(t, 5, seq[i]);
	track_result(t, &r);
	track_free(t);
	assert_int_equal(r.lost, lost);
	assert_int_equal(r.reordered, reordered);
	assert_int_equal(r.duplicated, duplicated);
}

#define TRACK(lost, reordered, duplicated, ...)                                \
	check_track((const uint64_t[]){__VA_ARGS__},                           \
		    COUNT(((const uint64_t[]){__VA_ARGS__})), lost, reordered, \
		    duplicated)

static void test_track(void **state)
{
	const uint64_t w = TRACK_WINDOW;

	(void)state;
	TRACK(0, 0, 0, 0, 1, 2, 3);
	TRACK(2, 0, 0, 0, 3);
	TRACK(1, 0, 0, 1);
	TRACK(0, 1, 0, 1, 0, 2);
	TRACK(0, 0, 2, 0, 0, 1, 1);
	TRACK(1, 1, 1, 0, 3, 1, 1);
	/* The same place in the window, a window later. */
	TRACK(w - 1, 0, 0, 0, w);
	TRACK(2 * w - 2, 1, 0, 0, 2 * w, w);
	TRACK(3 * w - 2, 1, 0, 0, 3 * w, 1);
	TRACK(w, 1, 1, w + 1, w + 1, 0);
}

static void test_track_keeps_streams_apart(void **state)
{
	struct track *t = track_new();
	struct track_result r;

	(void)state;
	for (uint32_t i = 0; i < TRACK_STREAMS + 2; i++)
		track_add(t, i, 1);
	track_result(t, &r);
	track_free(t);
	assert_int_equal(r.lost, TRACK_STREAMS);
	assert_int_equal(r.ignored, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_built_is_recognised),
		cmocka_unit_test(test_vlan_tag),
		cmocka_unit_test(test_every_damaged_byte_is_noticed),
		cmocka_unit_test(test_strangers_have_no_mark),
		cmocka_unit_test(test_padding_is_no_damage),
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_track),
		cmocka_unit_test(test_track_keeps_streams_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
