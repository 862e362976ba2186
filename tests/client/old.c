// SPDX-License-Identifier: LGPL-2.1-or-later
#include "old.h"

#include <errno.h>
#include <string.h>

#include "probe.h"

#define ODD -77 /* what nobody asks for, where a call has to write or must not */

int old_alloc(int ion, const struct old_alloc *want)
{
	struct old_alloc data = *want, was;
	int r, handle;

	data.handle = 0x5a5a;
	was = data;
	r = probe_ioctl(ion, OLD_ALLOC, &data);
	handle = data.handle;
	if (memcmp(&data, &was, offsetof(struct old_alloc, handle)))
		return -EPROTO;
	return r < 0 ? r : handle;
}

int old_free(int ion, int handle)
{
	int32_t data = handle;
	int r = probe_ioctl(ion, ION_OLD_FREE, &data);

	return data == handle ? r : -EPROTO;
}

int old_share(int ion, uint32_t cmd, int handle)
{
	struct old_fd data = { handle, ODD };
	int r = probe_ioctl(ion, cmd, &data);

	if (data.handle != handle)
		return -EPROTO;
	return r < 0 ? r : data.fd;
}

int old_import(int ion, int fd)
{
	struct old_fd data = { ODD, fd };
	int r = probe_ioctl(ion, ION_OLD_IMPORT, &data);

	if (data.fd != fd)
		return -EPROTO;
	return r < 0 ? r : data.handle;
}

int old_sync(int ion, int fd)
{
	struct old_fd data = { ODD, fd };
	int r = probe_ioctl(ion, ION_OLD_SYNC, &data);

	return data.fd == fd && data.handle == ODD ? r : -EPROTO;
}
