/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an area's memory comes from: blocks of one size in one sealed memfd, which are there, stay
 * where they are in physical memory, and say where that is. Behind an interface, so that the
 * arithmetic above it can be tested with frames that nobody has.
 */
#ifndef MEM_FRAMES_H
#define MEM_FRAMES_H

#include <stdint.h>

#include "base/attr.h"

struct frames;
struct slice;

struct frames_ops {
	/* have a block there, zero, and keep it where it is; -ENOMEM: there is no more */
	int (*take)(struct frames *frames, uint32_t block);
	/* the first frame of a block that was taken; or a negative error */
	int (*locate)(struct frames *frames, uint32_t block, uint64_t *ret_frame);
	/* give a block that was taken back to the kernel */
	void (*give)(struct frames *frames, uint32_t block);
	/* gives back whatever is taken */
	struct frames *(*free)(struct frames *frames);
};

struct frames {
	const struct frames_ops *ops;
	int memfd;
	char *map; /* all of it; block i is at i * block_size, here and in the memfd */
	uint64_t block_size;
	uint32_t n_blocks; /* that may be taken */
};

/*
 * Keep @block where it is in physical memory for as long as the fd that is returned is open;
 * @address is where it is mapped. Return: the fd, owned by the caller, or a negative error.
 */
typedef int (*frames_pin_fn)(void *user, const struct slice *block, void *address);

struct frames_config {
	uint64_t page_size; /* a size of huge pages that the kernel has */
	uint32_t n_blocks;
	int node;	   /* take them from this one; -1: any */
	int pagemap;	   /* /proc/self/pagemap, opened by who may see frame numbers; borrowed */
	frames_pin_fn pin; /* NULL: they may be moved, and frame numbers tell little */
	void *pin_user;
};

/* the kernel's huge pages. Return: 0, -EINVAL, -ENOMEM or a negative error; nothing is taken yet.
 */
int frames_huge_new(struct frames **ret, const struct frames_config *config);

struct frames *frames_free(struct frames *frames);
DEFINE_CLEANUP(struct frames *, frames_free);

/* a frames_pin_fn: a standing dma-buf over the block; @user is an int *, the fd of /dev/udmabuf */
int frames_pin_udmabuf(void *user, const struct slice *block, void *address);

/*
 * The frame that the page at @address is in. Return: 0, -ENODATA where no page is there, -EPERM
 * where @pagemap was opened by somebody who may not see frame numbers, or a negative error.
 */
int frames_read_pagemap(int pagemap, const void *address, uint64_t *ret_frame);

#endif
