// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shared memory for a secure application, as programs of the Android world got it: by libion, out
 * of the heap that the msm headers name, opened by ion_open() or, where that was not to be had, by
 * its path. Built both ways. Nothing here is of a test but the last line that is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ion/ion.h>
#include <linux/dma-buf.h>
#include <linux/msm_ion.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGN_TO_PAGE(n) (((n) + 4095) & ~4095)
#define REQUEST_SIZE	 20000

struct shared_memory {
	int ion_fd;
	int data_fd;
	unsigned char *data;
	size_t len;
};

static int open_ion(const char *path)
{
#ifdef OPEN_BY_PATH
	return open(path, O_RDONLY);
#else
	(void)path;
	return ion_open();
#endif
}

static int sync_memory(const struct shared_memory *mem, unsigned int flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (ioctl(mem->data_fd, DMA_BUF_IOCTL_SYNC, &sync)) {
		fprintf(stderr, "DMA_BUF_IOCTL_SYNC %#x: %s\n", flags, strerror(errno));
		return -1;
	}
	return 0;
}

static int alloc_memory(struct shared_memory *mem, const char *path, size_t len)
{
	int ret;

	mem->len = ALIGN_TO_PAGE(len);
	mem->ion_fd = open_ion(path);
	if (mem->ion_fd < 0) {
		fprintf(stderr, "ION can't be opened: %s\n", strerror(errno));
		return -1;
	}
	ret = ion_alloc_fd(mem->ion_fd, mem->len, 0, ION_HEAP(ION_QSECOM_HEAP_ID), 0,
			   &mem->data_fd);
	if (ret) {
		fprintf(stderr, "ion_alloc_fd: %d\n", ret);
		goto close_ion;
	}
	mem->data = mmap(NULL, mem->len, PROT_READ | PROT_WRITE, MAP_SHARED, mem->data_fd, 0);
	if (mem->data == MAP_FAILED) {
		fprintf(stderr, "mmap: %s\n", strerror(errno));
		goto close_data;
	}
	return 0;

close_data:
	close(mem->data_fd);
close_ion:
	ion_close(mem->ion_fd);
	return -1;
}

static int free_memory(struct shared_memory *mem)
{
	int ret = 0;

	ret |= munmap(mem->data, mem->len);
	ret |= close(mem->data_fd);
	ret |= ion_close(mem->ion_fd);
	return ret;
}

static int use_memory(const struct shared_memory *mem)
{
	if (sync_memory(mem, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW))
		return -1;
	memset(mem->data, 0x5a, mem->len);
	if (sync_memory(mem, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW))
		return -1;
	return mem->data[0] == 0x5a && mem->data[mem->len - 1] == 0x5a ? 0 : -1;
}

int main(int argc, char **argv)
{
	const char *path = argc == 3 && !strcmp(argv[1], "-d") ? argv[2] : "/dev/ion";
	struct shared_memory mem;
	int ret;

	alarm(60);
	ret = alloc_memory(&mem, path, REQUEST_SIZE);
	if (!ret) {
		ret = use_memory(&mem);
		ret |= free_memory(&mem);
	}
	printf("%sok 1 - the classic flow\n1..1\n", ret ? "not " : "");
	return ret ? 1 : 0;
}
