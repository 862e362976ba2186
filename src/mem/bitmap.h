/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which frames of one unbroken run of physical memory are taken: one bit for 1 << order pages, and
 * for each block of 2 MiB the longest free run in it, so that a search passes over full blocks, and
 * over those that are too broken up, without looking at their bits.
 *
 * Everything is named by absolute frame numbers; a range is rounded out to whole bits.
 */
#ifndef MEM_BITMAP_H
#define MEM_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

struct bitmap {
	uint64_t *words;
	uint16_t *longest;   /* free run of each block, in bits */
	uint64_t base;	     /* frame of bit 0 */
	uint64_t n_bits;     /* those after them, in the last block, are set for good */
	uint64_t n_set;	     /* of n_bits */
	unsigned int order;  /* a bit is 1 << order pages */
	uint32_t block_bits; /* whole words */
	uint64_t n_blocks;
};

/**
 * bitmap_init() - all free
 * @b:		to be filled
 * @base:	first frame
 * @n_frames:	of them
 * @order:	a bit for 1 << order pages; both of the above are in whole bits
 *
 * Return: 0, -EINVAL, or -ENOMEM; only after 0 bitmap_deinit() is due.
 */
int bitmap_init(struct bitmap *b, uint64_t base, uint64_t n_frames, unsigned int order);
void bitmap_deinit(struct bitmap *b);

/**
 * bitmap_find() - the first fit, as cma_alloc() has it
 * @b:		the bitmap
 * @ret_frame:	where it is; untouched where there is none
 * @n_frames:	wanted
 * @align:	the frame number is to be a multiple of 1 << align; below @b->order it is by itself
 *
 * Return: whether there is one.
 */
bool bitmap_find(const struct bitmap *b, uint64_t *ret_frame, uint64_t n_frames,
		 unsigned int align);

/* the range must lie inside; bits that are as they shall be already stay so */
void bitmap_set(struct bitmap *b, uint64_t frame, uint64_t n_frames);
void bitmap_clear(struct bitmap *b, uint64_t frame, uint64_t n_frames);

bool bitmap_contains(const struct bitmap *b, uint64_t frame, uint64_t n_frames);

/* is all of a range that lies inside set, is all of it clear? */
bool bitmap_is_set(const struct bitmap *b, uint64_t frame, uint64_t n_frames);
bool bitmap_is_clear(const struct bitmap *b, uint64_t frame, uint64_t n_frames);

/* the first frame of [@frame, @end) that is set, that is clear; @end where none is */
uint64_t bitmap_next_set(const struct bitmap *b, uint64_t frame, uint64_t end);
uint64_t bitmap_next_clear(const struct bitmap *b, uint64_t frame, uint64_t end);

/* in frames */
uint64_t bitmap_n_set(const struct bitmap *b);
uint64_t bitmap_longest(const struct bitmap *b); /* free run */

#endif
