/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send frames out of a port:  send /run/ptnet/ports/NAME.sock [COUNT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ptnet.h>

int main(int argc, char **argv)
{
	unsigned long left = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct ptnet_port *p;
	int err = ptnet_open(&p, argc > 1 ? argv[1] : "", NULL);

	if (err) {
		fprintf(stderr, "cannot attach: %s\n", strerror(-err));
		return 1;
	}
	memcpy(frame + 6, ptnet_mac(p), 6);
	frame[12] = 0x88; /* a type for experiments */
	frame[13] = 0xb5;

	while (left && (err = ptnet_wait(p, PTNET_TX, -1)) > 0) {
		struct netmap_ring *tx = ptnet_tx_ring(p, 0);

		for (; left && tx->head != tx->tail; left--) {
			struct netmap_slot *s = &tx->slot[tx->head];

			memcpy(ptnet_buf(tx, s->buf_idx), frame, sizeof(frame));
			s->len = sizeof(frame);
			s->flags = 0;
			tx->head = tx->cur = ptnet_next(tx, tx->head);
		}
		ptnet_sync_tx(p, 0);
	}
	if (err >= 0)
		err = ptnet_flush(p, 5000);
	if (err < 0)
		fprintf(stderr, "%lu frames left: %s\n", left, strerror(-err));
	ptnet_close(p);
	return err < 0;
}
