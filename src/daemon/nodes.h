/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When the device nodes of the CUSE doors can be used: after udev has given each its mode and
 * group; or, where there is no udev, after we have.
 */
#ifndef DAEMON_NODES_H
#define DAEMON_NODES_H

#include "daemon/doors.h"
#include "loop/loop.h"

struct udev_watch;

struct nodes {
	struct loop *loop;	 /* borrowed */
	struct udev_watch *udev; /* NULL: no udevd */
	struct loop_poll poll;
	struct loop_timer limit;
	const struct doors *doors; /* borrowed: whose nodes these are */
	bool done[DOORS_MAX];
	bool waits;

	/* 0: all are done; or a negative error, which is on the log. Once for each nodes_wait(). */
	void (*ready)(void *user, int result);
	void *user;
};

/* ready and user are set by the caller */
void nodes_init(struct nodes *nodes);

/* listens to udev: before the first node is made, so that no event is missed. 0 or a negative
 * error. */
int nodes_listen(struct nodes *nodes, struct loop *loop);
void nodes_deinit(struct nodes *nodes);

/* the nodes of these doors are to come; before the doors serve */
void nodes_expect(struct nodes *nodes, const struct doors *doors);

/* the kernel has made them all: ready() is called, perhaps at once */
void nodes_wait(struct nodes *nodes);

/* no ready() any more */
void nodes_forget(struct nodes *nodes);

#endif
