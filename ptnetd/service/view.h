/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is, as the API shows it: what is declared, joined with what the
 * backend reports. All answers are JSON that the caller owns.
 */
#ifndef PTNETD_SERVICE_VIEW_H
#define PTNETD_SERVICE_VIEW_H

#include "service/service.h"

enum view_kind {
	VIEW_SWITCHES,
	VIEW_PIPES,
	VIEW_PORTS, /* of every kind */
	VIEW_NICS,
	VIEW_VMS,
};

/** view_health - {"status":"ok"} when the backend answers */
enum outcome view_health(struct service *s, json_t **out, struct refusal *r);

/** view_version - of the daemon and the backend */
enum outcome view_version(struct service *s, json_t **out, struct refusal *r);

/** view_status - the overview; answers while the backend is down, too */
enum outcome view_status(struct service *s, json_t **out, struct refusal *r);

/** view_topologies - what is applied, by name */
enum outcome view_topologies(struct service *s, json_t **out,
			     struct refusal *r);

/** view_topology - one document, as JSON */
enum outcome view_topology(struct service *s, const char *name, json_t **out,
			   struct refusal *r);

/** view_topology_yaml - the same as YAML; the caller frees */
enum outcome view_topology_yaml(struct service *s, const char *name, char **out,
				struct refusal *r);

/**
 * view_objects - objects with status and counters
 * @name: one, as an object; NULL: all, as an array
 */
enum outcome view_objects(struct service *s, enum view_kind kind,
			  const char *name, json_t **out, struct refusal *r);

/** view_fdb - the forwarding table of a switch */
enum outcome view_fdb(struct service *s, const char *name, json_t **out,
		      struct refusal *r);

/** view_census - where every packet buffer is */
enum outcome view_census(struct service *s, json_t **out, struct refusal *r);

#endif
