/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files for `traffic`, by libpcap. Ethernet only. */
#include "traffic.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

enum { SNAPLEN = 262144 };

#define LOAD_MAX (1ULL << 30)

DEFINE_CLEANUP(pcap, pcap_t *, pcap_close);

static int add(struct traffic_pcap *p, const uint8_t *data, size_t len)
{
	struct traffic_packet *grown;
	uint8_t *copy;

	if (!(p->count & (p->count + 1))) {
		grown = realloc(p->packet,
				(2 * p->count + 2) * sizeof(*p->packet));
		if (!grown)
			return -ENOMEM;
		p->packet = grown;
	}
	copy = malloc(len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	p->packet[p->count].data = copy;
	p->packet[p->count].len = len;
	p->count++;
	if (len > p->longest)
		p->longest = len;
	return 0;
}

static int read_all(struct traffic_pcap *p, pcap_t *file, const char *path)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	uint64_t bytes = 0;
	int n;

	while ((n = pcap_next_ex(file, &h, &data)) == 1) {
		if (h->caplen < 14)
			continue;
		bytes += h->caplen;
		if (bytes > LOAD_MAX)
			return ctl_error("%s: larger than %llu MiB", path,
					 LOAD_MAX >> 20);
		if (add(p, data, h->caplen))
			return ctl_error("%s: out of memory", path);
	}
	if (n == PCAP_ERROR)
		return ctl_error("%s: %s", path, pcap_geterr(file));
	if (!p->count)
		return ctl_error("%s: no frame in it", path);
	return CTL_OK;
}

int traffic_pcap_load(struct traffic_pcap *p, const char *path)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	_cleanup_(cleanup_pcap) pcap_t *file = pcap_open_offline(path, error);

	*p = (struct traffic_pcap){.packet = NULL};
	if (!file)
		return ctl_error("cannot read a capture: %s", error);
	if (pcap_datalink(file) != DLT_EN10MB)
		return ctl_error("%s: a capture of %s, not of Ethernet", path,
				 pcap_datalink_val_to_name(pcap_datalink(file))
					 ?: "something unknown");
	return read_all(p, file, path);
}

void traffic_pcap_free(struct traffic_pcap *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->packet[i].data);
	free(p->packet);
	*p = (struct traffic_pcap){.packet = NULL};
}

struct traffic_dump {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	const char *path;
};

struct traffic_dump *traffic_dump_open(const char *path)
{
	struct traffic_dump *d = calloc(1, sizeof(*d));

	if (!d) {
		ctl_error("out of memory");
		return NULL;
	}
	d->path = path;
	d->pcap = pcap_open_dead_with_tstamp_precision(
		DLT_EN10MB, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
	if (d->pcap)
		d->dumper = pcap_dump_open(d->pcap, path);
	if (d->dumper)
		return d;
	ctl_error("cannot write a capture: %s",
		  d->pcap ? pcap_geterr(d->pcap) : "out of memory");
	traffic_dump_close(d);
	return NULL;
}

void traffic_dump_frame(struct traffic_dump *d, const uint8_t *data, size_t len)
{
	struct pcap_pkthdr h = {.len = (bpf_u_int32)len};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	h.ts.tv_sec = now.tv_sec;
	h.ts.tv_usec = now.tv_nsec; /* nanoseconds, as the file says */
	h.caplen = len < SNAPLEN ? h.len : SNAPLEN;
	pcap_dump((uint8_t *)d->dumper, &h, data);
}

int traffic_dump_close(struct traffic_dump *d)
{
	int status = CTL_OK;

	if (!d)
		return CTL_OK;
	if (d->dumper) {
		if (pcap_dump_flush(d->dumper) ||
		    ferror(pcap_dump_file(d->dumper)))
			status = ctl_error("cannot write %s: %s", d->path,
					   strerror(errno));
		pcap_dump_close(d->dumper);
	}
	if (d->pcap)
		pcap_close(d->pcap);
	free(d);
	return status;
}
