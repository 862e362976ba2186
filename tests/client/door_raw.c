// SPDX-License-Identifier: LGPL-2.1-or-later
#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi.h"

int door_open(const char *node)
{
	int fd = open(node, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int door_alloc(int ion, uint64_t len, uint32_t mask)
{
	struct ion_alloc data = { .len = len, .mask = mask, .fd = UINT32_MAX };

	return ioctl(ion, ION_ALLOC, &data) ? -errno : (int)data.fd;
}

int door_close(int ion)
{
	return close(ion) ? -errno : 0;
}
