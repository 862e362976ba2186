/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzz targets share. A target is one function; who calls it is libFuzzer
 * (--enable-fuzzer, tests/fuzz.sh) or tests/fuzz_main.c, which runs the corpus in any build.
 *
 * The targets whose input is a script read it so that seeds can be written by hand: a digit picks
 * an entry of a table, any other byte says that a value follows as it is.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* asserts by abort(); always returns 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* the input, from its start */
struct fuzz_bytes {
	const uint8_t *at, *end;
};

static inline size_t fuzz_left(const struct fuzz_bytes *bytes)
{
	return bytes->end - bytes->at;
}

/* after the end: zeros, as one would write them */
static inline uint8_t fuzz_byte(struct fuzz_bytes *bytes)
{
	return bytes->at < bytes->end ? *bytes->at++ : '0';
}

/* 0 to @n - 1 */
static inline unsigned int fuzz_pick(struct fuzz_bytes *bytes, unsigned int n)
{
	return (uint8_t)(fuzz_byte(bytes) - '0') % n;
}

/* @size bytes as they are, zeros after the end */
static inline void fuzz_copy(struct fuzz_bytes *bytes, void *to, size_t size)
{
	size_t n = fuzz_left(bytes) < size ? fuzz_left(bytes) : size;

	memset(to, 0, size);
	memcpy(to, bytes->at, n);
	bytes->at += n;
}

/* a digit: that entry of @table; else the next 1, 2, 4 or 8 bytes, lowest first */
static inline uint64_t fuzz_number(struct fuzz_bytes *bytes, const uint64_t *table, unsigned int n)
{
	uint8_t pick = fuzz_byte(bytes) - '0';
	uint64_t value = 0;

	if (pick < n)
		return table[pick];
	fuzz_copy(bytes, &value, 1u << pick % 4);
	return value;
}

#endif
