// SPDX-License-Identifier: LGPL-2.1-or-later
#include "heap/over_area.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "mem/area.h"
#include "mem/export.h"

/* what a block has of an area: heap_block.own */
struct parts {
	struct slice *slices; /* of all ranges */
	size_t n;
	struct area_range ranges[];
};

unsigned int over_area_order(uint64_t size)
{
	return size > PAGES_SIZE ? 64 - __builtin_clzll((size - 1) / PAGES_SIZE) : 0;
}

/* ---- taking ---- */

static struct parts *parts_free(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		area_range_release(&parts->ranges[i]);
	free(parts->slices);
	free(parts);
	return NULL;
}
DEFINE_CLEANUP(struct parts *, parts_free);

/* the ranges' slices in one row, as long as the block is; parts->slices has room for them */
static size_t parts_join(struct parts *parts, uint64_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct area_range *range = &parts->ranges[i];

		for (size_t k = 0; k < range->n_slices && size; k++) {
			parts->slices[n] = range->slices[k];
			parts->slices[n].size = MIN(parts->slices[n].size, size);
			size -= parts->slices[n++].size;
		}
	}
	return n;
}

static int parts_take(struct parts *parts, struct area *area, size_t n, uint64_t piece,
		      unsigned int align)
{
	size_t n_slices = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		r = area_take(area, &parts->ranges[i], piece / PAGES_SIZE, align);
		if (r)
			return r == AREA_E_FULL ? -ENOMEM : err_fold(r);
		parts->n++;
		n_slices += parts->ranges[i].n_slices;
	}
	parts->slices = calloc(n_slices, sizeof(*parts->slices));
	return parts->slices ? 0 : err_origin(-ENOMEM);
}

int over_area_take(struct heap_block *block, const struct heap_over_area *over, uint64_t piece,
		   unsigned int align)
{
	_cleanup_(parts_freep) struct parts *parts = NULL;
	struct area_totals totals;
	size_t n = (block->size - 1) / piece + 1;
	int r;

	area_totals(over->area, &totals);
	if (block->size > totals.size || (over->maximum && block->size > over->maximum))
		return -ENOMEM;
	parts = calloc(1, sizeof(*parts) + n * sizeof(parts->ranges[0]));
	if (!parts)
		return err_origin(-ENOMEM);
	r = parts_take(parts, over->area, n, piece, MAX(align, over->align));
	if (r < 0)
		return r;
	block->n_slices = parts_join(parts, block->size);
	block->slices = parts->slices;
	block->own = steal(parts);
	return 0;
}

int over_area_fill(struct heap_block *block)
{
	struct parts *parts = block->own;

	for (size_t i = 0; i < parts->n; i++) {
		if (area_range_clear(&parts->ranges[i]) < 0)
			return HEAP_E_AGAIN; /* it retires when it is released */
	}
	return 0;
}

void over_area_release(struct heap_block *block)
{
	block->own = parts_free(block->own);
}

/* ---- what is there ---- */

void over_area_stock(const struct heap *heap, struct heap_stock *stock)
{
	const struct heap_over_area *over = container_of(heap, struct heap_over_area, heap);
	struct area_totals totals;

	area_totals(over->area, &totals);
	stock->area = area_name(over->area);
	stock->size = totals.size - totals.retired;
	stock->clean = totals.clean;
	stock->dirty = totals.dirty;
	stock->retired = totals.retired;
	stock->largest_run = totals.largest;
	stock->largest = over->maximum ? MIN(totals.largest, over->maximum) : totals.largest;
}

/* adjacent ranges count as one */
int over_area_place(const struct heap_block *block, struct heap_place *place)
{
	const struct parts *parts = block->own;
	uint64_t frame = parts->ranges[0].frame, n_frames = parts->ranges[0].n_frames;

	for (size_t i = 1; i < parts->n && parts->ranges[i].frame == frame + n_frames; i++)
		n_frames += parts->ranges[i].n_frames;
	place->address = frame * PAGES_SIZE;
	place->length = MIN(n_frames * PAGES_SIZE, block->size);
	place->contiguous = place->length == block->size;
	return 0;
}

/* ---- life ---- */

int over_area_new(struct heap **ret, const struct heap_ops *ops, const struct heap_config *config,
		  const struct heap_area_config *area)
{
	_cleanup_(freep) struct heap_over_area *over = NULL;
	int r;

	if (config->exporter->ops->hands_out_memfd)
		return err_origin(-EINVAL); /* it is all of the area */
	over = calloc(1, sizeof(*over));
	if (!over)
		return err_origin(-ENOMEM);
	r = heap_init(&over->heap, ops, config);
	if (r < 0)
		return r;
	over->area = area->area;
	over->maximum = config->maximum;
	over->align = over_area_order(area->align);
	over->chunk = area->chunk;

	*ret = &steal(over)->heap;
	return 0;
}

struct heap *over_area_free(struct heap *heap)
{
	free(over_area_of(heap));
	return NULL;
}
