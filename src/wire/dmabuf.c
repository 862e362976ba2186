// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire/dmabuf.h"

#include <errno.h>
#include <linux/dma-buf.h>
#include <string.h>

#define SYNC_FLAGS  (DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)

/* the two numbers that 32- and 64-bit programs have for it; both serve both */
#define SET_NAME_32 _IOW(DMA_BUF_BASE, 1, uint32_t)
#define SET_NAME_64 _IOW(DMA_BUF_BASE, 1, uint64_t)

static int check_sync(const void *in, size_t in_size)
{
	struct dma_buf_sync sync;

	if (in_size < sizeof(sync))
		return -EINVAL;
	memcpy(&sync, in, sizeof(sync));
	if (sync.flags & ~(uint64_t)SYNC_FLAGS || !(sync.flags & DMA_BUF_SYNC_RW))
		return -EINVAL;
	return 0;
}

int wire_dmabuf_check(uint32_t cmd, const void *in, size_t in_size)
{
	switch (cmd) {
	case DMA_BUF_IOCTL_SYNC:
		return check_sync(in, in_size);
	case SET_NAME_32:
	case SET_NAME_64:
		return in_size && memchr(in, '\0', in_size) ? 0 : WIRE_DMABUF_E_NAME;
	}
	return -ENOTTY;
}
