/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host on a port: has an IPv4 address there, and answers who asks for it
 * (ARP) and who pings it:  answer PORT.sock 10.0.0.1
 */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include <ptnet.h>

struct host {
	struct ptnet_port *port;
	struct in_addr address;
};

static bool answer_arp(const struct host *h, struct ether_arp *arp)
{
	if (ntohs(arp->arp_op) != ARPOP_REQUEST ||
	    memcmp(arp->arp_tpa, &h->address, sizeof(arp->arp_tpa)) != 0)
		return false;
	arp->arp_op = htons(ARPOP_REPLY);
	memcpy(arp->arp_tha, arp->arp_sha, sizeof(arp->arp_tha));
	memcpy(arp->arp_tpa, arp->arp_spa, sizeof(arp->arp_tpa));
	memcpy(arp->arp_sha, ptnet_mac(h->port), sizeof(arp->arp_sha));
	memcpy(arp->arp_spa, &h->address, sizeof(arp->arp_spa));
	return true;
}

/* A reply has the request's checksum, but for the type that was 8. */
static bool answer_ping(const struct host *h, struct iphdr *ip, size_t len)
{
	struct icmphdr *icmp = (void *)(ip + 1);
	unsigned sum;

	if (len < sizeof(*ip) + sizeof(*icmp) || ip->ihl != 5 ||
	    ip->daddr != h->address.s_addr || ip->protocol != IPPROTO_ICMP ||
	    icmp->type != ICMP_ECHO)
		return false;
	ip->daddr = ip->saddr;
	ip->saddr = h->address.s_addr;
	icmp->type = ICMP_ECHOREPLY;
	sum = icmp->checksum + htons(ICMP_ECHO << 8);
	icmp->checksum = (unsigned short)(sum + (sum >> 16));
	return true;
}

static bool answer(const struct host *h, char *frame, size_t len)
{
	struct ether_header *eth = (void *)frame;
	const size_t rest = len - sizeof(*eth);
	void *body = eth + 1;

	if (len < sizeof(*eth) + sizeof(struct ether_arp))
		return false;
	if (eth->ether_type == htons(ETHERTYPE_ARP)
		    ? !answer_arp(h, body)
		    : eth->ether_type != htons(ETHERTYPE_IP) ||
			      !answer_ping(h, body, rest))
		return false;
	memcpy(eth->ether_dhost, eth->ether_shost, ETH_ALEN);
	memcpy(eth->ether_shost, ptnet_mac(h->port), ETH_ALEN);
	return true;
}

/* What is answered goes back in the next slot to send. */
static void take(const struct host *h, struct netmap_ring *rx,
		 struct netmap_ring *tx)
{
	struct netmap_slot *from = &rx->slot[rx->head];
	struct netmap_slot *to = &tx->slot[tx->head];
	char *frame = ptnet_buf(tx, to->buf_idx);

	if (tx->head != tx->tail && from->len <= tx->nr_buf_size) {
		memcpy(frame, ptnet_buf(rx, from->buf_idx), from->len);
		if (answer(h, frame, from->len)) {
			to->len = from->len;
			to->flags = 0;
			tx->head = tx->cur = ptnet_next(tx, tx->head);
		}
	}
	rx->head = rx->cur = ptnet_next(rx, rx->head);
}

int main(int argc, char **argv)
{
	struct host h;

	if (argc < 3 || inet_aton(argv[2], &h.address) == 0 ||
	    ptnet_open(&h.port, argv[1], NULL))
		return 1;
	fprintf(stderr, "ready\n");
	while (ptnet_wait(h.port, PTNET_RX, -1) > 0) {
		for (unsigned q = 0; q < ptnet_queues(h.port); q++) {
			struct netmap_ring *rx = ptnet_rx_ring(h.port, q);

			while (rx->head != rx->tail)
				take(&h, rx, ptnet_tx_ring(h.port, q));
			ptnet_sync_tx(h.port, q);
		}
	}
	return 1;
}
