// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ABI with handles, as programs of Linux 3.10 to 4.11 use it, in the layout of their own width:
 * what each call gives, what it refuses, and what it leaves alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "abi.h"
#include "old.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SYSTEM	 (1u << ION_ID_SYSTEM)
#define TABLE	 64

/* ---- the calls: results are >= 0 or -errno ---- */

static int alloc_from(int ion, size_t len, size_t align, uint32_t mask)
{
	const struct old_alloc want = { len, align, mask, 3, 0 };

	return old_alloc(ion, &want);
}

static int alloc(int ion)
{
	return alloc_from(ion, PAGE, 0, SYSTEM);
}

static int share(int ion, int handle)
{
	return old_share(ion, ION_OLD_SHARE, handle);
}

static int open_node(const struct options *o)
{
	int ion = open(o->node, O_RDONLY | O_CLOEXEC);

	if (ion < 0)
		tap_bail("%s: %s", o->node, strerror(errno));
	return ion;
}

static uint64_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* ---- what is checked ---- */

/* AOSP's libion asks once, and stays with the answer */
static void check_probe(const struct options *o)
{
	int ion = open_node(o), handle;

	tap_errno(old_free(ion, 0), ENOTTY, "FREE of handle 0 by who has used none");
	tap_errno(old_free(ion, 1), EINVAL, "FREE of handle 1 by who has used none");
	handle = alloc(ion);
	tap_equal(handle, 1, "the first handle");
	tap_errno(old_free(ion, 0), EINVAL, "FREE of handle 0 by who uses handles");
	close(ion);
	ion = open_node(o);
	tap_errno(old_free(ion, 0), ENOTTY, "FREE of handle 0 by a further client");
	close(ion);
}

static void check_numbers(int ion)
{
	int i, wrong = 0;

	for (i = 1; i <= 6; i++)
		wrong += alloc(ion) != i;
	tap_equal(wrong, 0, "handles are numbered from 1");
	tap_errno(old_free(ion, 5), 0, "FREE");
	tap_errno(old_free(ion, 2), 0, "FREE of a lower one");
	tap_errno(old_free(ion, 2), EINVAL, "FREE once more");
	tap_equal(alloc(ion), 2, "the lowest free number is next");
	tap_equal(alloc(ion), 5, "then the next one");
	tap_equal(alloc(ion), 7, "then a new one");
	tap_errno(old_free(ion, -1), EINVAL, "FREE of handle -1");
	tap_errno(old_free(ion, 8), EINVAL, "FREE of handle 8");
	tap_errno(old_free(ion, INT32_MAX), EINVAL, "FREE of handle 2^31 - 1");
	tap_errno(share(ion, 8), EINVAL, "SHARE of handle 8");
	tap_errno(share(ion, 0), EINVAL, "SHARE of handle 0");
	tap_errno(share(ion, -3), EINVAL, "SHARE of handle -3");
	for (i = 1; i <= 7; i++)
		wrong += old_free(ion, i) != 0;
	tap_equal(wrong, 0, "all are freed");
}

static void check_file(int fd, int low, size_t size, const char *name)
{
	char *map;

	tap_equal(fd, low, "%s: the fd is the lowest free one", name);
	tap_equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "%s: it is close-on-exec", name);
	tap_equal(probe_size(fd), size, "%s: its size", name);
	map = probe_map(fd, size, 0);
	tap_ok(map && probe_zero(map, size), "%s: it can be mapped, and is zero", name);
	if (map)
		munmap(map, size);
}

