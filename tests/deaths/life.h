/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clients that may die at any time, and what can be said of them from outside. A life is a process
 * forked off the test; what it has seen stands in memory that is shared with the test.
 */
#ifndef DEATHS_LIFE_H
#define DEATHS_LIFE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* what a client does when it is let go */
enum role {
	ROLE_SMALL, /* one page */
	ROLE_LARGE, /* as much as a helper thread is used for */
	ROLE_TIGHT, /* one page, with one number left in its fd table */
	ROLE_QUERY, /* the list of heaps */
	ROLE_SHARE, /* a handle, shared with a full fd table and with room in it, and imported */
	ROLES,
};

struct life {
	pid_t pid;
	const char *node;
	enum role role;
	gid_t gid;
	_Atomic uint32_t go; /* a futex */
	_Atomic int error;   /* the last call's errno, or 0 */
	_Atomic bool wrong;  /* a success that was none */
	_Atomic uint32_t done, failed;
};

struct life *life_new(const char *node); /* shared with the children to come */

/* a client that waits for life_go(), acts out its role once, and exits: 0, or 1 on an error */
void life_begin(struct life *life, enum role role);
void life_go(struct life *life);

/* one that allocates and frees in two threads for ever, as another user of the node's group */
void life_begin_busy(struct life *life);

/* wait for @life's end, or with @stopped for its stop; -1 where it doesn't come within @ms */
int life_wait(struct life *life, bool stopped, int ms);

void life_kill(struct life *life);

/* how it ended, in words */
const char *life_said(const struct life *life, int status);

/* no thread of any process stays in state D: looks again for up to @ms */
bool life_nobody_stuck(int ms);

void life_pause(int ms);

#endif
