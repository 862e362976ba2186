// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mem/layout.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "mem/pages.h"
#include "mem/zones.h"

#define FRAME_MAX (UINT64_MAX / PAGES_SIZE)

static int compare_frames(const void *a, const void *b)
{
	const struct layout_block *x = a, *y = b;

	return (x->frame > y->frame) - (x->frame < y->frame);
}

/* ---- the rules ---- */

/* what one block breaks, in words; false: nothing */
static bool block_is_bad(const struct layout_rules *rules, const struct zone *zone, uint64_t frame,
			 uint64_t n_frames, char why[LAYOUT_WHY_SIZE])
{
	if (rules->max_address && frame + n_frames > rules->max_address / PAGES_SIZE)
		snprintf(why, LAYOUT_WHY_SIZE,
			 "frame 0x%" PRIx64 " is not below address 0x%" PRIx64, frame,
			 rules->max_address);
	else if (!rules->zones)
		return false;
	else if (!zone || frame + n_frames > zone->frame + zone->n_frames)
		snprintf(why, LAYOUT_WHY_SIZE, "frame 0x%" PRIx64 " is not inside a zone", frame);
	else if (rules->node >= 0 && zone->node != (unsigned int)rules->node)
		snprintf(why, LAYOUT_WHY_SIZE, "frame 0x%" PRIx64 " is on node %u, not %d", frame,
			 zone->node, rules->node);
	else
		return false;
	return true;
}

static const struct zone *zone_of(const struct layout_rules *rules, uint64_t frame)
{
	return rules->zones ? zones_find(rules->zones, frame) : NULL;
}

/* the zone that most of the blocks that are in order lie in; the first one's where none may be left
 * out anyway */
static const struct zone *best_zone(const struct layout *layout, const struct layout_rules *rules)
{
	const struct zone *best = NULL;
	char why[LAYOUT_WHY_SIZE];
	uint32_t most = 0, here = 0;

	/* blocks are sorted, so those of a zone stand side by side */
	for (uint32_t i = 0; i < layout->n_blocks; i++) {
		uint64_t frame = layout->blocks[i].frame;
		const struct zone *zone = zone_of(rules, frame);

		if (i && zone != zone_of(rules, layout->blocks[i - 1].frame))
			here = 0;
		if (block_is_bad(rules, zone, frame, layout->block_frames, why))
			continue;
		if (++here > most && (rules->partial || !best)) {
			best = zone;
			most = here;
		}
	}
	return best;
}

/* bad ones to the end, each part still sorted */
static int move_bad_to_end(struct layout *layout, const bool *bad)
{
	struct layout_block *sorted;
	uint32_t n = 0;

	sorted = calloc(layout->n_blocks, sizeof(*sorted));
	if (!sorted)
		return err_origin(-ENOMEM);
	for (int part = 0; part < 2; part++) {
		for (uint32_t i = 0; i < layout->n_blocks; i++) {
			if (bad[i] == part)
				sorted[n++] = layout->blocks[i];
		}
	}
	memcpy(layout->blocks, sorted, n * sizeof(*sorted));
	free(sorted);
	return 0;
}

static void why_two_zones(const struct zone *zone, const struct zone *best, uint64_t frame,
			  char why[LAYOUT_WHY_SIZE])
{
	snprintf(why, LAYOUT_WHY_SIZE, "frame 0x%" PRIx64 " is in zone %s of node %u, not %s of %u",
		 frame, zone->name, zone->node, best->name, best->node);
}

static int layout_check(struct layout *layout, const struct layout_rules *rules,
			char why[LAYOUT_WHY_SIZE])
{
	const struct zone *best = best_zone(layout, rules);
	_cleanup_(freep) bool *bad = NULL;
	char other[LAYOUT_WHY_SIZE];
	uint32_t n_bad = 0;
	int r;

	bad = calloc(layout->n_blocks, sizeof(*bad));
	if (!bad)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < layout->n_blocks; i++) {
		uint64_t frame = layout->blocks[i].frame;
		const struct zone *zone = zone_of(rules, frame);

		bad[i] =
			block_is_bad(rules, zone, frame, layout->block_frames, n_bad ? other : why);
		if (!bad[i] && zone != best) {
			bad[i] = true;
			why_two_zones(zone, best, frame, n_bad ? other : why);
		}
		n_bad += bad[i];
	}
	if (!n_bad)
		return 0;
	if (!rules->partial || n_bad == layout->n_blocks)
		return -EINVAL;
	r = move_bad_to_end(layout, bad);
	if (r < 0)
		return r;
	layout->n_blocks -= n_bad;
	layout->n_left_out = n_bad;
	return 0;
}

