// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A node of /dev/dma_heap, as a program has it that was written for the kernel's dma-heaps: the
 * struct and the number are written out. Good for the kernel's own nodes, too: all that is asked
 * here those answer alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "options.h"
#include "probe.h"
#include "tap.h"

struct heap_allocation_data {
	uint64_t len;
	uint32_t fd;
	uint32_t fd_flags;
	uint64_t heap_flags;
};

#define HEAP_ALLOC	 0xC0184800u
#define HEAP_SIZED(size) (0xC0004800u | (uint32_t)(size) << 16)

#define PAGE		 4096u
#define MIB		 (1024ull * 1024)
#define ROUNDS		 32
#define USUAL		 (O_RDWR | O_CLOEXEC)
#define COUNT(a)	 (sizeof(a) / sizeof((a)[0]))

static int allocate(int heap, uint64_t len)
{
	struct heap_allocation_data data = { .len = len, .fd_flags = USUAL };
	int r = probe_ioctl(heap, HEAP_ALLOC, &data);

	return r ? r : (int)data.fd;
}

static void check_buffer(int heap, uint64_t len, bool syncs)
{
	uint64_t size = (len + PAGE - 1) / PAGE * PAGE;
	int lowest = probe_lowest_fd(), fd = allocate(heap, len);
	void *p;

	if (!tap_equal(fd, lowest, "%llu bytes: the lowest free fd", (unsigned long long)len))
		return;
	tap_equal(probe_size(fd), size, "its size is that in whole pages");
	p = probe_map(fd, size, 0);
	close(fd);
	if (!tap_ok(p, "it can be mapped"))
		return;
	tap_ok(probe_zero(p, size), "it is zero");
	probe_stamp(p, size, len);
	tap_ok(probe_stamped(p, size, len), "it keeps what is written");
	munmap(p, size);
	if (!syncs)
		return;
	fd = allocate(heap, len);
	tap_errno(probe_sync(fd, 3), 0, "SYNC, the start");
	tap_errno(probe_sync(fd, 7), 0, "SYNC, the end");
	close(fd);
}

/* memory that was somebody's before */
static void check_clean(int heap)
{
	unsigned int zero = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = allocate(heap, 64 << 10);
		void *p = fd < 0 ? NULL : probe_map(fd, 64 << 10, 0);

		if (!p)
			break;
		zero += probe_zero(p, 64 << 10);
		memset(p, 0xa5, 64 << 10);
		munmap(p, 64 << 10);
		close(fd);
	}
	tap_equal(zero, ROUNDS, "buffers one after the other are zero");
}

/* what a struct of @size bytes gets, and that nothing of it but fd changes */
static void check_size(int heap, size_t size)
{
	uint64_t words[16], was[16];
	struct heap_allocation_data *data = (void *)words;
	int lowest = probe_lowest_fd(), r;

	memset(words, 0x5a, sizeof(words));
	*data = (struct heap_allocation_data){ .len = PAGE, .fd_flags = USUAL };
	if (size <= offsetof(struct heap_allocation_data, heap_flags))
		data->heap_flags = 0x77; /* not of the caller's struct */
	memcpy(was, words, sizeof(was));
	r = probe_ioctl(heap, HEAP_SIZED(size), words);
	if (!tap_errno(r, 0, "a struct of %zu bytes", size))
		return;
	tap_equal(data->fd, lowest, "its fd");
	close(lowest);
	data->fd = 0;
	tap_ok(!memcmp(words, was, sizeof(was)), "nothing else of it was changed");
}

static void check_flags(int heap)
{
	static const struct {
		uint32_t fd_flags;
		int descriptor;
	} flags[] = { { O_RDWR | O_CLOEXEC, FD_CLOEXEC }, { O_RDWR, 0 }, { 0, 0 } };

	for (size_t i = 0; i < COUNT(flags); i++) {
		struct heap_allocation_data data = { .len = 1, .fd_flags = flags[i].fd_flags };

		if (!tap_errno(probe_ioctl(heap, HEAP_ALLOC, &data), 0, "fd_flags 0x%x",
			       flags[i].fd_flags))
			continue;
		tap_equal(fcntl(data.fd, F_GETFD), flags[i].descriptor, "close-on-exec as asked");
		close(data.fd);
	}
}

