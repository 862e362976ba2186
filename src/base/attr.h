/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes, cleanup and the arithmetic that every file needs. Nothing here names this project.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _unused_       __attribute__((unused))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

/* DEFINE_CLEANUP(struct x *, x_free) makes x_freep() for _cleanup_() */
#define DEFINE_CLEANUP(type, func)          \
	static inline void func##p(type *p) \
	{                                   \
		if (*p)                     \
			func(*p);           \
	}                                   \
	struct cleanup_defined_here

/* a sanitizer's runtime lives in this process: it calls and maps what it likes */
#ifdef CUSION_SANITIZED
#define BUILD_IS_SANITIZED true
#else
#define BUILD_IS_SANITIZED false
#endif

/* hand a cleanup variable's value out, so that its cleanup does nothing */
#define steal(p)                             \
	({                                   \
		__typeof__(p) _stolen = (p); \
		(p) = NULL;                  \
		_stolen;                     \
	})

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))

#define MIN(a, b)                                  \
	({                                         \
		__typeof__(a) _min_a = (a);        \
		__typeof__(b) _min_b = (b);        \
		_min_a < _min_b ? _min_a : _min_b; \
	})
#define MAX(a, b)                                  \
	({                                         \
		__typeof__(a) _max_a = (a);        \
		__typeof__(b) _max_b = (b);        \
		_max_a > _max_b ? _max_a : _max_b; \
	})

/* @to must be a power of two; the caller has checked that @n + @to does not overflow */
static inline uint64_t align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

#endif
