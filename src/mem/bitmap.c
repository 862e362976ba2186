// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The search goes from candidate to candidate, upwards, as a plain first fit does; the array only
 * tells which candidates are none. A run of n bits that starts in a block whose longest free run is
 * shorter than n must go beyond the block's end, so only the free bits at the block's end can begin
 * it; and whether it can go far enough is seen from the following blocks, which must be all free
 * but for the last.
 */
#include "mem/bitmap.h"

#include <assert.h>
#include <errno.h>

#include "base/attr.h"
#include "base/err.h"

#define WORD_BITS    64u
#define BLOCK_FRAMES 512u /* 2 MiB */
#define ALIGN_MAX    52u  /* no frame number but 0 is a multiple of more */

static uint64_t bit_of(const struct bitmap *b, uint64_t frame)
{
	return (frame - b->base) >> b->order;
}

static uint64_t frame_of(const struct bitmap *b, uint64_t bit)
{
	return b->base + (bit << b->order);
}

/* the first bit after a range of frames */
static uint64_t end_bit_of(const struct bitmap *b, uint64_t frame, uint64_t n_frames)
{
	return (frame - b->base + n_frames + (1ull << b->order) - 1) >> b->order;
}

/* ---- bits ---- */

/* the first bit of [@at, @end) that is @set, or @end */
static uint64_t next_bit(const struct bitmap *b, uint64_t at, uint64_t end, bool set)
{
	uint64_t flip = set ? 0 : UINT64_MAX, word;

	while (at < end) {
		word = (b->words[at / WORD_BITS] ^ flip) >> (at % WORD_BITS);
		if (word)
			return MIN(at + __builtin_ctzll(word), end);
		at = (at / WORD_BITS + 1) * WORD_BITS;
	}
	return end;
}

/* the same, passing over blocks that have no such bit */
static uint64_t next_bit_by_blocks(const struct bitmap *b, uint64_t at, uint64_t end, bool set)
{
	const uint32_t none = set ? b->block_bits : 0; /* the longest run where no bit is @set */
	uint64_t block, found, stop;

	while (at < end) {
		block = at / b->block_bits;
		stop = MIN((block + 1) * b->block_bits, end);
		if (b->longest[block] != none) {
			found = next_bit(b, at, stop, set);
			if (found < stop)
				return found;
		}
		at = stop;
	}
	return end;
}

/* the free bits that @block ends with: the first of them, or the block's end where it has none */
static uint64_t block_suffix(const struct bitmap *b, uint64_t block)
{
	uint64_t at = (block + 1) * b->block_bits, word;

	for (uint32_t n = b->block_bits / WORD_BITS; n--; at -= WORD_BITS) {
		word = b->words[at / WORD_BITS - 1];
		if (word)
			return at - __builtin_clzll(word);
	}
	return at;
}

static uint16_t block_longest(const struct bitmap *b, uint64_t block)
{
	uint64_t at = block * b->block_bits, end = at + b->block_bits, stop, longest = 0;

	while (end - at > longest) {
		at = next_bit(b, at, end, false);
		stop = next_bit(b, at, end, true);
		longest = MAX(longest, stop - at);
		at = stop;
	}
	return longest;
}

static void word_write(struct bitmap *b, uint64_t at, unsigned int n, bool set)
{
	uint64_t mask = (n == WORD_BITS ? UINT64_MAX : (1ull << n) - 1) << (at % WORD_BITS);
	uint64_t *word = &b->words[at / WORD_BITS];
	unsigned int before = __builtin_popcountll(*word & mask);

	if (set) {
		*word |= mask;
		b->n_set += n - before;
	} else {
		*word &= ~mask;
		b->n_set -= before;
	}
}

static void bits_write(struct bitmap *b, uint64_t at, uint64_t end, bool set)
{
	while (at < end) {
		uint64_t block = at / b->block_bits, start = at;
		uint64_t stop = MIN((block + 1) * b->block_bits, end);

		while (at < stop) {
			unsigned int n = MIN(WORD_BITS - at % WORD_BITS, stop - at);

			word_write(b, at, n, set);
			at += n;
		}
		if (stop - start == b->block_bits)
			b->longest[block] = set ? 0 : b->block_bits;
		else
			b->longest[block] = block_longest(b, block);
	}
}

/* ---- life ---- */

int bitmap_init(struct bitmap *b, uint64_t base, uint64_t n_frames, unsigned int order)
{
	uint64_t below;

	if (order >= ALIGN_MAX || n_frames >> ALIGN_MAX)
		return err_origin(-EINVAL);
	below = (1ull << order) - 1;
	if (!n_frames || ((base | n_frames) & below))
		return err_origin(-EINVAL);
	*b = (struct bitmap){
		.base = base,
		.n_bits = n_frames >> order,
		.order = order,
		.block_bits = MAX(BLOCK_FRAMES >> MIN(order, 9u), WORD_BITS),
	};
	b->n_blocks = (b->n_bits + b->block_bits - 1) / b->block_bits;
	b->words = calloc(b->n_blocks * (b->block_bits / WORD_BITS), sizeof(*b->words));
	b->longest = calloc(b->n_blocks, sizeof(*b->longest));
	if (!b->words || !b->longest) {
		bitmap_deinit(b);
		return err_origin(-ENOMEM);
	}
	bits_write(b, 0, b->n_blocks * b->block_bits, false);
	bits_write(b, b->n_bits, b->n_blocks * b->block_bits, true);
	b->n_set = 0;
	return 0;
}

