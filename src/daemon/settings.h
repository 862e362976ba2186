/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the command line (daemon/options.h) and the configuration file (daemon/conf.h,
 * cusiond.conf(5)) say, in one struct that is never changed after the start.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "heap/heap.h"
#include "mem/area.h"
#include "mem/export.h"
#include "wire/ion.h"

enum frontend_kind {
	FRONTEND_CUSE,
	FRONTEND_FUSE,
};

struct frontend {
	enum frontend_kind kind;
	const char *dir; /* FRONTEND_FUSE: where it is mounted; of argv */
};

enum {
	FRONTENDS_MAX = 8,
	AREAS_MAX = 16,
	HEAP_ALIASES_MAX = 8,
	DMA_HEAPS_MAX = 32,
};

/* [area NAME] */
struct area_settings {
	char name[AREA_NAME_SIZE];
	uint64_t page_size;	    /* bytes: of huge pages */
	int node;		    /* take them from this one; -1: any */
	uint64_t floor, ceiling;    /* bytes, multiples of page_size */
	unsigned int order_per_bit; /* as struct area_config has it */
	uint64_t max_address;	    /* no byte at or above it; 0: any */
	bool partial;
};

enum heap_kind {
	HEAP_KIND_SYSTEM,
	HEAP_KIND_SYSTEM_CONTIG,
	HEAP_KIND_CARVEOUT,
	HEAP_KIND_CHUNK,
	HEAP_KIND_DMA,
	HEAP_KIND_CUSTOM,
	HEAP_KIND_DMA_HEAP, /* the kernel's own heap of that name behind ours */
};

/* [heap NAME] */
struct heap_settings {
	char name[HEAP_NAME_SIZE];
	enum heap_kind kind;
	uint32_t id;
	uint32_t alias_ids; /* a mask */
	char alias_names[HEAP_ALIASES_MAX][HEAP_NAME_SIZE];
	size_t n_alias_names;
	int area;	  /* index in settings.areas; -1: the kind has none */
	uint64_t align;	  /* bytes: what each buffer is aligned to at least; the size of a chunk */
	uint64_t maximum; /* bytes of one buffer; 0: the kind's own limit */
	enum exporter_kind exporters[3]; /* in the order in which they are tried */
	size_t n_exporters;		 /* 0: auto */
	bool trusted;
	enum physical_rule physical;
	char physical_group[64];
};

/* what a kind of node is given where it appears */
struct node_settings {
	mode_t mode;
	char group[64]; /* where there is no such group: root */
	bool given;	/* the file says one of them: it wins over udev's rules */
};

/* [device dma_heap] */
struct dma_heap_settings {
	struct node_settings node;
	bool listed; /* these and no others; else those that daemon/doors.h chooses */
	char names[DMA_HEAPS_MAX][HEAP_NAME_SIZE]; /* of heaps, aliases too */
	size_t n_names;
};

struct settings {
	char config[256];  /* path; "" for the built-in settings */
	char control[108]; /* path of the control socket */
	enum log_level log_level;
	struct node_settings ion;
	struct dma_heap_settings dma_heap;
	struct wire_policy policy;

	uint64_t memory; /* bytes that the machine has */
	struct area_settings areas[AREAS_MAX];
	size_t n_areas;
	struct heap_settings heaps[HEAP_IDS];
	size_t n_heaps;

	struct frontend frontends[FRONTENDS_MAX];
	size_t n_frontends;
	bool check_config; /* read the configuration and exit */
};

/* the built-in settings, for a machine of @memory bytes */
void settings_init(struct settings *settings, uint64_t memory);

/* the heap of that name or alias name, or NULL */
const struct heap_settings *settings_find_heap(const struct settings *settings, const char *name);

/* does a heap's list of exporters have it? */
bool settings_name_exporter(const struct settings *settings, enum exporter_kind kind);

#endif
