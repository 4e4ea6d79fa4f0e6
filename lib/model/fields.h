/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of what a topology document may hold. */
#ifndef PTNET_MODEL_FIELDS_H
#define PTNET_MODEL_FIELDS_H

#include "model/shape.h"

extern const struct shape topology_shape;
extern const struct shape switch_shape;
extern const struct shape static_mac_shape;
extern const struct shape pipe_shape;
extern const struct shape port_shape;
extern const struct shape nic_shape;
extern const struct shape vm_shape;
extern const struct shape interface_shape;

#endif
