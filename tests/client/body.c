// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The main job as a program sees it: open the node, allocate, use the fd that came back. Built as a
 * static 64-bit program, as a static i386 one and against libion: only the door differs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "abi.h"
#include "door.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define SEED 0x1badf00dull

static const uint64_t sizes[] = { 4096, 70000, 1 << 20, 64 << 20, 200 << 20 };

/* a bug in the program's surroundings, not in what it checks */
static int need(int result, const char *what)
{
	if (result < 0)
		tap_bail("%s: %s", what, strerror(-result));
	return result;
}

/* a buffer in a gap of the fd table, as the lowest free number has to be found */
static int alloc_in_gap(int ion, uint64_t len, uint32_t mask)
{
	int low = need(probe_lowest_fd(), "/dev/null"), high, fd;

	dup2(ion, low);
	high = dup(ion);
	close(low);
	fd = door_alloc(ion, len, mask);
	tap_errno(fd, 0, "allocates %llu bytes", (unsigned long long)len);
	tap_equal(fd, low, "the fd is the lowest free one");
	close(high);
	return fd;
}

static void check_link(int fd, const char *prefix)
{
	char path[32], link[256] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, link, sizeof(link) - 1) < 0)
		link[0] = '\0';
	if (!tap_ok(!strncmp(link, prefix, strlen(prefix)), "the link in /proc says %s", prefix))
		tap_diag("it says %s", link);
}

static void check_fd(const struct options *o, int fd, size_t size)
{
	int flags = fcntl(fd, F_GETFD);

	tap_ok(flags >= 0 && flags & FD_CLOEXEC, "the fd is close-on-exec");
	flags = fcntl(fd, F_GETFL);
	tap_equal(flags < 0 ? flags : flags & O_ACCMODE, O_RDWR, "the fd is open for both");
	check_link(fd, o->link);
	tap_equal(probe_seek(fd, 0, SEEK_END), size, "SEEK_END tells the page-rounded size");
	tap_equal(probe_seek(fd, 0, SEEK_SET), 0, "SEEK_SET goes to the start");
}

static void check_sync(const struct options *o, int fd, uint64_t end)
{
	int want = o->exporter == EXPORTER_MEMFD ? ENOTTY : 0;

	tap_errno(probe_sync(fd, BUF_SYNC_RW | end), want, "SYNC %s", end ? "END" : "START");
}

/* one page at an offset, and the halves of a mapping given back one by one */
static void check_parts(int fd, size_t size)
{
	uint64_t last = SEED + (size - PAGE) / 8 * 0x9e3779b97f4a7c15ull;
	size_t half = size / PAGE / 2 * PAGE;
	char *p = probe_map(fd, PAGE, size - PAGE);

	tap_ok(p && probe_stamped(p, PAGE, last), "one page at offset %zu", size - PAGE);
	if (p)
		munmap(p, PAGE);
	p = probe_map(fd, size, 0);
	if (!tap_ok(p, "a second mapping"))
		return;
	tap_ok(probe_stamped(p, size, SEED), "it shows what was written by the first");
	tap_ok(!half || !munmap(p, half), "the first half can be unmapped");
	tap_ok(probe_stamped(p + size - PAGE, PAGE, last), "the rest stays");
	tap_ok(!munmap(p + half, size - half), "the rest can be unmapped");
}

static void check_mapping(const struct options *o, int ion, int fd, size_t size)
{
	void *p = probe_map(fd, size, 0);

	if (!tap_ok(p, "mmap of %zu bytes", size)) {
		close(fd);
		door_close(ion);
		return;
	}
	tap_ok(probe_zero(p, size), "a new buffer is zero");
	check_sync(o, fd, BUF_SYNC_START);
	probe_stamp(p, size, SEED);
	check_sync(o, fd, BUF_SYNC_END);
	check_parts(fd, size);
	tap_errno(close(fd) ? -errno : 0, 0, "close of the fd");
	tap_ok(probe_stamped(p, size, SEED), "the mapping is alive after it");
	tap_errno(door_close(ion), 0, "close of the node");
	tap_ok(probe_stamped(p, size, SEED), "the mapping is alive after it");
	probe_stamp(p, size, ~SEED);
	tap_ok(probe_stamped(p, size, ~SEED), "and can be written");
	tap_ok(!munmap(p, size), "munmap");
}

static void check_size(const struct options *o, uint64_t len)
{
	size_t size = (len + PAGE - 1) / PAGE * PAGE;
	int ion, fd;

	if (len > o->max)
		return;
	ion = need(door_open(o->node), o->node);
	fd = alloc_in_gap(ion, len, o->mask);
	if (fd < 0) {
		door_close(ion);
		return;
	}
	check_fd(o, fd, size);
	check_mapping(o, ion, fd, size);
}

