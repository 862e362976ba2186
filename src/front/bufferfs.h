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
#include "front/bufferfiles.h"
#include "loop/loop.h"

struct bufferfs;

/*
 * A file's name in the root: its number, and an id of FUSE_DEV_IOC_BACKING_OPEN, valid until it was
 * opened, or 0: no passthrough. So who opens says what the kernel shall map, in one go. readlink(2)
 * shows the name, in the way of a dma-buf's.
 */
#define BUFFERFS_NAME "dmabuf:%" PRIu64 ":%" PRIu32

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

struct bufferfiles *bufferfs_files(struct bufferfs *fs);

/* closes the connection: who waits for an open fails. Files can still be freed. */
void bufferfs_stop(struct bufferfs *fs);

/* no file is owned any more */
struct bufferfs *bufferfs_free(struct bufferfs *fs);
DEFINE_CLEANUP(struct bufferfs *, bufferfs_free);

struct bufferfs_counters {
	uint64_t reads, writes; /* of pages and by clients, all that came */
};

/* of the loop's thread */
void bufferfs_counters(const struct bufferfs *fs, struct bufferfs_counters *ret);

/* what the kernel said at the handshake: is a backing of use? Any thread; false before it. */
bool bufferfs_has_passthrough(struct bufferfs *fs);

#endif
