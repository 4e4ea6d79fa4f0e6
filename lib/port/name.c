// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of ports that /dev/netmap opens, and what they ask for: the suffixes
 * are those that netmap's libraries know. Pure: text and options in, a request
 * out. Called by device.c and ptnet.c.
 */
#include "name.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RING_MAX = 255, ID_MAX = 65535 };

static const char prefix[] = "netmap:";

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_vale(const char *text)
{
	if (strncmp(text, "vale", 4) != 0)
		return false;
	text += 4;
	while (is_word(*text))
		text++;
	return *text == ':';
}

bool name_is_netmap(const char *text)
{
	return !strncmp(text, prefix, sizeof(prefix) - 1) || is_vale(text);
}

/* A number that goes up to @max; @at moves behind it. */
static int number(const char **at, unsigned long max, unsigned *out)
{
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	n = strtoul(*at, &end, 10);
	if (n > max)
		return -EINVAL;
	*out = (unsigned)n;
	*at = end;
	return 0;
}

/* Behind a slash: t, r (monitors of what is sent, received), z, x, R, T. */
static int letters(const char **at, struct nmreq_register *body)
{
	static const struct {
		char letter;
		uint64_t flag;
	} known[] = {
		{'t', NR_MONITOR_TX},	 {'r', NR_MONITOR_RX},
		{'z', NR_ZCOPY_MON},	 {'x', NR_EXCLUSIVE},
		{'R', NR_RX_RINGS_ONLY}, {'T', NR_TX_RINGS_ONLY},
	};
	const char *from = *at;

	for (; isalpha((unsigned char)**at); (*at)++) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) &&
		       known[i].letter != **at)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return -EINVAL;
		body->nr_flags |= known[i].flag;
	}
	return *at == from ? -EINVAL : 0;
}

static int set_mode(struct nmreq_register *body, unsigned mode, unsigned ring)
{
	if (body->nr_mode != NR_REG_ALL_NIC)
		return -EINVAL;
	body->nr_mode = mode;
	body->nr_ringid = (uint16_t)ring;
	return 0;
}

static int set_memory(struct nmreq_register *body, unsigned id)
{
	if (body->nr_mem_id && body->nr_mem_id != id)
		return -EINVAL;
	body->nr_mem_id = (uint16_t)id;
	return 0;
}

/* One suffix; @at is at its first character, and moves behind it. */
static int suffix(const char **at, struct nmreq_register *body)
{
	const char c = *(*at)++;
	unsigned n = 0;

	switch (c) {
	case '^':
		if (!isdigit((unsigned char)**at))
			return set_mode(body, NR_REG_SW, 0);
		return number(at, RING_MAX, &n)
			       ?: set_mode(body, NR_REG_ONE_SW, n);
	case '*':
	case '+':
		return set_mode(body, NR_REG_NIC_SW, 0);
	case '-':
		return number(at, RING_MAX, &n)
			       ?: set_mode(body, NR_REG_ONE_NIC, n);
	case '@':
		return number(at, ID_MAX, &n) ?: set_memory(body, n);
	case '/':
		return letters(at, body);
	default:
		return -EINVAL;
	}
}

/*
 * Where the name ends: a device's name may have a minus sign, which begins a
 * suffix only when nothing but digits follows, up to the next suffix or the
 * end.
 */
static size_t name_length(const char *text)
{
	size_t n = 0, digits;

	for (;; n++) {
		n += strcspn(text + n, "^*+-@/");
		if (text[n] != '-')
			return n;
		digits = strspn(text + n + 1, "0123456789");
		if (digits && strchr("@/", text[n + 1 + digits]))
			return n;
	}
}

static int by_flags(struct nmreq_register *body, unsigned flags)
{
	static const struct {
		unsigned option;
		uint64_t flag;
	} map[] = {
		{PTNET_EXCLUSIVE, NR_EXCLUSIVE},
		{PTNET_MONITOR_TX, NR_MONITOR_TX},
		{PTNET_MONITOR_RX, NR_MONITOR_RX},
		{PTNET_MONITOR_ZERO_COPY, NR_ZCOPY_MON},
		{PTNET_VNET_HDR, NR_ACCEPT_VNET_HDR},
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (flags & map[i].option)
			body->nr_flags |= map[i].flag;
		flags &= ~map[i].option;
	}
	switch (flags) {
	case 0:
		return 0;
	case PTNET_HOST_RINGS:
		return set_mode(body, NR_REG_NIC_SW, 0);
	case PTNET_HOST_RINGS_ONLY:
		return set_mode(body, NR_REG_SW, 0);
	default:
		return -EINVAL;
	}
}

static int by_options(struct nmreq_register *body,
		      const struct ptnet_options *o)
{
	int err = by_flags(body, o->flags);

	if (o->tx_rings > UINT16_MAX || o->rx_rings > UINT16_MAX ||
	    o->memory_id > ID_MAX)
		return -EINVAL;
	body->nr_tx_slots = o->tx_slots;
	body->nr_rx_slots = o->rx_slots;
	body->nr_tx_rings = (uint16_t)o->tx_rings;
	body->nr_rx_rings = (uint16_t)o->rx_rings;
	body->nr_extra_bufs = o->extra_buffers;
	if (!err && o->memory_id)
		err = set_memory(body, o->memory_id);
	return err;
}

int name_request(const char *text, const struct ptnet_options *options,
		 struct nmreq_header *header, struct nmreq_register *body)
{
	size_t length;
	int err = 0;

	if (!strncmp(text, prefix, sizeof(prefix) - 1))
		text += sizeof(prefix) - 1;
	length = name_length(text);
	if (!length)
		return -EINVAL;
	if (length >= sizeof(header->nr_name))
		return -ENAMETOOLONG;
	*header = (struct nmreq_header){
		.nr_version = NETMAP_API,
		.nr_reqtype = NETMAP_REQ_REGISTER,
	};
	memcpy(header->nr_name, text, length);
	*body = (struct nmreq_register){.nr_mode = NR_REG_ALL_NIC};
	for (text += length; *text && !err;)
		err = suffix(&text, body);
	if (!err && options)
		err = by_options(body, options);
	if (!err && body->nr_flags & NR_ZCOPY_MON &&
	    !(body->nr_flags & (NR_MONITOR_TX | NR_MONITOR_RX)))
		err = -EINVAL;
	return err;
}

/* FNV-1a. */
void name_mac(const char *name, uint8_t mac[6])
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3;
	h ^= h >> 40;
	mac[0] = 0x02;
	for (int i = 1; i < 6; i++, h >>= 8)
		mac[i] = (uint8_t)h;
}
