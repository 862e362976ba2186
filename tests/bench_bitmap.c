// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a search costs in areas of 64 MiB to 16 GiB: empty, half full at random, and the worst that
 * is likely: each 2 MiB has free pages, but nothing fits before the end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "chance.h"
#include "mem/bitmap.h"

#define PAGES(mib) ((uint64_t)(mib) << 8)

static void fill_nothing(struct bitmap *b)
{
}

/* buffers of 64 KiB and less, every other one gone again */
static void fill_half(struct bitmap *b)
{
	uint64_t random = 1, end = b->base + b->n_bits, at = b->base, n;

	for (bool set = true; at < end; set = !set, at += n) {
		n = 1 + chance_below(&random, 16);
		n = n < end - at ? n : end - at;
		if (set)
			bitmap_set(b, at, n);
	}
	bitmap_clear(b, end - PAGES(16), PAGES(16));
}

/* of each 2 MiB, the two outer quarters are free */
static void fill_middles(struct bitmap *b)
{
	for (uint64_t at = b->base; at < b->base + b->n_bits - PAGES(16); at += 512)
		bitmap_set(b, at + 128, 256);
}

static const struct {
	const char *name;
	void (*fill)(struct bitmap *b);
} fills[] = {
	{ "empty", fill_nothing },
	{ "half full", fill_half },
	{ "broken up", fill_middles },
};

static double measure(const struct bitmap *b, uint64_t n, unsigned int align)
{
	uint64_t frame = 0, rounds = 0, begin = now_ns(), now;

	do {
		for (int i = 0; i < 16; i++) {
			if (!bitmap_find(b, &frame, n, align))
				return -1;
		}
		rounds += 16;
		now = now_ns();
	} while (now - begin < 20000000);
	return (double)(now - begin) / rounds;
}

int main(void)
{
	static const uint64_t pages[] = { 1, PAGES(1), PAGES(2), PAGES(16) };
	struct bitmap b;

	printf("%8s  %-10s %10s %10s %10s %10s   (ns a search)\n", "area", "", "4 KiB", "1 MiB",
	       "2 MiB", "16 MiB");
	for (uint64_t mib = 64; mib <= 16384; mib *= 4) {
		for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
			if (bitmap_init(&b, 0x100000, PAGES(mib), 0) < 0)
				return EXIT_FAILURE;
			fills[i].fill(&b);
			printf("%4u MiB  %-10s", (unsigned int)mib, fills[i].name);
			for (size_t k = 0; k < sizeof(pages) / sizeof(pages[0]); k++)
				printf(" %10.0f", measure(&b, pages[k], 0));
			printf("\n");
			bitmap_deinit(&b);
		}
	}
	return EXIT_SUCCESS;
}
