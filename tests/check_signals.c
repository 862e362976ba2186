// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/loop/signals.c */
#include <signal.h>
#include <unistd.h>

#include "loop/signals.h"
#include "loop_fixture.h"

static int signalled[2];

static void on_signal(struct loop_signals *source, int signo, const struct signalfd_siginfo *info)
{
	ck_assert_uint_eq(info->ssi_pid, (uint32_t)getpid());
	signalled[signo == SIGUSR2]++;
	if (source->user)
		loop_signals_remove(source);
}

START_TEST(signals)
{
	struct loop_signals source;
	sigset_t set;

	setup(_i);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	loop_signals_init(&source, on_signal, NULL);
	loop_signals_remove(&source); /* not added: harmless */
	ck_assert_int_eq(loop_signals_add(loop, &source, &set), 0);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	kill(getpid(), SIGUSR1);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(signalled[0], 1);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	settle();
	ck_assert_int_eq(signalled[0], 2);
	ck_assert_int_eq(signalled[1], 1);

	source.user = &source; /* removes itself: the other one stays pending, and harmless */
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	settle();
	ck_assert_int_eq(signalled[0] + signalled[1], 4);
	ck_assert_int_eq(sigpending(&set), 0);
	ck_assert_int_eq(sigismember(&set, SIGUSR1) + sigismember(&set, SIGUSR2), 1);
	teardown();
}
END_TEST

int main(void)
{
	const TTest *const cases[] = {
		signals,
	};

	return run_over_backends("signals", cases, ARRAY_SIZE(cases));
}
