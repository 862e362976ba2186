// SPDX-License-Identifier: LGPL-2.1-or-later
#include "loop/backend.h"

#include <errno.h>
#include <unistd.h>

ssize_t loop_op_read(const struct loop_op *op)
{
	ssize_t n;

	do
		n = read(op->fd, op->buffer.iov_base, op->buffer.iov_len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
