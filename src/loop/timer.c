// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Timers that are due go to a list of their own before the first of them fires: one that sets
 * itself again for "now" waits for the next turn, and one that is cancelled by another is simply
 * unlinked.
 */
#include "loop/timer.h"

void loop_timer_init(struct loop_timer *timer, void (*fire)(struct loop_timer *), void *user)
{
	*timer = (struct loop_timer){ .fire = fire, .user = user };
	list_init(&timer->link);
}

void loop_timer_cancel(struct loop_timer *timer)
{
	list_remove(&timer->link);
}

void timer_queue_init(struct timer_queue *queue)
{
	list_init(&queue->waiting);
	list_init(&queue->due);
}

static struct loop_timer *timer_of(struct list *link)
{
	return list_entry(link, struct loop_timer, link);
}

void timer_queue_set(struct timer_queue *queue, struct loop_timer *timer, uint64_t deadline)
{
	struct list *later;

	list_remove(&timer->link);
	timer->deadline = deadline;
	for (later = queue->waiting.next; later != &queue->waiting; later = later->next) {
		if (timer_of(later)->deadline > deadline)
			break;
	}
	list_append(later, &timer->link); /* before @later; at the end where it is the head */
}

uint64_t timer_queue_left(const struct timer_queue *queue, uint64_t now)
{
	const struct loop_timer *first;

	if (!list_is_empty(&queue->due))
		return 0;
	if (list_is_empty(&queue->waiting))
		return UINT64_MAX;
	first = timer_of(queue->waiting.next);
	return first->deadline > now ? first->deadline - now : 0;
}

void timer_queue_expire(struct timer_queue *queue, uint64_t now)
{
	list_for_each_safe (link, &queue->waiting) {
		if (timer_of(link)->deadline > now)
			break;
		list_remove(link);
		list_append(&queue->due, link);
	}
}

struct loop_timer *timer_queue_pop(struct timer_queue *queue)
{
	struct list *link = list_pop(&queue->due);

	return link ? timer_of(link) : NULL;
}
