/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The private file system whose files are buffers: each file stands for one memfd and does what a
 * dma-buf does, DMA_BUF_IOCTL_SYNC first of all, on kernels that make no dma-bufs of memfds. It is
 * mounted nowhere; a file is opened once, by us, and then given away.
 *
 * With FUSE passthrough (Linux 6.9) a mapping of the file is one of the memfd: no page passes
 * through here, and mappings live on without us. Its end is the memfd's: pages_are_held(). Without
 * it the kernel keeps the pages in its page cache and reads and writes them here; then RELEASE is
 * the end, of mappings too.
 *
 * Each open is a request to the loop's thread: so it must come from another one, of a process that
 * may wait for us (daemon/opener.h).
 */
#ifndef FRONT_BUFFERFS_H
#define FRONT_BUFFERFS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "core/state.h"
#include "loop/loop.h"

struct bufferfs;
struct bufferfs_file;

/* a file's name in the root, of its number; readlink(2) shows it as that of a dma-buf */
#define BUFFERFS_NAME "dmabuf:%" PRIu64

struct bufferfs_config {
	uint32_t index;		    /* of the channel */
	void (*serves)(void *user); /* the handshake is done once this turn of the loop is */
	void (*gone)(void *user);   /* the connection was aborted */
	void *user;
};

/**
 * bufferfs_new_consume_fd() - serve the file system
 * @ret:	it
 * @loop:	borrowed
 * @state:	borrowed
 * @config:	copied
 * @fd:		/dev/fuse of the mount, O_NONBLOCK; consumed, also on failure
 *
 * Return: 0 or a negative error.
 */
int bufferfs_new_consume_fd(struct bufferfs **ret, struct loop *loop, struct state *state,
			    const struct bufferfs_config *config, int fd);

/* closes the connection: who waits for an open fails. Files can still be freed. */
void bufferfs_stop(struct bufferfs *fs);

/* all files are freed; those that the kernel still knows go too */
struct bufferfs *bufferfs_free(struct bufferfs *fs);
DEFINE_CLEANUP(struct bufferfs *, bufferfs_free);

struct bufferfs_counters {
	uint64_t files;		/* on record at the moment */
	uint64_t reads, writes; /* of pages and by clients, all that came */
};

/* of the loop's thread */
void bufferfs_counters(struct bufferfs *fs, struct bufferfs_counters *ret);

/* what the kernel said at the handshake: is a backing of use? Any thread; false before it. */
bool bufferfs_has_passthrough(struct bufferfs *fs);

/* ---- files ---- */

/* a file, not open yet: @size bytes, in whole pages. Any thread. Return: 0 or -ENOMEM. */
int bufferfs_file_new(struct bufferfs_file **ret, struct bufferfs *fs, uint64_t size);

/* of the name, and the inode number */
uint64_t bufferfs_file_number(const struct bufferfs_file *file);

/* what the kernel maps instead of the file: an id of FUSE_DEV_IOC_BACKING_OPEN, valid until the
 * file was opened. Any thread, before the open. */
void bufferfs_file_back(struct bufferfs_file *file, int backing);

/* what pages are read from and written to, where there is no backing: a memfd of at least the
 * file's size. Any thread, before the open. */
void bufferfs_file_consume_fd(struct bufferfs_file *file, int fd);

/* @released is called once, from the loop, when the file was closed for good; without a backing
 * that is when no mapping is left either. It may free the file. */
void bufferfs_file_follow(struct bufferfs_file *file, void (*released)(void *user), void *user);

/* its pages are out of reach from here on; what the kernel still asks of it fails. The loop's
 * thread, or any where it isn't followed. */
struct bufferfs_file *bufferfs_file_free(struct bufferfs_file *file);
DEFINE_CLEANUP(struct bufferfs_file *, bufferfs_file_free);

#endif
