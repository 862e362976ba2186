/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread's time limits. A timer of the thread's own ticks while a caller is held, so that no
 * wait for it lasts; ticks are counted instead of clocks read. The signal is thread-directed.
 */
#ifndef DELIVER_WATCH_H
#define DELIVER_WATCH_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#define WATCH_TICK_MS	 20
#define WATCH_STEP_TICKS 6  /* a step's limit: 100 ms and what is left of a tick */
#define WATCH_HELD_TICKS 50 /* the limit of a whole delivery: 1 s */
#define WATCH_SLOW_MS	 50 /* a tick, once that limit was reached */

struct watch {
	timer_t timer;
	bool (*hand_over)(void *user); /* see watch_may_go_on() */
	void *user;
	bool patient; /* the limit was reached, and the thread may go on */
	int seen;     /* ticks when that was last said */
	volatile sig_atomic_t ticks;
	int step; /* ticks when the step began */
	volatile sig_atomic_t leaping;
	sigjmp_buf leap;
};

/* 0 or a negative error; of and for the calling thread, in which it unblocks the signal */
int watch_init(struct watch *watch);
void watch_deinit(struct watch *watch);

void watch_start(struct watch *watch);
void watch_stop(struct watch *watch);

static inline void watch_step(struct watch *watch)
{
	watch->step = watch->ticks;
}

static inline bool watch_step_is_over(const struct watch *watch)
{
	return watch->ticks - watch->step >= WATCH_STEP_TICKS;
}

static inline bool watch_is_over(const struct watch *watch)
{
	return watch->ticks >= WATCH_HELD_TICKS;
}

/**
 * watch_may_go_on() - the limit was reached: is there somebody else to do this thread's work?
 * @watch:	running and over
 *
 * The first time hand_over() is asked, if there is one. Where it found another thread, this one
 * may go on with what it does for as long as it keeps asking here.
 */
bool watch_may_go_on(struct watch *watch);

/* whether watch_may_go_on() said so within the time of a step */
static inline bool watch_is_patient(const struct watch *watch)
{
	return watch->patient && watch->ticks - watch->seen < WATCH_STEP_TICKS;
}

/**
 * watch_bounded() - a call that the kernel restarts by itself after a signal, made to end
 * @watch:	running
 * @call:	may be left in its midst
 * @user:	for @call
 *
 * Return: what @call returned, or -ETIMEDOUT where a step's time was over before it did.
 */
int watch_bounded(struct watch *watch, int (*call)(void *user), void *user);

#endif
