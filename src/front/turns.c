// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A turn that is ready counts as going: its place is kept for it. So a user has waiting turns only
 * while as many as may be are going, and who needn't wait passes nobody of the same user.
 */
#include "front/turns.h"

#include <assert.h>

void turns_init(struct turns *turns, unsigned int most)
{
	assert(most);
	*turns = (struct turns){ .most = most };
	list_init(&turns->ready);
	for (size_t i = 0; i < TURNS_BUCKETS; i++) {
		list_init(&turns->going[i]);
		list_init(&turns->waiting[i]);
	}
}

void turn_init(struct turn *turn, uint32_t uid)
{
	*turn = (struct turn){ .state = TURN_NONE, .uid = uid };
	list_init(&turn->link);
	list_init(&turn->ready);
}

static void turn_go(struct turns *turns, struct turn *turn, enum turn_state state)
{
	turn->state = state;
	list_append(&turns->going[turn->uid % TURNS_BUCKETS], &turn->link);
}

static unsigned int count_going(const struct turns *turns, uint32_t uid)
{
	unsigned int n = 0;

	list_for_each (i, &turns->going[uid % TURNS_BUCKETS])
		n += list_entry(i, struct turn, link)->uid == uid;
	return n;
}

bool turns_ask(struct turns *turns, struct turn *turn)
{
	if (count_going(turns, turn->uid) < turns->most) {
		turn_go(turns, turn, TURN_GOES_ON);
		return true;
	}
	turn->state = TURN_WAITS;
	list_append(&turns->waiting[turn->uid % TURNS_BUCKETS], &turn->link);
	turns->n_waiting++;
	return false;
}

static struct turn *oldest_waiting(const struct turns *turns, uint32_t uid)
{
	list_for_each (i, &turns->waiting[uid % TURNS_BUCKETS]) {
		struct turn *turn = list_entry(i, struct turn, link);

		if (turn->uid == uid)
			return turn;
	}
	return NULL;
}

void turns_end(struct turns *turns, struct turn *turn)
{
	enum turn_state was = turn->state;
	struct turn *next;

	turns->n_waiting -= was == TURN_WAITS || was == TURN_READY;
	turn->state = TURN_NONE;
	list_remove(&turn->link);
	list_remove(&turn->ready);
	if (was == TURN_NONE || was == TURN_WAITS)
		return;
	next = oldest_waiting(turns, turn->uid);
	if (!next)
		return;
	list_remove(&next->link);
	turn_go(turns, next, TURN_READY);
	list_append(&turns->ready, &next->ready);
}

struct turn *turns_next(struct turns *turns)
{
	struct list *link = list_pop(&turns->ready);
	struct turn *turn;

	if (!link)
		return NULL;
	turn = list_entry(link, struct turn, ready);
	turn->state = TURN_GOES_ON;
	turns->n_waiting--;
	return turn;
}

struct turn *turns_waiting(struct turns *turns)
{
	if (turns_are_ready(turns))
		return list_entry(turns->ready.next, struct turn, ready);
	for (size_t i = 0; i < TURNS_BUCKETS; i++) {
		if (!list_is_empty(&turns->waiting[i]))
			return list_entry(turns->waiting[i].next, struct turn, link);
	}
	return NULL;
}
