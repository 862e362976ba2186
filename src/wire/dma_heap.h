/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wire of /dev/dma_heap/NAME (linux/dma-heap.h). Pure, as wire/ion.h is.
 *
 * The kernel goes by a command's number alone (_IOC_NR): its letter is not looked at, and its size
 * says how much of the struct the caller knows. What a short struct lacks is zero; what a longer
 * one has behind goes back as it came. There is one difference: a caller whose struct has no room
 * for the fd, or is not to be written, is refused, as it would get an fd that it can't know of.
 */
#ifndef WIRE_DMA_HEAP_H
#define WIRE_DMA_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* the same for all widths */
struct wire_dma_heap_alloc {
	uint64_t len;
	uint32_t fd; /* 0 on the way in; the one field that an answer changes */
	uint32_t fd_flags;
	uint64_t heap_flags;
};

#define WIRE_DMA_HEAP_ALLOC	_IOWR('H', 0, struct wire_dma_heap_alloc)
#define WIRE_DMA_HEAP_FD_OFFSET offsetof(struct wire_dma_heap_alloc, fd)

struct wire_dma_heap_call {
	uint64_t len;	/* 0 is refused, as EINVAL, by who rounds it */
	int access;	/* of the fd: O_RDONLY, O_WRONLY or O_RDWR */
	bool over_exec; /* it is to stay open over an exec */
};

/**
 * wire_dma_heap_decode() - what an ioctl asks for
 * @ret:	the call; untouched on failure
 * @cmd:	the ioctl's number
 * @in:		the bytes that came with it
 * @in_size:	how many those are
 *
 * The answer is an fd at WIRE_DMA_HEAP_FD_OFFSET.
 *
 * Return: 0, -EINVAL or -EFAULT, as the kernel would say: never -ENOTTY.
 */
int wire_dma_heap_decode(struct wire_dma_heap_call *ret, uint32_t cmd, const void *in,
			 size_t in_size);

#endif
