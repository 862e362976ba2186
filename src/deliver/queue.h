/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker's side of the tracers: who goes next, and to which tracer. Each tracer has at most one
 * job; the others wait in one queue per uid, and the uids take turns. No uid has more than a
 * quarter of the tracers (but one), no client file more than one delivery. Nothing is allocated
 * after deliver_queue_new().
 *
 * It knows no loop: its owner polls each deliver_queue_fd() for POLLIN (and takes POLLHUP for it)
 * and calls deliver_queue_read(). done() functions run from there, from deliver_queue_lost() and
 * from deliver_queue_free() only.
 */
#ifndef DELIVER_QUEUE_H
#define DELIVER_QUEUE_H

#include <stddef.h>

#include "base/attr.h"
#include "deliver/deliver.h"

struct deliver_queue;

/* @fds: the worker's ends of the tracers' sockets, O_NONBLOCK, borrowed; tracer i is best for
 * callers on CPU i. 0 or a negative error. */
int deliver_queue_new(struct deliver_queue **ret, const int *fds, size_t n);
struct deliver_queue *deliver_queue_free(struct deliver_queue *queue);
DEFINE_CLEANUP(struct deliver_queue *, deliver_queue_free);

/* the queue as the one who asks sees it; deliver_free() of it is deliver_queue_free() */
struct deliver *deliver_queue_deliver(struct deliver_queue *queue);

size_t deliver_queue_size(const struct deliver_queue *queue);
int deliver_queue_fd(const struct deliver_queue *queue, size_t i);

/* take tracer @i's answer, if there is one, and hand on what waits. 0, or a negative error: that
 * tracer is gone (-EPIPE) or talks nonsense (-EPROTO), and deliver_queue_lost() must follow. */
int deliver_queue_read(struct deliver_queue *queue, size_t i);

/* the injector died: what it had in hand waits for the next one, like all else; a second death ends
 * it with {-EIO, replied = false}, which is right even where the reply went out, as the kernel
 * refuses another one */
void deliver_queue_lost(struct deliver_queue *queue);

/* a new injector stands behind @fds, as many as before; what waits is handed on */
void deliver_queue_attach(struct deliver_queue *queue, const int *fds);

#endif
