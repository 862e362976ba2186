/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A buffer by either generation of the ABI: by the ALLOC that gives an fd, or by the one that gives
 * a handle, and a SHARE of that. Results are >= 0 or -errno.
 */
#ifndef CLIENT_EITHER_H
#define CLIENT_EITHER_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#define EITHER_HEAPS 32

struct either {
	uint64_t len;
	uint32_t mask, flags;
	int fd;
	int handle; /* 0: there is none */
};

extern const char *const either_names[2];

/* fills in fd and handle of what @e says; @old: with a handle */
int either_get(int ion, bool old, struct either *e);

/* closes the fd, gives back the handle; either may be gone already, as -1 and 0 */
int either_put(int ion, struct either *e);

/* the heaps that the node lists, @heaps with room for EITHER_HEAPS. Return: how many. */
int either_heaps(int ion, struct ion_heap *heaps);

#endif
