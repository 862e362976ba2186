// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The array for poll(2) is made anew from the armed operations in each turn: there are a few dozen,
 * and poll(2) itself goes through all of them. A read is a poll for POLLIN and then the read.
 */
#include "loop/poll.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"

struct poll_backend {
	struct loop_backend backend;
	struct list armed; /* loop_op.link */
	size_t n_armed, capacity;
	struct pollfd *fds; /* [capacity] */
};

static struct poll_backend *of(struct loop_backend *backend)
{
	return container_of(backend, struct poll_backend, backend);
}

static int poll_arm(struct loop_backend *backend, struct loop_op *op)
{
	struct poll_backend *b = of(backend);
	size_t capacity = b->capacity ? 2 * b->capacity : 16;
	struct pollfd *fds;

	if (b->n_armed == b->capacity) {
		fds = reallocarray(b->fds, capacity, sizeof(*fds));
		if (!fds)
			return err_origin(-ENOMEM);
		b->fds = fds;
		b->capacity = capacity;
	}
	b->n_armed++;
	op->state = LOOP_OP_ARMED;
	list_append(&b->armed, &op->link);
	return 0;
}

static void poll_end(struct poll_backend *b, struct loop_op *op, ssize_t result)
{
	b->n_armed--;
	list_remove(&op->link);
	loop_op_finish(&b->backend, op, result);
}

static void poll_disarm(struct loop_backend *backend, struct loop_op *op)
{
	poll_end(of(backend), op, -ECANCELED);
}

/* @revents is not 0: a failing read says better than POLLERR or POLLNVAL what the matter is */
static void poll_complete(struct poll_backend *b, struct loop_op *op, short revents)
{
	ssize_t n;

	if (!op->is_read) {
		poll_end(b, op, revents);
		return;
	}
	n = loop_op_read(op);
	if (n != -EAGAIN)
		poll_end(b, op, n);
}

static int poll_wait(struct loop_backend *backend, uint64_t timeout)
{
	struct poll_backend *b = of(backend);
	struct timespec ts = { .tv_sec = timeout / NS_PER_SEC, .tv_nsec = timeout % NS_PER_SEC };
	size_t i = 0;
	int n;

	list_for_each (link, &b->armed) {
		struct loop_op *op = list_entry(link, struct loop_op, link);

		b->fds[i++] = (struct pollfd){ .fd = op->fd, .events = op->events };
	}

	n = ppoll(b->fds, i, timeout == UINT64_MAX ? NULL : &ts, NULL);
	if (n < 0)
		return errno == EINTR ? 0 : err_origin(-errno);

	i = 0;
	list_for_each_safe (link, &b->armed) {
		short revents = b->fds[i++].revents;

		if (revents)
			poll_complete(b, list_entry(link, struct loop_op, link), revents);
	}
	return 0;
}

static int poll_ring_fd(const struct loop_backend *backend)
{
	return -1;
}

static struct loop_backend *poll_free(struct loop_backend *backend)
{
	struct poll_backend *b = of(backend);

	free(b->fds);
	free(b);
	return NULL;
}

static const struct loop_backend_ops poll_ops = {
	.arm = poll_arm,
	.disarm = poll_disarm,
	.wait = poll_wait,
	.ring_fd = poll_ring_fd,
	.free = poll_free,
};

int poll_backend_new(struct loop_backend **ret)
{
	struct poll_backend *b;

	b = calloc(1, sizeof(*b));
	if (!b)
		return err_origin(-ENOMEM);
	b->backend.ops = &poll_ops;
	list_init(&b->backend.ready);
	list_init(&b->armed);
	*ret = &b->backend;
	return 0;
}