/* memory that was another buffer's must not be seen again */
static void check_recycled(int ion, uint64_t len, uint32_t mask)
{
	int i, dirty = 0;

	for (i = 0; i < 16; i++) {
		int fd = door_alloc(ion, len, mask);
		void *p = fd < 0 ? NULL : probe_map(fd, len, 0);

		dirty += !p || !probe_zero(p, len);
		if (p) {
			memset(p, 0xa5, len);
			munmap(p, len);
		}
		close(fd);
	}
	tap_equal(dirty, 0, "16 buffers of %llu bytes one after the other are zero",
		  (unsigned long long)len);
}

static void check_seek(const struct options *o, int fd)
{
	int64_t r = probe_seek(fd, 0, SEEK_CUR);

	if (o->exporter != EXPORTER_DMABUF) {
		tap_equal(r, 0, "SEEK_CUR (no dma-buf) works");
		tap_equal(probe_seek(fd, 1, SEEK_SET), 1, "SEEK_SET 1 (no dma-buf) works");
		probe_seek(fd, 0, SEEK_SET);
		return;
	}
	tap_errno(r, EINVAL, "SEEK_CUR");
	tap_errno(probe_seek(fd, 1, SEEK_SET), EINVAL, "SEEK_SET 1");
	tap_errno(probe_seek(fd, -1, SEEK_END), EINVAL, "SEEK_END -1");
}

static void check_read_write(const struct options *o, int fd)
{
	bool memfd = o->exporter == EXPORTER_MEMFD;
	bool reads = memfd || o->exporter == EXPORTER_CACHED;
	char byte = 0;

	tap_errno(read(fd, &byte, 1) < 0 ? -errno : 0, reads ? 0 : EINVAL, "read");
	tap_errno(write(fd, &byte, 1) < 0 ? -errno : 0, memfd ? 0 : EINVAL, "write");
	probe_seek(fd, 0, SEEK_SET);
	tap_ok(ftruncate(fd, 0) < 0, "the size can't be made less");
	tap_ok(ftruncate(fd, 1 << 20) < 0, "the size can't be made more");
}

static void check_map_bounds(const struct options *o, int fd, size_t size)
{
	bool beyond = o->exporter != EXPORTER_DMABUF;
	void *p = probe_map(fd, size + PAGE, 0);

	tap_ok(!!p == beyond, "mmap past the end %s", beyond ? "(no dma-buf) works" : "is refused");
	if (p)
		munmap(p, size + PAGE);
	p = probe_map(fd, PAGE, size);
	tap_ok(!!p == beyond, "mmap behind the end %s",
	       beyond ? "(no dma-buf) works" : "is refused");
	if (p)
		munmap(p, PAGE);
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	tap_ok(p != MAP_FAILED, "mmap for reading only");
	if (p != MAP_FAILED)
		munmap(p, size);
}

/* what SYNC refuses; a memfd knows no SYNC at all */
static void check_sync_errors(const struct options *o, int fd)
{
	bool memfd = o->exporter == EXPORTER_MEMFD;

	tap_errno(probe_sync(fd, 0), memfd ? ENOTTY : EINVAL, "SYNC with no direction");
	tap_errno(probe_sync(fd, 8 | BUF_SYNC_RW), memfd ? ENOTTY : EINVAL, "SYNC with flag 8");
	tap_errno(probe_ioctl(fd, BUF_SYNC, NULL), memfd ? ENOTTY : EFAULT, "SYNC of NULL");
	tap_errno(probe_ioctl(fd, 0x6263, NULL), ENOTTY, "an unknown ioctl of the buffer");
}

static void check_poll(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };

	tap_equal(poll(&poll_fd, 1, 1000), 1, "poll");
	tap_equal(poll_fd.revents, POLLIN | POLLOUT, "it is ready for both");
}

/* the size that /proc tells of a dma-buf, and of nothing else */
static void check_fdinfo(const struct options *o, int fd, size_t size)
{
	unsigned long long told = 0;
	char path[40], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "size: %llu", &told) == 1)
			break;
	if (f)
		fclose(f);
	tap_equal(told, o->exporter == EXPORTER_DMABUF ? size : 0, "the size in fdinfo");
}

static void check_one_buffer(const struct options *o, int ion)
{
	const size_t size = 3 * PAGE;
	int fd = need(door_alloc(ion, size - 1, o->mask), "a buffer");

	check_seek(o, fd);
	check_read_write(o, fd);
	check_map_bounds(o, fd, size);
	check_sync_errors(o, fd);
	check_poll(fd);
	check_fdinfo(o, fd, size);
	close(fd);
}

