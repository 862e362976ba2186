// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Each run has three bitmaps. `used` is what the search by need goes by: taken, or retired.
 * `unclean` is what the search goes by first: used, or free and dirty. `retired` tells the two
 * kinds of used apart when something is released. So used and retired are always part of unclean
 * and used.
 */
#include "mem/area.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "mem/bitmap.h"
#include "mem/claim.h"
#include "mem/clear.h"
#include "mem/frames.h"
#include "mem/pages.h"

struct area_maps { /* of the run with the same number */
	struct bitmap used, unclean, retired;
};

struct area {
	char name[AREA_NAME_SIZE];
	struct frames *frames;
	struct layout layout;
	struct area_maps *maps;
	uint64_t bit_frames; /* what a bit stands for */
	bool *block_retired; /* by place in layout.blocks */
	struct claim claim;
	void (*dirtied)(void *user);
	void *user;
};

/* ---- activation ---- */

static const char no_memory[] = "no memory for its bitmap";

static void frames_give_all(struct frames *frames, uint32_t n)
{
	while (n)
		frames->ops->give(frames, --n);
}

/* as many blocks as there are, and where they lie */
static int area_gather(struct frames *frames, struct layout_block *blocks,
		       struct area_report *report)
{
	int r = 0;

	for (uint32_t i = 0; i < frames->n_blocks; i++) {
		r = frames->ops->take(frames, i);
		if (r < 0)
			break;
		report->n_taken++;
		blocks[i].index = i;
		r = frames->ops->locate(frames, i, &blocks[i].frame);
		if (r < 0)
			return r;
	}
	return r == -ENOMEM ? 0 : r;
}

static void report_text(struct area_report *report, const struct area_config *config,
			const char *what, const char *why)
{
	snprintf(report->text, sizeof(report->text), "area %s %s: %s", config->name, what, why);
}

/* was enough to be had? */
static int area_check_floor(const struct area_config *config, const struct frames *frames,
			    struct area_report *report)
{
	uint64_t size = report->n_taken * frames->block_size;
	char why[80];

	if (report->n_taken == report->n_asked)
		return 0;
	snprintf(why, sizeof(why),
		 "%" PRIu32 " of %" PRIu32 " pages of %" PRIu64 " KiB were to be had",
		 report->n_taken, report->n_asked, frames->block_size >> 10);
	if (!size || size < config->floor) {
		report_text(report, config, "could not be activated", why);
		return -ENOMEM;
	}
	report_text(report, config, "is smaller than asked", why);
	return 0;
}

static int area_init_layout(struct area *area, const struct area_config *config,
			    struct area_report *report)
{
	struct frames *frames = area->frames;
	_cleanup_(freep) struct layout_block *blocks = NULL;
	char why[LAYOUT_WHY_SIZE];
	int r;

	blocks = calloc(frames->n_blocks, sizeof(*blocks));
	if (!blocks)
		return err_origin(-ENOMEM);
	r = area_gather(frames, blocks, report);
	if (r == 0)
		r = area_check_floor(config, frames, report);
	if (r < 0)
		return r;
	r = layout_init(&area->layout, blocks, report->n_taken, frames->block_size / PAGES_SIZE,
			&config->rules, why);
	if (r < 0) {
		report_text(report, config, "could not be activated",
			    r == -ENOMEM ? no_memory : why);
		return r;
	}
	blocks = NULL;
	report->n_left_out = area->layout.n_left_out;
	if (!report->n_left_out)
		return 0;
	if (area->layout.n_blocks * frames->block_size < config->floor) {
		report_text(report, config, "could not be activated", why);
		return -EINVAL;
	}
	report_text(report, config, "leaves out what is against its rules", why);
	return 0;
}

