// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/attr.h"
#include "base/log.h"
#include "daemon/conf_key.h"
#include "mem/pressure.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

enum {
	OTHER_FDS = 2 * 4096, /* that are needed beside those of areas: a client's buffers */
};

static uint64_t blocks_of(const struct area_settings *area)
{
	return area->ceiling / area->page_size;
}

/* ---- limits of udmabuf ---- */

/* the largest buffer, and a huge page, which is pinned by being one */
static uint64_t udmabuf_megabytes(const struct settings *settings)
{
	uint64_t size = MAX(settings->memory / 2, GIB);

	for (size_t i = 0; i < settings->n_areas; i++)
		size = MAX(size, settings->areas[i].ceiling);
	/*
	 * Before 6.15 the kernel makes bytes of this in an int: of multiples of 4096 it makes 0,
	 * and refuses every buffer. Of one less it makes a negative number, which it takes for a
	 * large one.
	 */
	return size / MIB | 4095;
}

/* the slices of the largest buffer: each block of an area, or each chunk, may be one */
static uint64_t udmabuf_slices(const struct settings *settings)
{
	uint64_t most = 0;

	for (size_t i = 0; i < settings->n_areas; i++)
		most = MAX(most, blocks_of(&settings->areas[i]));
	for (size_t i = 0; i < settings->n_heaps; i++) {
		const struct heap_settings *heap = &settings->heaps[i];

		if (heap->kind == HEAP_KIND_CHUNK)
			most = MAX(most, settings->areas[heap->area].ceiling / heap->align);
	}
	return most;
}

static void raise_limit(struct undo *undo, const char *name, uint64_t wanted)
{
	uint64_t now, added;
	char path[96];
	int r;

	snprintf(path, sizeof(path), "module/udmabuf/parameters/%s", name);
	r = undo_read(undo, UNDO_LIMIT, path, &now);
	if (r == 0 && now >= wanted)
		return;
	if (r == 0)
		r = undo_raise(undo, UNDO_LIMIT, path, wanted - now, &added);
	if (r < 0)
		log_warning("keeper",
			    "can't raise %s/%s to %" PRIu64 ": %s: larger buffers will be refused",
			    undo->sysfs, path, wanted, strerror(-r));
}

/* ---- huge pages ---- */

static void say_short(const struct area_settings *area, uint64_t got)
{
	char page[CONF_SIZE_TEXT];
	uint64_t floor = area->floor / area->page_size;

	conf_size_text(page, area->page_size);
	if (got && got >= floor)
		log_notice("area",
			   "area %s: %" PRIu64 " of %" PRIu64 " huge pages of %s are to be had",
			   area->name, got, blocks_of(area), page);
	else
		log_error("area",
			  "area %s: %" PRIu64 " of %" PRIu64
			  " huge pages of %s are to be had, its floor is %" PRIu64
			  ": it is left out; free memory, or start earlier%s",
			  area->name, got, blocks_of(area), page, floor,
			  area->page_size == GIB ? ": such pages can rarely be had but after boot"
						 : "");
}

static void say_none(const struct area_settings *area)
{
	char page[CONF_SIZE_TEXT];

	log_error("area",
		  "area %s: no huge pages of %s on this kernel, or no such node: it is left out",
		  area->name, conf_size_text(page, area->page_size));
}

static void pool_path(char *path, size_t size, const struct area_settings *area)
{
	char node[48] = "kernel/mm";

	if (area->node >= 0)
		snprintf(node, sizeof(node), "devices/system/node/node%d", area->node);
	snprintf(path, size, "%s/hugepages/hugepages-%" PRIu64 "kB", node, area->page_size >> 10);
}

/* Return: 0, or why sysfs or the note can't be written */
static int reserve_area(struct undo *undo, struct area_settings *area)
{
	/* what the kernel would give to the last page, the machine needs to live on */
	uint64_t wanted = MIN(blocks_of(area), pressure_spare() / area->page_size), got;
	char path[96];
	int r;

	pool_path(path, sizeof(path), area);
	if (undo_read(undo, UNDO_PAGES, path, &got) < 0) {
		say_none(area);
		area->ceiling = 0;
		return 0;
	}
	r = undo_raise(undo, UNDO_PAGES, path, wanted, &got);
	if (r < 0 || got == blocks_of(area))
		return r;
	say_short(area, got);
	if (!got || got * area->page_size < area->floor) {
		undo_last(undo);
		got = 0;
	}
	area->ceiling = got * area->page_size;
	return 0;
}

static void reserve_areas(struct undo *undo, struct settings *settings)
{
	int r = 0;

	for (size_t i = 0; i < settings->n_areas; i++)
		r = reserve_area(undo, &settings->areas[i]) ?: r;
	if (r < 0)
		log_warning("area",
			    "can't reserve huge pages (%s, noted in %s): %s: areas live on those "
			    "that are free",
			    undo->sysfs, undo->note, strerror(-r));
}

/* ---- open files ---- */

/* a block is pinned by an open file */
static void check_fds(const struct settings *settings)
{
	struct rlimit limit;
	uint64_t n = 0;

	for (size_t i = 0; i < settings->n_areas; i++)
		n += blocks_of(&settings->areas[i]);
	if (n && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n + OTHER_FDS)
		log_warning("keeper",
			    "at most %" PRIu64
			    " open files (fs.nr_open, RLIMIT_NOFILE): areas need "
			    "%" PRIu64 ", and each buffer two",
			    (uint64_t)limit.rlim_cur, n);
}

/* ---- all ---- */

void reserve_take(struct undo *undo, struct settings *settings)
{
	int r;

	r = undo_recover(undo);
	if (r > 0)
		log_notice("keeper", "put back what a service that was killed had reserved");
	else if (r < 0)
		log_warning("keeper", "%s can't be read: %s: what it says was reserved stays so",
			    undo->note, strerror(-r));
	reserve_areas(undo, settings);
	raise_limit(undo, "size_limit_mb", udmabuf_megabytes(settings));
	raise_limit(undo, "list_limit", udmabuf_slices(settings));
	check_fds(settings);
}

void reserve_give(struct undo *undo)
{
	undo_all(undo);
}
