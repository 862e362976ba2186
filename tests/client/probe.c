// SPDX-License-Identifier: LGPL-2.1-or-later
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi.h"

int probe_fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -errno;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 3; /* ".", ".." and the directory's own fd */
}

int probe_lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return fd;
}

/**
 * probe_fd_limit() - take every fd number below a new soft limit
 * @soft:	the limit; numbers from there on are refused
 *
 * Return: the highest number taken, or -errno.
 */
int probe_fd_limit(int soft)
{
	struct rlimit limit;
	int fd, last = -ENFILE;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	limit.rlim_cur = soft;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		last = fd;
	return last;
}

int probe_ioctl(int fd, uint32_t cmd, void *arg)
{
	int r = ioctl(fd, cmd, arg);

	return r < 0 ? -errno : r;
}

int probe_sync(int fd, uint64_t flags)
{
	struct buf_sync sync = { .flags = flags };

	return probe_ioctl(fd, BUF_SYNC, &sync);
}

int64_t probe_seek(int fd, int64_t offset, int whence)
{
	int64_t r = lseek(fd, offset, whence);

	return r < 0 ? -errno : r;
}

int64_t probe_size(int fd)
{
	int64_t size = probe_seek(fd, 0, SEEK_END);
	int64_t start = probe_seek(fd, 0, SEEK_SET);

	return size < 0 || !start ? size : start;
}

void *probe_map(int fd, size_t size, int64_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? NULL : p;
}

void probe_stamp(void *p, size_t size, uint64_t seed)
{
	volatile uint64_t *word = p;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++)
		word[i] = seed + i * 0x9e3779b97f4a7c15ull;
}

bool probe_stamped(const void *p, size_t size, uint64_t seed)
{
	const volatile uint64_t *word = p;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++)
		if (word[i] != seed + i * 0x9e3779b97f4a7c15ull)
			return false;
	return true;
}

bool probe_zero(const void *p, size_t size)
{
	const char *byte = p;

	return !size || (!byte[0] && !memcmp(byte, byte + 1, size - 1));
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int probe_send_fd(int socket, int fd)
{
	char byte = 'f';
	struct iovec iov = { &byte, 1 };
	union control control = { { 0 } };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

int probe_receive_fd(int socket)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -EIO;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}
