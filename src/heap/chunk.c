// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The heap `chunk`: chunks of one size, each contiguous and aligned to its size, anywhere.
 */
#include "heap/over_area.h"

#include <errno.h>

#include "base/err.h"

static int chunk_reserve(struct heap *heap, struct heap_block *block)
{
	const struct heap_over_area *over = over_area_of(heap);

	if (block->align > over->chunk)
		return -EINVAL;
	return over_area_take(block, over, over->chunk, over_area_order(over->chunk));
}

/* all chunks that there can be: pieces of less than one lie about, at most */
static void chunk_stock(const struct heap *heap, struct heap_stock *stock)
{
	const struct heap_over_area *over = container_of(heap, struct heap_over_area, heap);

	over_area_stock(heap, stock);
	stock->largest = (stock->clean + stock->dirty) / over->chunk * over->chunk;
	if (over->maximum)
		stock->largest = MIN(stock->largest, over->maximum);
}

static const struct heap_ops chunk_ops = {
	.type = HEAP_TYPE_CHUNK,
	.reserve = chunk_reserve,
	.fill = over_area_fill,
	.release = over_area_release,
	.stock = chunk_stock,
	.place = over_area_place,
	.free = over_area_free,
};

int heap_chunk_new(struct heap **ret, const struct heap_config *config,
		   const struct heap_area_config *area)
{
	if (area->chunk < PAGES_SIZE || area->chunk & (area->chunk - 1))
		return err_origin(-EINVAL);
	return over_area_new(ret, &chunk_ops, config, area);
}
