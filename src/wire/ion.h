/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wire of /dev/ion: one ioctl's bytes to a call, and answers to bytes (ion(4)). Allocates
 * nothing, reaches nothing outside of its arguments. Here is what came with Linux 4.9 and 4.12; the
 * calls with handles are wire/ion_legacy.h's, and one node has both.
 *
 * wire_decode() keeps the kernel's order of checks: the size in the number, then the bytes, then
 * what the command itself forbids, and last whether there is such a command.
 */
#ifndef WIRE_ION_H
#define WIRE_ION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "wire/call.h"
#include "wire/ion_legacy.h"

/* the structs as clients of all widths lay them out: no padding anywhere */
struct wire_ion_alloc {
	uint64_t len;
	uint32_t heap_id_mask;
	uint32_t flags;
	uint32_t fd; /* the one field that an answer changes */
	uint32_t unused;
};

struct wire_ion_query {
	uint32_t cnt;
	uint32_t reserved0;
	uint64_t heaps; /* address of an array of struct wire_ion_heap in the caller */
	uint32_t reserved1;
	uint32_t reserved2;
};

struct wire_ion_heap {
	char name[32];
	uint32_t type;
	uint32_t heap_id;
	uint32_t reserved[3];
};

#define WIRE_ION_ALLOC	     _IOWR('I', 0, struct wire_ion_alloc)
#define WIRE_ION_HEAP_QUERY  _IOWR('I', 8, struct wire_ion_query)
#define WIRE_ION_ABI_VERSION _IOR('I', 9, uint32_t)

#define WIRE_ALLOC_FD_OFFSET offsetof(struct wire_ion_alloc, fd)
#define WIRE_QUERY_SIZE	     sizeof(struct wire_ion_query)
#define WIRE_HEAP_SIZE	     sizeof(struct wire_ion_heap)
#define WIRE_VERSION_SIZE    sizeof(uint32_t)
#define WIRE_HEAP_TYPE_DMA   4 /* as heaps number their types; version 2 of the ABI renumbers */

/* a heap as the codec needs it */
struct wire_heap {
	const char *name;
	uint32_t type, id;
};

/*
 * @in is what came with the command: _IOC_SIZE(@cmd) bytes where the number has _IOC_WRITE, fewer
 * mean that the caller's memory could not be read. Return: 0 with @ret filled, or -EINVAL, -EFAULT,
 * -ENOTTY; @ret is untouched then.
 */
int wire_decode(struct wire_call *ret, const struct wire_policy *policy,
		const struct wire_caller *caller, uint32_t cmd, const void *in, size_t in_size);

/* the struct of a HEAP_QUERY again, with @cnt entries named; WIRE_QUERY_SIZE bytes */
void wire_encode_query(void *out, const struct wire_call *call, uint32_t cnt);

/* one entry of its array, WIRE_HEAP_SIZE bytes; longer names are cut */
void wire_encode_heap(void *out, const struct wire_policy *policy, const struct wire_heap *heap);

/* WIRE_VERSION_SIZE bytes */
void wire_encode_version(void *out, const struct wire_policy *policy);

#endif
