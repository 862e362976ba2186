/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loop: fds and time for one thread, the one that made it. Sources are structs inside their
 * owners. A callback may remove any source, itself included, and add others. A source is removed
 * before its fd is closed; after the removal no callback comes, and the kernel holds neither the fd
 * nor the buffer. Timers: loop/timer.h; signals: loop/signals.h; helper threads: loop/jobs.h.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/attr.h"
#include "loop/backend.h"
#include "loop/timer.h"

struct loop;

enum loop_backend_kind {
	LOOP_AUTO,  /* io_uring where the host allows it, else poll(2) */
	LOOP_URING, /* or the error of io_uring_setup(2) */
	LOOP_POLL,
};

/* readiness of a file, told again as long as it lasts */
struct loop_poll {
	struct loop_op op;
	struct loop *loop; /* NULL: not added */
	void (*cb)(struct loop_poll *source, short revents);
	void *user;
};

/*
 * Messages of a file with O_NONBLOCK. @buffer is asked for the place of the next message, once per
 * message; the place is the loop's until @data or the removal. @data gets bytes, or 0 at the end of
 * the file, or a negative error (never -EAGAIN or -EINTR). After 0 and after an error the source is
 * no longer added; @data may add it again.
 */
struct loop_read {
	struct loop_op op;
	struct loop *loop; /* NULL: not added */
	struct iovec (*buffer)(struct loop_read *source);
	void (*data)(struct loop_read *source, ssize_t n);
	void *user;
};

int loop_new(struct loop **ret, enum loop_backend_kind kind);

/* no source is added and no timer set any more: asserted. Return: NULL. */
struct loop *loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop *, loop_free);

/* turns until loop_quit(): its status, or a negative error of the wait itself */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop, int status);

/* one turn; waits at most @timeout_ms (-1: no limit) for something to happen.
 * Return: how many callbacks ran (a drained read source counts once), or a negative error. */
int loop_step(struct loop *loop, int timeout_ms);

/* the io_uring's fd, for who must close it after this process's death; -1 on poll(2) */
int loop_ring_fd(const struct loop *loop);

void loop_poll_init(struct loop_poll *source, void (*cb)(struct loop_poll *, short), void *user);

/* @fd is borrowed; @events of POLLIN and POLLOUT. A file that can't be waited for gives POLLNVAL
 * once, and its source is no longer added. Return: 0 or a negative error. */
int loop_poll_add(struct loop *loop, struct loop_poll *source, int fd, short events);
void loop_poll_remove(struct loop_poll *source);

void loop_read_init(struct loop_read *source, struct iovec (*buffer)(struct loop_read *),
		    void (*data)(struct loop_read *, ssize_t), void *user);

/* @fd is borrowed. Asks for the first buffer at once. Return: 0, -EINVAL (no O_NONBLOCK) or another
 * negative error. */
int loop_read_add(struct loop *loop, struct loop_read *source, int fd);

/* Return: size of a message that is in the buffer already and that @data will not see, else 0. */
ssize_t loop_read_remove(struct loop_read *source);

/* fires once, @ns from now; a timer that is set moves. See loop_timer_init(), loop_timer_cancel().
 */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t ns);

#endif