/* whoever told the frames must not have told nonsense */
static int layout_is_sane(const struct layout *layout, char why[LAYOUT_WHY_SIZE])
{
	for (uint32_t i = 0; i < layout->n_blocks; i++) {
		uint64_t frame = layout->blocks[i].frame;

		if (frame & (layout->block_frames - 1) || frame > FRAME_MAX - layout->block_frames)
			snprintf(why, LAYOUT_WHY_SIZE, "frame 0x%" PRIx64 " can't begin a block",
				 frame);
		else if (i && frame == layout->blocks[i - 1].frame)
			snprintf(why, LAYOUT_WHY_SIZE, "frame 0x%" PRIx64 " is there twice", frame);
		else
			continue;
		return err_origin(-EINVAL);
	}
	return 0;
}

/* ---- runs ---- */

static int layout_join(struct layout *layout)
{
	struct layout_run *run = NULL;

	layout->runs = calloc(layout->n_blocks, sizeof(*layout->runs));
	if (!layout->runs)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < layout->n_blocks; i++) {
		uint64_t frame = layout->blocks[i].frame;

		if (!run || frame != run->frame + run->n_frames) {
			run = &layout->runs[layout->n_runs++];
			run->frame = frame;
		}
		run->n_frames += layout->block_frames;
	}
	return 0;
}

int layout_init(struct layout *layout, struct layout_block *blocks, uint32_t n,
		uint64_t block_frames, const struct layout_rules *rules, char why[LAYOUT_WHY_SIZE])
{
	struct layout l = { .block_frames = block_frames, .blocks = blocks, .n_blocks = n };
	int r;

	why[0] = '\0';
	qsort(blocks, n, sizeof(*blocks), compare_frames);
	r = layout_is_sane(&l, why);
	if (r == 0)
		r = layout_check(&l, rules, why);
	if (r == 0)
		r = layout_join(&l);
	if (r < 0)
		return r;
	*layout = l;
	return 0;
}

void layout_deinit(struct layout *layout)
{
	free(layout->blocks);
	free(layout->runs);
	*layout = (struct layout){ .n_blocks = 0 };
}

/* ---- look-up ---- */

struct layout_run *layout_run(const struct layout *layout, uint64_t frame, uint64_t n_frames)
{
	uint32_t low = 0, high = layout->n_runs;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct layout_run *run = &layout->runs[middle];

		if (frame < run->frame)
			high = middle;
		else if (frame - run->frame >= run->n_frames)
			low = middle + 1;
		else
			return n_frames <= run->n_frames - (frame - run->frame) ? run : NULL;
	}
	return NULL;
}

const struct layout_block *layout_block(const struct layout *layout, uint64_t frame)
{
	uint32_t low = 0, high = layout->n_blocks;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (frame < layout->blocks[middle].frame)
			high = middle;
		else
			low = middle;
	}
	assert(frame - layout->blocks[low].frame < layout->block_frames);
	return &layout->blocks[low];
}

int layout_slices(const struct layout *layout, uint64_t frame, uint64_t n_frames, int fd,
		  struct slice **ret, size_t *ret_n)
{
	const struct layout_block *block = layout_block(layout, frame);
	uint64_t at = frame - block->frame, offset, n;
	struct slice *slices, *last;
	size_t n_slices = 0;

	slices = calloc((at + n_frames + layout->block_frames - 1) / layout->block_frames,
			sizeof(*slices));
	if (!slices)
		return err_origin(-ENOMEM);
	for (; n_frames; block++, at = 0, n_frames -= n) {
		n = MIN(layout->block_frames - at, n_frames);
		offset = (block->index * layout->block_frames + at) * PAGES_SIZE;
		last = n_slices ? &slices[n_slices - 1] : NULL;
		if (last && last->offset + last->size == offset)
			last->size += n * PAGES_SIZE;
		else
			slices[n_slices++] = (struct slice){ fd, offset, n * PAGES_SIZE };
	}
	*ret = slices;
	*ret_n = n_slices;
	return 0;
}
