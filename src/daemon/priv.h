/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The privileged acts: all that the keeper does as root and no other process does. Each says on the
 * log what failed, why, and what to do about it.
 */
#ifndef DAEMON_PRIV_H
#define DAEMON_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* as many open files as the kernel allows: a buffer costs one or two */
void priv_raise_nofile(void);

/* opens /dev/udmabuf. Return: 0, or -errno: no udmabuf on this kernel. */
int priv_open_udmabuf(int *ret_fd);

/* opens a CUSE channel, O_NONBLOCK, for the node /dev/NAME that must not exist yet */
int priv_open_cuse(int *ret_fd, const char *name);

/* waits until the node /dev/NAME of a channel that was closed is gone, @limit_ms at most: who else
 * had a hold on the channel, as a dead process's ring, lets go of it in its own time */
void priv_wait_gone(const char *name, int limit_ms);

/* mounts a FUSE file system at @dir; the channel is O_NONBLOCK */
int priv_mount_fuse(int *ret_fd, const char *dir);
void priv_unmount_fuse(const char *dir);

/* mounts the private file system of buffers' files (front/bufferfs.h) nowhere: its channel,
 * O_NONBLOCK, and an fd of its root. When both are closed it is gone. Says nothing. */
int priv_mount_buffers(int *ret_channel, int *ret_root);

/* gives a node mode and group where no udev does */
int priv_give_node(const char *path, mode_t mode, gid_t gid);

/**
 * priv_listen_control() - make the control socket
 * @ret_fd:	listening, O_NONBLOCK, mode 0666
 * @path:	its directory is made where it is missing
 *
 * Return: 0; -EADDRINUSE where another service answers on it; or a negative error.
 */
int priv_listen_control(int *ret_fd, const char *path);

/* drops all capabilities but these, of which a container may have kept some from us */
int priv_keep_caps(const int *caps, size_t n);

/* becomes @uid and @gid for good: no capability, no group, no way back. 0 or a negative error. */
int priv_become(uid_t uid, gid_t gid);

#endif