static void check_share(const struct options *o, int ion)
{
	int low = probe_lowest_fd(), handle = alloc_from(ion, 5000, 0, SYSTEM), fds[3];
	char *maps[2];

	tap_equal(probe_lowest_fd(), low, "an allocation takes no fd");
	fds[0] = share(ion, handle);
	check_file(fds[0], low, 8192, "SHARE");
	fds[1] = old_share(ion, ION_OLD_MAP, handle);
	check_file(fds[1], low + 1, 8192, "MAP");
	if (o->exporter != EXPORTER_MEMFD)
		tap_ok(ino_of(fds[0]) != ino_of(fds[1]), "each is a file of its own");
	maps[0] = probe_map(fds[0], 8192, 0);
	maps[1] = probe_map(fds[1], 8192, 0);
	if (!maps[0] || !maps[1])
		tap_bail("a buffer can't be mapped");
	probe_stamp(maps[0], 8192, 77);
	if (o->exporter == EXPORTER_CACHED) {
		tap_skip("each file has a page cache of its own: ion(4), BUGS",
			 "of the same memory");
		probe_stamp(maps[1], 8192, 77);
	} else {
		tap_ok(probe_stamped(maps[1], 8192, 77), "of the same memory");
	}
	tap_errno(old_free(ion, handle), 0, "FREE");
	tap_errno(share(ion, handle), EINVAL, "SHARE of what was freed");
	close(fds[0]);
	munmap(maps[0], 8192);
	tap_ok(probe_stamped(maps[1], 8192, 77), "files and mappings stay after FREE");
	tap_errno(old_sync(ion, fds[1]), 0, "SYNC of a file whose handle was freed");
	munmap(maps[1], 8192);
	close(fds[1]);
	tap_equal(probe_lowest_fd(), low, "no fd is left");
}

static void check_import(const struct options *o, int ion)
{
	int other = open_node(o), handle = alloc(ion), fd = share(ion, handle), null, again;
	char *map = probe_map(fd, PAGE, 0);

	if (!map)
		tap_bail("a buffer can't be mapped");
	probe_stamp(map, PAGE, 5);
	munmap(map, PAGE);
	tap_equal(old_import(ion, fd), handle, "IMPORT by who has it: the same handle");
	tap_equal(old_import(other, fd), 1, "IMPORT by another client: a handle of its own");
	close(fd);
	tap_errno(old_free(ion, handle), 0, "FREE of two references");
	tap_errno(old_free(ion, handle), 0, "FREE of the last one");
	tap_errno(old_free(ion, handle), EINVAL, "FREE of none");
	again = share(other, 1);
	map = probe_map(again, PAGE, 0);
	tap_ok(map && probe_stamped(map, PAGE, 5), "what was imported is the same memory");
	if (map)
		munmap(map, PAGE);
	close(again);

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	tap_errno(old_import(ion, null), EINVAL, "IMPORT of what is no buffer");
	tap_errno(old_sync(ion, null), EINVAL, "SYNC of what is no buffer");
	tap_errno(old_import(ion, ion), EINVAL, "IMPORT of the node itself");
	close(null);
	tap_errno(old_import(ion, null), EBADF, "IMPORT of a number that is not open");
	tap_errno(old_import(ion, -1), EBADF, "IMPORT of -1");
	tap_errno(old_import(ion, 1 << 30), EBADF, "IMPORT of 2^30");
	tap_errno(old_sync(ion, null), EBADF, "SYNC of a number that is not open");
	tap_errno(old_sync(ion, -1), EBADF, "SYNC of -1");
	close(other);
}

static const struct {
	const char *name;
	size_t len, align;
	uint32_t mask;
	int want;
} refusals[] = {
	{ "len 0", 0, 0, SYSTEM, EINVAL },
#ifdef __LP64__ /* what 32 bits can say may be had */
	{ "len -1", SIZE_MAX, 0, SYSTEM, EINVAL },
	{ "more than there is", SIZE_MAX / 2, 0, SYSTEM, ENOMEM },
#endif
	{ "mask 0", PAGE, 0, 0, ENODEV },
	{ "an unknown id", PAGE, 0, 1u << 31, ENODEV },
	{ "unknown ids beside a known one", PAGE, 0, SYSTEM | 1u << 31 | 1u << 5, 0 },
	{ "len 0 and mask 0", 0, 0, 0, EINVAL },
	{ "align of a page", PAGE, PAGE, SYSTEM, 0 },
	{ "align 3", PAGE, 3, SYSTEM, 0 },
	{ "align above a page", PAGE, PAGE + 1, SYSTEM, EINVAL },
	{ "align above a page, carveout", PAGE, 2 * PAGE, 1u << ION_ID_CARVEOUT, EINVAL },
	{ "align above a page, dma", PAGE, 2 * PAGE, 1u << ION_ID_DMA, EINVAL },
	{ "align above the buffer's own, contiguous", PAGE, 2 * PAGE, 1u << 1, EINVAL },
	{ "alias 25", PAGE, 0, 1u << 25, 0 },
};

