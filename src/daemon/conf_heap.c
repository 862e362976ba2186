// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf_heap.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"

#define SMALL_PAGE 4096

static const char *const kinds[] = {
	[HEAP_KIND_SYSTEM] = "system",	   [HEAP_KIND_SYSTEM_CONTIG] = "system_contig",
	[HEAP_KIND_CARVEOUT] = "carveout", [HEAP_KIND_CHUNK] = "chunk",
	[HEAP_KIND_DMA] = "dma",	   [HEAP_KIND_CUSTOM] = "custom",
	[HEAP_KIND_DMA_HEAP] = "dma-heap",
};

bool conf_kind_has_area(enum heap_kind kind)
{
	return kind != HEAP_KIND_SYSTEM && kind != HEAP_KIND_DMA_HEAP;
}

static int read_kind(void *object, const char *value, const char **hint)
{
	struct conf_heap *heap = object;

	*hint = "one of system, system_contig, carveout, chunk, dma, custom, dma-heap, none";
	if (!strcmp(value, "none")) {
		heap->removed = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i], value)) {
			heap->settings.kind = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_id(void *object, const char *value, const char **hint)
{
	struct conf_heap *heap = object;
	uint32_t id;

	*hint = "a number from 0 to 31";
	if (parse_u32(&id, value) < 0 || id >= HEAP_IDS)
		return -EINVAL;
	heap->settings.id = id;
	return 0;
}

static int read_alias_ids(void *object, const char *value, const char **hint)
{
	struct conf_heap *heap = object;
	uint32_t id, mask = 0;
	char word[16];
	int r;

	*hint = "different numbers from 0 to 31, with blanks between them, or nothing";
	while ((r = parse_word(word, sizeof(word), &value)) > 0) {
		if (parse_u32(&id, word) < 0 || id >= HEAP_IDS || mask & 1u << id)
			return -EINVAL;
		mask |= 1u << id;
	}
	heap->settings.alias_ids = mask;
	return r;
}

static int read_alias_names(void *object, const char *value, const char **hint)
{
	struct heap_settings *heap = &((struct conf_heap *)object)->settings;
	char word[HEAP_NAME_SIZE];
	int r;

	*hint = "at most 8 names of at most 31 bytes, with blanks between them, or nothing";
	heap->n_alias_names = 0;
	while ((r = parse_word(word, sizeof(word), &value)) > 0) {
		if (heap->n_alias_names == HEAP_ALIASES_MAX || !conf_is_name(word, sizeof(word)))
			return -EINVAL;
		strcpy(heap->alias_names[heap->n_alias_names++], word);
	}
	return r;
}

static int read_area(void *object, const char *value, const char **hint)
{
	struct conf_heap *heap = object;

	*hint = "the name of an area";
	if (!conf_is_name(value, sizeof(heap->area)))
		return -EINVAL;
	strcpy(heap->area, value);
	return 0;
}

static int read_align(void *object, const char *value, const char **hint)
{
	struct conf_heap *heap = object;
	uint64_t align;

	*hint = "a power of two of bytes like 64K, at least 4K";
	if (parse_size(&align, value) < 0 || align < SMALL_PAGE || align & (align - 1))
		return -EINVAL;
	heap->settings.align = align;
	return 0;
}

static int read_maximum(void *object, const char *value, const char **hint)
{
	struct conf_heap *heap = object;
	uint64_t maximum;

	*hint = "a size like 64M, at least 4K, or none";
	if (conf_read_limit(&maximum, value) < 0 || (maximum && maximum < SMALL_PAGE))
		return -EINVAL;
	heap->settings.maximum = maximum;
	return 0;
}

static int exporter_of(const char *word)
{
	if (!strcmp(word, "udmabuf"))
		return EXPORTER_UDMABUF;
	if (!strcmp(word, "file"))
		return EXPORTER_FILE;
	return strcmp(word, "memfd") ? -EINVAL : EXPORTER_MEMFD;
}

static int read_export(void *object, const char *value, const char **hint)
{
	struct heap_settings *heap = &((struct conf_heap *)object)->settings;
	unsigned int seen = 0;
	char word[16];
	int r, kind;

	*hint = "auto, or different ones of udmabuf, file, memfd, the best first";
	heap->n_exporters = 0;
	if (!strcmp(value, "auto"))
		return 0;
	while ((r = parse_word(word, sizeof(word), &value)) > 0) {
		kind = exporter_of(word);
		if (kind < 0 || seen & 1u << kind)
			return -EINVAL;
		seen |= 1u << kind;
		heap->exporters[heap->n_exporters++] = kind;
	}
	return seen ? r : -EINVAL;
}

static int read_trusted(void *object, const char *value, const char **hint)
{
	struct conf_heap *heap = object;

	*hint = "yes or no";
	return parse_bool(&heap->settings.trusted, value);
}

static int read_physical(void *object, const char *value, const char **hint)
{
	struct heap_settings *heap = &((struct conf_heap *)object)->settings;

	*hint = "root, all, or group:NAME";
	memset(heap->physical_group, 0, sizeof(heap->physical_group));
	if (!strcmp(value, "root") || !strcmp(value, "all")) {
		heap->physical = value[0] == 'r' ? PHYSICAL_ROOT : PHYSICAL_ALL;
		return 0;
	}
	if (strncmp(value, "group:", 6) || !value[6] ||
	    strlen(value + 6) >= sizeof(heap->physical_group))
		return -EINVAL;
	heap->physical = PHYSICAL_GROUP;
	strcpy(heap->physical_group, value + 6);
	return 0;
}

static const struct conf_key heap_keys[] = {
	[HEAP_KEY_KIND] = { "kind", read_kind },
	[HEAP_KEY_ID] = { "id", read_id },
	[HEAP_KEY_ALIAS_IDS] = { "alias-ids", read_alias_ids },
	[HEAP_KEY_ALIAS_NAMES] = { "alias-names", read_alias_names },
	[HEAP_KEY_AREA] = { "area", read_area },
	[HEAP_KEY_ALIGN] = { "align", read_align },
	[HEAP_KEY_MAXIMUM] = { "maximum", read_maximum },
	[HEAP_KEY_EXPORT] = { "export", read_export },
	[HEAP_KEY_TRUSTED] = { "trusted", read_trusted },
	[HEAP_KEY_PHYSICAL_ADDRESS] = { "physical-address", read_physical },
};
const struct conf_keys conf_heap_keys = { heap_keys, ARRAY_SIZE(heap_keys) };

void conf_heap_init(struct conf_heap *heap, const char *name)
{
	*heap = (struct conf_heap){ .settings = { .area = -1 } };
	strcpy(heap->settings.name, name);
}
