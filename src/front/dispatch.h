/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dispatcher: the one place that knows both the wire and the core. A door hands it the opens,
 * the releases and the ioctls of callers; it decodes, has the core act, has the fd delivered, and
 * answers each call exactly once, also when its caller dies.
 */
#ifndef FRONT_DISPATCH_H
#define FRONT_DISPATCH_H

#include "front/call.h"

/* all that @config names is borrowed and outlives the dispatcher */
void dispatch_init(struct dispatch *dispatch, const struct dispatch_config *config);

/* calls that wait for their turn end with -EIO, further ones at once; what is worked on is for its
 * jobs and deliveries to end. Never initialized, but zeroed: is let be. */
void dispatch_stop(struct dispatch *dispatch);

/* no call may be unanswered any more */
void dispatch_deinit(struct dispatch *dispatch);

/* a node was opened. Return: 0 or the caller's -errno; *ret_fh names the client from here on. */
int dispatch_open(struct dispatch *dispatch, const struct client_who *who, uint64_t *ret_fh);

/* the last close of an open node */
void dispatch_release(struct dispatch *dispatch, uint64_t fh);

/* an ioctl came: @call is filled by the door and kept by it until ops->free(); @in is gone on
 * return */
void dispatch_ioctl(struct dispatch *dispatch, struct call *call, const void *in, size_t in_size);

#endif
