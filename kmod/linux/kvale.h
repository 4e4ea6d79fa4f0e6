/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What programs ask about VALE switches, the headers of ports' frames and
 * persistent ports. Handlers of requests (krequest.h).
 */
#ifndef PTN_KVALE_H
#define PTN_KVALE_H

struct krequest;

/** kvale_attach - NETMAP_REQ_VALE_ATTACH: a device or persistent port */
int kvale_attach(struct krequest *rq);
int kvale_detach(struct krequest *rq);

/**
 * kvale_list - NETMAP_REQ_VALE_LIST
 *
 * With a port's name, its numbers; without one the first port at these numbers
 * or after them, and its name. -ENOENT when there is none.
 */
int kvale_list(struct krequest *rq);

/** kvale_newif, kvale_delif - NETMAP_REQ_VALE_NEWIF, _DELIF */
int kvale_newif(struct krequest *rq);
int kvale_delif(struct krequest *rq);

/** kvale_hdr_set, kvale_hdr_get - NETMAP_REQ_PORT_HDR_SET, _GET */
int kvale_hdr_set(struct krequest *rq);
int kvale_hdr_get(struct krequest *rq);

/** kvale_polling_on, kvale_polling_off - NETMAP_REQ_VALE_POLLING_* */
int kvale_polling_on(struct krequest *rq);
int kvale_polling_off(struct krequest *rq);

#endif
