// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The heap `system`: any memory will do, so each buffer has a memfd of its own.
 */
#include "heap/heap.h"

#include <errno.h>

#include "base/err.h"
#include "base/fd.h"
#include "mem/export.h"

struct heap_system {
	struct heap heap;
	uint64_t largest;
};

static int system_reserve(struct heap *heap, struct heap_block *block)
{
	struct heap_system *s = container_of(heap, struct heap_system, heap);

	if (block->align > PAGES_SIZE)
		return -EINVAL;
	return block->size > s->largest ? -ENOMEM : 0;
}

static int system_fill(struct heap_block *block)
{
	const struct exporter *exporter = block->heap->exporter;
	int r;

	r = pages_new(&block->memfd, block->size, exporter->ops->hands_out_memfd);
	if (r < 0)
		return r;
	block->one = (struct slice){ .fd = block->memfd, .size = block->size };
	block->slices = &block->one;
	block->n_slices = 1;
	return 0;
}

static void system_release(struct heap_block *block)
{
	if (block->memfd < 0)
		return;
	if (block->heap->exporter->ops->hands_out_memfd)
		pages_drop(block->memfd, block->size);
	else
		fd_close(block->memfd);
}

static struct heap *system_free(struct heap *heap)
{
	free(container_of(heap, struct heap_system, heap));
	return NULL;
}

static const struct heap_ops system_ops = {
	.type = HEAP_TYPE_SYSTEM,
	.reserve = system_reserve,
	.fill = system_fill,
	.release = system_release,
	.free = system_free,
};

/**
 * heap_system_new() - a heap of kind system
 * @ret:	the heap; untouched on failure
 * @config:	its id, name and exporter
 * @totalram:	bytes of memory of the machine
 *
 * Return: 0, or a negative error.
 */
int heap_system_new(struct heap **ret, const struct heap_config *config, uint64_t totalram)
{
	_cleanup_(freep) struct heap_system *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return err_origin(-ENOMEM);
	r = heap_init(&s->heap, &system_ops, config);
	if (r < 0)
		return r;
	if (config->stands_for)
		s->heap.type = config->stands_for;
	s->largest = totalram / 2;
	if (config->maximum)
		s->largest = MIN(s->largest, config->maximum);

	*ret = &steal(s)->heap;
	return 0;
}