void bitmap_deinit(struct bitmap *b)
{
	free(b->words);
	free(b->longest);
	*b = (struct bitmap){ .words = NULL };
}

/* ---- search ---- */

/* can a run of @n bits start in @block? Where not, *ret_next is the next block where one could. */
static bool block_may_start(const struct bitmap *b, uint64_t block, uint64_t n, uint64_t *ret_next)
{
	uint64_t reach = b->longest[block], i = block + 1;

	if (reach) {
		while (reach < n && i < b->n_blocks && b->longest[i] == b->block_bits) {
			reach += b->block_bits;
			i++;
		}
		if (reach < n && i < b->n_blocks)
			reach += b->longest[i];
	}
	*ret_next = i;
	return reach >= n;
}

/* the first bit from @at on that may begin a run of @n free ones; n_bits where none does */
static uint64_t next_candidate(const struct bitmap *b, uint64_t at, uint64_t n)
{
	uint64_t block, next, end, from;

	while (at < b->n_bits) {
		block = at / b->block_bits;
		end = (block + 1) * b->block_bits;
		if (!block_may_start(b, block, n, &next)) {
			at = next * b->block_bits;
			continue;
		}
		if (b->longest[block] < n)
			from = MAX(at, block_suffix(b, block));
		else
			from = next_bit(b, at, end, false);
		if (from < end)
			return from;
		at = end;
	}
	return b->n_bits;
}

bool bitmap_find(const struct bitmap *b, uint64_t *ret_frame, uint64_t n_frames, unsigned int align)
{
	uint64_t n, mask, offset, at = 0, taken;

	if (!n_frames || n_frames > b->n_bits << b->order || align >= ALIGN_MAX)
		return false;
	n = end_bit_of(b, b->base, n_frames);
	mask = align > b->order ? (1ull << (align - b->order)) - 1 : 0;
	offset = (b->base & ((1ull << align) - 1)) >> b->order;

	for (;;) {
		at = next_candidate(b, at, n);
		at = ((at + offset + mask) & ~mask) - offset;
		if (at >= b->n_bits || n > b->n_bits - at)
			return false;
		taken = next_bit_by_blocks(b, at, at + n, true);
		if (taken == at + n) {
			*ret_frame = frame_of(b, at);
			return true;
		}
		at = taken + 1;
	}
}

/* ---- ranges ---- */

bool bitmap_contains(const struct bitmap *b, uint64_t frame, uint64_t n_frames)
{
	uint64_t all = b->n_bits << b->order;

	return frame >= b->base && frame - b->base < all && n_frames <= all - (frame - b->base);
}

void bitmap_set(struct bitmap *b, uint64_t frame, uint64_t n_frames)
{
	assert(bitmap_contains(b, frame, n_frames));
	bits_write(b, bit_of(b, frame), end_bit_of(b, frame, n_frames), true);
}

void bitmap_clear(struct bitmap *b, uint64_t frame, uint64_t n_frames)
{
	assert(bitmap_contains(b, frame, n_frames));
	bits_write(b, bit_of(b, frame), end_bit_of(b, frame, n_frames), false);
}

static uint64_t next_frame(const struct bitmap *b, uint64_t frame, uint64_t end, bool set)
{
	uint64_t at;

	if (frame >= end)
		return end;
	assert(bitmap_contains(b, frame, end - frame));
	at = next_bit_by_blocks(b, bit_of(b, frame), end_bit_of(b, frame, end - frame), set);
	return MIN(MAX(frame_of(b, at), frame), end);
}

uint64_t bitmap_next_set(const struct bitmap *b, uint64_t frame, uint64_t end)
{
	return next_frame(b, frame, end, true);
}

uint64_t bitmap_next_clear(const struct bitmap *b, uint64_t frame, uint64_t end)
{
	return next_frame(b, frame, end, false);
}

bool bitmap_is_set(const struct bitmap *b, uint64_t frame, uint64_t n_frames)
{
	return bitmap_next_clear(b, frame, frame + n_frames) == frame + n_frames;
}

bool bitmap_is_clear(const struct bitmap *b, uint64_t frame, uint64_t n_frames)
{
	return bitmap_next_set(b, frame, frame + n_frames) == frame + n_frames;
}

uint64_t bitmap_n_set(const struct bitmap *b)
{
	return b->n_set << b->order;
}

uint64_t bitmap_longest(const struct bitmap *b)
{
	uint64_t at = 0, stop, longest = 0;

	while (b->n_bits - at > longest) {
		at = next_bit_by_blocks(b, at, b->n_bits, false);
		stop = next_bit_by_blocks(b, at, b->n_bits, true);
		longest = MAX(longest, stop - at);
		at = stop;
	}
	return longest << b->order;
}
