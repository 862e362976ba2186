// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf_area.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"

#define MIB	   ((uint64_t)1 << 20)
#define GIB	   ((uint64_t)1 << 30)
#define SMALL_PAGE 4096

enum {
	NODES_MAX = 1024, /* the kernel's own limit */
	ORDER_MAX = 18,	  /* a page of 1 GiB */
};

static int read_page_size(void *object, const char *value, const char **hint)
{
	struct conf_area *area = object;
	uint64_t size;

	*hint = "2M or 1G, a size of huge pages";
	if (parse_size(&size, value) < 0 || (size != 2 * MIB && size != GIB))
		return -EINVAL;
	area->settings.page_size = size;
	return 0;
}

static int read_node(void *object, const char *value, const char **hint)
{
	struct conf_area *area = object;
	uint32_t node;

	*hint = "the number of a NUMA node, or any";
	if (!strcmp(value, "any")) {
		area->settings.node = -1;
		return 0;
	}
	if (parse_u32(&node, value) < 0 || node >= NODES_MAX)
		return -EINVAL;
	area->settings.node = node;
	return 0;
}

static int read_floor(void *object, const char *value, const char **hint)
{
	struct conf_area *area = object;

	*hint = "a size like 16M, a multiple of page-size";
	return parse_size(&area->settings.floor, value);
}

static int read_ceiling(void *object, const char *value, const char **hint)
{
	struct conf_area *area = object;

	*hint = "a size like 512M, a multiple of page-size; 0 for no such area";
	return parse_size(&area->settings.ceiling, value);
}

static int read_order_per_bit(void *object, const char *value, const char **hint)
{
	struct conf_area *area = object;
	uint32_t order;

	*hint = "a number from 0 to 9, with page-size = 1G to 18";
	if (parse_u32(&order, value) < 0 || order > ORDER_MAX)
		return -EINVAL;
	area->settings.order_per_bit = order;
	return 0;
}

static int read_max_address(void *object, const char *value, const char **hint)
{
	struct conf_area *area = object;

	*hint = "a size like 4G, a multiple of 4K, or none";
	if (conf_read_limit(&area->settings.max_address, value) < 0 ||
	    area->settings.max_address % SMALL_PAGE)
		return -EINVAL;
	return 0;
}

static int read_partial(void *object, const char *value, const char **hint)
{
	struct conf_area *area = object;

	*hint = "yes or no";
	return parse_bool(&area->settings.partial, value);
}

static const struct conf_key area_keys[] = {
	[AREA_KEY_PAGE_SIZE] = { "page-size", read_page_size },
	[AREA_KEY_NODE] = { "node", read_node },
	[AREA_KEY_FLOOR] = { "floor", read_floor },
	[AREA_KEY_CEILING] = { "ceiling", read_ceiling },
	[AREA_KEY_ORDER_PER_BIT] = { "order-per-bit", read_order_per_bit },
	[AREA_KEY_MAX_ADDRESS] = { "max-address", read_max_address },
	[AREA_KEY_PARTIAL] = { "partial", read_partial },
};
const struct conf_keys conf_area_keys = { area_keys, ARRAY_SIZE(area_keys) };

void conf_area_init(struct conf_area *area, const char *name)
{
	*area = (struct conf_area){ .settings = { .page_size = 2 * MIB, .node = -1 } };
	strcpy(area->settings.name, name);
}
