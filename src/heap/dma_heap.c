// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A heap of the kernel's own, /dev/dma_heap/NAME, behind ours: real CMA on many boards. A block is
 * a dma-buf of it, fd and all.
 */
#include "heap/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "mem/dmabuf.h"
#include "mem/export.h"

struct heap_dma_heap {
	struct heap heap;
	int device; /* owned */
	uint64_t maximum;
};

static struct heap_dma_heap *dma_heap_of(struct heap *heap)
{
	return container_of(heap, struct heap_dma_heap, heap);
}

/* what room there is, only the kernel knows */
static int dma_heap_reserve(struct heap *heap, struct heap_block *block)
{
	uint64_t maximum = dma_heap_of(heap)->maximum;

	if (block->align > PAGES_SIZE)
		return -EINVAL;
	return maximum && block->size > maximum ? -ENOMEM : 0;
}

static int dma_heap_fill(struct heap_block *block)
{
	int r;

	r = dmabuf_new(&block->memfd, dma_heap_of(block->heap)->device, block->size);
	if (r < 0)
		return r;
	block->one = (struct slice){ .fd = block->memfd, .size = block->size };
	block->slices = &block->one;
	block->n_slices = 1;
	return 0;
}

static void dma_heap_release(struct heap_block *block)
{
	fd_close(block->memfd);
}

static void dma_heap_name_fds(const struct heap *heap, void (*name)(int fd, void *user), void *user)
{
	name(container_of(heap, struct heap_dma_heap, heap)->device, user);
}

static struct heap *dma_heap_free(struct heap *heap)
{
	struct heap_dma_heap *d = dma_heap_of(heap);

	fd_close(d->device);
	free(d);
	return NULL;
}

static const struct heap_ops dma_heap_ops = {
	.type = HEAP_TYPE_DMA,
	.reserve = dma_heap_reserve,
	.fill = dma_heap_fill,
	.release = dma_heap_release,
	.name_fds = dma_heap_name_fds,
	.free = dma_heap_free,
};

/* does it give a buffer, and can it be told whether anyone has that? */
static int dma_heap_try(int device)
{
	_cleanup_(fd_closep) int fd = -1, other = -1;
	int r;

	r = dmabuf_new(&fd, device, PAGES_SIZE);
	if (r < 0)
		return r;
	if (dmabuf_is_held(fd))
		return err_origin(-EOPNOTSUPP);
	other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (other < 0)
		return err_origin(-errno);
	return dmabuf_is_held(fd) ? 0 : err_origin(-EOPNOTSUPP);
}

int heap_dma_heap_new_consume_fd(struct heap **ret, const struct heap_config *config, int device)
{
	_cleanup_(freep) struct heap_dma_heap *d = NULL;
	int r;

	if (config->exporter->ops->kind != EXPORTER_DMABUF)
		return err_origin(-EINVAL);
	r = dma_heap_try(device);
	if (r < 0)
		return r;
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_origin(-ENOMEM);
	r = heap_init(&d->heap, &dma_heap_ops, config);
	if (r < 0)
		return r;
	/* the kernel calls those so that have any pages; all others are for devices */
	if (!strncmp(config->name, "system", strlen("system")))
		d->heap.type = HEAP_TYPE_SYSTEM;
	d->maximum = config->maximum;
	d->device = device;

	*ret = &steal(d)->heap;
	return 0;
}
