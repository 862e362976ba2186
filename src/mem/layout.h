/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the blocks of an area (huge pages) lie in physical memory: sorted by frame number, checked
 * as cma_activate_area() checks, adjacent ones joined into runs. All of it is arithmetic.
 */
#ifndef MEM_LAYOUT_H
#define MEM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice;
struct zones;

#define LAYOUT_WHY_SIZE 128

struct layout_block {
	uint64_t frame; /* the first of it */
	uint32_t index; /* which block of the memfd it is */
};

struct layout_run {
	uint64_t frame, n_frames;
};

struct layout {
	uint64_t block_frames;
	struct layout_block *blocks; /* by frame; behind the n_blocks, those that were left out */
	uint32_t n_blocks, n_left_out;
	struct layout_run *runs; /* by frame */
	uint32_t n_runs;
};

struct layout_rules {
	const struct zones *zones; /* all blocks in one of these; NULL: not asked for */
	int node;		   /* on this one; -1: any */
	uint64_t max_address;	   /* no byte at or above it; 0: any */
	bool partial;		   /* leave out what is against the rules */
};

/**
 * layout_init() - sort, check and join
 * @layout:		to be filled
 * @blocks:		in any order, consumed on success only
 * @n:			of them, not 0
 * @block_frames:	frames of a block, a power of two
 * @rules:		what to check
 * @why:		on -EINVAL, and where blocks were left out: the first reason, in words
 *
 * Return: 0, -EINVAL where the rules are broken (with partial: by all of them), or -ENOMEM.
 */
int layout_init(struct layout *layout, struct layout_block *blocks, uint32_t n,
		uint64_t block_frames, const struct layout_rules *rules, char why[LAYOUT_WHY_SIZE]);
void layout_deinit(struct layout *layout);

/* the run that a whole range lies in, or NULL */
struct layout_run *layout_run(const struct layout *layout, uint64_t frame, uint64_t n_frames);

/* the block that @frame, of a run, lies in */
const struct layout_block *layout_block(const struct layout *layout, uint64_t frame);

/*
 * The slices of the memfd @fd that make up a range of a run, in frame order, as few as may be.
 * Return: 0 with *@ret to be freed, or -ENOMEM.
 */
int layout_slices(const struct layout *layout, uint64_t frame, uint64_t n_frames, int fd,
		  struct slice **ret, size_t *ret_n);

#endif
