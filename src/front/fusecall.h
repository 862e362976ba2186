/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What both FUSE doors do alike: opens, releases and ioctls of a node, from libfuse to the
 * dispatcher and back.
 */
#ifndef FRONT_FUSECALL_H
#define FRONT_FUSECALL_H

#include <fuse_lowlevel.h>
#include <stddef.h>

#include "front/channel.h"
#include "front/dispatch.h"

/* an ioctl, as libfuse gives it */
struct fusecall_ioctl {
	uint64_t fh;
	uint32_t cmd; /* libfuse has it as int in CUSE */
	void *arg;    /* an address in the caller */
	unsigned int flags;
	const void *in;
	size_t in_size;
};

/* answers an open of a node, whose heaps are as in front/node.h: fi->fh names the client from here
 * on */
void fusecall_open(struct dispatch *dispatch, struct channel *channel, uint32_t heaps,
		   fuse_req_t req, struct fuse_file_info *fi);

/* answers the last close of an open node */
void fusecall_release(struct dispatch *dispatch, fuse_req_t req, struct fuse_file_info *fi);

/* answered now or later */
void fusecall_ioctl(struct dispatch *dispatch, struct channel *channel, fuse_req_t req,
		    const struct fusecall_ioctl *ioctl);

#endif
