/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that the service's buffers are made of, out of the settings: exporters, areas, heaps, and the
 * service over them.
 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include "core/service.h"
#include "core/state.h"
#include "daemon/areas.h"
#include "daemon/exporters.h"
#include "daemon/tender.h"
#include "front/listing.h"

struct memory {
	/* owned, set before memory_init(): an exporter `file` that works here; or NULL */
	struct exporter *file;
	struct watch *watch;
	struct exporters exporters;
	struct loop_jobs *background; /* clears what was freed */
	struct areas areas;
	struct heaps *heaps;
	struct tender tender;
	struct service *service;
	const char *exporter_name; /* of memory that need not be contiguous */
	struct listing_missing missing[HEAP_IDS];
	size_t n_missing;
};

struct memory_config {
	const struct settings *settings; /* borrowed for the call */
	struct state *state;		 /* borrowed, these two */
	struct loop *loop;
	int udmabuf; /* open /dev/udmabuf, borrowed; or -1: no contiguous memory */
	int pagemap; /* /proc/self/pagemap, opened by who may see frames; borrowed for the call */
	/* of the kernel's heaps, by place in settings.heaps: the devices, opened by who may; those
	 * that a heap takes are consumed and -1 from then on. NULL: none. */
	int *kernel_heaps;
};

/* Return: 0 or a negative error; memory_deinit() in both cases. A heap that can't be is said and
 * left out. */
int memory_init(struct memory *memory, const struct memory_config *config);
void memory_deinit(struct memory *memory);

#endif
