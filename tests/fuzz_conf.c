// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzz target: the configuration file. The input is the file. Asserted: it is good and nothing is
 * said, what it says agrees, or it is bad, settings stay as they were and exactly one line is said,
 * which names the file and a line of it.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "daemon/conf.h"
#include "fuzz.h"

enum { SAID_MAX = 4096 };

/* conf_read(), with what it says on stderr in @said */
static int read_quietly(struct settings *settings, const char *path, char *said)
{
	FILE *saved = stderr, *memory;
	int r;

	memset(said, 0, SAID_MAX);
	memory = fmemopen(said, SAID_MAX, "w");
	ck_assert_ptr_nonnull(memory);
	stderr = memory;
	r = conf_read(settings, path);
	stderr = saved;
	fclose(memory);
	return r;
}

static unsigned int count_lines(const uint8_t *data, size_t size)
{
	unsigned int n = 1;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n';
	return n;
}

/* nothing but comments and blank lines, without a NUL */
static bool says_nothing(const uint8_t *data, size_t size)
{
	bool start = true, comment = false;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n') {
			start = true;
			comment = false;
		} else if (start && (data[i] == ';' || data[i] == '#')) {
			comment = true;
		} else if (!data[i] || !(comment || data[i] == ' ' || data[i] == '\t')) {
			return false;
		}
		start = start && (data[i] == '\n' || data[i] == ' ' || data[i] == '\t');
	}
	return true;
}

static void check_said(const char *said, const char *path, unsigned int lines)
{
	char start[96], *end;
	unsigned long line;

	snprintf(start, sizeof(start), "cusiond: %s:", path);
	ck_assert_msg(!strncmp(said, start, strlen(start)), "%s", said);
	line = strtoul(said + strlen(start), &end, 10);
	ck_assert_msg(line >= 1 && line <= lines, "line %lu of %u: %s", line, lines, said);
	ck_assert_msg(!strncmp(end, ": ", 2) && end[2] != '\n', "%s", said);
	ck_assert_msg(strchr(said, '\n') == said + strlen(said) - 1, "%s", said);
}

static void check_settings(const struct settings *settings)
{
	ck_assert_uint_le(settings->ion.mode, 0777);
	ck_assert_uint_lt(strnlen(settings->control, sizeof(settings->control)),
			  sizeof(settings->control));
	ck_assert_int_eq(settings->control[0], '/');
	ck_assert_uint_lt(strnlen(settings->ion.group, sizeof(settings->ion.group)),
			  sizeof(settings->ion.group));
	ck_assert_int_ne(settings->ion.group[0], '\0');
	ck_assert(settings->log_level >= LOG_LEVEL_ERROR && settings->log_level <= LOG_LEVEL_DEBUG);
	ck_assert(settings->policy.abi_version == 0 || settings->policy.abi_version == 2);
}

static void check_dma_heaps(const struct settings *settings)
{
	const struct dma_heap_settings *dma_heap = &settings->dma_heap;

	ck_assert_uint_le(dma_heap->node.mode, 0777);
	ck_assert_uint_le(dma_heap->n_names, DMA_HEAPS_MAX);
	ck_assert(dma_heap->listed || !dma_heap->n_names);
	for (size_t i = 0; i < dma_heap->n_names; i++)
		ck_assert_ptr_nonnull(settings_find_heap(settings, dma_heap->names[i]));
}

static void check_name(const char *name, size_t size)
{
	ck_assert(name[0]);
	ck_assert_uint_lt(strnlen(name, size), size);
	ck_assert(!strpbrk(name, "/ \t\n[]"));
}

