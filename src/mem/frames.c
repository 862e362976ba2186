// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Huge pages of the kernel. The mapping reserves none (MAP_NORESERVE): they are taken one by one,
 * so that an area can live with fewer than it asked for, by MADV_POPULATE_WRITE, which says that
 * there is no more where a touch would raise SIGBUS. Only a page that is pinned stays in its frame.
 */
#include "mem/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "mem/pages.h"

#define NODES_MAX	1024
#define BITS_OF_LONG	(8 * sizeof(unsigned long))
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FRAME	((1ull << 55) - 1)

struct frames_huge {
	struct frames frames;
	int pagemap;
	frames_pin_fn pin;
	void *pin_user;
	int *pins; /* fds, by block; -1: not taken */
};

int frames_read_pagemap(int pagemap, const void *address, uint64_t *ret_frame)
{
	uint64_t entry;
	ssize_t n;

	n = pread(pagemap, &entry, sizeof(entry), (uintptr_t)address / PAGES_SIZE * sizeof(entry));
	if (n != sizeof(entry))
		return err_origin(n < 0 ? -errno : -EIO);
	if (!(entry & PAGEMAP_PRESENT))
		return err_origin(-ENODATA);
	if (!(entry & PAGEMAP_FRAME))
		return err_origin(-EPERM);
	*ret_frame = entry & PAGEMAP_FRAME;
	return 0;
}

int frames_pin_udmabuf(void *user, const struct slice *block, void *address)
{
	struct udmabuf_create create = {
		.memfd = block->fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = block->offset,
		.size = block->size,
	};
	int r;

	r = ioctl(*(int *)user, UDMABUF_CREATE, &create);
	return r < 0 ? err_origin(-errno) : r;
}

/* ---- one block ---- */

static struct frames_huge *huge_of(struct frames *frames)
{
	return container_of(frames, struct frames_huge, frames);
}

static char *huge_address(const struct frames *frames, uint32_t block)
{
	return frames->map + block * frames->block_size;
}

static void huge_punch(struct frames *frames, uint32_t block)
{
	fallocate(frames->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  block * frames->block_size, frames->block_size);
}

static int huge_take(struct frames *frames, uint32_t block)
{
	struct frames_huge *h = huge_of(frames);
	const struct slice slice = { frames->memfd, block * frames->block_size,
				     frames->block_size };
	char *address = huge_address(frames, block);
	int r;

	do
		r = madvise(address, frames->block_size, MADV_POPULATE_WRITE);
	while (r < 0 && errno == EINTR);
	if (r < 0) /* EFAULT is what a touch would have died of: no page was left */
		return errno == EFAULT ? -ENOMEM : err_origin(-errno);
	if (!h->pin)
		return 0;
	r = h->pin(h->pin_user, &slice, address);
	if (r < 0) {
		huge_punch(frames, block);
		return r;
	}
	h->pins[block] = r;
	return 0;
}

static int huge_locate(struct frames *frames, uint32_t block, uint64_t *ret_frame)
{
	return frames_read_pagemap(huge_of(frames)->pagemap, huge_address(frames, block),
				   ret_frame);
}

static void huge_give(struct frames *frames, uint32_t block)
{
	struct frames_huge *h = huge_of(frames);

	h->pins[block] = fd_close(h->pins[block]);
	huge_punch(frames, block);
}

/* ---- life ---- */

static struct frames *huge_free(struct frames *frames)
{
	struct frames_huge *h = huge_of(frames);

	if (h->pins) {
		for (uint32_t i = 0; i < frames->n_blocks; i++)
			fd_close(h->pins[i]);
	}
	if (frames->map)
		munmap(frames->map, frames->n_blocks * frames->block_size);
	fd_close(frames->memfd);
	free(h->pins);
	free(h);
	return NULL;
}

static const struct frames_ops huge_ops = {
	.take = huge_take,
	.locate = huge_locate,
	.give = huge_give,
	.free = huge_free,
};

struct frames *frames_free(struct frames *frames)
{
	return frames ? frames->ops->free(frames) : NULL;
}

static int huge_memfd(uint64_t page_size, uint64_t size)
{
	unsigned int log2 = __builtin_ctzll(page_size);
	_cleanup_(fd_closep) int fd = -1;

	fd = memfd_create("ion-area",
			  MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | log2 << MFD_HUGE_SHIFT);
	if (fd < 0)
		return err_origin(errno == ENODEV || errno == ENOENT ? -EINVAL : -errno);
	if (ftruncate(fd, size) < 0)
		return err_origin(-errno);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_origin(-errno);
	return fd_steal(&fd);
}

static int huge_map(struct frames *frames, int node)
{
	unsigned long nodes[NODES_MAX / BITS_OF_LONG] = { 0 };
	uint64_t size = frames->n_blocks * frames->block_size;
	void *map;

	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, frames->memfd,
		   0);
	if (map == MAP_FAILED)
		return err_origin(-errno);
	frames->map = map;
	if (node < 0)
		return 0;
	nodes[node / BITS_OF_LONG] = 1ul << node % BITS_OF_LONG;
	if (syscall(SYS_mbind, map, size, MPOL_BIND, nodes, NODES_MAX, MPOL_MF_STRICT) < 0)
		return err_origin(-errno);
	return 0;
}

int frames_huge_new(struct frames **ret, const struct frames_config *config)
{
	_cleanup_(frames_freep) struct frames *frames = NULL;
	struct frames_huge *h;
	int r;

	if (config->page_size < PAGES_SIZE || config->page_size & (config->page_size - 1) ||
	    !config->n_blocks || config->n_blocks > INT64_MAX / config->page_size ||
	    config->node >= NODES_MAX)
		return err_origin(-EINVAL);
	h = calloc(1, sizeof(*h));
	if (!h)
		return err_origin(-ENOMEM);
	frames = &h->frames;
	*frames = (struct frames){
		.ops = &huge_ops,
		.memfd = -1,
		.block_size = config->page_size,
		.n_blocks = config->n_blocks,
	};
	h->pagemap = config->pagemap;
	h->pin = config->pin;
	h->pin_user = config->pin_user;
	h->pins = calloc(config->n_blocks, sizeof(*h->pins));
	if (!h->pins)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < config->n_blocks; i++)
		h->pins[i] = -1;
	r = huge_memfd(config->page_size, config->n_blocks * config->page_size);
	if (r < 0)
		return r;
	frames->memfd = r;
	r = huge_map(frames, config->node);
	if (r < 0)
		return r;

	*ret = steal(frames);
	return 0;
}
