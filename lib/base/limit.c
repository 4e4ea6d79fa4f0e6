/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/limit.h"

int64_t limit_left_ms(const struct limit *l, int64_t now_ms)
{
	const int64_t left = l->said + LIMIT_PERIOD_MS - now_ms;

	return l->said && left > 0 ? left : 0;
}

bool limit_may_say(struct limit *l, int64_t now_ms)
{
	if (limit_left_ms(l, now_ms)) {
		l->more++;
		return false;
	}
	*l = (struct limit){.said = now_ms};
	return true;
}
