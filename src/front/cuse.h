/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CUSE door: a character device, one channel each.
 */
#ifndef FRONT_CUSE_H
#define FRONT_CUSE_H

#include "front/channel.h"
#include "front/dispatch.h"
#include "front/node.h"

struct cuse_door;

struct cuse_config {
	const struct node *node;    /* copied; mode and gid are the kernel's and udev's matter */
	uint32_t index;		    /* of the channel */
	void (*serves)(void *user); /* the handshake is done: the kernel has made the node */
	void (*gone)(
		void *user); /* the kernel has closed the channel; the door may be freed later */
	void *user;
};

/**
 * cuse_door_new_consume_fd() - serve a device node
 * @ret:	the door
 * @loop:	borrowed
 * @state:	borrowed
 * @dispatch:	borrowed
 * @config:	copied
 * @fd:		a fresh /dev/cuse, O_NONBLOCK; consumed, also on failure
 *
 * Return: 0 or a negative error.
 */
int cuse_door_new_consume_fd(struct cuse_door **ret, struct loop *loop, struct state *state,
			     struct dispatch *dispatch, const struct cuse_config *config, int fd);

/* the node goes; callers get ENOTCONN */
struct cuse_door *cuse_door_free(struct cuse_door *door);
DEFINE_CLEANUP(struct cuse_door *, cuse_door_free);

#endif
