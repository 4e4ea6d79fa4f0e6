/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LINT_LINUX_TYPES_H
#define LINT_LINUX_TYPES_H

typedef __UINT8_TYPE__ __u8;
typedef __UINT16_TYPE__ __u16;
typedef __UINT32_TYPE__ __u32;
typedef __UINT64_TYPE__ __u64;
typedef __INT32_TYPE__ __s32;
typedef __INT64_TYPE__ __s64;

#endif
