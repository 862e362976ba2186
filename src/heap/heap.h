/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Heaps: where a buffer's memory comes from. A block is taken in two steps: heap_reserve() decides
 * and accounts, heap_fill() does the slow part and may run in any thread; heap_release() undoes
 * both. A heap never sees a client.
 */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/pages.h"

struct area;
struct exporter;
struct heap;

#define HEAP_IDS       32 /* ids are bits of a mask */
#define HEAP_NAME_SIZE 32 /* with the NUL */

enum heap_type { /* the numbers of the ABI */
		 HEAP_TYPE_SYSTEM = 0,
		 HEAP_TYPE_SYSTEM_CONTIG = 1,
		 HEAP_TYPE_CARVEOUT = 2,
		 HEAP_TYPE_CHUNK = 3,
		 HEAP_TYPE_DMA = 4,
		 HEAP_TYPE_CUSTOM = 5,
};

struct heap_want {
	uint64_t size; /* in whole pages, not 0 */
	uint32_t flags;
	uint64_t align; /* bytes, any number; 0: any. What may be asked for is the kind's own rule.
			 */
};

/* memory of one buffer; embedded in its owner's object */
struct heap_block {
	struct heap *heap; /* NULL: nothing taken */
	uint64_t size;
	uint32_t flags;
	uint64_t align;
	int memfd;	      /* of this block alone, owned; or -1 */
	struct slice *slices; /* where the memory is, in order; &one, or owned by the heap */
	size_t n_slices;
	struct slice one;
	void *own; /* the heap's, or NULL */
};

#define HEAP_BLOCK_INIT                   \
	{                                 \
		.heap = NULL, .memfd = -1 \
	}

struct heap_ops {
	uint32_t type;
	/* may this be, and is there room: -ENOMEM, -EINVAL. The block's size, flags and align are
	 * set. */
	int (*reserve)(struct heap *heap, struct heap_block *block);
	/* any thread; touches nothing but the block */
	int (*fill)(struct heap_block *block);
	/* give back what reserve() and fill() took; fill() may not have been called, or have failed
	 */
	void (*release)(struct heap_block *block);
	struct heap *(*free)(struct heap *heap);
};

struct heap_config {
	uint32_t id;
	const char *name;
	struct exporter *exporter; /* borrowed; makes the files of this heap's buffers */
};

/* first member of every kind of heap */
struct heap {
	const struct heap_ops *ops;
	uint32_t id;
	char name[HEAP_NAME_SIZE];
	struct exporter *exporter;
	uint64_t bytes, buffers; /* taken at the moment */
};

/* a heap as it is listed */
struct heap_info {
	char name[HEAP_NAME_SIZE];
	uint32_t type, id;
};

/* memory that need not be contiguous: a memfd per buffer. A buffer of more than half of @totalram
 * is refused. */
int heap_system_new(struct heap **ret, const struct heap_config *config, uint64_t totalram);

/* heaps over an area: contiguous memory */
struct heap_area_config {
	struct area *area; /* borrowed; outlives the heap; others may be over it too */
	uint64_t maximum;  /* of one buffer; 0: none */
	uint64_t chunk;	   /* for the kind chunk: its size, a power of two */
};

/* -EINVAL too where the exporter hands out the memory's memfd, which is all of the area */
int heap_carveout_new(struct heap **ret, const struct heap_config *config,
		      const struct heap_area_config *area);
int heap_chunk_new(struct heap **ret, const struct heap_config *config,
		   const struct heap_area_config *area);
int heap_custom_new(struct heap **ret, const struct heap_config *config,
		    const struct heap_area_config *area);
int heap_dma_new(struct heap **ret, const struct heap_config *config,
		 const struct heap_area_config *area);
int heap_system_contig_new(struct heap **ret, const struct heap_config *config,
			   const struct heap_area_config *area);

struct heap *heap_free(struct heap *heap); /* nothing of it may be taken */
DEFINE_CLEANUP(struct heap *, heap_free);

/* for constructors of kinds: -EINVAL where the id or the name is none */
int heap_init(struct heap *heap, const struct heap_ops *ops, const struct heap_config *config);

void heap_block_init(struct heap_block *block);
int heap_reserve(struct heap *heap, struct heap_block *block, const struct heap_want *want);
int heap_fill(struct heap_block *block);
void heap_release(struct heap_block *block);

#endif
