/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chance that can be repeated: the same seed gives the same numbers everywhere (splitmix64).
 */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t chance(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* below @n */
static inline uint64_t chance_below(uint64_t *state, uint64_t n)
{
	return chance(state) % n;
}

/* the number in the environment's @name, or one that is another each time */
static inline uint64_t chance_seed(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
}

#endif