static void check_areas(const struct settings *settings)
{
	uint64_t sum = 0;

	ck_assert_uint_le(settings->n_areas, AREAS_MAX);
	for (size_t i = 0; i < settings->n_areas; i++) {
		const struct area_settings *area = &settings->areas[i];

		check_name(area->name, sizeof(area->name));
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(area->name, settings->areas[k].name);
		ck_assert(area->page_size == 2 << 20 || area->page_size == 1 << 30);
		ck_assert_uint_gt(area->ceiling, 0);
		ck_assert_uint_eq(area->ceiling % area->page_size, 0);
		ck_assert_uint_eq(area->floor % area->page_size, 0);
		ck_assert_uint_le(area->floor, area->ceiling);
		ck_assert_uint_le((uint64_t)4096 << area->order_per_bit, area->page_size);
		ck_assert(!area->max_address || area->max_address >= area->ceiling);
		ck_assert(area->node >= -1 && area->node < 1024);
		sum += area->ceiling;
	}
	ck_assert_uint_le(sum, settings->memory);
}

static bool is_contiguous(const struct heap_settings *heap)
{
	return heap->kind != HEAP_KIND_SYSTEM && heap->kind != HEAP_KIND_DMA_HEAP;
}

static void check_heap(const struct heap_settings *heap, const struct settings *settings)
{
	bool memfd = false;

	check_name(heap->name, sizeof(heap->name));
	ck_assert(heap->kind >= HEAP_KIND_SYSTEM && heap->kind <= HEAP_KIND_DMA_HEAP);
	ck_assert_int_ge(heap->area, is_contiguous(heap) ? 0 : -1);
	ck_assert_int_lt(heap->area, is_contiguous(heap) ? (int)settings->n_areas : 0);
	ck_assert(!heap->align || heap->align >= 4096);
	ck_assert_uint_eq(heap->align & (heap->align - 1), 0);
	ck_assert(!heap->align || is_contiguous(heap));
	ck_assert(heap->align || heap->kind != HEAP_KIND_CHUNK);
	ck_assert(!heap->maximum || heap->maximum >= 4096);
	ck_assert_uint_le(heap->n_exporters, ARRAY_SIZE(heap->exporters));
	for (size_t i = 0; i < heap->n_exporters; i++)
		memfd = memfd || heap->exporters[i] == EXPORTER_MEMFD;
	ck_assert(!memfd || heap->trusted || !is_contiguous(heap));
	ck_assert((heap->physical == PHYSICAL_GROUP) == (heap->physical_group[0] != '\0'));
}

/* each id and each name is one heap's */
static void check_heaps(const struct settings *settings)
{
	const char *names[HEAP_IDS * (1 + HEAP_ALIASES_MAX)];
	uint32_t ids = 0;
	size_t n = 0;

	ck_assert(settings->n_heaps > 0 && settings->n_heaps <= HEAP_IDS);
	for (size_t i = 0; i < settings->n_heaps; i++) {
		const struct heap_settings *heap = &settings->heaps[i];

		check_heap(heap, settings);
		ck_assert_uint_lt(heap->id, HEAP_IDS);
		ck_assert_uint_eq(ids & 1u << heap->id, 0);
		ids |= 1u << heap->id;
		ck_assert_uint_eq(ids & heap->alias_ids, 0);
		ids |= heap->alias_ids;
		names[n++] = heap->name;
		ck_assert_uint_le(heap->n_alias_names, HEAP_ALIASES_MAX);
		for (size_t k = 0; k < heap->n_alias_names; k++) {
			check_name(heap->alias_names[k], HEAP_NAME_SIZE);
			names[n++] = heap->alias_names[k];
		}
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(names[i], names[k]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fd_closep) int fd = memfd_create("fuzz_conf", MFD_CLOEXEC);
	struct settings settings, builtin;
	char path[32], said[SAID_MAX];
	int r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	memset(&builtin, 0, sizeof(builtin)); /* its padding is compared too */
	settings_init(&builtin, (uint64_t)1 << 30);
	memcpy(&settings, &builtin, sizeof(settings));
	r = read_quietly(&settings, path, said);
	if (r == 0) {
		if (says_nothing(data, size))
			ck_assert(!memcmp(&settings, &builtin, sizeof(settings)));
		ck_assert_str_eq(said, "");
		check_settings(&settings);
		check_dma_heaps(&settings);
		check_areas(&settings);
		check_heaps(&settings);
	} else {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert(!memcmp(&settings, &builtin, sizeof(settings)));
		check_said(said, path, count_lines(data, size));
	}
	return 0;
}
