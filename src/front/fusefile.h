/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The FUSE-file door: a mounted file system with the file `ion` in it, and files like
 * `dma_heap/system`, for kernels and containers without the cuse module. An ioctl on them takes the
 * same way through the kernel as one on a CUSE node.
 */
#ifndef FRONT_FUSEFILE_H
#define FRONT_FUSEFILE_H

#include <sys/types.h>

#include "front/channel.h"
#include "front/dispatch.h"
#include "front/node.h"

struct fusefile_door;

struct fusefile_config {
	uint32_t index;		  /* of the channel */
	const struct node *nodes; /* borrowed: the files, those of ION in the mount's folder ... */
	size_t n_nodes;		  /* ... and the others in its folder dma_heap; at least one */
	void (*serves)(void *user); /* the handshake is done */
	void (*gone)(void *user);   /* unmounted, or aborted; the door may be freed later */
	void *user;
};

/**
 * fusefile_door_new_consume_fd() - serve a mounted file system
 * @ret:	the door
 * @loop:	borrowed
 * @state:	borrowed
 * @dispatch:	borrowed
 * @config:	copied
 * @fd:		/dev/fuse of the mount, O_NONBLOCK; consumed, also on failure
 *
 * Return: 0 or a negative error.
 */
int fusefile_door_new_consume_fd(struct fusefile_door **ret, struct loop *loop, struct state *state,
				 struct dispatch *dispatch, const struct fusefile_config *config,
				 int fd);
struct fusefile_door *fusefile_door_free(struct fusefile_door *door);
DEFINE_CLEANUP(struct fusefile_door *, fusefile_door_free);

#endif
