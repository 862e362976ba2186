/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An ioctl as the rest of the service knows it: of /dev/ion, whichever generation of the ABI it
 * came in, or of a dma-heap; and what the codec has to know to tell.
 */
#ifndef WIRE_CALL_H
#define WIRE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/dma_heap.h"

enum wire_abi {
	WIRE_ABI_AUTO,	 /* both generations; who probes for handles is told that there are none */
	WIRE_ABI_LEGACY, /* both generations, and the probe finds handles */
	WIRE_ABI_MODERN, /* no handles, as on Linux 4.12 to 5.10 */
};

/* what a node speaks */
struct wire_policy {
	enum wire_abi abi;
	uint32_t abi_version; /* 0: there is no such call; 2: the modular heaps' numbering too */
};

/* who calls */
struct wire_caller {
	bool compat;  /* by the 32-bit way */
	bool handles; /* its client has made a call with wire_call.handles before */
};

enum wire_verb {
	WIRE_ALLOC,	     /* alloc; answered with an fd, at WIRE_ALLOC_FD_OFFSET */
	WIRE_ALLOC_DMA_HEAP, /* dma_heap; with an fd, at WIRE_DMA_HEAP_FD_OFFSET */
	WIRE_ALLOC_HANDLE,   /* alloc; answered with a handle, by wire_encode_handle() */
	WIRE_FREE,	     /* handle; answered without bytes */
	WIRE_SHARE,	     /* handle; answered with an fd, at WIRE_SHARE_FD_OFFSET */
	WIRE_IMPORT,	     /* fd; answered with a handle, by wire_encode_fd() */
	WIRE_SYNC,	     /* fd; answered without bytes */
	WIRE_CUSTOM,	     /* custom; answered without bytes */
	WIRE_HEAP_QUERY,
	WIRE_ABI_VERSION,
};

struct wire_call {
	enum wire_verb verb;
	uint32_t cmd;
	bool compat;  /* of a 32-bit caller */
	bool handles; /* its client is one that uses handles, from here on */
	union {
		struct {
			uint64_t len;
			uint32_t mask, flags;
			uint64_t align; /* 0 where the call has none */
			uint32_t rest;	/* what stood behind the handle, and goes back as it came */
		} alloc;
		struct wire_dma_heap_call dma_heap;
		int32_t handle;
		int32_t fd; /* in the caller's table */
		struct {
			uint32_t cmd;
			uint64_t arg;
		} custom;
		struct {
			uint32_t cnt;
			uint64_t heaps; /* 0: only the number is asked for */
		} query;
	};
};

#endif
