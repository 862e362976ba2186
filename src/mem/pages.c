// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The pages are taken at once and not at the first touch: a buffer that there is no memory for is
 * refused here, where it can be, and not by SIGBUS in whoever maps it.
 */
#include "mem/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"

/* the kernel says "no space" of what is memory to us */
static int pages_error(int error)
{
	return error == ENOSPC || error == EFBIG ? -ENOMEM : -error;
}

static int pages_take(int fd, uint64_t size)
{
	int r;

	if (ftruncate(fd, size) < 0)
		return err_origin(pages_error(errno));
	do
		r = fallocate(fd, 0, 0, size);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_origin(pages_error(errno));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_origin(-errno);
	return 0;
}

int pages_new(int *ret_fd, uint64_t size, bool read_only)
{
	_cleanup_(fd_closep) int fd = -1;
	int r;

	if (size > INT64_MAX)
		return -ENOMEM;
	fd = memfd_create("ion", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_origin(-errno);
	r = pages_take(fd, size);
	if (r < 0)
		return r;
	if (read_only) {
		r = pages_reopen(fd, O_RDONLY);
		if (r < 0)
			return r;
		fd_close(fd);
		fd = r;
	}
	*ret_fd = fd_steal(&fd);
	return 0;
}

void pages_empty(int fd, uint64_t size)
{
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size);
}

int pages_drop(int fd, uint64_t size)
{
	_cleanup_(fd_closep) int writable = -1;

	/* where somebody has a lease on it, an open that may block waits for 45 s */
	writable = pages_reopen(fd, O_RDWR | O_NONBLOCK);
	if (writable >= 0)
		pages_empty(writable, size);
	return fd_close(fd);
}

int pages_clear(int fd, uint64_t offset, uint64_t size)
{
	static const char zero[16 << 10];
	ssize_t n;

	while (size) {
		n = pwrite(fd, zero, MIN(size, sizeof(zero)), offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_origin(n < 0 ? -errno : -EIO);
		offset += n;
		size -= n;
	}
	return 0;
}

bool pages_are_whole(const struct slice *slice)
{
	struct stat st;

	return !slice->offset && fstat(slice->fd, &st) == 0 && (uint64_t)st.st_size == slice->size;
}

int pages_reopen(int fd, int flags)
{
	char path[sizeof("/proc/self/fd/") + 10];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, flags | O_CLOEXEC);
	return r < 0 ? err_origin(-errno) : r;
}

/*
 * A lease for writing is to be had only by the one open file of a memfd. A client that kept the
 * memfd by O_PATH may open it in the moment of the test. The kernel then tells the lease's owner by
 * a signal: SIGURG, as that does nothing where SIGIO would kill.
 */
bool pages_are_held(int fd)
{
	if (fcntl(fd, F_SETSIG, SIGURG) < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) < 0) {
		if (errno != EAGAIN)
			log_debug("pages", "no lease on a memfd, so its end goes unseen: %m");
		return true;
	}
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}
