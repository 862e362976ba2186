// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A turn: wait, then call what is ready, then the timers that are due. A callback may remove and
 * free any source, also the one that it was called for: loop.running tells whether that one still
 * stands, and nothing of a source is looked at after its callback where it doesn't.
 */
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/poll.h"
#include "loop/uring.h"

enum {
	READS_PER_TURN = 16, /* of one source; the others are waiting */
};

struct loop {
	struct loop_backend *backend;
	struct timer_queue timers;
	size_t n_sources;
	struct loop_op *running; /* whose callback runs; NULL: none, or it was removed */
	bool in_turn;
	bool quit;
	int status;
};

static int backend_new(struct loop_backend **ret, enum loop_backend_kind kind)
{
	int r;

	if (kind == LOOP_POLL)
		return poll_backend_new(ret);
	r = uring_backend_new(ret);
	if (r < 0 && kind == LOOP_AUTO) {
		log_debug("loop", "no io_uring here (error %d): using poll(2)", -r);
		return poll_backend_new(ret);
	}
	return r;
}

/**
 * loop_new() - make a loop for the calling thread
 * @ret:	the loop
 * @kind:	which backend
 *
 * Return: 0 or a negative error.
 */
int loop_new(struct loop **ret, enum loop_backend_kind kind)
{
	struct loop *loop;
	int r;

	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return err_origin(-ENOMEM);
	timer_queue_init(&loop->timers);
	r = backend_new(&loop->backend, kind);
	if (r < 0) {
		free(loop);
		return err_origin(r);
	}
	*ret = loop;
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	assert(!loop->in_turn);
	assert(!loop->n_sources);
	assert(timer_queue_left(&loop->timers, 0) == UINT64_MAX);
	loop->backend = loop->backend->ops->free(loop->backend);
	free(loop);
	return NULL;
}

static uint64_t wait_limit(struct loop *loop, int timeout_ms)
{
	uint64_t limit = timeout_ms < 0 ? UINT64_MAX : timeout_ms * NS_PER_MS;

	if (!list_is_empty(&loop->backend->ready))
		return 0;
	return MIN(limit, timer_queue_left(&loop->timers, now_ns()));
}

/* operations that get ready in the middle are taken too: only a removal can make some */
static int call_ready(struct loop *loop)
{
	struct list *link;
	struct loop_op *op;
	int n = 0;

	while (!loop->quit && (link = list_pop(&loop->backend->ready))) {
		op = list_entry(link, struct loop_op, link);
		op->state = LOOP_OP_IDLE;
		loop->running = op;
		op->done(op);
		loop->running = NULL;
		n++;
	}
	return n;
}

static int call_timers(struct loop *loop)
{
	struct loop_timer *timer;
	int n = 0;

	timer_queue_expire(&loop->timers, now_ns());
	while (!loop->quit && (timer = timer_queue_pop(&loop->timers))) {
		timer->fire(timer);
		n++;
	}
	return n;
}

int loop_step(struct loop *loop, int timeout_ms)
{
	int r;

	assert(!loop->in_turn);
	r = loop->backend->ops->wait(loop->backend, wait_limit(loop, timeout_ms));
	if (r < 0)
		return r;
	loop->in_turn = true;
	r = call_ready(loop);
	r += call_timers(loop);
	loop->in_turn = false;
	return r;
}

int loop_run(struct loop *loop)
{
	int r;

	while (!loop->quit) {
		r = loop_step(loop, -1);
		if (r < 0)
			return r;
	}
	loop->quit = false; /* it may run again */
	return loop->status;
}

void loop_quit(struct loop *loop, int status)
{
	loop->quit = true;
	loop->status = status;
}

int loop_ring_fd(const struct loop *loop)
{
	return loop->backend->ops->ring_fd(loop->backend);
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t ns)
{
	uint64_t now = now_ns();

	timer_queue_set(&loop->timers, timer, ns < UINT64_MAX - now ? now + ns : UINT64_MAX - 1);
}

