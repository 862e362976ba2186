// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The heap `system`: any memory will do, so each buffer has a memfd of its own. What buffers
 * leave is kept for a while, for the next ones.
 */
#include "heap/heap.h"

#include <errno.h>

#include "base/err.h"
#include "base/fd.h"
#include "heap/pool.h"
#include "mem/export.h"

#define POOL_MAX   (64u << 20)
#define POOL_SHARE 16u /* of the machine's memory, where that is less */

struct heap_system {
	struct heap heap;
	uint64_t largest;
	struct pool *pool;
};

static struct heap_system *system_of(struct heap *heap)
{
	return container_of(heap, struct heap_system, heap);
}

/*
 * Memory is used again only where nothing of the buffer that had it can be left: who was given the
 * memfd itself could open it once more, or hold on to its pages.
 */
static bool system_recycles(const struct heap *heap)
{
	return heap->exporter->lets_go && !heap->exporter->ops->hands_out_memfd;
}

/* ---- blocks ---- */

static int system_reserve(struct heap *heap, struct heap_block *block)
{
	struct heap_system *s = system_of(heap);
	struct pooled *p = NULL;

	if (block->align > PAGES_SIZE)
		return -EINVAL;
	if (block->size > s->largest)
		return -ENOMEM;
	if (system_recycles(heap))
		p = pool_take(s->pool, block->size);
	if (p)
		block->memfd = p->fd;
	block->own = p;
	block->spare = pool_spare(s->pool) > 0;
	return 0;
}

/* have a memfd with zero pages; where there is no memory and the pool has some, that is given up */
static int system_fill_memfd(struct heap_block *block)
{
	struct pooled *p = block->own;
	int r;

	if (p)
		return pooled_clear(p) < 0 ? HEAP_E_AGAIN : 0;
	r = pages_new(&block->memfd, block->size, block->heap->exporter->ops->hands_out_memfd);
	block->starved = r == -ENOMEM && block->spare;
	return block->starved ? HEAP_E_AGAIN : r;
}

static int system_fill(struct heap_block *block)
{
	int r;

	r = system_fill_memfd(block);
	if (r)
		return r;
	block->one = (struct slice){ .fd = block->memfd, .size = block->size };
	block->slices = &block->one;
	block->n_slices = 1;
	return 0;
}

static void system_release(struct heap_block *block)
{
	struct pool *pool = system_of(block->heap)->pool;

	if (block->starved)
		pool_trim(pool);
	if (block->memfd < 0)
		return;
	if (block->own)
		pool_give(pool, block->own);
	else if (block->heap->exporter->ops->hands_out_memfd)
		pages_drop(block->memfd, block->size);
	else if (system_recycles(block->heap))
		pool_give_fd(pool, block->memfd, block->size);
	else
		fd_close(block->memfd);
}

/* ---- what is there beside ---- */

static void system_stock(const struct heap *heap, struct heap_stock *stock)
{
	const struct heap_system *s = container_of(heap, struct heap_system, heap);
	struct pool_totals totals;

	pool_totals(s->pool, &totals);
	stock->clean = totals.clean;
	stock->dirty = totals.dirty + totals.going;
	stock->pooled = stock->clean + stock->dirty;
	stock->largest = s->largest;
}

static bool system_tend_begin(struct heap *heap)
{
	return pool_begin(system_of(heap)->pool);
}

static void system_tend_run(struct heap *heap)
{
	pool_run(system_of(heap)->pool);
}

static void system_tend_finish(struct heap *heap)
{
	pool_finish(system_of(heap)->pool);
}

static void system_age(struct heap *heap, bool pressure)
{
	pool_age(system_of(heap)->pool, pressure);
}

static void system_name_fds(const struct heap *heap, void (*name)(int fd, void *user), void *user)
{
	pool_name_fds(container_of(heap, struct heap_system, heap)->pool, name, user);
}

/* ---- life ---- */

static struct heap *system_free(struct heap *heap)
{
	struct heap_system *s = system_of(heap);

	pool_free(s->pool);
	free(s);
	return NULL;
}

static const struct heap_ops system_ops = {
	.type = HEAP_TYPE_SYSTEM,
	.reserve = system_reserve,
	.fill = system_fill,
	.release = system_release,
	.stock = system_stock,
	.tend_begin = system_tend_begin,
	.tend_run = system_tend_run,
	.tend_finish = system_tend_finish,
	.age = system_age,
	.name_fds = system_name_fds,
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
	r = pool_new(&s->pool, MIN(totalram / POOL_SHARE, (uint64_t)POOL_MAX));
	if (r < 0)
		return r;

	*ret = &steal(s)->heap;
	return 0;
}
