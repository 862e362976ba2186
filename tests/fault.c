// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned int armed, calls;
void (*fault_leased)(int fd);

void fault_arm(unsigned int nth)
{
	armed = nth;
	calls = 0;
}

bool fault_disarm(void)
{
	bool made = armed && calls >= armed;

	armed = 0;
	return made;
}

bool fault_now(int error)
{
	if (!armed || ++calls != armed)
		return false;
	errno = error;
	return true;
}

unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* a function that fails with @error and returns @failed */
#define WRAP(type, name, failed, error, args, call) \
	type __real_##name args;                    \
	type __wrap_##name args;                    \
	type __wrap_##name args                     \
	{                                           \
		if (fault_now(error))               \
			return failed;              \
		return __real_##name call;          \
	}                                           \
	struct wrapped_##name

WRAP(void *, calloc, NULL, ENOMEM, (size_t n, size_t size), (n, size));
WRAP(void *, reallocarray, NULL, ENOMEM, (void *p, size_t n, size_t size), (p, n, size));
WRAP(int, memfd_create, -1, EMFILE, (const char *name, unsigned int flags), (name, flags));
WRAP(int, ftruncate, -1, ENOMEM, (int fd, off_t size), (fd, size));
WRAP(int, fallocate, -1, ENOSPC, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size));
WRAP(int, fstat, -1, EIO, (int fd, struct stat *st), (fd, st));
WRAP(ssize_t, pread, -1, EIO, (int fd, void *p, size_t n, off_t at), (fd, p, n, at));
WRAP(ssize_t, pwrite, -1, ENOMEM, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at));
WRAP(void *, mmap, MAP_FAILED, ENOMEM, (void *p, size_t n, int prot, int flags, int fd, off_t at),
     (p, n, prot, flags, fd, at));
WRAP(int, madvise, -1, ENOMEM, (void *p, size_t n, int advice), (p, n, advice));
WRAP(int, mlock, -1, ENOMEM, (const void *p, size_t n), (p, n));
WRAP(int, inotify_init1, -1, EMFILE, (int flags), (flags));
WRAP(int, inotify_add_watch, -1, ENOSPC, (int fd, const char *path, uint32_t mask),
     (fd, path, mask));
WRAP(int, epoll_create1, -1, EMFILE, (int flags), (flags));
WRAP(int, epoll_ctl, -1, ENOMEM, (int epoll, int op, int fd, struct epoll_event *event),
     (epoll, op, fd, event));
WRAP(int, __open_2, -1, EMFILE, (const char *path, int flags), (path, flags));

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (fault_now(EMFILE))
		return -1;
	if (flags & O_CREAT) {
		va_start(args, flags);
		mode = va_arg(args, int);
		va_end(args);
	}
	return __real_open(path, flags, mode);
}

/* all commands that we use take an int, or nothing */
int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...)
{
	va_list args;
	int arg, r;

	if (fault_now(EMFILE))
		return -1;
	va_start(args, cmd);
	arg = va_arg(args, int);
	va_end(args);
	r = __real_fcntl(fd, cmd, arg);
	if (fault_leased && !r && cmd == F_SETLEASE && arg == F_WRLCK)
		fault_leased(fd);
	return r;
}
