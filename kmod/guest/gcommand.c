// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Commands by the control page: RESET, HEADER, START, STOP. They are rare, so
 * the answer is looked for; a host that is not there costs the time-out.
 */
#include <linux/delay.h>
#include <linux/io.h>

#include "givshmem.h"

enum { PATIENCE_MS = 3000, PAUSE_MIN_US = 50, PAUSE_MAX_US = 2000 };

static u32 own_version(void)
{
	u32 major, minor, patch;

	if (sscanf(PTNET_VERSION, "%u.%u.%u", &major, &minor, &patch) != 3)
		return 0;
	return PTN_DRIVER_VERSION(major, minor, patch);
}

static void say(struct givshmem *s, enum ptn_region_command cmd, u32 arg,
		u32 driver)
{
	struct ptn_control *c = s->window.control;
	u32 seq = READ_ONCE(s->window.live->ack_seq) + 1;

	if (seq == s->seq)
		seq++; /* the last one was not answered yet */
	s->seq = seq;
	WRITE_ONCE(c->arg[0], arg);
	for (size_t i = 1; i < ARRAY_SIZE(c->arg); i++)
		WRITE_ONCE(c->arg[i], 0);
	WRITE_ONCE(c->driver, driver);
	WRITE_ONCE(c->cmd, cmd);
	virt_store_release(&c->seq, seq);
	writel(PTN_HOST_ID << 16 | PTN_VECTOR_CONTROL,
	       s->registers + GIVSHMEM_DOORBELL);
}

static bool answered(const struct givshmem *s)
{
	return virt_load_acquire(&s->window.live->ack_seq) == s->seq;
}

int gcommand_with(struct givshmem *s, enum ptn_region_command cmd, u32 arg)
{
	const unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);
	unsigned long pause = PAUSE_MIN_US;
	s32 status;

	say(s, cmd, arg, own_version());
	while (!answered(s)) {
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		usleep_range(pause, 2 * pause);
		pause = min_t(unsigned long, 2 * pause, PAUSE_MAX_US);
	}
	status = READ_ONCE(s->window.live->ack_status);
	return status > 0 || status < -MAX_ERRNO ? -EPROTO : status;
}

int gcommand(struct givshmem *s, enum ptn_region_command cmd)
{
	return gcommand_with(s, cmd, 0);
}

void gcommand_leave(struct givshmem *s)
{
	say(s, PTN_REGION_RESET, 0, 0);
}