static void check_refusals(int ion)
{
	size_t i;

	for (i = 0; i < COUNT(refusals); i++) {
		int r = alloc_from(ion, refusals[i].len, refusals[i].align, refusals[i].mask);

		tap_errno(r, refusals[i].want, "ALLOC: %s", refusals[i].name);
		if (r > 0)
			old_free(ion, r);
	}
}

static void check_custom(int ion)
{
	struct old_custom data = { 1, (uintptr_t)&data }, was = data;

	tap_errno(probe_ioctl(ion, OLD_CUSTOM, &data), ENOTTY, "CUSTOM");
	tap_ok(data.cmd == was.cmd && data.arg == was.arg, "its struct is as it was");
	tap_errno(probe_ioctl(ion, OLD_CUSTOM, NULL), EFAULT, "CUSTOM at NULL");
}

/* these are never written back, though their numbers say so */
static void check_read_only(int ion)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int handle = alloc(ion), fd = share(ion, handle);
	struct old_fd *data = (void *)page;

	if (page == MAP_FAILED)
		tap_bail("no memory");
	*data = (struct old_fd){ handle, fd };
	mprotect(page, PAGE, PROT_READ);
	tap_errno(probe_ioctl(ion, ION_OLD_SYNC, page), 0, "SYNC with a read-only struct");
	tap_errno(probe_ioctl(ion, ION_OLD_FREE, page), 0, "FREE with a read-only struct");
	tap_errno(probe_ioctl(ion, ION_OLD_FREE, NULL), EFAULT, "FREE at NULL");
	tap_errno(probe_ioctl(ion, ION_OLD_IMPORT, NULL), EFAULT, "IMPORT at NULL");
	tap_errno(probe_ioctl(ion, OLD_ALLOC, NULL), EFAULT, "ALLOC at NULL");
	tap_errno(probe_ioctl(ion, OLD_CUSTOM, page), ENOTTY, "CUSTOM with a read-only struct");
	munmap(page, PAGE);
	close(fd);
}

/* both generations on one node, by one client */
static void check_both(int ion)
{
	struct ion_alloc modern = { .len = PAGE, .mask = SYSTEM };
	int handle;

	tap_errno(probe_ioctl(ion, ION_ALLOC, &modern), 0, "the ALLOC without handles");
	handle = old_import(ion, modern.fd);
	tap_ok(handle > 0, "IMPORT of its fd");
	close(modern.fd);
	tap_errno(old_free(ion, handle), 0, "FREE");
}

/* a file that another exporter made, and memory that is a file of nobody's */
static void check_foreign(int ion)
{
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), memfd, fd;
	struct udmabuf_create create = { .size = PAGE };

	memfd = memfd_create("foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0 || ftruncate(memfd, PAGE) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		tap_bail("no memfd");
	tap_errno(old_import(ion, memfd), EINVAL, "IMPORT of a memfd of one's own");
	tap_errno(old_sync(ion, memfd), EINVAL, "SYNC of it");
	create.memfd = memfd;
	fd = device < 0 ? -1 : ioctl(device, UDMABUF_CREATE, &create);
	if (fd >= 0) {
		tap_errno(old_import(ion, fd), EINVAL, "IMPORT of a dma-buf of another exporter");
		tap_errno(old_sync(ion, fd), EINVAL, "SYNC of it");
	}
	close(fd);
	close(device);
	close(memfd);
}

