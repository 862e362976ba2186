// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf_check.h"

#include <string.h>

#define SMALL_PAGE    4096
#define FLOOR_DEFAULT ((uint64_t)16 << 20)

void conf_parts_init(struct conf_parts *parts, const struct settings *settings)
{
	*parts = (struct conf_parts){
		.settings = *settings,
		.n_areas = settings->n_areas,
		.n_heaps = settings->n_heaps,
	};
	for (size_t i = 0; i < settings->n_areas; i++)
		parts->areas[i].settings = settings->areas[i];
	for (size_t i = 0; i < settings->n_heaps; i++) {
		const struct heap_settings *heap = &settings->heaps[i];

		parts->heaps[i].settings = *heap;
		parts->heaps[i].builtin = true;
		if (heap->area >= 0)
			strcpy(parts->heaps[i].area, settings->areas[heap->area].name);
	}
}

/* ---- areas ---- */

/* where a key stands, or else the section */
static int line_of(const struct conf_lines *lines, unsigned int key)
{
	return lines->keys[key] ?: lines->section;
}

static bool area_is_removed(const struct conf_area *area)
{
	return !area->settings.ceiling;
}

static void fill_floor(struct conf_area *area)
{
	struct area_settings *settings = &area->settings;

	if (!area->lines.keys[AREA_KEY_FLOOR])
		settings->floor = MIN(MAX(FLOOR_DEFAULT, settings->page_size), settings->ceiling);
}

/* both bounds are whole pages, of which the built-in ones know the size that is built in */
static int check_pages(const struct conf_area *area, struct conf_fault *fault)
{
	const struct area_settings *settings = &area->settings;
	const struct conf_lines *lines = &area->lines;
	char page[CONF_SIZE_TEXT], size[CONF_SIZE_TEXT];
	const char *key = "ceiling";
	uint64_t bound = settings->ceiling;
	int line = line_of(lines,
			   lines->keys[AREA_KEY_CEILING] ? AREA_KEY_CEILING : AREA_KEY_PAGE_SIZE);

	if (bound % settings->page_size == 0) {
		key = "floor";
		bound = settings->floor;
		line = line_of(lines, AREA_KEY_FLOOR);
	}
	if (bound % settings->page_size == 0)
		return 0;
	return conf_fault_set(fault, line, "[area %s] %s: %s is not a multiple of page-size (%s)",
			      settings->name, key, conf_size_text(size, bound),
			      conf_size_text(page, settings->page_size));
}

static int check_bounds(const struct conf_area *area, uint64_t memory, struct conf_fault *fault)
{
	const struct area_settings *settings = &area->settings;
	const struct conf_lines *lines = &area->lines;
	char text[CONF_SIZE_TEXT];

	if (settings->floor > settings->ceiling)
		return conf_fault_set(
			fault,
			MAX(line_of(lines, AREA_KEY_FLOOR), line_of(lines, AREA_KEY_CEILING)),
			"[area %s] ceiling: below the floor (%s)", settings->name,
			conf_size_text(text, settings->floor));
	if (settings->ceiling > memory)
		return conf_fault_set(fault, line_of(lines, AREA_KEY_CEILING),
				      "[area %s] ceiling: more than the machine has (%lluM)",
				      settings->name, (unsigned long long)memory >> 20);
	if (settings->max_address && settings->max_address < settings->ceiling)
		return conf_fault_set(fault, line_of(lines, AREA_KEY_MAX_ADDRESS),
				      "[area %s] max-address: below the ceiling (%s)",
				      settings->name, conf_size_text(text, settings->ceiling));
	if ((uint64_t)SMALL_PAGE << settings->order_per_bit > settings->page_size)
		return conf_fault_set(fault, line_of(lines, AREA_KEY_ORDER_PER_BIT),
				      "[area %s] order-per-bit: more than a page of page-size (%s)",
				      settings->name, conf_size_text(text, settings->page_size));
	return 0;
}

static int check_area(struct conf_area *area, uint64_t memory, struct conf_fault *fault)
{
	int r;

	if (!area->lines.section || (area_is_removed(area) && area->lines.keys[AREA_KEY_CEILING]))
		return 0;
	if (area_is_removed(area))
		return conf_fault_set(fault, area->lines.section,
				      "[area %s] ceiling: missing (a size like 512M)",
				      area->settings.name);
	fill_floor(area);
	r = check_pages(area, fault);
	return r < 0 ? r : check_bounds(area, memory, fault);
}

