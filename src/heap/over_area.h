/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kinds of heap over an area have in common: a block is one range of it, or several of the
 * same size. Each kind's file says which alignment may be asked for, and which is given.
 */
#ifndef HEAP_OVER_AREA_H
#define HEAP_OVER_AREA_H

#include "heap/heap.h"

struct heap_over_area {
	struct heap heap;
	struct area *area; /* borrowed */
	uint64_t maximum;
	unsigned int align; /* pages << align: at least */
	uint64_t chunk;
};

/* Return: 0, -EINVAL or -ENOMEM; @config.exporter must not hand the memory's memfd out */
int over_area_new(struct heap **ret, const struct heap_ops *ops, const struct heap_config *config,
		  const struct heap_area_config *area);

/*
 * For reserve(): take the block in pieces of @piece bytes, each contiguous and aligned to pages <<
 * @align, or more where the heap was told to; what the last piece has beyond the block's size
 * nobody sees. Return: 0 or -ENOMEM.
 */
int over_area_take(struct heap_block *block, const struct heap_over_area *over, uint64_t piece,
		   unsigned int align);

int over_area_fill(struct heap_block *block);
void over_area_release(struct heap_block *block);
void over_area_stock(const struct heap *heap, struct heap_stock *stock);
int over_area_place(const struct heap_block *block, struct heap_place *place);
struct heap *over_area_free(struct heap *heap);

static inline struct heap_over_area *over_area_of(struct heap *heap)
{
	return container_of(heap, struct heap_over_area, heap);
}

/* the smallest power of two of pages that holds @size bytes, as the kernel's get_order() */
unsigned int over_area_order(uint64_t size);

#endif
