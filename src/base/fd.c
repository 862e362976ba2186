// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"

int fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

ssize_t fd_send(int socket, const void *bytes, size_t size, int fd, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	n = sendmsg(socket, &msg, flags | MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

/* the fd in a received message's control part, or -1 */
static int fd_of_message(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int fd = -1;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
		    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	}
	return fd;
}

ssize_t fd_receive(int socket, void *bytes, size_t size, int *ret_fd, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		/* room for one fd, so the kernel drops others; CMSG_SPACE() would hold two */
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	_cleanup_(fd_closep) int fd = -1;
	ssize_t n;

	n = recvmsg(socket, &msg, flags | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	fd = fd_of_message(&msg);
	if (msg.msg_flags & MSG_TRUNC)
		return err_origin(-EMSGSIZE);
	if (msg.msg_flags & MSG_CTRUNC)
		return err_origin(-EMFILE);

	*ret_fd = fd_steal(&fd);
	return n;
}

int file_read_text(const char *path, char *text, size_t size)
{
	_cleanup_(fd_closep) int fd = -1;
	size_t at = 0;
	ssize_t n;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do { /* the kernel's own files come in parts */
		n = read(fd, text + at, size - 1 - at);
		if (n < 0)
			return -errno;
		at += n;
	} while (n && at < size - 1);
	text[at] = '\0';
	return 0;
}

int file_write_text(const char *path, const char *text)
{
	_cleanup_(fd_closep) int fd = -1;
	size_t size = strlen(text);
	ssize_t n;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, size);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}
