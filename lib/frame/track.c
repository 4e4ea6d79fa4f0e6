// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counting what was lost on the way, by the numbers of what came. Each stream
 * counts from 0. Knows numbers only. Called by `ptnetctl traffic`.
 */
#include "track.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 64 };

struct stream {
	uint32_t id;
	uint64_t next; /* the highest number that came, plus one */
	uint64_t came; /* different numbers */
	uint64_t seen[TRACK_WINDOW / WORD]; /* of the last TRACK_WINDOW */
};

struct track {
	struct stream *stream[TRACK_STREAMS];
	unsigned streams;
	struct stream *last; /* frames of a stream come in rows */
	uint64_t reordered, duplicated, ignored;
};

struct track *track_new(void)
{
	return calloc(1, sizeof(struct track));
}

void track_free(struct track *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->streams; i++)
		free(t->stream[i]);
	free(t);
}

static struct stream *find(struct track *t, uint32_t id)
{
	struct stream *s;

	for (unsigned i = 0; i < t->streams; i++)
		if (t->stream[i]->id == id)
			return t->stream[i];
	if (t->streams == TRACK_STREAMS)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->id = id;
	t->stream[t->streams++] = s;
	return s;
}

static uint64_t *word_of(struct stream *s, uint64_t seq)
{
	return &s->seen[seq % TRACK_WINDOW / WORD];
}

static uint64_t bit_of(uint64_t seq)
{
	return 1ULL << seq % WORD;
}

/* The window moves on: forget what numbers one window ago left there. */
static void advance(struct stream *s, uint64_t seq)
{
	if (seq - s->next >= TRACK_WINDOW)
		memset(s->seen, 0, sizeof(s->seen));
	else
		for (uint64_t i = s->next; i < seq; i++)
			*word_of(s, i) &= ~bit_of(i);
	s->next = seq + 1;
}

void track_add(struct track *t, uint32_t stream, uint64_t seq)
{
	struct stream *s = t->last;

	if (!s || s->id != stream)
		s = find(t, stream);
	if (!s || seq == UINT64_MAX) {
		t->ignored++;
		return;
	}
	t->last = s;
	if (seq >= s->next) {
		advance(s, seq);
	} else if (s->next - seq <= TRACK_WINDOW &&
		   *word_of(s, seq) & bit_of(seq)) {
		t->duplicated++;
		return;
	} else {
		t->reordered++;
	}
	if (s->next - seq <= TRACK_WINDOW)
		*word_of(s, seq) |= bit_of(seq);
	s->came++;
}

void track_result(const struct track *t, struct track_result *out)
{
	*out = (struct track_result){.reordered = t->reordered,
				     .duplicated = t->duplicated,
				     .ignored = t->ignored};
	for (unsigned i = 0; i < t->streams; i++)
		if (t->stream[i]->next > t->stream[i]->came)
			out->lost += t->stream[i]->next - t->stream[i]->came;
}
