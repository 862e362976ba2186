/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One-shot timers in the order of their deadlines. A daemon has a handful of them, so a sorted list
 * does. The queue is the loop's; owners of timers call loop_timer_set() of loop/loop.h.
 */
#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop_timer {
	struct list link;  /* timer_queue.waiting or .due */
	uint64_t deadline; /* of now_ns() */
	void (*fire)(struct loop_timer *timer);
	void *user;
};

struct timer_queue {
	struct list waiting; /* loop_timer.link, earliest first */
	struct list due;     /* loop_timer.link: expired, not fired yet */
};

void loop_timer_init(struct loop_timer *timer, void (*fire)(struct loop_timer *), void *user);

/* at any time, also of a timer that isn't set, also from any callback */
void loop_timer_cancel(struct loop_timer *timer);

static inline bool loop_timer_is_set(const struct loop_timer *timer)
{
	return !list_is_empty(&timer->link);
}

void timer_queue_init(struct timer_queue *queue);

/* a timer that is set already moves */
void timer_queue_set(struct timer_queue *queue, struct loop_timer *timer, uint64_t deadline);

/* ns until the next timer fires: 0 for a due one, UINT64_MAX where none is set */
uint64_t timer_queue_left(const struct timer_queue *queue, uint64_t now);

/* take the next timer that was due at @now; timers set meanwhile wait for the next call of _expire
 */
void timer_queue_expire(struct timer_queue *queue, uint64_t now);
struct loop_timer *timer_queue_pop(struct timer_queue *queue);

#endif
