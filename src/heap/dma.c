// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The heap `dma`: what CMA gave, aligned to its own size up to a limit, as dma_alloc_contiguous()
 * has it.
 */
#include "heap/over_area.h"

#include <errno.h>

#define ALIGN_MAX 8u /* CONFIG_CMA_ALIGNMENT, as kernels have it: 1 MiB */

static int dma_reserve(struct heap *heap, struct heap_block *block)
{
	unsigned int align = MIN(over_area_order(block->size), ALIGN_MAX);

	if (block->align > PAGES_SIZE)
		return -EINVAL;
	return over_area_take(block, over_area_of(heap), block->size, align);
}

static const struct heap_ops dma_ops = {
	.type = HEAP_TYPE_DMA,
	.reserve = dma_reserve,
	.fill = over_area_fill,
	.release = over_area_release,
	.stock = over_area_stock,
	.place = over_area_place,
	.free = over_area_free,
};

int heap_dma_new(struct heap **ret, const struct heap_config *config,
		 const struct heap_area_config *area)
{
	return over_area_new(ret, &dma_ops, config, area);
}
