// SPDX-License-Identifier: LGPL-2.1-or-later
#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <ion/ion.h>
#include <string.h>

/* ion_open() knows one node only; libion's other calls take any fd of ION's */
int door_open(const char *node)
{
	int fd = strcmp(node, "/dev/ion") ? open(node, O_RDONLY | O_CLOEXEC) : ion_open();

	return fd < 0 ? -errno : fd;
}

int door_alloc(int ion, uint64_t len, uint32_t mask)
{
	int fd = -1;
	int r = ion_alloc_fd(ion, len, 0, mask, 0, &fd);

	return r ? r : fd;
}

int door_close(int ion)
{
	return ion_close(ion);
}