static const struct {
	const char *name;
	uint32_t cmd;
	struct heap_allocation_data data;
	int want;
} refusals[] = {
	{ "len 0", HEAP_ALLOC, { .len = 0, .fd_flags = USUAL }, EINVAL },
	{ "len -1", HEAP_ALLOC, { .len = UINT64_MAX, .fd_flags = USUAL }, EINVAL },
	{ "fd 1", HEAP_ALLOC, { .len = PAGE, .fd = 1, .fd_flags = USUAL }, EINVAL },
	{ "fd -1", HEAP_ALLOC, { .len = PAGE, .fd = -1, .fd_flags = USUAL }, EINVAL },
	{ "O_NONBLOCK", HEAP_ALLOC, { .len = PAGE, .fd_flags = USUAL | O_NONBLOCK }, EINVAL },
	{ "fd_flags 2^31", HEAP_ALLOC, { .len = PAGE, .fd_flags = 1u << 31 }, EINVAL },
	{ "heap_flags 1", HEAP_ALLOC, { PAGE, 0, USUAL, 1 }, EINVAL },
	{ "heap_flags 2^63", HEAP_ALLOC, { PAGE, 0, USUAL, 1ull << 63 }, EINVAL },
	{ "number 1", 0xC0184801u, { PAGE, 0, USUAL, 0 }, EINVAL },
	{ "number 255", 0xC01848FFu, { PAGE, 0, USUAL, 0 }, EINVAL },
	{ "ION's HEAP_QUERY", 0xC0184908u, { 0, 0, 0, 0 }, EINVAL },
	{ "ION's FREE of handle 0", 0xC0044901u, { 0, 0, 0, 0 }, EINVAL },
	{ "a struct of no bytes", 0x4800u, { PAGE, 0, USUAL, 0 }, EINVAL },
};

static void check_refusals(int heap)
{
	int fds = probe_fd_count();

	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct heap_allocation_data data = refusals[i].data;

		tap_errno(probe_ioctl(heap, refusals[i].cmd, &data), refusals[i].want, "%s",
			  refusals[i].name);
		tap_ok(!memcmp(&data, &refusals[i].data, sizeof(data)), "the struct is as it was");
	}
	tap_errno(probe_ioctl(heap, HEAP_ALLOC, NULL), EFAULT, "no struct");
	tap_equal(probe_fd_count(), fds, "no fd is left of all that");
}

static void check_full_table(int heap)
{
	int base = probe_lowest_fd();
	struct rlimit was;

	getrlimit(RLIMIT_NOFILE, &was);
	probe_fd_limit(64);
	tap_errno(allocate(heap, PAGE), EMFILE, "a full fd table");
	close_range(base, ~0u, 0);
	setrlimit(RLIMIT_NOFILE, &was);
	tap_equal(allocate(heap, PAGE), base, "then one more");
	close(base);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	char byte;
	int heap;

	o.node = "/dev/dma_heap/system";
	options_parse(&o, argc, argv, "d:x:m:T:");
	tap_limit(o.seconds);
	heap = open(o.node, O_RDONLY | O_CLOEXEC);
	if (heap < 0)
		tap_bail("%s: %s", o.node, strerror(errno));
	check_buffer(heap, 1, o.exporter != EXPORTER_MEMFD);
	check_buffer(heap, 70000, o.exporter != EXPORTER_MEMFD);
	check_buffer(heap, MIB, o.exporter != EXPORTER_MEMFD);
	check_clean(heap);
	check_size(heap, 16);
	check_size(heap, 20);
	check_size(heap, 24);
	check_size(heap, 32);
	check_size(heap, 128);
	check_flags(heap);
	check_refusals(heap);
	if (o.max) /* -m 0: for a heap that takes all memory there is before it refuses */
		tap_errno(allocate(heap, 1ull << 40), ENOMEM, "2^40 bytes");
	check_full_table(heap);
	tap_equal(read(heap, &byte, 1) < 0 ? errno : 0, EINVAL, "it can't be read");
	return tap_done();
}
