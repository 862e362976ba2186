// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mem/dmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "base/fd.h"

int dmabuf_new(int *ret_fd, int heap, uint64_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int r;

	do
		r = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_origin(-errno);
	*ret_fd = data.fd;
	return 0;
}

/* fdinfo counts all references but its reader's: one is @fd's */
bool dmabuf_is_held(int fd)
{
	char path[sizeof("/proc/self/fdinfo/") + 10], text[512];
	const char *count;
	long n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (file_read_text(path, text, sizeof(text)) < 0)
		return true;
	count = strstr(text, "\ncount:");
	return !count || sscanf(count, "\ncount: %ld", &n) != 1 || n != 1;
}