static int op_arm(struct loop *loop, struct loop_op *op)
{
	return loop->backend->ops->arm(loop->backend, op);
}

/* the operation is idle afterwards; its result stays */
static void op_drop(struct loop *loop, struct loop_op *op)
{
	if (loop->running == op)
		loop->running = NULL;
	if (op->state == LOOP_OP_ARMED)
		loop->backend->ops->disarm(loop->backend, op);
	else if (op->state == LOOP_OP_IDLE)
		op->result = 0;
	list_remove(&op->link);
	op->state = LOOP_OP_IDLE;
	loop->n_sources--;
}

static void poll_done(struct loop_op *op)
{
	struct loop_poll *source = container_of(op, struct loop_poll, op);
	struct loop *loop = source->loop;
	short revents = op->result < 0 ? POLLNVAL : op->result;

	if (revents & POLLNVAL)
		loop_poll_remove(source);
	source->cb(source, revents);
	if (loop->running == op && op_arm(loop, op) < 0) {
		loop_poll_remove(source);
		source->cb(source, POLLNVAL);
	}
}

void loop_poll_init(struct loop_poll *source, void (*cb)(struct loop_poll *, short), void *user)
{
	*source = (struct loop_poll){ .op.done = poll_done, .cb = cb, .user = user };
	list_init(&source->op.link);
}

int loop_poll_add(struct loop *loop, struct loop_poll *source, int fd, short events)
{
	int r;

	assert(!source->loop);
	source->op.fd = fd;
	source->op.events = events;
	r = op_arm(loop, &source->op);
	if (r < 0)
		return r;
	source->loop = loop;
	loop->n_sources++;
	return 0;
}

void loop_poll_remove(struct loop_poll *source)
{
	if (!source->loop)
		return;
	op_drop(source->loop, &source->op);
	source->loop = NULL;
}

/* the last call for a source: 0, or the error that ended it */
static void read_end(struct loop_read *source, ssize_t n)
{
	loop_read_remove(source);
	source->data(source, n);
}

/* what completed, and what is there already: each by a plain read, cheaper than a turn */
static void read_done(struct loop_op *op)
{
	struct loop_read *source = container_of(op, struct loop_read, op);
	struct loop *loop = source->loop;
	ssize_t n = op->result;
	int r;

	for (unsigned int i = 0; i < READS_PER_TURN && n != -EAGAIN; i++) {
		if (n <= 0) {
			read_end(source, n);
			return;
		}
		source->data(source, n);
		if (loop->running != op)
			return;
		op->buffer = source->buffer(source);
		n = loop->quit || i == READS_PER_TURN - 1 ? -EAGAIN : loop_op_read(op);
	}
	r = op_arm(loop, op);
	if (r < 0)
		read_end(source, r);
}

void loop_read_init(struct loop_read *source, struct iovec (*buffer)(struct loop_read *),
		    void (*data)(struct loop_read *, ssize_t), void *user)
{
	*source = (struct loop_read){ .buffer = buffer, .data = data, .user = user };
	source->op.done = read_done;
	source->op.is_read = true;
	source->op.events = POLLIN;
	list_init(&source->op.link);
}

int loop_read_add(struct loop *loop, struct loop_read *source, int fd)
{
	int r;

	assert(!source->loop);
	r = fcntl(fd, F_GETFL);
	if (r < 0)
		return err_origin(-errno);
	if (!(r & O_NONBLOCK))
		return err_origin(-EINVAL);

	source->op.fd = fd;
	source->op.buffer = source->buffer(source);
	r = op_arm(loop, &source->op);
	if (r < 0)
		return r;
	source->loop = loop;
	loop->n_sources++;
	return 0;
}

ssize_t loop_read_remove(struct loop_read *source)
{
	if (!source->loop)
		return 0;
	op_drop(source->loop, &source->op);
	source->loop = NULL;
	return MAX(source->op.result, 0);
}
