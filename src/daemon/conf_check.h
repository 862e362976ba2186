/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the sections of a configuration file have to agree on. It is looked at when all of the file
 * has been read, and each fault still names its line.
 */
#ifndef DAEMON_CONF_CHECK_H
#define DAEMON_CONF_CHECK_H

#include "daemon/conf_area.h"
#include "daemon/conf_device.h"
#include "daemon/conf_heap.h"
#include "daemon/settings.h"

enum {
	CONF_HEAPS_MAX = 2 * HEAP_IDS, /* sections, and built-in heaps: some may be removed */
};

struct conf_parts {
	struct settings settings; /* but for areas and heaps */
	struct conf_lines dma_heap;
	struct conf_area areas[AREAS_MAX];
	size_t n_areas;
	struct conf_heap heaps[CONF_HEAPS_MAX];
	size_t n_heaps;
};

/* as @settings have it, with nothing in the file */
void conf_parts_init(struct conf_parts *parts, const struct settings *settings);

/* fill in what follows from the rest, check, and put areas and heaps into parts.settings: 0, or
 * -EINVAL with the fault set */
int conf_check(struct conf_parts *parts, struct conf_fault *fault);

/* ---- conf_ids.c ---- */

/* built-in aliases of a heap give way to what the file says of another; apart from that no id and
 * no name belongs to two heaps */
int conf_check_ids(struct conf_parts *parts, struct conf_fault *fault);

#endif
