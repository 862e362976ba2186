// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/watch.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/err.h"

#define WATCH_SIGNAL (SIGRTMAX - 1)

static void on_tick(int signo, siginfo_t *info, void *context)
{
	struct watch *watch = info->si_value.sival_ptr;

	watch->ticks++;
	if (watch->leaping && watch_step_is_over(watch))
		siglongjmp(watch->leap, 1);
}

int watch_init(struct watch *watch)
{
	struct sigaction action = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = WATCH_SIGNAL,
		.sigev_value.sival_ptr = watch,
		._sigev_un._tid = gettid(),
	};
	sigset_t set;

	watch->leaping = 0;
	watch->ticks = 0;
	if (sigaction(WATCH_SIGNAL, &action, NULL) < 0)
		return err_origin(-errno);
	sigemptyset(&set);
	sigaddset(&set, WATCH_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &watch->timer) < 0)
		return err_origin(-errno);
	return 0;
}

void watch_deinit(struct watch *watch)
{
	timer_delete(watch->timer);
}

static void watch_set(struct watch *watch, long nanoseconds)
{
	struct itimerspec spec = {
		.it_value.tv_nsec = nanoseconds,
		.it_interval.tv_nsec = nanoseconds,
	};

	timer_settime(watch->timer, 0, &spec, NULL);
}

void watch_start(struct watch *watch)
{
	watch->ticks = 0;
	watch->step = 0;
	watch->patient = false;
	watch_set(watch, WATCH_TICK_MS * 1000000L);
}

void watch_stop(struct watch *watch)
{
	watch_set(watch, 0);
}

bool watch_may_go_on(struct watch *watch)
{
	if (!watch->patient) {
		if (!watch->hand_over || !watch->hand_over(watch->user))
			return false;
		watch->patient = true;
		watch_set(watch, WATCH_SLOW_MS * 1000000L);
	}
	watch->seen = watch->ticks;
	return true;
}

int watch_bounded(struct watch *watch, int (*call)(void *user), void *user)
{
	int r;

	if (sigsetjmp(watch->leap, 0))
		return -ETIMEDOUT;
	watch_step(watch);
	watch->leaping = 1;
	r = call(user);
	watch->leaping = 0;
	return r;
}
