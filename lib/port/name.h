/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PTNET_PORT_NAME_H
#define PTNET_PORT_NAME_H

#include <stdbool.h>

#include <ptnet/request.h>

#include "ptnet.h"

/** name_is_netmap - whether a port is opened by /dev/netmap, not by a socket */
bool name_is_netmap(const char *text);

/**
 * name_request - what to ask of /dev/netmap for a port
 * @text: what name_is_netmap() has said yes to
 * @options: NULL for defaults
 *
 * Fills in the header's version, type and name, and the body; the caller
 * connects the two. Returns 0; -ENAMETOOLONG; -EINVAL for a suffix that makes
 * no sense, or when name and options contradict each other.
 */
int name_request(const char *text, const struct ptnet_options *options,
		 struct nmreq_header *header, struct nmreq_register *body);

/** name_mac - a locally administered address, the same one for a name always */
void name_mac(const char *name, uint8_t mac[6]);

#endif