static void check_open_modes(const struct options *o)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_NONBLOCK };
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int ion = open(o->node, modes[i] | O_CLOEXEC);
		int fd = ion < 0 ? -errno : door_alloc(ion, PAGE, o->mask);

		tap_errno(fd, 0, "the node opened with flags %#o serves", modes[i]);
		if (fd >= 0)
			close(fd);
		if (ion >= 0)
			close(ion);
	}
}

/* the status of a child, all of whose checks are in one number: 0, or which one failed */
static int child_status(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int use_inherited(int ion, int fd, char *p, size_t size, uint32_t mask)
{
	char *q = probe_map(fd, size, 0);
	int low = probe_lowest_fd();

	if (!q || !probe_stamped(q, size, SEED))
		return 1;
	if (!probe_stamped(p, size, SEED))
		return 2;
	close(fd);
	probe_stamp(q, size, SEED + 1);
	if (door_alloc(ion, PAGE, mask) != (fd < low ? fd : low))
		return 3;
	return 0;
}

static void check_fork(int ion, uint32_t mask)
{
	const size_t size = 16 * PAGE;
	int fd = need(door_alloc(ion, size, mask), "a buffer");
	char *p = probe_map(fd, size, 0);
	pid_t pid;

	probe_stamp(p, size, SEED);
	pid = fork();
	if (!pid)
		_exit(use_inherited(ion, fd, p, size, mask));
	tap_equal(child_status(pid), 0, "a child uses fd, mapping and node that it inherited");
	tap_ok(probe_stamped(p, size, SEED + 1), "the parent sees what the child wrote");
	tap_equal(probe_size(fd), size, "the parent's fd is as it was");
	munmap(p, size);
	close(fd);
}

static int fork_and_alloc(int ion, uint32_t mask)
{
	int fd = door_alloc(ion, PAGE, mask);
	char *p = fd < 0 ? NULL : probe_map(fd, PAGE, 0);

	if (!p)
		return 1;
	return !probe_zero(p, PAGE);
}

static void check_many_forks(int ion, uint32_t mask)
{
	int i, failed = 0;

	for (i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(fork_and_alloc(ion, mask));
		failed += child_status(pid) != 0;
	}
	tap_equal(failed, 0, "50 children allocate and exit, one after the other");
}

/* a process that never opened ION: maps what it is sent, stamps it and says how it went */
static int peer_serve(int socket)
{
	int fd = probe_receive_fd(socket);
	int64_t size = fd < 0 ? 0 : probe_size(fd);
	char *p = size > 0 ? probe_map(fd, size, 0) : NULL;
	char answer = p && probe_stamped(p, size, SEED) ? 'y' : 'n';

	if (answer == 'y')
		probe_stamp(p, size, SEED + 2);
	return write(socket, &answer, 1) != 1;
}

static int peer_start(pid_t *ret)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		tap_bail("no socketpair");
	*ret = fork();
	if (*ret) {
		close(pair[1]);
		return pair[0];
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(pair[0]);
	_exit(peer_serve(pair[1]));
}

static void check_peer(int ion, uint32_t mask, int socket, pid_t pid)
{
	const size_t size = 5 * PAGE;
	int fd = need(door_alloc(ion, size, mask), "a buffer");
	char *p = probe_map(fd, size, 0);
	char answer = '?';

	probe_stamp(p, size, SEED);
	tap_errno(probe_send_fd(socket, fd), 0, "the fd can be sent to another process");
	close(fd);
	tap_ok(read(socket, &answer, 1) == 1 && answer == 'y', "it maps the buffer and sees it");
	tap_equal(child_status(pid), 0, "it ends well");
	tap_ok(probe_stamped(p, size, SEED + 2), "what it wrote is seen here");
	munmap(p, size);
	close(socket);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int fds, ion, peer;
	size_t i;
	pid_t pid;

	options_parse(&o, argc, argv, "d:x:r:m:M:T:");
	tap_limit(o.seconds);
	fds = probe_fd_count();
	peer = peer_start(&pid);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_size(&o, sizes[i]);
	ion = need(door_open(o.node), o.node);
	check_one_buffer(&o, ion);
	check_recycled(ion, PAGE, o.mask);
	check_recycled(ion, 1 << 20, o.mask);
	check_open_modes(&o);
	check_fork(ion, o.mask);
	check_many_forks(ion, o.mask);
	check_peer(ion, o.mask, peer, pid);
	door_close(ion);
	tap_equal(probe_fd_count(), fds, "as many fds as at the start");
	return tap_done();
}
