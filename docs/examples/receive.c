/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Show what arrives at a port:  receive /run/ptnet/ports/NAME.sock [COUNT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ptnet.h>

static void show(const unsigned char *f, unsigned len)
{
	printf("%02x:%02x:%02x:%02x:%02x:%02x > "
	       "%02x:%02x:%02x:%02x:%02x:%02x, %u bytes\n",
	       f[6], f[7], f[8], f[9], f[10], f[11], f[0], f[1], f[2], f[3],
	       f[4], f[5], len);
}

int main(int argc, char **argv)
{
	unsigned long left = argc > 2 ? strtoul(argv[2], NULL, 10) : ~0UL;
	struct ptnet_port *p;
	int err = ptnet_open(&p, argc > 1 ? argv[1] : "", NULL);

	if (err) {
		fprintf(stderr, "cannot attach: %s\n", strerror(-err));
		return 1;
	}
	while (left && (err = ptnet_wait(p, PTNET_RX, -1)) > 0) {
		for (unsigned q = 0; q < ptnet_queues(p); q++) {
			struct netmap_ring *rx = ptnet_rx_ring(p, q);

			for (; left && rx->head != rx->tail; left--) {
				struct netmap_slot *s = &rx->slot[rx->head];

				show((void *)ptnet_buf(rx, s->buf_idx), s->len);
				rx->head = rx->cur = ptnet_next(rx, rx->head);
			}
		}
	}
	if (err < 0)
		fprintf(stderr, "%s\n", strerror(-err));
	ptnet_close(p);
	return err < 0;
}
