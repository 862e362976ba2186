/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When udev has finished with a node that we made: until then it is 0600 root, whatever the rules
 * say.
 */
#ifndef DAEMON_UDEV_H
#define DAEMON_UDEV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct udev_watch;

/**
 * udev_watch_new() - listen to udev; before the node is made, so that its event isn't missed
 * @ret:	the watch
 *
 * Return: 0; -ENOENT where no udevd runs (then nobody gives the nodes mode and group); or a
 * negative error.
 */
int udev_watch_new(struct udev_watch **ret);
struct udev_watch *udev_watch_free(struct udev_watch *watch);
DEFINE_CLEANUP(struct udev_watch *, udev_watch_free);

/* readable when events came; borrowed */
int udev_watch_fd(struct udev_watch *watch);

/* the path (/dev/...) of the next node that udev has finished with adding. Return: false where no
 * more came. */
bool udev_watch_next(struct udev_watch *watch, char *path, size_t size);

#endif