static int check_areas(struct conf_parts *parts, struct conf_fault *fault)
{
	uint64_t sum = 0, memory = parts->settings.memory;
	const struct conf_area *last = NULL;
	int r;

	for (size_t i = 0; i < parts->n_areas; i++) {
		struct conf_area *area = &parts->areas[i];

		r = check_area(area, memory, fault);
		if (r < 0)
			return r;
		sum += area->settings.ceiling;
		if (area->lines.section && !area_is_removed(area))
			last = area;
	}
	if (!last || sum <= memory)
		return 0;
	return conf_fault_set(fault, line_of(&last->lines, AREA_KEY_CEILING),
			      "[area %s] ceiling: all areas together are more than the machine has "
			      "(%lluM, %lluM)",
			      last->settings.name, (unsigned long long)sum >> 20,
			      (unsigned long long)memory >> 20);
}

/* ---- heaps ---- */

static int check_removed(const struct conf_heap *heap, struct conf_fault *fault)
{
	if (!heap->builtin)
		return conf_fault_set(fault, heap->lines.keys[HEAP_KEY_KIND],
				      "[heap %s] kind: no built-in heap has this name (none "
				      "removes one)",
				      heap->settings.name);
	for (size_t key = 0; key < conf_heap_keys.n; key++) {
		if (key != HEAP_KEY_KIND && heap->lines.keys[key])
			return conf_fault_set(fault, heap->lines.keys[key],
					      "[heap %s] %s: the heap is removed (kind = none)",
					      heap->settings.name, conf_heap_keys.keys[key].name);
	}
	return 0;
}

static int say_missing(const struct conf_heap *heap, enum heap_key key, const char *hint,
		       struct conf_fault *fault)
{
	return conf_fault_set(fault, heap->lines.section, "[heap %s] %s: missing (%s)",
			      heap->settings.name, conf_heap_keys.keys[key].name, hint);
}

static const struct conf_area *find_area(const struct conf_parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->n_areas; i++) {
		if (!strcmp(parts->areas[i].settings.name, name))
			return &parts->areas[i];
	}
	return NULL;
}

static int check_over_area(const struct conf_parts *parts, struct conf_heap *heap,
			   struct conf_fault *fault)
{
	const struct conf_area *area = find_area(parts, heap->area);
	const char *name = heap->settings.name;
	char size[CONF_SIZE_TEXT];

	if (!heap->area[0])
		return say_missing(heap, HEAP_KEY_AREA, "heaps of this kind are over one", fault);
	if (!area || area_is_removed(area))
		return conf_fault_set(fault, line_of(&heap->lines, HEAP_KEY_AREA),
				      "[heap %s] area: %s %s", name, heap->area,
				      area ? "is left out (its ceiling is 0)"
					   : "is unknown (there is no section of it)");
	if (heap->settings.kind == HEAP_KIND_CHUNK && !heap->settings.align)
		return say_missing(heap, HEAP_KEY_ALIGN, "the size of a chunk", fault);
	if (heap->settings.align > area->settings.ceiling)
		return conf_fault_set(fault, line_of(&heap->lines, HEAP_KEY_ALIGN),
				      "[heap %s] align: more than the area %s has (%s)", name,
				      heap->area, conf_size_text(size, area->settings.ceiling));
	for (size_t i = 0; i < heap->settings.n_exporters && !heap->settings.trusted; i++) {
		if (heap->settings.exporters[i] == EXPORTER_MEMFD)
			return conf_fault_set(fault, line_of(&heap->lines, HEAP_KEY_EXPORT),
					      "[heap %s] export: memfd hands out more than the "
					      "buffer (trusted = yes allows it)",
					      name);
	}
	return 0;
}

static int check_without_area(struct conf_heap *heap, struct conf_fault *fault)
{
	static const enum heap_key useless[] = { HEAP_KEY_AREA, HEAP_KEY_ALIGN, HEAP_KEY_EXPORT };
	bool has_export = heap->settings.kind != HEAP_KIND_DMA_HEAP;

	for (size_t i = 0; i < ARRAY_SIZE(useless); i++) {
		if (!heap->lines.keys[useless[i]] || (useless[i] == HEAP_KEY_EXPORT && has_export))
			continue;
		return conf_fault_set(fault, heap->lines.keys[useless[i]],
				      "[heap %s] %s: heaps of this kind have none (leave it out)",
				      heap->settings.name, conf_heap_keys.keys[useless[i]].name);
	}
	heap->area[0] = '\0'; /* the built-in one's, which was of another kind */
	return 0;
}

