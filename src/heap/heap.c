// SPDX-License-Identifier: LGPL-2.1-or-later
#include "heap/heap.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

/**
 * heap_init() - what all kinds of heap have
 * @heap:	to be filled
 * @ops:	of the kind
 * @config:	of this heap
 *
 * Return: 0, or -EINVAL where the id or the name is none.
 */
int heap_init(struct heap *heap, const struct heap_ops *ops, const struct heap_config *config)
{
	size_t length = strlen(config->name);

	if (config->id >= HEAP_IDS || !length || length >= HEAP_NAME_SIZE)
		return err_origin(-EINVAL);
	heap->ops = ops;
	heap->id = config->id;
	heap->type = ops->type;
	memcpy(heap->name, config->name, length + 1);
	heap->exporter = config->exporter;
	heap->physical = config->physical;
	heap->physical_gid = config->physical_gid;
	return 0;
}

struct heap *heap_free(struct heap *heap)
{
	if (!heap)
		return NULL;
	assert(!heap->bytes && !heap->buffers);
	return heap->ops->free(heap);
}

void heap_block_init(struct heap_block *block)
{
	*block = (struct heap_block)HEAP_BLOCK_INIT;
}

/**
 * heap_reserve() - decide that a block may be, and account for it
 * @heap:	the heap
 * @block:	initialized
 * @want:	what it shall be
 *
 * Return: 0; -ENOMEM: no room; -EINVAL: never of this heap; @block is as it was then.
 */
int heap_reserve(struct heap *heap, struct heap_block *block, const struct heap_want *want)
{
	int r;

	assert(!block->heap && want->size);
	block->size = want->size;
	block->flags = want->flags;
	block->align = want->align;
	r = heap->ops->reserve(heap, block);
	if (r < 0) {
		heap_block_init(block);
		return r;
	}
	block->heap = heap;
	heap->bytes += block->size;
	heap->buffers++;
	return 0;
}

/**
 * heap_fill() - have a reserved block's memory there; any thread
 * @block:	reserved; on success block.slices say where the memory is
 *
 * Return: 0, HEAP_E_AGAIN or a negative error; the block is still to be released then.
 */
int heap_fill(struct heap_block *block)
{
	return block->heap->ops->fill(block);
}

static void heap_call_work(const struct heap *heap)
{
	if (heap->work && heap->ops->tend_begin)
		heap->work(heap->work_user);
}

void heap_release(struct heap_block *block)
{
	struct heap *heap = block->heap;

	if (!heap)
		return;
	heap->ops->release(block);
	heap->bytes -= block->size;
	heap->buffers--;
	heap_block_init(block);
	heap_call_work(heap);
}

void heap_stock(const struct heap *heap, struct heap_stock *ret)
{
	*ret = (struct heap_stock){ 0 };
	if (heap->ops->stock)
		heap->ops->stock(heap, ret);
}

/**
 * heap_place() - where a block lies in physical memory
 * @block:	filled
 * @ret:	where; untouched on failure
 *
 * Return: 0, or -ENODEV where its memory may be anywhere and move, as the kernel had it for heaps
 * without a physical address (ABI.md section 6).
 */
int heap_place(const struct heap_block *block, struct heap_place *ret)
{
	const struct heap_ops *ops = block->heap->ops;

	return ops->place ? ops->place(block, ret) : -ENODEV;
}

bool heap_tend_begin(struct heap *heap)
{
	return heap->ops->tend_begin && heap->ops->tend_begin(heap);
}

void heap_tend_run(struct heap *heap)
{
	heap->ops->tend_run(heap);
}

void heap_tend_finish(struct heap *heap)
{
	heap->ops->tend_finish(heap);
}

void heap_age(struct heap *heap, bool pressure)
{
	if (!heap->ops->age)
		return;
	heap->ops->age(heap, pressure);
	heap_call_work(heap);
}

void heap_name_fds(const struct heap *heap, void (*name)(int fd, void *user), void *user)
{
	if (heap->ops->name_fds)
		heap->ops->name_fds(heap, name, user);
}
