/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clearing memory that nobody is about to read: by non-temporal stores, where the machine has them,
 * so that what others have in the caches stays there.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <stddef.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* @p and @size are multiples of 64 */
static inline void stream_zero(void *p, size_t size)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i *at = p;

	for (; size; size -= 64, at += 4) {
		_mm_stream_si128(at, zero);
		_mm_stream_si128(at + 1, zero);
		_mm_stream_si128(at + 2, zero);
		_mm_stream_si128(at + 3, zero);
	}
	_mm_sfence();
}
#else
static inline void stream_zero(void *p, size_t size)
{
	memset(p, 0, size);
}
#endif

#endif
