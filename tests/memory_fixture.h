/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a service without /dev/udmabuf, by the built-in settings of a machine of 1 GiB: the
 * system heap alone.
 */
#ifndef TESTS_MEMORY_FIXTURE_H
#define TESTS_MEMORY_FIXTURE_H

#include <check.h>

#include "daemon/memory.h"

static inline void memory_start(struct memory *memory, struct state *state, struct loop *loop)
{
	struct settings settings;
	const struct memory_config config = {
		.settings = &settings,
		.state = state,
		.loop = loop,
		.udmabuf = -1,
		.pagemap = -1,
	};

	settings_init(&settings, (uint64_t)1 << 30);
	ck_assert_int_eq(memory_init(memory, &config), 0);
}

#endif
