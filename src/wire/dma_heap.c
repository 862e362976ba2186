// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire/dma_heap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FD_FLAGS (O_CLOEXEC | O_ACCMODE)

/* how much of the struct goes this way */
static size_t size_of_way(uint32_t cmd, uint32_t way)
{
	return _IOC_DIR(cmd) & way ? _IOC_SIZE(cmd) : 0;
}

int wire_dma_heap_decode(struct wire_dma_heap_call *ret, uint32_t cmd, const void *in,
			 size_t in_size)
{
	struct wire_dma_heap_alloc alloc = { 0 };
	size_t size = size_of_way(cmd, _IOC_WRITE);

	if (_IOC_NR(cmd) != _IOC_NR(WIRE_DMA_HEAP_ALLOC))
		return -EINVAL;
	if (in_size < size)
		return -EFAULT;
	if (size)
		memcpy(&alloc, in, size < sizeof(alloc) ? size : sizeof(alloc));

	if (alloc.fd || alloc.fd_flags & ~(uint32_t)FD_FLAGS || alloc.heap_flags)
		return -EINVAL;
	if (size_of_way(cmd, _IOC_READ) < WIRE_DMA_HEAP_FD_OFFSET + sizeof(alloc.fd))
		return -EINVAL;
	*ret = (struct wire_dma_heap_call){
		.len = alloc.len,
		.access = alloc.fd_flags & O_ACCMODE,
		.over_exec = !(alloc.fd_flags & O_CLOEXEC),
	};
	return 0;
}
