/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a backend of the loop does: wait for many operations at once. An operation lies in the
 * source that asks for it, so nothing is allocated for one, and disarm() comes back only when the
 * kernel has let go of it: no late completion can touch a source that is gone.
 */
#ifndef LOOP_BACKEND_H
#define LOOP_BACKEND_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/attr.h"
#include "base/list.h"

enum loop_op_state {
	LOOP_OP_IDLE,
	LOOP_OP_ARMED, /* the backend waits for it */
	LOOP_OP_READY, /* it has a result and is in loop_backend.ready */
};

struct loop_op {
	struct list link; /* loop_backend.ready; while armed at the backend's disposal */
	enum loop_op_state state;
	bool is_read;	     /* read into buffer; else wait for events */
	short events;	     /* POLLIN, POLLOUT */
	int fd;		     /* borrowed */
	struct iovec buffer; /* owner's; the kernel's while armed */
	ssize_t result;	     /* bytes or revents, or a negative error */
	void (*done)(struct loop_op *op);
};

struct loop_backend {
	const struct loop_backend_ops *ops;
	struct list ready; /* loop_op.link, in the order of completion */
};

struct loop_backend_ops {
	/* start an idle operation: 0, or a negative error and it stays idle */
	int (*arm)(struct loop_backend *backend, struct loop_op *op);
	/* end an armed operation: it is ready (it was faster, or it was cancelled) on return */
	void (*disarm)(struct loop_backend *backend, struct loop_op *op);
	/* until an operation is ready or @timeout (ns; UINT64_MAX: none) is over: 0 or an error */
	int (*wait)(struct loop_backend *backend, uint64_t timeout);
	int (*ring_fd)(const struct loop_backend *backend);
	struct loop_backend *(*free)(struct loop_backend *backend);
};

/* a backend reports an operation's end; the loop calls ->done() later, never the backend */
static inline void loop_op_finish(struct loop_backend *backend, struct loop_op *op, ssize_t result)
{
	op->state = LOOP_OP_READY;
	op->result = result;
	list_append(&backend->ready, &op->link);
}

/* one plain read into the operation's buffer: bytes or a negative error, never -EINTR */
ssize_t loop_op_read(const struct loop_op *op);

#endif
