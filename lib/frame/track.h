/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PTNET_FRAME_TRACK_H
#define PTNET_FRAME_TRACK_H

#include <stdint.h>

/* What became of the frames of all streams. */
struct track_result {
	uint64_t lost; /* numbers from 0 to the highest that never came */
	uint64_t reordered; /* came after a higher number */
	uint64_t duplicated; /* came again */
	uint64_t ignored; /* of streams that there was no room for */
};

struct track;

enum {
	TRACK_STREAMS = 256,
	TRACK_WINDOW = 65536, /* a frame later than that is reordered, never
				 duplicated */
};

/** track_new - NULL without memory; track_free() takes NULL */
struct track *track_new(void);
void track_free(struct track *t);

/** track_add - frame @seq of @stream has come */
void track_add(struct track *t, uint32_t stream, uint64_t seq);

void track_result(const struct track *t, struct track_result *out);

#endif