static int check_heap(const struct conf_parts *parts, struct conf_heap *heap,
		      struct conf_fault *fault)
{
	if (heap->removed)
		return check_removed(heap, fault);
	if (!heap->builtin && !heap->lines.keys[HEAP_KEY_KIND])
		return say_missing(heap, HEAP_KEY_KIND, "like dma", fault);
	if (!heap->builtin && !heap->lines.keys[HEAP_KEY_ID])
		return say_missing(heap, HEAP_KEY_ID, "a number from 0 to 31", fault);
	if (conf_kind_has_area(heap->settings.kind))
		return check_over_area(parts, heap, fault);
	return check_without_area(heap, fault);
}

/* built-in heaps that the file doesn't name go with their area */
static void remove_orphans(struct conf_parts *parts)
{
	for (size_t i = 0; i < parts->n_heaps; i++) {
		struct conf_heap *heap = &parts->heaps[i];
		const struct conf_area *area = find_area(parts, heap->area);

		if (!heap->lines.section && area && area_is_removed(area))
			heap->removed = true;
	}
}

static int check_count(const struct conf_parts *parts, struct conf_fault *fault)
{
	size_t n = 0;
	int line = 0;

	for (size_t i = 0; i < parts->n_heaps; i++) {
		n += !parts->heaps[i].removed;
		line = MAX(line, parts->heaps[i].lines.section);
		if (n > HEAP_IDS)
			return conf_fault_set(fault, parts->heaps[i].lines.section,
					      "[heap %s]: more than %d heaps (ids are 0 to 31)",
					      parts->heaps[i].settings.name, HEAP_IDS);
	}
	if (!n)
		return conf_fault_set(fault, line,
				      "no heap is left (kind = none removed the last)");
	return 0;
}

static int check_heaps(struct conf_parts *parts, struct conf_fault *fault)
{
	int r;

	remove_orphans(parts);
	for (size_t i = 0; i < parts->n_heaps; i++) {
		if (!parts->heaps[i].lines.section)
			continue;
		r = check_heap(parts, &parts->heaps[i], fault);
		if (r < 0)
			return r;
	}
	r = check_count(parts, fault);
	return r < 0 ? r : conf_check_ids(parts, fault);
}

/* ---- what is left ---- */

static void put_areas(struct conf_parts *parts)
{
	struct settings *settings = &parts->settings;

	memset(settings->areas, 0, sizeof(settings->areas));
	settings->n_areas = 0;
	for (size_t i = 0; i < parts->n_areas; i++) {
		if (!area_is_removed(&parts->areas[i]))
			settings->areas[settings->n_areas++] = parts->areas[i].settings;
	}
}

static int area_index(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_areas; i++) {
		if (!strcmp(settings->areas[i].name, name))
			return i;
	}
	return -1;
}

static void put_heaps(struct conf_parts *parts)
{
	struct settings *settings = &parts->settings;

	memset(settings->heaps, 0, sizeof(settings->heaps));
	settings->n_heaps = 0;
	for (size_t i = 0; i < parts->n_heaps; i++) {
		const struct conf_heap *from = &parts->heaps[i];
		struct heap_settings *heap;

		if (from->removed)
			continue;
		heap = &settings->heaps[settings->n_heaps++];
		*heap = from->settings;
		heap->area = area_index(settings, from->area);
	}
}

static int check_dma_heaps(const struct conf_parts *parts, struct conf_fault *fault)
{
	const struct dma_heap_settings *dma_heap = &parts->settings.dma_heap;

	for (size_t i = 0; i < dma_heap->n_names; i++) {
		if (!settings_find_heap(&parts->settings, dma_heap->names[i]))
			return conf_fault_set(fault, line_of(&parts->dma_heap, DMA_HEAP_KEY_NAMES),
					      "[device dma_heap] names: no heap is named %s",
					      dma_heap->names[i]);
	}
	return 0;
}

int conf_check(struct conf_parts *parts, struct conf_fault *fault)
{
	int r;

	r = check_areas(parts, fault);
	if (r == 0)
		r = check_heaps(parts, fault);
	if (r < 0)
		return r;
	put_areas(parts);
	put_heaps(parts);
	return check_dma_heaps(parts, fault);
}
