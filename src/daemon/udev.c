// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/udev.h"

#include <errno.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

struct udev_watch {
	struct udev *udev;
	struct udev_monitor *monitor;
};

int udev_watch_new(struct udev_watch **ret)
{
	_cleanup_(udev_watch_freep) struct udev_watch *watch = NULL;

	if (access("/run/udev/control", F_OK) < 0)
		return -ENOENT;

	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return err_origin(-ENOMEM);
	watch->udev = udev_new();
	if (!watch->udev)
		return err_origin(-ENOMEM);
	/* "udev": events after the rules have run; "kernel" would be before */
	watch->monitor = udev_monitor_new_from_netlink(watch->udev, "udev");
	if (!watch->monitor)
		return err_origin(-ENOMEM);
	if (udev_monitor_filter_add_match_subsystem_devtype(watch->monitor, "cuse", NULL) < 0 ||
	    udev_monitor_enable_receiving(watch->monitor) < 0)
		return err_origin(-EIO);

	*ret = steal(watch);
	return 0;
}

struct udev_watch *udev_watch_free(struct udev_watch *watch)
{
	if (!watch)
		return NULL;
	udev_monitor_unref(watch->monitor);
	udev_unref(watch->udev);
	free(watch);
	return NULL;
}

int udev_watch_fd(struct udev_watch *watch)
{
	return udev_monitor_get_fd(watch->monitor);
}

bool udev_watch_next(struct udev_watch *watch, char *path, size_t size)
{
	struct udev_device *device;
	const char *action, *node;
	bool added;

	/* the monitor's socket is non-blocking */
	while ((device = udev_monitor_receive_device(watch->monitor))) {
		action = udev_device_get_action(device);
		node = udev_device_get_devnode(device);
		added = action && node && !strcmp(action, "add") && strlen(node) < size;
		if (added)
			strcpy(path, node);
		udev_device_unref(device);
		if (added)
			return true;
	}
	return false;
}