/* a dup and a copy that was sent are the same client, which ends with the last of them */
static void check_copies(const struct options *o)
{
	int ion = open_node(o), copy = dup(ion), handle = alloc(ion), sent, fd, pair[2];

	tap_equal(old_import(copy, fd = share(copy, handle)), handle, "a dup has the same handles");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ||
	    probe_send_fd(pair[0], ion) < 0)
		tap_bail("no socketpair");
	close(ion);
	sent = probe_receive_fd(pair[1]);
	tap_errno(old_free(copy, handle), 0, "FREE by the dup, after close of the first");
	close(copy);
	tap_equal(alloc(sent), handle + 1, "what was sent has it, too");
	tap_equal(old_import(sent, fd), handle, "IMPORT, which is one reference more");
	close(sent);
	sent = open_node(o);
	tap_errno(share(sent, handle), EINVAL, "after the last close another client has none");
	tap_equal(old_import(sent, fd), 1, "the file is alive, and can be imported");
	close(sent);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

static int probe_in_child(int ion, int handle)
{
	int fd = share(ion, handle);

	_exit(fd >= 0 && alloc(ion) == handle + 1 && old_free(ion, handle) == 0 ? 0 : 1);
}

/* fork shares the client; what one process frees is free in the other */
static void check_fork(const struct options *o)
{
	int ion = open_node(o), handle = alloc(ion), status = -1;
	pid_t pid = fork();

	if (pid == 0)
		probe_in_child(ion, handle);
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "a child uses its parent's handles");
	tap_errno(old_free(ion, handle), EINVAL, "what it freed is free");
	tap_errno(old_free(ion, handle + 1), 0, "what it had is its parent's");
	close(ion);
}

/* a file sent to a client that imports it outlives the one that made it */
static void check_sent(const struct options *o)
{
	int pair[2], status = -1, ion, handle, fd;
	char *map;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		tap_bail("no socketpair");
	pid = fork();
	if (pid == 0) {
		ion = open_node(o);
		fd = share(ion, alloc(ion));
		map = probe_map(fd, PAGE, 0);
		probe_stamp(map, PAGE, 9);
		_exit(probe_send_fd(pair[1], fd) < 0);
	}
	close(pair[1]);
	fd = probe_receive_fd(pair[0]);
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "a file was sent by a client that is gone");
	ion = open_node(o);
	handle = old_import(ion, fd);
	tap_equal(handle, 1, "it can be imported");
	close(fd);
	fd = share(ion, handle);
	map = probe_map(fd, PAGE, 0);
	tap_ok(map && probe_stamped(map, PAGE, 9), "its bytes are there");
	if (map)
		munmap(map, PAGE);
	close(fd);
	close(ion);
	close(pair[0]);
}

static void check_full_table(int ion)
{
	int base = probe_lowest_fd(), handle = alloc(ion);
	struct old_fd data = { handle, 0 };
	struct rlimit was;

	getrlimit(RLIMIT_NOFILE, &was);
	probe_fd_limit(TABLE);
	tap_errno(probe_ioctl(ion, ION_OLD_SHARE, &data), EMFILE, "SHARE: full fd table");
	tap_equal(data.fd, -EMFILE, "fd says so, too");
	tap_ok(alloc(ion) > 0, "ALLOC needs no fd");
	close(base + 3);
	tap_equal(share(ion, handle), base + 3, "SHARE: one fd free");
	close_range(base, ~0u, 0);
	setrlimit(RLIMIT_NOFILE, &was);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int ion;

	options_parse(&o, argc, argv, "d:x:T:");
	tap_limit(o.seconds);
	check_probe(&o);
	ion = open_node(&o);
	check_numbers(ion);
	check_share(&o, ion);
	check_import(&o, ion);
	check_refusals(ion);
	check_custom(ion);
	check_read_only(ion);
	check_both(ion);
	check_foreign(ion);
	close(ion);
	check_copies(&o);
	check_fork(&o);
	check_sent(&o);
	ion = open_node(&o);
	check_full_table(ion);
	close(ion);
	return tap_done();
}
