// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The heap `carveout`: a fixed reserve, page by page.
 */
#include "heap/over_area.h"

#include <errno.h>

static int carveout_reserve(struct heap *heap, struct heap_block *block)
{
	if (block->align > PAGES_SIZE)
		return -EINVAL;
	return over_area_take(block, over_area_of(heap), block->size, 0);
}

static const struct heap_ops carveout_ops = {
	.type = HEAP_TYPE_CARVEOUT,
	.reserve = carveout_reserve,
	.fill = over_area_fill,
	.release = over_area_release,
	.stock = over_area_stock,
	.place = over_area_place,
	.free = over_area_free,
};

int heap_carveout_new(struct heap **ret, const struct heap_config *config,
		      const struct heap_area_config *area)
{
	return over_area_new(ret, &carveout_ops, config, area);
}