static int area_init_maps(struct area *area, unsigned int order)
{
	area->maps = calloc(area->layout.n_runs, sizeof(*area->maps));
	area->block_retired = calloc(area->layout.n_blocks, sizeof(*area->block_retired));
	if (!area->maps || !area->block_retired)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < area->layout.n_runs; i++) {
		const struct layout_run *run = &area->layout.runs[i];
		struct bitmap *maps[] = { &area->maps[i].used, &area->maps[i].unclean,
					  &area->maps[i].retired };

		for (size_t k = 0; k < ARRAY_SIZE(maps); k++) {
			int r = bitmap_init(maps[k], run->frame, run->n_frames, order);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* what the layout left out is not the area's */
static void area_give_left_out(struct area *area)
{
	for (uint32_t i = 0; i < area->layout.n_left_out; i++) {
		const struct layout_block *block = &area->layout.blocks[area->layout.n_blocks + i];

		area->frames->ops->give(area->frames, block->index);
	}
	area->layout.n_left_out = 0;
}

static void area_destroy(struct area *area)
{
	for (uint32_t i = 0; area->maps && i < area->layout.n_runs; i++) {
		bitmap_deinit(&area->maps[i].used);
		bitmap_deinit(&area->maps[i].unclean);
		bitmap_deinit(&area->maps[i].retired);
	}
	claim_deinit(&area->claim);
	free(area->maps);
	free(area->block_retired);
	layout_deinit(&area->layout);
	free(area);
}
DEFINE_CLEANUP(struct area *, area_destroy);

int area_new(struct area **ret, const struct area_config *config, struct frames *frames,
	     struct area_report *report)
{
	_cleanup_(area_destroyp) struct area *area = NULL;
	int r;

	*report = (struct area_report){ .n_asked = frames->n_blocks };
	if (strlen(config->name) >= AREA_NAME_SIZE || config->order_per_bit >= 52 ||
	    frames->block_size / PAGES_SIZE < 1ull << config->order_per_bit)
		return err_origin(-EINVAL);
	area = calloc(1, sizeof(*area));
	if (!area)
		return err_origin(-ENOMEM);
	strcpy(area->name, config->name);
	claim_init(&area->claim);
	area->frames = frames;
	area->bit_frames = 1ull << config->order_per_bit;
	area->dirtied = config->dirtied;
	area->user = config->user;
	r = area_init_layout(area, config, report);
	if (r == 0) {
		r = area_init_maps(area, config->order_per_bit);
		if (r < 0)
			report_text(report, config, "could not be activated", no_memory);
	}
	if (r < 0) {
		frames_give_all(frames, report->n_taken);
		return r;
	}
	area_give_left_out(area);
	*ret = steal(area);
	return 0;
}

struct area *area_free(struct area *area)
{
	struct area_totals totals;

	if (!area)
		return NULL;
	area_totals(area, &totals);
	assert(!totals.used);
	frames_free(area->frames);
	area_destroy(area);
	return NULL;
}

/* ---- what there is ---- */

const char *area_name(const struct area *area)
{
	return area->name;
}

void area_totals(const struct area *area, struct area_totals *ret)
{
	struct area_totals t = { .n_runs = area->layout.n_runs };

	for (uint32_t i = 0; i < area->layout.n_runs; i++) {
		const struct area_maps *maps = &area->maps[i];
		uint64_t used = bitmap_n_set(&maps->used), unclean = bitmap_n_set(&maps->unclean);
		uint64_t retired = bitmap_n_set(&maps->retired);

		t.size += area->layout.runs[i].n_frames * PAGES_SIZE;
		t.used += (used - retired) * PAGES_SIZE;
		t.dirty += (unclean - used) * PAGES_SIZE;
		t.retired += retired * PAGES_SIZE;
		t.largest = MAX(t.largest, bitmap_longest(&maps->used) * PAGES_SIZE);
	}
	t.clean = t.size - t.used - t.dirty - t.retired;
	*ret = t;
}

static struct area_maps *area_maps_of(const struct area *area, uint64_t frame, uint64_t n_frames)
{
	const struct layout_run *run = layout_run(&area->layout, frame, n_frames);

	return run ? &area->maps[run - area->layout.runs] : NULL;
}

char *area_address(const struct area *area, uint64_t frame)
{
	const struct layout_block *block = layout_block(&area->layout, frame);

	return area->frames->map + block->index * area->frames->block_size +
	       (frame - block->frame) * PAGES_SIZE;
}

static uint64_t block_end(const struct area *area, uint64_t frame)
{
	return (frame | (area->layout.block_frames - 1)) + 1;
}

/* ---- taking ---- */

static bool area_search(const struct area *area, bool clean, uint64_t n_frames, unsigned int align,
			uint64_t *ret_frame, struct area_maps **ret_maps)
{
	for (uint32_t i = 0; i < area->layout.n_runs; i++) {
		struct area_maps *maps = &area->maps[i];

		if (bitmap_find(clean ? &maps->unclean : &maps->used, ret_frame, n_frames, align)) {
			*ret_maps = maps;
			return true;
		}
	}
	return false;
}

/* the part of a free range that is dirty, from the first to the last such frame */
static void range_find_dirt(struct area_range *range, const struct area_maps *maps)
{
	uint64_t end = range->frame + range->n_frames;
	uint64_t at = bitmap_next_set(&maps->unclean, range->frame, end), last = at;

	range->dirty = at;
	while (at < end) {
		last = bitmap_next_clear(&maps->unclean, at, end);
		at = bitmap_next_set(&maps->unclean, last, end);
	}
	range->n_dirty = last - range->dirty;
}

int area_take(struct area *area, struct area_range *range, uint64_t n_frames, unsigned int align)
{
	struct area_range r = { .area = area, .n_frames = n_frames };
	struct area_maps *maps;
	int error;

	assert(!range->area && n_frames);
	if (!area_search(area, true, n_frames, align, &r.frame, &maps) &&
	    !area_search(area, false, n_frames, align, &r.frame, &maps))
		return AREA_E_FULL;
	error = layout_slices(&area->layout, r.frame, n_frames, area->frames->memfd, &r.slices,
			      &r.n_slices);
	if (error < 0)
		return error;
	range_find_dirt(&r, maps);
	if (claim_overlaps(&area->claim, r.frame, n_frames)) {
		area->claim.is_void = true;
		r.claim = area->claim.serial;
	}
	bitmap_set(&maps->used, r.frame, n_frames);
	bitmap_set(&maps->unclean, r.frame, n_frames);
	*range = r;
	return 0;
}

int area_range_clear(struct area_range *range)
{
	const struct area *area = range->area;
	uint64_t n;

	if (range->claim)
		claim_stop(&range->area->claim, range->claim);
	for (; range->n_dirty; range->dirty += n, range->n_dirty -= n) {
		n = MIN(block_end(area, range->dirty) - range->dirty, range->n_dirty);
		if (clear_memory(area_address(area, range->dirty), n * PAGES_SIZE) < 0) {
			range->lost = true;
			return err_origin(-EIO);
		}
	}
	return 0;
}

/* ---- giving back ---- */

static bool frame_is_retired(const struct area *area, uint64_t frame)
{
	const struct layout_block *block = layout_block(&area->layout, frame);

	return area->block_retired[block - area->layout.blocks];
}

int area_release(struct area *area, uint64_t frame, uint64_t n_frames)
{
	struct area_maps *maps = n_frames ? area_maps_of(area, frame, n_frames) : NULL;
	uint64_t end = frame + n_frames, n;

	if (!maps)
		return AREA_E_OUTSIDE;
	if (!bitmap_is_set(&maps->used, frame, n_frames) ||
	    !bitmap_is_clear(&maps->retired, frame, n_frames))
		return AREA_E_FREE;
	for (; frame < end; frame += n) {
		n = MIN(block_end(area, frame), end) - frame;
		if (frame_is_retired(area, frame))
			bitmap_set(&maps->retired, frame, n);
		else
			bitmap_clear(&maps->used, frame, n);
	}
	if (area->dirtied)
		area->dirtied(area->user);
	return 0;
}

void area_range_release(struct area_range *range)
{
	int r;

	if (!range->area)
		return;
	if (range->lost)
		area_retire(range->area, range->dirty);
	r = area_release(range->area, range->frame, range->n_frames);
	assert(!r);
	(void)r;
	free(range->slices);
	*range = (struct area_range)AREA_RANGE_INIT;
}

void area_retire(struct area *area, uint64_t frame)
{
	struct area_maps *maps = area_maps_of(area, frame, 1);
	const struct layout_block *block;
	uint64_t at, end, stop;

	if (!maps || frame_is_retired(area, frame))
		return;
	block = layout_block(&area->layout, frame);
	area->block_retired[block - area->layout.blocks] = true;
	if (claim_overlaps(&area->claim, block->frame, area->layout.block_frames))
		area->claim.is_void = true;
	end = block->frame + area->layout.block_frames;
	for (at = bitmap_next_clear(&maps->used, block->frame, end); at < end;
	     at = bitmap_next_clear(&maps->used, stop, end)) {
		stop = bitmap_next_set(&maps->used, at, end);
		bitmap_set(&maps->retired, at, stop - at);
		bitmap_set(&maps->used, at, stop - at);
		bitmap_set(&maps->unclean, at, stop - at);
	}
}

/* ---- the scrubber's ---- */

struct claim *area_claim(struct area *area)
{
	return &area->claim;
}

/* of one run: free frames that are dirty */
static bool run_find_dirty(const struct area_maps *maps, const struct layout_run *run,
			   uint64_t *ret_frame, uint64_t *ret_end)
{
	uint64_t end = run->frame + run->n_frames, at = run->frame, stop, dirty;

	if (bitmap_n_set(&maps->unclean) == bitmap_n_set(&maps->used))
		return false;
	for (at = bitmap_next_clear(&maps->used, at, end); at < end;
	     at = bitmap_next_clear(&maps->used, stop, end)) {
		stop = bitmap_next_set(&maps->used, at, end);
		dirty = bitmap_next_set(&maps->unclean, at, stop);
		if (dirty < stop) {
			*ret_frame = dirty;
			*ret_end = bitmap_next_clear(&maps->unclean, dirty, stop);
			return true;
		}
	}
	return false;
}

bool area_find_dirty(const struct area *area, uint64_t max, uint64_t *ret_frame, uint64_t *ret_n)
{
	uint64_t frame, end;

	for (uint32_t i = 0; i < area->layout.n_runs; i++) {
		if (!run_find_dirty(&area->maps[i], &area->layout.runs[i], &frame, &end))
			continue;
		end = MIN(end, block_end(area, frame));
		*ret_frame = frame;
		*ret_n = MIN(end - frame, MAX(max, area->bit_frames));
		return true;
	}
	return false;
}

void area_set_clean(struct area *area, uint64_t frame, uint64_t n_frames)
{
	struct area_maps *maps;

	n_frames &= ~(area->bit_frames - 1);
	if (!n_frames)
		return;
	maps = area_maps_of(area, frame, n_frames);
	assert(maps && bitmap_is_clear(&maps->used, frame, n_frames));
	bitmap_clear(&maps->unclean, frame, n_frames);
}
