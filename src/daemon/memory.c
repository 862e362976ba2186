// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/memory.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "heap/heap.h"
#include "heap/heaps.h"
#include "mem/watch.h"

enum {
	CLIENT_BUFFERS = 4096,
	USER_CLIENTS = 4096,
	CLIENT_HANDLES = 8192,
	USER_HANDLES = 4 * CLIENT_HANDLES,
};

/* ---- heaps ---- */

typedef int heap_over_area_new(struct heap **ret, const struct heap_config *config,
			       const struct heap_area_config *area);

static heap_over_area_new *const over_area[] = {
	[HEAP_KIND_SYSTEM_CONTIG] = heap_system_contig_new,
	[HEAP_KIND_CARVEOUT] = heap_carveout_new,
	[HEAP_KIND_CHUNK] = heap_chunk_new,
	[HEAP_KIND_DMA] = heap_dma_new,
	[HEAP_KIND_CUSTOM] = heap_custom_new,
};

static const uint32_t types[] = {
	[HEAP_KIND_SYSTEM] = HEAP_TYPE_SYSTEM,
	[HEAP_KIND_SYSTEM_CONTIG] = HEAP_TYPE_SYSTEM_CONTIG,
	[HEAP_KIND_CARVEOUT] = HEAP_TYPE_CARVEOUT,
	[HEAP_KIND_CHUNK] = HEAP_TYPE_CHUNK,
	[HEAP_KIND_DMA] = HEAP_TYPE_DMA,
	[HEAP_KIND_CUSTOM] = HEAP_TYPE_CUSTOM,
};

/* contiguous memory that no driver can be given, nor anybody be told where it lies, may as well be
 * scattered: so it is where there are no dma-bufs */
static bool memory_stands_in(const struct memory *memory, const struct heap_settings *heap)
{
	return heap->area >= 0 && !memory->exporters.of[EXPORTER_UDMABUF];
}

/* a group that is not there must not open what it was to guard */
static void memory_set_physical(struct heap_config *config, const struct heap_settings *heap)
{
	const struct group *group;

	config->physical = heap->physical;
	if (heap->physical != PHYSICAL_GROUP)
		return;
	group = getgrnam(heap->physical_group);
	if (group) {
		config->physical_gid = group->gr_gid;
		return;
	}
	log_warning("heap", "heap %s: no group '%s' here: physical addresses are for root alone",
		    heap->name, heap->physical_group);
	config->physical = PHYSICAL_ROOT;
}

/* -ENODEV with a reason: there can't be such a heap here, and the others go on without. @device is
 * the kernel's, consumed on success. */
static int memory_make_kernel_heap(struct heap **ret, struct memory *memory,
				   const struct heap_settings *heap, int *device, const char **why)
{
	struct exporter **exporter = &memory->exporters.of[EXPORTER_DMABUF];
	struct heap_config config = {
		.id = heap->id,
		.name = heap->name,
		.maximum = heap->maximum,
	};
	int r = 0;

	*why = "the kernel has no heap of that name in /dev/dma_heap, or it can't be opened";
	if (!device || *device < 0)
		return -ENODEV;
	if (!*exporter)
		r = exporter_dmabuf_new(exporter);
	config.exporter = *exporter;
	if (r == 0)
		r = heap_dma_heap_new_consume_fd(ret, &config, *device);
	*why = "the kernel's heap of that name does not work";
	if (r == 0)
		*device = -1;
	return r == -ENOMEM ? r : MIN(r, 0);
}

/* the same for what is of our own memory */
static int memory_make_heap(struct heap **ret, const struct memory *memory,
			    const struct settings *settings, const struct heap_settings *heap,
			    const char **why)
{
	bool contiguous = heap->area >= 0 && !memory_stands_in(memory, heap);
	struct heap_config config = {
		.id = heap->id,
		.name = heap->name,
		.exporter = exporters_pick(&memory->exporters, heap, contiguous),
		.stands_for = types[heap->kind],
		.maximum = heap->maximum,
	};
	struct heap_area_config area = { .align = heap->align, .chunk = heap->align };

	memory_set_physical(&config, heap);
	*why = "no exporter of it works here";
	if (!config.exporter)
		return -ENODEV;
	*why = NULL;
	if (!contiguous)
		return heap_system_new(ret, &config, settings->memory);
	area.area = (size_t)heap->area < memory->areas.n ? memory->areas.of[heap->area].area : NULL;
	*why = "its area was not activated";
	if (!area.area)
		return -ENODEV;
	*why = NULL;
	return over_area[heap->kind](ret, &config, &area);
}

