/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The generation of the ABI that has handles (Linux 3.10 to 4.11, ion(4)): its structs in both
 * widths, its decoders for the table in wire/ion.c, and its answers. Pure, as wire/ion.h is.
 */
#ifndef WIRE_ION_LEGACY_H
#define WIRE_ION_LEGACY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "wire/call.h"

/* as a 64-bit caller lays it out ... */
struct wire_legacy_alloc {
	uint64_t len;
	uint64_t align;
	uint32_t heap_id_mask;
	uint32_t flags;
	int32_t handle; /* the one field that an answer changes */
	uint32_t rest;
};

/* ... and a 32-bit one */
struct wire_legacy_alloc_32 {
	uint32_t len;
	uint32_t align;
	uint32_t heap_id_mask;
	uint32_t flags;
	int32_t handle;
};

struct wire_legacy_handle {
	int32_t handle;
};

struct wire_legacy_fd {
	int32_t handle;
	int32_t fd;
};

struct wire_legacy_custom {
	uint32_t cmd;
	uint32_t rest;
	uint64_t arg;
};

struct wire_legacy_custom_32 {
	uint32_t cmd;
	uint32_t arg;
};

#define WIRE_LEGACY_ALLOC     _IOWR('I', 0, struct wire_legacy_alloc)
#define WIRE_LEGACY_ALLOC_32  _IOWR('I', 0, struct wire_legacy_alloc_32)
#define WIRE_LEGACY_FREE      _IOWR('I', 1, struct wire_legacy_handle)
#define WIRE_LEGACY_MAP	      _IOWR('I', 2, struct wire_legacy_fd)
#define WIRE_LEGACY_SHARE     _IOWR('I', 4, struct wire_legacy_fd)
#define WIRE_LEGACY_IMPORT    _IOWR('I', 5, struct wire_legacy_fd)
#define WIRE_LEGACY_CUSTOM    _IOWR('I', 6, struct wire_legacy_custom)
#define WIRE_LEGACY_CUSTOM_32 _IOWR('I', 6, struct wire_legacy_custom_32)
#define WIRE_LEGACY_SYNC      _IOWR('I', 7, struct wire_legacy_fd)

#define WIRE_SHARE_FD_OFFSET  offsetof(struct wire_legacy_fd, fd)
#define WIRE_FD_SIZE	      sizeof(struct wire_legacy_fd)
#define WIRE_HANDLE_SIZE_MAX  sizeof(struct wire_legacy_alloc)

/* for the table: @in has as many bytes as the command's number says; 0 or what to refuse with */
int wire_decode_alloc_handle(struct wire_call *call, const struct wire_policy *policy,
			     const struct wire_caller *caller, const void *in);
int wire_decode_alloc_handle_32(struct wire_call *call, const struct wire_policy *policy,
				const struct wire_caller *caller, const void *in);
int wire_decode_free(struct wire_call *call, const struct wire_policy *policy,
		     const struct wire_caller *caller, const void *in);
int wire_decode_map(struct wire_call *call, const struct wire_policy *policy,
		    const struct wire_caller *caller, const void *in);
int wire_decode_share(struct wire_call *call, const struct wire_policy *policy,
		      const struct wire_caller *caller, const void *in);
int wire_decode_import(struct wire_call *call, const struct wire_policy *policy,
		       const struct wire_caller *caller, const void *in);
int wire_decode_sync(struct wire_call *call, const struct wire_policy *policy,
		     const struct wire_caller *caller, const void *in);
int wire_decode_custom(struct wire_call *call, const struct wire_policy *policy,
		       const struct wire_caller *caller, const void *in);
int wire_decode_custom_32(struct wire_call *call, const struct wire_policy *policy,
			  const struct wire_caller *caller, const void *in);

/**
 * wire_encode_handle() - the struct of an ALLOC_HANDLE as it goes back
 * @out:	WIRE_HANDLE_SIZE_MAX bytes
 * @call:	the allocation
 * @handle:	what it is known by from here on
 *
 * A refused allocation goes back without bytes.
 *
 * Return: bytes used.
 */
size_t wire_encode_handle(void *out, const struct wire_call *call, int32_t handle);

/**
 * wire_encode_fd() - the struct of an IMPORT or a SHARE as it goes back
 * @out:	WIRE_FD_SIZE bytes
 * @handle:	of the buffer
 * @fd:		of it; after a SHARE that could not make one, the negative errno that the call
 *		returns too. A handle that there is not is refused without bytes.
 */
void wire_encode_fd(void *out, int32_t handle, int32_t fd);

#endif
