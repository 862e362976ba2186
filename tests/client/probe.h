/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a program can see of its own fds and memory, and a few calls in a form that is easy to
 * check. Results are >= 0 or -errno.
 */
#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int probe_fd_count(void);     /* open fds of this process */
int probe_lowest_fd(void);    /* the number that the next fd has to have */
int probe_fd_limit(int soft); /* fills the table up to @soft; the numbers stay taken */
int probe_ioctl(int fd, uint32_t cmd, void *arg);
int probe_sync(int fd, uint64_t flags);
int64_t probe_seek(int fd, int64_t offset, int whence);
int64_t probe_size(int fd); /* as SEEK_END tells it; the position is put back */

void *probe_map(int fd, size_t size, int64_t offset); /* shared, read and write; or NULL */
void probe_stamp(void *p, size_t size, uint64_t seed);
bool probe_stamped(const void *p, size_t size, uint64_t seed);
bool probe_zero(const void *p, size_t size);

int probe_send_fd(int socket, int fd);
int probe_receive_fd(int socket);

#endif
