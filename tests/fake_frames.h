/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames that nobody has: blocks of any size in a memfd of shared memory, that say they lie where
 * the test says.
 */
#ifndef TESTS_FAKE_FRAMES_H
#define TESTS_FAKE_FRAMES_H

#include <stdbool.h>

#include "mem/frames.h"

#define FAKE_BLOCKS 512

struct fake_frames {
	struct frames frames;
	uint64_t located[FAKE_BLOCKS]; /* the frame of each block */
	bool taken[FAKE_BLOCKS];
	uint32_t n_taken, n_there; /* there are no more than that */
	int take_error;		   /* instead of -ENOMEM */
	int locate_error;
};

/* @n_blocks that say they lie one after the other, from @frame on */
struct fake_frames *fake_frames_new(uint32_t n_blocks, uint64_t block_frames, uint64_t frame);

/* a block's memory is gone: to touch it is SIGBUS */
void fake_frames_lose(struct fake_frames *fake, uint32_t block);

#endif
