// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The wire's structs and numbers as ion(4) has them, in the width that this is compiled for:
 * check_abi32 is the same for i386, so nothing but the C library is used.
 */
#include <stdio.h>
#include <stdlib.h>

#include "wire/dma_heap.h"
#include "wire/ion.h"

#define SIZE(type, n)                                \
	{                                            \
		"sizeof(" #type ")", sizeof(type), n \
	}
#define AT(type, field, n)                                 \
	{                                                  \
#type "." #field, offsetof(type, field), n \
	}
#define WIDTH(type, field, n)                                   \
	{                                                       \
		"sizeof " #field, sizeof(((type *)0)->field), n \
	}
#define NUMBER(name, n)        \
	{                      \
#name, name, n \
	}

static const struct {
	const char *what;
	unsigned long seen, expected;
} facts[] = {
	SIZE(struct wire_ion_alloc, 24),
	AT(struct wire_ion_alloc, len, 0),
	WIDTH(struct wire_ion_alloc, len, 8),
	AT(struct wire_ion_alloc, heap_id_mask, 8),
	AT(struct wire_ion_alloc, flags, 12),
	AT(struct wire_ion_alloc, fd, 16),
	WIDTH(struct wire_ion_alloc, fd, 4),
	AT(struct wire_ion_alloc, unused, 20),
	SIZE(struct wire_ion_query, 24),
	AT(struct wire_ion_query, cnt, 0),
	AT(struct wire_ion_query, reserved0, 4),
	AT(struct wire_ion_query, heaps, 8),
	WIDTH(struct wire_ion_query, heaps, 8),
	AT(struct wire_ion_query, reserved1, 16),
	AT(struct wire_ion_query, reserved2, 20),
	SIZE(struct wire_ion_heap, 52),
	AT(struct wire_ion_heap, name, 0),
	AT(struct wire_ion_heap, type, 32),
	AT(struct wire_ion_heap, heap_id, 36),
	AT(struct wire_ion_heap, reserved, 40),
	NUMBER(WIRE_ION_ALLOC, 0xc0184900),
	NUMBER(WIRE_ION_HEAP_QUERY, 0xc0184908),
	NUMBER(WIRE_ION_ABI_VERSION, 0x80044909),
	NUMBER(WIRE_ALLOC_FD_OFFSET, 16),
	NUMBER(WIRE_QUERY_SIZE, 24),
	NUMBER(WIRE_HEAP_SIZE, 52),
	NUMBER(WIRE_VERSION_SIZE, 4),

	/* the generation with handles, as callers of both widths have it */
	SIZE(struct wire_legacy_alloc, 32),
	AT(struct wire_legacy_alloc, len, 0),
	AT(struct wire_legacy_alloc, align, 8),
	AT(struct wire_legacy_alloc, heap_id_mask, 16),
	AT(struct wire_legacy_alloc, flags, 20),
	AT(struct wire_legacy_alloc, handle, 24),
	AT(struct wire_legacy_alloc, rest, 28),
	SIZE(struct wire_legacy_alloc_32, 20),
	AT(struct wire_legacy_alloc_32, len, 0),
	AT(struct wire_legacy_alloc_32, align, 4),
	AT(struct wire_legacy_alloc_32, heap_id_mask, 8),
	AT(struct wire_legacy_alloc_32, flags, 12),
	AT(struct wire_legacy_alloc_32, handle, 16),
	SIZE(struct wire_legacy_handle, 4),
	SIZE(struct wire_legacy_fd, 8),
	AT(struct wire_legacy_fd, handle, 0),
	AT(struct wire_legacy_fd, fd, 4),
	SIZE(struct wire_legacy_custom, 16),
	AT(struct wire_legacy_custom, cmd, 0),
	AT(struct wire_legacy_custom, arg, 8),
	SIZE(struct wire_legacy_custom_32, 8),
	AT(struct wire_legacy_custom_32, cmd, 0),
	AT(struct wire_legacy_custom_32, arg, 4),
	NUMBER(WIRE_LEGACY_ALLOC, 0xc0204900),
	NUMBER(WIRE_LEGACY_ALLOC_32, 0xc0144900),
	NUMBER(WIRE_LEGACY_FREE, 0xc0044901),
	NUMBER(WIRE_LEGACY_MAP, 0xc0084902),
	NUMBER(WIRE_LEGACY_SHARE, 0xc0084904),
	NUMBER(WIRE_LEGACY_IMPORT, 0xc0084905),
	NUMBER(WIRE_LEGACY_CUSTOM, 0xc0104906),
	NUMBER(WIRE_LEGACY_CUSTOM_32, 0xc0084906),
	NUMBER(WIRE_LEGACY_SYNC, 0xc0084907),
	NUMBER(WIRE_SHARE_FD_OFFSET, 4),
	NUMBER(WIRE_FD_SIZE, 8),
	NUMBER(WIRE_HANDLE_SIZE_MAX, 32),

	SIZE(struct wire_dma_heap_alloc, 24),
	AT(struct wire_dma_heap_alloc, len, 0),
	AT(struct wire_dma_heap_alloc, fd, 8),
	AT(struct wire_dma_heap_alloc, fd_flags, 12),
	AT(struct wire_dma_heap_alloc, heap_flags, 16),
	NUMBER(WIRE_DMA_HEAP_ALLOC, 0xc0184800),
	NUMBER(WIRE_DMA_HEAP_FD_OFFSET, 8),
};

int main(void)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (facts[i].seen == facts[i].expected)
			continue;
		printf("%s: %#lx instead of %#lx\n", facts[i].what, facts[i].seen,
		       facts[i].expected);
		status = EXIT_FAILURE;
	}
	return status;
}
