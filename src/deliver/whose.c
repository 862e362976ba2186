// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * By stat of /proc/TID/fd/N, which goes straight to the file's inode, and with AT_STATX_DONT_SYNC,
 * so that no file server is asked: it may be the caller's own, and never answer.
 *
 * /proc/TID/fdinfo/N would tell the same, but calls into the file: an epoll's takes the mutex that
 * the caller holds for as long as it adds a file whose server does not answer a poll (seen: 6.18),
 * and no signal ends that wait.
 */
#include "deliver/whose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WANTED (STATX_INO | STATX_MNT_ID)

/* it can't be stat'ed: is that the file's fault, or may we not look at this thread at all? */
static int judge(const char *path, int error)
{
	char target[8];

	if (error == -ESRCH)
		return error;
	if (error == -ENOENT)
		return -EBADF;
	if (readlink(path, target, sizeof(target)) >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
		return -EBADF;
	case EACCES:
	case EPERM:
		return -EACCES;
	default:
		return -ESRCH;
	}
}

int whose_fd(pid_t tid, int32_t number, struct deliver_file *ret)
{
	struct statx st = { 0 };
	char path[64];

	*ret = (struct deliver_file){ 0 };
	if (number < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, number);
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, WANTED, &st) < 0)
		return judge(path, -errno);
	if ((st.stx_mask & WANTED) != WANTED)
		return 0;
	*ret = (struct deliver_file){ .ino = st.stx_ino, .mount = st.stx_mnt_id };
	return 0;
}
