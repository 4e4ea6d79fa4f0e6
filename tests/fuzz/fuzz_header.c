/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile program that has virtio-net headers before its frames: the input
 * is how a frame is cut into slots, then the header and the frame. Whatever it
 * is, no access leaves the regions (the sanitizers watch their borders), each
 * frame is counted once, who has a header gets the frame as it is, and what
 * was cut or summed for who has none is sound: its checksums are right, no
 * part is longer than was asked for, and together, where none was too long for
 * the receiver, they are the payload.
 */
#include <stdlib.h>

#include "unit/packet.h"
#include "unit/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FROM, KNOWS, BARE, PORTS, HDR = 12, FRAME_MAX = 80000 };

struct world {
	struct ptn_vale *vale;
	struct rig rig[PORTS];
	struct ptn_work *work;
};

static u8 frame[FRAME_MAX], got[FRAME_MAX];

static void open_world(struct world *w)
{
	const struct ptn_vale_params v = {"vale0", 64, 1000};
	static const struct rig_params p[PORTS] = {
		{1, 64, 2048, 0}, {1, 64, 2048, 0}, {1, 512, 512, 0}};

	w->work = ptn_work_new();
	if (ptn_vale_new(&w->vale, &v))
		abort();
	for (u32 i = 0; i < PORTS; i++) {
		rig_open(&w->rig[i], "p", &p[i]);
		ptn_port_set_hdr_len(w->rig[i].port, i == BARE ? 0 : HDR);
		ptn_vale_attach(w->vale, w->rig[i].port);
	}
}

static void close_world(struct world *w)
{
	for (u32 i = 0; i < PORTS; i++)
		rig_close(&w->rig[i], ptn_vale_detach);
	ptn_vale_free(w->vale);
	ptn_work_free(w->work);
}

static u32 le16(const u8 *at)
{
	return at[0] | (u32)at[1] << 8;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Once a frame, for all its receivers. */
static void check_counts(const struct world *w)
{
	u64 tx = 0, rx = 0, drops = 0, parts = 0, c[PTN_SWC_MAX + 1];

	ptn_vale_counters(w->vale, c);
	for (u32 i = 0; i < PORTS; i++) {
		tx += rig_count(&w->rig[i], PTN_C_TX_FRAMES);
		rx += rig_count(&w->rig[i], PTN_C_RX_FRAMES);
		parts += rig_count(&w->rig[i], PTN_C_SEGMENTS) -
			 rig_count(&w->rig[i], PTN_C_SEGMENTED);
		drops += rig_drops(&w->rig[i]);
	}
	must(tx + c[PTN_SWC_COPIES] - c[PTN_SWC_FLOODED] + parts == rx + drops);
}

/*
 * Where the payload begins, by what is sound already: the checksum's place is
 * in the last header.
 */
static u32 headers_of(const u8 *f)
{
	const u32 start = le16(frame + 6);

	return start + (le16(frame + 8) == 6 ? 8 : f[start + 12] / 16 * 4u);
}

static void check_parts(struct world *w, u32 len)
{
	const bool all = !rig_count(&w->rig[BARE], PTN_C_DROP_TOO_BIG);
	const u8 *payload = frame + HDR;
	u32 left = len - HDR, n = 0;
	int got_len;

	while ((got_len = rig_recv(&w->rig[BARE], 0, got, sizeof(got))) >= 0) {
		const u32 headers = headers_of(got);
		const u32 part = (u32)got_len - headers;

		must((u32)got_len >= headers && part <= le16(frame + 4));
		must(packet_sound(got, (u32)got_len));
		if (!n++) {
			payload += headers;
			left -= headers;
		}
		must(part <= left);
		must(!all || !memcmp(got + headers, payload, part));
		payload += part;
		left -= part;
	}
	must(!all || !n || !left);
}

static void check_bare(struct world *w, u32 len)
{
	int n;

	if (frame[1]) {
		check_parts(w, len);
		return;
	}
	n = rig_recv(&w->rig[BARE], 0, got, sizeof(got));
	must(n < 0 || (u32)n == len - HDR);
	if (n >= 0 && !(frame[0] & 1))
		must(!memcmp(got, frame + HDR, (u32)n));
}

static void check_known(struct world *w, u32 len)
{
	const int n = rig_recv(&w->rig[KNOWS], 0, got, sizeof(got));

	must(n < 0 || ((u32)n == len && !memcmp(got, frame, len)));
}

/*
 * Three bytes say how: slots of so many bytes, and how often the frame's last
 * byte is repeated, so that large frames need no large inputs.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	u32 len, more;

	if (size < 3 + HDR || size > 4000)
		return 0;
	len = (u32)size - 3;
	more = le16(data + 1);
	memcpy(frame, data + 3, len);
	memset(frame + len, frame[len - 1], more);
	len += more;
	open_world(&w);
	if (rig_send(&w.rig[FROM], frame, len, 16 + data[0] * 8u)) {
		while (ptn_port_sync(w.rig[FROM].port, 0, w.work))
			;
		check_counts(&w);
		check_known(&w, len);
		check_bare(&w, len);
	}
	close_world(&w);
	return 0;
}
