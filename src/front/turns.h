/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Turns: how many calls of one user are worked on at a time. A user's further calls wait in the
 * order in which they came. When one ends, the user's next is ready, behind what got ready before
 * it: so users take turns, and a burst of one user's is in nobody else's way.
 *
 * Nothing is allocated: what waits is part of a call, whose caller sleeps meanwhile.
 */
#ifndef FRONT_TURNS_H
#define FRONT_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { TURNS_BUCKETS = 64 };

struct turns {
	unsigned int most;		    /* of a user, at a time */
	size_t n_waiting;		    /* those that are ready included */
	struct list going[TURNS_BUCKETS];   /* turn.link, by uid; those that are ready too */
	struct list waiting[TURNS_BUCKETS]; /* turn.link, by uid, oldest first */
	struct list ready;		    /* turn.ready, oldest first */
};

enum turn_state {
	TURN_NONE, /* not asked for, or over */
	TURN_WAITS,
	TURN_READY,
	TURN_GOES_ON,
};

/* embedded in its call */
struct turn {
	struct list link, ready;
	enum turn_state state;
	uint32_t uid;
};

/* @most: at least 1 */
void turns_init(struct turns *turns, unsigned int most);

void turn_init(struct turn *turn, uint32_t uid);

/* Return: whether @turn may go on at once; else it waits until turns_next() gives it. */
bool turns_ask(struct turns *turns, struct turn *turn);

/* @turn is over, wherever it was; then the user's next is ready. One never asked for is let be. */
void turns_end(struct turns *turns, struct turn *turn);

/* the next that is ready, which goes on from here; or NULL */
struct turn *turns_next(struct turns *turns);

/* something is ready: turns_next() would not be NULL */
static inline bool turns_are_ready(const struct turns *turns)
{
	return !list_is_empty(&turns->ready);
}

/* one that waits or is ready, or NULL: for who ends them all */
struct turn *turns_waiting(struct turns *turns);

#endif
