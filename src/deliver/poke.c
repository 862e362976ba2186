// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/poke.h"

#include <errno.h>
#include <sys/uio.h>

int poke_bytes(const struct deliver_request *request)
{
	struct iovec local = { .iov_base = (void *)request->bytes, .iov_len = request->size };
	struct iovec remote = { .iov_base = (void *)request->address, .iov_len = request->size };
	ssize_t n = process_vm_writev(request->call.tid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return errno == EPERM ? -EACCES : -errno;
	return (size_t)n == request->size ? 0 : -EFAULT;
}
