// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/settings.h"

#include <string.h>

#define MIB	  ((uint64_t)1 << 20)
#define HUGE_PAGE (2 * MIB)

static const struct area_settings builtin_area = {
	.name = "main",
	.page_size = HUGE_PAGE,
	.node = -1,
	.floor = 16 * MIB,
	.ceiling = 512 * MIB,
};

/* the layout that the most programs are content with, and further ids that programs for other
 * boards ask for (ABI.md section 9) */
static const struct heap_settings builtin_heaps[] = {
	{
		.name = "ion_system_heap",
		.kind = HEAP_KIND_SYSTEM,
		.id = 0,
		.alias_ids = 1u << 25,
		.alias_names = { "system" },
		.n_alias_names = 1,
		.area = -1,
	},
	{ .name = "ion_system_contig_heap", .kind = HEAP_KIND_SYSTEM_CONTIG, .id = 1 },
	{ .name = "carveout", .kind = HEAP_KIND_CARVEOUT, .id = 2 },
	{
		.name = "linux,cma",
		.kind = HEAP_KIND_DMA,
		.id = 4,
		.alias_ids = 1u << 21 | 1u << 22 | 1u << 26 | 1u << 27 | 1u << 28,
		.alias_names = { "reserved", "default_cma_region" },
		.n_alias_names = 2,
	},
};

void settings_init(struct settings *settings, uint64_t memory)
{
	struct area_settings *area = &settings->areas[0];

	*settings = (struct settings){
		.control = CUSION_RUNDIR "/control",
		.log_level = LOG_LEVEL_INFO,
		.ion = { .mode = 0660, .group = "cusion" },
		.dma_heap.node = { .mode = 0660, .group = "cusion" },
		.policy = { .abi = WIRE_ABI_AUTO, .abi_version = 0 },
		.memory = memory,
		.n_areas = 1,
		.n_heaps = ARRAY_SIZE(builtin_heaps),
	};
	*area = builtin_area;
	area->ceiling = MIN(area->ceiling, MAX(memory / 4 / HUGE_PAGE, (uint64_t)1) * HUGE_PAGE);
	area->floor = MIN(area->floor, area->ceiling);
	memcpy(settings->heaps, builtin_heaps, sizeof(builtin_heaps));
}

const struct heap_settings *settings_find_heap(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_heaps; i++) {
		const struct heap_settings *heap = &settings->heaps[i];

		if (!strcmp(heap->name, name))
			return heap;
		for (size_t k = 0; k < heap->n_alias_names; k++)
			if (!strcmp(heap->alias_names[k], name))
				return heap;
	}
	return NULL;
}

bool settings_name_exporter(const struct settings *settings, enum exporter_kind kind)
{
	for (size_t i = 0; i < settings->n_heaps; i++) {
		const struct heap_settings *heap = &settings->heaps[i];

		for (size_t k = 0; k < heap->n_exporters; k++)
			if (heap->exporters[k] == kind)
				return true;
	}
	return false;
}
