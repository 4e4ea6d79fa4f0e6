/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of one port go out of another:  forward IN.sock OUT.sock
 */
#include <string.h>

#include <ptnet.h>

static void move(struct netmap_ring *rx, struct netmap_ring *tx)
{
	while (rx->head != rx->tail && tx->head != tx->tail) {
		struct netmap_slot *from = &rx->slot[rx->head];
		struct netmap_slot *to = &tx->slot[tx->head];

		memcpy(ptnet_buf(tx, to->buf_idx), ptnet_buf(rx, from->buf_idx),
		       from->len);
		to->len = from->len;
		to->flags = from->flags & NS_MOREFRAG;
		rx->head = rx->cur = ptnet_next(rx, rx->head);
		tx->head = tx->cur = ptnet_next(tx, tx->head);
	}
}

int main(int argc, char **argv)
{
	struct ptnet_port *in, *out;

	if (argc < 3 || ptnet_open(&in, argv[1], NULL) ||
	    ptnet_open(&out, argv[2], NULL))
		return 1;
	if (ptnet_tx_ring(out, 0)->nr_buf_size <
	    ptnet_rx_ring(in, 0)->nr_buf_size)
		return 1;
	while (ptnet_wait(in, PTNET_RX, -1) > 0 &&
	       ptnet_wait(out, PTNET_TX, -1) > 0) {
		move(ptnet_rx_ring(in, 0), ptnet_tx_ring(out, 0));
		ptnet_sync_tx(out, 0);
	}
	return 1;
}
