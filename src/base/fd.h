/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File descriptors as owned values: -1 is "none", fd_close() returns it.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

/* close @fd where it is one; errno stays as it was. Return: -1. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
	fd_close(*fd);
}

static inline int fd_steal(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

/*
 * One message with at most one fd, over an AF_UNIX socket. fd_send() sends @fd (borrowed) where it
 * is not -1. fd_receive() gives the fd that came, close-on-exec, or -1; a message whose fd could
 * not be installed is -EMFILE. Return: bytes, or a negative error; -EMSGSIZE where @size was too
 * small.
 */
ssize_t fd_send(int socket, const void *bytes, size_t size, int fd, int flags);
ssize_t fd_receive(int socket, void *bytes, size_t size, int *ret_fd, int flags);

/* a small whole file (sysfs, proc): 0 or a negative error; text is NUL-terminated */
int file_read_text(const char *path, char *text, size_t size);
int file_write_text(const char *path, const char *text);

#endif
