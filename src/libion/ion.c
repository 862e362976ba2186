// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libion: thin calls over /dev/ion, for both of its interfaces. Programs are tuned to the habits of
 * Android's library, so they are kept to the letter: which argument is looked at first, what
 * is asked of the device and what is refused before it is asked (libion(3)).
 *
 * Which interface a device has is found once per process, by freeing handle 0: a device without
 * handles does not know the call. Any other answer, even that of an fd that isn't open, means
 * handles from then on. That is the one state here. What comes of a service that is just ending is
 * no answer: the next call asks again.
 */
#include <ion/ion.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/ion_4.19.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ABI_VERSION_MODULAR_HEAPS 2

enum interface {
	INTERFACE_UNKNOWN,
	INTERFACE_LEGACY,
	INTERFACE_MODERN,
};

static atomic_int known_interface = INTERFACE_UNKNOWN;

/*
 * The request is an int, as in Android's library: what reaches the system call of a 64-bit
 * program is sign-extended, and a device that compares more than 32 bits is found out here.
 */
static int ion_ioctl(int fd, int request, void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

/* the device was not reached */
static bool is_no_answer(int r)
{
	return r == -ENOTCONN || r == -ECONNABORTED || r == -EINTR || r == -EIO;
}

int ion_is_legacy(int fd)
{
	int interface = atomic_load_explicit(&known_interface, memory_order_relaxed);
	int r;

	if (interface == INTERFACE_UNKNOWN) {
		r = ion_free(fd, 0);
		interface = r == -ENOTTY ? INTERFACE_MODERN : INTERFACE_LEGACY;
		if (!is_no_answer(r))
			atomic_store_explicit(&known_interface, interface, memory_order_relaxed);
	}
	return interface == INTERFACE_LEGACY;
}

int ion_is_using_modular_heaps(int fd)
{
	int version = 0;

	return ion_ioctl(fd, ION_IOC_ABI_VERSION, &version) == 0 &&
	       version >= ABI_VERSION_MODULAR_HEAPS;
}

int ion_open(void)
{
	return open("/dev/ion", O_RDONLY | O_CLOEXEC);
}

int ion_close(int fd)
{
	return close(fd) < 0 ? -errno : 0;
}

static int alloc_handle(int fd, size_t len, size_t align, unsigned int heap_mask,
			unsigned int flags, ion_user_handle_t *handle)
{
	struct ion_allocation_data data = {
		.len = len,
		.align = align,
		.heap_id_mask = heap_mask,
		.flags = flags,
	};
	int r;

	r = ion_ioctl(fd, ION_IOC_ALLOC, &data);
	if (r >= 0)
		*handle = data.handle;
	return r;
}

int ion_alloc(int fd, size_t len, size_t align, unsigned int heap_mask, unsigned int flags,
	      ion_user_handle_t *handle)
{
	if (!handle || !ion_is_legacy(fd))
		return -EINVAL;

	return alloc_handle(fd, len, align, heap_mask, flags, handle);
}

int ion_free(int fd, ion_user_handle_t handle)
{
	struct ion_handle_data data = { .handle = handle };

	return ion_ioctl(fd, ION_IOC_FREE, &data);
}

/* ION_IOC_MAP and ION_IOC_SHARE: the device has one meaning for the two */
static int export_handle(int fd, int request, ion_user_handle_t handle, int *ret_fd)
{
	struct ion_fd_data data = { .handle = handle };
	int r;

	r = ion_ioctl(fd, request, &data);
	if (r < 0)
		return r;
	if (data.fd < 0)
		return -EINVAL;

	*ret_fd = data.fd;
	return r;
}

int ion_map(int fd, ion_user_handle_t handle, size_t length, int prot, int flags, off_t offset,
	    unsigned char **ptr, int *map_fd)
{
	void *p;
	int buffer_fd, r;

	if (!ion_is_legacy(fd) || !ptr || !map_fd)
		return -EINVAL;

	r = export_handle(fd, ION_IOC_MAP, handle, &buffer_fd);
	if (r < 0)
		return r;

	p = mmap(NULL, length, prot, flags, buffer_fd, offset);
	if (p == MAP_FAILED) {
		r = -errno;
		close(buffer_fd); /* the caller never learns its number */
		return r;
	}

	*ptr = p;
	*map_fd = buffer_fd;
	return r;
}

int ion_share(int fd, ion_user_handle_t handle, int *share_fd)
{
	if (!ion_is_legacy(fd) || !share_fd)
		return -EINVAL;

	return export_handle(fd, ION_IOC_SHARE, handle, share_fd);
}

int ion_import(int fd, int share_fd, ion_user_handle_t *handle)
{
	struct ion_fd_data data = { .fd = share_fd };
	int r;

	if (!ion_is_legacy(fd) || !handle)
		return -EINVAL;

	r = ion_ioctl(fd, ION_IOC_IMPORT, &data);
	if (r >= 0)
		*handle = data.handle;
	return r;
}

int ion_sync_fd(int fd, int handle_fd)
{
	struct ion_fd_data data = { .fd = handle_fd };

	if (!ion_is_legacy(fd))
		return -EINVAL;

	return ion_ioctl(fd, ION_IOC_SYNC, &data);
}

/* the fd outlives the handle: a buffer stays as long as anything refers to it */
static int alloc_fd_by_handle(int fd, size_t len, size_t align, unsigned int heap_mask,
			      unsigned int flags, int *handle_fd)
{
	ion_user_handle_t handle;
	int r;

	r = alloc_handle(fd, len, align, heap_mask, flags, &handle);
	if (r < 0)
		return r;

	r = export_handle(fd, ION_IOC_SHARE, handle, handle_fd);
	ion_free(fd, handle);
	return r;
}

int ion_alloc_fd(int fd, size_t len, size_t align, unsigned int heap_mask, unsigned int flags,
		 int *handle_fd)
{
	struct ion_new_allocation_data data = {
		.len = len,
		.heap_id_mask = heap_mask,
		.flags = flags,
	};
	int r;

	if (!handle_fd)
		return -EINVAL;
	if (ion_is_legacy(fd))
		return alloc_fd_by_handle(fd, len, align, heap_mask, flags, handle_fd);

	r = ion_ioctl(fd, ION_IOC_NEW_ALLOC, &data);
	if (r >= 0)
		*handle_fd = data.fd;
	return r;
}

int ion_query_heap_cnt(int fd, int *cnt)
{
	struct ion_heap_query query = { 0 };
	int r;

	if (!cnt)
		return -EINVAL;

	r = ion_ioctl(fd, ION_IOC_HEAP_QUERY, &query);
	if (r >= 0)
		*cnt = query.cnt;
	return r;
}

int ion_query_get_heaps(int fd, int cnt, void *buffers)
{
	struct ion_heap_query query = { .cnt = cnt, .heaps = (uintptr_t)buffers };

	return ion_ioctl(fd, ION_IOC_HEAP_QUERY, &query);
}
