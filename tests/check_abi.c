// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The wire's structs and numbers as ion(4) has them, in the width that this is compiled for:
 * check_abi32 is the same for i386, so nothing but the C library is used.
 */
#include <stdio.h>
#include <stdlib.h>

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
