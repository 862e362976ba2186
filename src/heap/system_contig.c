// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The heap `system_contig`: what the page allocator gave in one piece, so aligned to its own size
 * rounded up to a power of two, and not large.
 */
#include "heap/over_area.h"

#include <errno.h>

#define ORDER_MAX 10u /* the largest that the page allocator gave */

static int system_contig_reserve(struct heap *heap, struct heap_block *block)
{
	unsigned int order = over_area_order(block->size);

	if (block->align > (uint64_t)PAGES_SIZE << order)
		return -EINVAL;
	if (order > ORDER_MAX)
		return -ENOMEM;
	return over_area_take(block, over_area_of(heap), block->size, order);
}

static void system_contig_stock(const struct heap *heap, struct heap_stock *stock)
{
	over_area_stock(heap, stock);
	stock->largest = MIN(stock->largest, (uint64_t)PAGES_SIZE << ORDER_MAX);
}

static const struct heap_ops system_contig_ops = {
	.type = HEAP_TYPE_SYSTEM_CONTIG,
	.reserve = system_contig_reserve,
	.fill = over_area_fill,
	.release = over_area_release,
	.stock = system_contig_stock,
	.place = over_area_place,
	.free = over_area_free,
};

int heap_system_contig_new(struct heap **ret, const struct heap_config *config,
			   const struct heap_area_config *area)
{
	return over_area_new(ret, &system_contig_ops, config, area);
}
