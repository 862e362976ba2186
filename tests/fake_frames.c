// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_frames.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem/pages.h"

static struct fake_frames *fake_of(struct frames *frames)
{
	return container_of(frames, struct fake_frames, frames);
}

static int fake_take(struct frames *frames, uint32_t block)
{
	struct fake_frames *fake = fake_of(frames);

	assert(block < frames->n_blocks && !fake->taken[block]);
	if (fake->n_taken == fake->n_there)
		return fake->take_error ? fake->take_error : -ENOMEM;
	fake->taken[block] = true;
	fake->n_taken++;
	return 0;
}

static int fake_locate(struct frames *frames, uint32_t block, uint64_t *ret_frame)
{
	struct fake_frames *fake = fake_of(frames);

	assert(fake->taken[block]);
	*ret_frame = fake->located[block];
	return fake->locate_error;
}

static void fake_give(struct frames *frames, uint32_t block)
{
	struct fake_frames *fake = fake_of(frames);

	assert(fake->taken[block]);
	fake->taken[block] = false;
	fake->n_taken--;
}

static struct frames *fake_free(struct frames *frames)
{
	munmap(frames->map, frames->n_blocks * frames->block_size);
	close(frames->memfd);
	free(fake_of(frames));
	return NULL;
}

static const struct frames_ops fake_ops = { fake_take, fake_locate, fake_give, fake_free };

struct fake_frames *fake_frames_new(uint32_t n_blocks, uint64_t block_frames, uint64_t frame)
{
	struct fake_frames *fake = calloc(1, sizeof(*fake));
	uint64_t block_size = block_frames * PAGES_SIZE;

	assert(fake && n_blocks <= FAKE_BLOCKS);
	fake->frames.ops = &fake_ops;
	fake->frames.block_size = block_size;
	fake->frames.n_blocks = n_blocks;
	fake->frames.memfd = memfd_create("frames", MFD_CLOEXEC);
	assert(fake->frames.memfd >= 0);
	if (ftruncate(fake->frames.memfd, n_blocks * block_size) < 0)
		abort();
	fake->frames.map = mmap(NULL, n_blocks * block_size, PROT_READ | PROT_WRITE, MAP_SHARED,
				fake->frames.memfd, 0);
	assert(fake->frames.map != MAP_FAILED);
	for (uint32_t i = 0; i < n_blocks; i++)
		fake->located[i] = frame + i * block_frames;
	fake->n_there = n_blocks;
	return fake;
}

/* a mapping of a file's pages behind its end */
void fake_frames_lose(struct fake_frames *fake, uint32_t block)
{
	uint64_t size = fake->frames.block_size;
	int empty = memfd_create("lost", MFD_CLOEXEC);
	void *map;

	map = mmap(fake->frames.map + block * size, size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, empty, 0);
	assert(map != MAP_FAILED);
	(void)map;
	close(empty);
}
