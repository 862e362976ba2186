// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Each armed operation is one request in the ring, with the operation's address as its user data.
 * Completions only fill in results; callbacks come later, from the loop.
 *
 * DEFER_TASKRUN (6.1) keeps the kernel from interrupting this thread with completions while it
 * works.
 */
#include "loop/uring.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"

enum {
	RING_ENTRIES = 128,
};

struct uring_backend {
	struct loop_backend backend;
	struct io_uring ring;
	struct loop_op *leaving; /* whose request is being cancelled; or NULL */
};

static struct uring_backend *of(struct loop_backend *backend)
{
	return container_of(backend, struct uring_backend, backend);
}

/* the error of a submit or wait that may simply be tried again: a signal, or results to take first
 */
static bool is_passing(int r)
{
	return r == -EINTR || r == -EAGAIN || r == -EBUSY || r == -ETIME;
}

static struct io_uring_sqe *next_sqe(struct uring_backend *b)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);

	if (!sqe && io_uring_submit(&b->ring) > 0)
		sqe = io_uring_get_sqe(&b->ring);
	return sqe;
}

static int uring_arm(struct loop_backend *backend, struct loop_op *op)
{
	struct io_uring_sqe *sqe = next_sqe(of(backend));

	if (!sqe)
		return err_origin(-EBUSY);
	if (op->is_read)
		io_uring_prep_read(sqe, op->fd, op->buffer.iov_base, op->buffer.iov_len, -1);
	else
		io_uring_prep_poll_add(sqe, op->fd, op->events);
	io_uring_sqe_set_data(sqe, op);
	op->state = LOOP_OP_ARMED;
	return 0;
}

/*
 * The kernel waits for a read's file by itself, but gives up (-EAGAIN) when it was woken for
 * nothing too often: others may read the same file.
 */
static void uring_complete(struct uring_backend *b, struct loop_op *op, int res)
{
	int r;

	if (op->is_read && op != b->leaving && (res == -EAGAIN || res == -EINTR)) {
		r = uring_arm(&b->backend, op);
		if (!r)
			return;
		res = r;
	}
	loop_op_finish(&b->backend, op, res);
}

static void uring_reap(struct uring_backend *b)
{
	struct io_uring_cqe *cqe;
	struct loop_op *op;
	int res;

	while (!io_uring_peek_cqe(&b->ring, &cqe)) {
		op = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		io_uring_cqe_seen(&b->ring, cqe);
		if (op) /* else the answer to a cancel */
			uring_complete(b, op, res);
	}
}

/*
 * Comes back when the request itself is over: only then is its buffer the owner's again. The kernel
 * answers a request once, cancelled or not, so the wait ends.
 */
static void uring_disarm(struct loop_backend *backend, struct loop_op *op)
{
	struct uring_backend *b = of(backend);
	struct io_uring_sqe *sqe;
	int r;

	b->leaving = op;
	while (op->state == LOOP_OP_ARMED) {
		sqe = next_sqe(b);
		if (sqe) {
			io_uring_prep_cancel(sqe, op, 0);
			io_uring_sqe_set_data(sqe, NULL);
		}
		r = io_uring_submit_and_wait(&b->ring, 1);
		assert(r >= 0 || is_passing(r));
		uring_reap(b);
	}
	b->leaving = NULL;
}

/*
 * With results at hand liburing would not ask the kernel for more, and a deferred ring gets none
 * unless asked: so they are taken first.
 */
static int uring_wait(struct loop_backend *backend, uint64_t timeout)
{
	struct uring_backend *b = of(backend);
	struct __kernel_timespec ts;
	struct io_uring_cqe *cqe;
	int r;

	uring_reap(b);
	if (!list_is_empty(&backend->ready))
		timeout = 0;
	ts.tv_sec = timeout / NS_PER_SEC;
	ts.tv_nsec = timeout % NS_PER_SEC;
	r = io_uring_submit_and_wait_timeout(&b->ring, &cqe, 1, timeout == UINT64_MAX ? NULL : &ts,
					     NULL);
	if (r < 0 && !is_passing(r))
		return err_origin(r);
	uring_reap(b);
	return 0;
}

static int uring_ring_fd(const struct loop_backend *backend)
{
	return container_of(backend, const struct uring_backend, backend)->ring.ring_fd;
}

static struct loop_backend *uring_free(struct loop_backend *backend)
{
	struct uring_backend *b = of(backend);

	io_uring_queue_exit(&b->ring);
	free(b);
	return NULL;
}

static const struct loop_backend_ops uring_ops = {
	.arm = uring_arm,
	.disarm = uring_disarm,
	.wait = uring_wait,
	.ring_fd = uring_ring_fd,
	.free = uring_free,
};

/* the flags of 6.1 where the kernel knows them: only this thread submits, and it alone takes
 * results */
static int ring_init(struct io_uring *ring)
{
	const unsigned int needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
	int r;

	r = io_uring_queue_init(RING_ENTRIES, ring,
				IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	if (r == -EINVAL)
		r = io_uring_queue_init(RING_ENTRIES, ring, 0);
	if (r < 0)
		return r;
	if ((ring->features & needed) != needed) {
		io_uring_queue_exit(ring);
		return -EOPNOTSUPP;
	}
	return 0;
}

int uring_backend_new(struct loop_backend **ret)
{
	struct uring_backend *b;
	int r;

	b = calloc(1, sizeof(*b));
	if (!b)
		return err_origin(-ENOMEM);
	b->backend.ops = &uring_ops;
	list_init(&b->backend.ready);
	r = ring_init(&b->ring);
	if (r < 0) {
		free(b);
		return r;
	}
	*ret = &b->backend;
	return 0;
}
