// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ion.h>
#include <linux/ion_4.19.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"

_Static_assert(ALLOC_NAME_SIZE == MAX_HEAP_NAME, "a heap's name fits");

int alloc_open(struct alloc_device *device, const char *path)
{
	device->fd = open(path, O_RDWR | O_CLOEXEC);
	return device->fd < 0 ? -errno : 0;
}

int alloc_list(struct alloc_device *device)
{
	struct ion_heap_data heaps[ALLOC_HEAPS] = { 0 };
	struct ion_heap_query query = { .cnt = ALLOC_HEAPS, .heaps = (uintptr_t)heaps };

	if (ioctl(device->fd, ION_IOC_HEAP_QUERY, &query) < 0)
		return -errno;
	device->n_heaps = MIN(query.cnt, (uint32_t)ALLOC_HEAPS);
	for (size_t i = 0; i < device->n_heaps; i++) {
		device->heaps[i].id = heaps[i].heap_id;
		device->heaps[i].type = heaps[i].type;
		memcpy(device->heaps[i].name, heaps[i].name, ALLOC_NAME_SIZE - 1);
	}
	return 0;
}

/* an id may be an alias, which no list has: the device knows */
int alloc_pick(struct alloc_device *device, const char *heap)
{
	uint32_t id = ALLOC_HEAPS;

	device->heap = (struct alloc_heap){ .id = ALLOC_HEAPS };
	if (heap && parse_u32(&id, heap) == 0 && id < ALLOC_HEAPS)
		device->heap.id = id;
	for (size_t i = 0; i < device->n_heaps; i++) {
		const struct alloc_heap *one = &device->heaps[i];

		if (heap ? one->id == id || !strcmp(one->name, heap)
			 : one->type == ION_HEAP_TYPE_SYSTEM)
			device->heap = *one;
	}
	return device->heap.id < ALLOC_HEAPS ? 0 : -ENODEV;
}

/* since 4.12: the fd at once */
static int alloc_modern(int device, uint64_t size, uint32_t mask, uint32_t flags)
{
	struct ion_new_allocation_data data = {
		.len = size,
		.heap_id_mask = mask,
		.flags = flags,
	};

	return ioctl(device, ION_IOC_NEW_ALLOC, &data) < 0 ? -errno : (int)data.fd;
}

/* before: a handle, an fd for it, and the handle is not needed any more */
static int alloc_legacy(int device, uint64_t size, uint32_t mask, uint32_t flags)
{
	struct ion_allocation_data data = {
		.len = size,
		.heap_id_mask = mask,
		.flags = flags,
	};
	struct ion_handle_data handle;
	struct ion_fd_data share;
	int r;

	if (ioctl(device, ION_IOC_ALLOC, &data) < 0)
		return -errno;
	share = (struct ion_fd_data){ .handle = data.handle };
	r = ioctl(device, ION_IOC_SHARE, &share) < 0 ? -errno : share.fd;
	handle = (struct ion_handle_data){ .handle = data.handle };
	ioctl(device, ION_IOC_FREE, &handle);
	return r;
}

int alloc_one(struct alloc_device *device, const struct alloc_options *options,
	      struct alloc_buffer *ret)
{
	uint32_t mask = 1u << device->heap.id;
	uint64_t begun = now_ns();
	struct stat st;
	off_t size;
	int fd;

	fd = alloc_modern(device->fd, options->size, mask, options->flags);
	if (fd == -ENOTTY) {
		begun = now_ns();
		fd = alloc_legacy(device->fd, options->size, mask, options->flags);
	}
	if (fd < 0)
		return fd;
	*ret = (struct alloc_buffer){ .fd = fd, .ns = now_ns() - begun };
	size = lseek(fd, 0, SEEK_END);
	if (size >= 0)
		ret->size = size;
	else if (fstat(fd, &st) == 0)
		ret->size = st.st_size;
	return 0;
}