static int memory_alias_heap(struct memory *memory, const struct heap_settings *settings)
{
	int r = 0;

	for (uint32_t id = 0; !r && id < HEAP_IDS; id++)
		if (settings->alias_ids & 1u << id)
			r = heaps_alias_id(memory->heaps, settings->id, id);
	for (size_t i = 0; !r && i < settings->n_alias_names; i++)
		r = heaps_alias_name(memory->heaps, settings->id, settings->alias_names[i]);
	return err_fold(r); /* the configuration was checked for names taken twice */
}

static void memory_miss_heap(struct memory *memory, const struct heap_settings *settings,
			     const char *why)
{
	struct listing_missing *missing = &memory->missing[memory->n_missing++];

	log_notice("heap", "no heap %s: %s", settings->name, why);
	*missing = (struct listing_missing){ .id = settings->id, .why = why };
	memcpy(missing->name, settings->name, sizeof(missing->name));
}

static int memory_add_heap(struct memory *memory, const struct memory_config *memory_config,
			   size_t i)
{
	const struct settings *settings = memory_config->settings;
	const struct heap_settings *heap_settings = &settings->heaps[i];
	int *devices = memory_config->kernel_heaps;
	_cleanup_(heap_freep) struct heap *heap = NULL;
	const char *why;
	int r;

	if (heap_settings->kind == HEAP_KIND_DMA_HEAP)
		r = memory_make_kernel_heap(&heap, memory, heap_settings,
					    devices ? &devices[i] : NULL, &why);
	else
		r = memory_make_heap(&heap, memory, settings, heap_settings, &why);
	if (r < 0 && why) {
		memory_miss_heap(memory, heap_settings, why);
		return 0;
	}
	if (r < 0)
		return r;
	r = heaps_add(memory->heaps, heap);
	if (r)
		return err_fold(r);
	steal(heap);
	return memory_alias_heap(memory, heap_settings);
}

static int memory_init_heaps(struct memory *memory, const struct memory_config *config)
{
	const struct settings *settings = config->settings;
	unsigned int stand_ins = 0;
	int r;

	r = heaps_new(&memory->heaps);
	for (size_t i = 0; r == 0 && i < settings->n_heaps; i++) {
		stand_ins += memory_stands_in(memory, &settings->heaps[i]);
		r = memory_add_heap(memory, config, i);
	}
	if (stand_ins)
		log_notice("heap", "no udmabuf: %u heaps of contiguous memory have scattered pages",
			   stand_ins);
	return r;
}

/* ---- all ---- */

static void memory_init_areas(struct memory *memory, const struct memory_config *config)
{
	const struct areas_config areas = {
		.settings = config->settings,
		.jobs = memory->background,
		.udmabuf = config->udmabuf,
		.pagemap = config->pagemap,
	};

	/* nothing else pins what an area has, and makes one file of it */
	if (memory->exporters.of[EXPORTER_UDMABUF] && config->settings->n_areas)
		areas_init(&memory->areas, &areas);
}

int memory_init(struct memory *memory, const struct memory_config *config)
{
	const struct settings *settings = config->settings;
	const struct heap_settings any = { .area = -1 };
	struct service_config service;
	int r;

	r = watch_new(&memory->watch);
	if (r == 0)
		r = exporters_init(&memory->exporters, config->udmabuf, steal(memory->file));
	if (r == 0)
		r = loop_jobs_new(&memory->background, config->loop, 1);
	if (r < 0)
		return r;
	memory_init_areas(memory, config);
	r = memory_init_heaps(memory, config);
	if (r < 0)
		return r;
	tender_start(&memory->tender, config->loop, memory->background, memory->heaps);
	memory->exporter_name = exporters_pick(&memory->exporters, &any, false)->ops->name;

	service = (struct service_config){
		.state = config->state,
		.heaps = memory->heaps,
		.watch = memory->watch,
		.limits = {
			.user = { settings->memory / 2, QUOTA_NO_LIMIT, USER_CLIENTS, USER_HANDLES },
			.client = { QUOTA_NO_LIMIT, CLIENT_BUFFERS, QUOTA_NO_LIMIT, CLIENT_HANDLES },
		},
	};
	return service_new(&memory->service, &service);
}

void memory_deinit(struct memory *memory)
{
	areas_stop(&memory->areas);
	tender_stop(&memory->tender);
	memory->background = loop_jobs_free(memory->background);
	memory->service = service_free(memory->service);
	memory->heaps = heaps_free(memory->heaps);
	areas_deinit(&memory->areas);
	exporters_deinit(&memory->exporters);
	memory->file = exporter_free(memory->file);
	memory->watch = watch_free(memory->watch);
}
