/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Named places in the code where a test can hold whoever passes, and then kill it, or somebody
 * else, or let it go on. They are there only in a build that was configured with
 * --enable-stop-points; elsewhere STOP_POINT() is nothing.
 *
 * The board is a file that the environment names (STOP_POINTS_ENV), mapped by the test and by every
 * process of the service: it lists all points of the program and how often each was passed. The
 * test sets @whose and @left and then @armed; when @state has become STOP_HELD, @pid is the process
 * that is held; STOP_FREE lets it go.
 */
#ifndef BASE_STOP_POINT_H
#define BASE_STOP_POINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STOP_POINTS_ENV "STOP_POINTS"
#define STOP_NAME_SIZE	32
#define STOP_POINTS_MAX 120
#define STOP_LIMIT_S	30 /* a test that went away holds nobody for longer */

enum stop_state { STOP_FREE, STOP_HELD };

struct stop_board {
	uint32_t n_points;
	_Atomic uint32_t armed; /* index of the point, from 1; 0: none */
	_Atomic uint32_t whose; /* the thread for whom must be worked; 0: any */
	_Atomic uint32_t left;	/* the how-manieth passing is held */
	_Atomic uint32_t state; /* enum stop_state; a futex */
	uint32_t pid;
	struct {
		char name[STOP_NAME_SIZE];
		_Atomic uint32_t passed;
	} points[STOP_POINTS_MAX];
};

#ifdef CUSION_STOP_POINTS

struct stop_point {
	char name[STOP_NAME_SIZE];
} __attribute__((aligned(STOP_NAME_SIZE)));

/* pass the point @text, a literal, in the work for thread @who */
#define STOP_POINT(text, who)                                                     \
	({                                                                        \
		static const struct stop_point _point                             \
			__attribute__((section("stop_points"), used)) = { text }; \
		stop_point_pass(&_point, who);                                    \
	})

void stop_point_pass(const struct stop_point *point, uint32_t tid);

/* map the board that the environment names, where it does; children inherit it. False: it can't
 * be had. */
bool stop_points_open(void);

/* there is a board: deaths are the test's wish */
bool stop_points_on(void);

#else

#define STOP_POINT(text, who) ((void)(who))

static inline bool stop_points_open(void)
{
	return true;
}

static inline bool stop_points_on(void)
{
	return false;
}

#endif
#endif
