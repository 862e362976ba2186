/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dma-bufs as such: taking one of the kernel's own heaps, and who holds one.
 */
#ifndef MEM_DMABUF_H
#define MEM_DMABUF_H

#include <stdbool.h>
#include <stdint.h>

/**
 * dmabuf_new() - a dma-buf of a heap of the kernel's
 * @ret_fd:	it, close-on-exec, for reading and writing, zero; untouched on failure
 * @heap:	an open /dev/dma_heap/NAME, borrowed
 * @size:	in whole pages
 *
 * Any thread. Return: 0, or what the kernel says: -ENOMEM; -ENOTTY: this is no such device.
 */
int dmabuf_new(int *ret_fd, int heap, uint64_t size);

/* has anyone the dma-buf, beside @fd: a further fd, a mapping, a driver? Also where that can't be
 * told. It has one open file for all of its life, which all of these share. */
bool dmabuf_is_held(int fd);

#endif
