/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals as a source. The calling thread blocks them from the add on, and for good: a signal that
 * comes after the removal stays pending instead of acting.
 */
#ifndef LOOP_SIGNALS_H
#define LOOP_SIGNALS_H

#include <signal.h>
#include <sys/signalfd.h>

#include "loop/loop.h"

struct loop_signals {
	struct loop_poll poll;
	int fd; /* own; -1: not added */
	void (*cb)(struct loop_signals *source, int signo, const struct signalfd_siginfo *info);
	void *user;
};

void loop_signals_init(struct loop_signals *source,
		       void (*cb)(struct loop_signals *, int, const struct signalfd_siginfo *),
		       void *user);

/* Return: 0 or a negative error */
int loop_signals_add(struct loop *loop, struct loop_signals *source, const sigset_t *set);
void loop_signals_remove(struct loop_signals *source);

#endif
