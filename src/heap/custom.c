// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A heap of no kind that the kernel had: any alignment may be asked for, and is given.
 */
#include "heap/over_area.h"

static int custom_reserve(struct heap *heap, struct heap_block *block)
{
	return over_area_take(block, over_area_of(heap), block->size,
			      over_area_order(block->align));
}

static const struct heap_ops custom_ops = {
	.type = HEAP_TYPE_CUSTOM,
	.reserve = custom_reserve,
	.fill = over_area_fill,
	.release = over_area_release,
	.stock = over_area_stock,
	.place = over_area_place,
	.free = over_area_free,
};

int heap_custom_new(struct heap **ret, const struct heap_config *config,
		    const struct heap_area_config *area)
{
	return over_area_new(ret, &custom_ops, config, area);
}
