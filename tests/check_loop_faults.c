// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/loop: each call that can fail does, one at a time; the error comes up and nothing is left */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "fault.h"
#include "loop/jobs.h"
#include "loop/signals.h"
#include "loop_fixture.h"

int __real_eventfd(unsigned int count, int flags);
int __wrap_eventfd(unsigned int count, int flags);
int __real_signalfd(int fd, const sigset_t *set, int flags);
int __wrap_signalfd(int fd, const sigset_t *set, int flags);
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*f)(void *), void *p);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*f)(void *), void *p);
int __real_io_uring_queue_init(unsigned int n, struct io_uring *ring, unsigned int flags);
int __wrap_io_uring_queue_init(unsigned int n, struct io_uring *ring, unsigned int flags);

int __wrap_eventfd(unsigned int count, int flags)
{
	return fault_now(EMFILE) ? -1 : __real_eventfd(count, flags);
}

int __wrap_signalfd(int fd, const sigset_t *set, int flags)
{
	return fault_now(EMFILE) ? -1 : __real_signalfd(fd, set, flags);
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*f)(void *), void *p)
{
	return fault_now(EAGAIN) ? EAGAIN : __real_pthread_create(ret, attr, f, p);
}

int __wrap_io_uring_queue_init(unsigned int n, struct io_uring *ring, unsigned int flags)
{
	return fault_now(ENOMEM) ? -ENOMEM : __real_io_uring_queue_init(n, ring, flags);
}

static void no_signal(struct loop_signals *source, int signo, const struct signalfd_siginfo *info)
{
}

static void nothing(struct loop_job *job)
{
}

static int n_done;

static void count_done(struct loop_job *job)
{
	n_done++;
}

/* a source of each kind, and a job; all removed again whatever fails */
static int use(struct loop *l, struct loop_signals *signals)
{
	_cleanup_(loop_jobs_freep) struct loop_jobs *jobs = NULL;
	struct loop_job job = { .run = nothing, .done = count_done };
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	r = loop_signals_add(l, signals, &set);
	if (r < 0)
		return r;
	r = loop_poll_add(l, &ends[0].poll, ends[0].fd, POLLIN);
	if (r < 0)
		return r;
	r = loop_read_add(l, &ends[1].read, ends[1].fd);
	if (r < 0)
		return r;
	r = loop_jobs_new(&jobs, l, 3);
	if (r < 0)
		return r;
	loop_jobs_submit(jobs, &job);
	jobs = loop_jobs_free(jobs); /* calls done(), run or not */
	return loop_step(l, 0);
}

static int use_all(enum loop_backend_kind kind)
{
	_cleanup_(loop_freep) struct loop *l = NULL;
	struct loop_signals signals;
	int r;

	loop_signals_init(&signals, no_signal, NULL);
	r = loop_new(&l, kind);
	if (r < 0)
		return r;
	r = use(l, &signals);
	loop_read_remove(&ends[1].read);
	loop_poll_remove(&ends[0].poll);
	loop_signals_remove(&signals);
	return r;
}

START_TEST(each_call_fails)
{
	unsigned int nth, n_fds;
	int r;

	setup(_i);
	n_fds = open_fds();
	for (nth = 1;; nth++) {
		fault_arm(nth);
		r = use_all(backends[_i]);
		ck_assert_uint_eq(open_fds(), n_fds);
		if (!fault_disarm())
			break;
		ck_assert_msg(r < 0, "call %u failed, and nobody said so", nth);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(nth, 8); /* the wrapping works */
	ck_assert_int_eq(n_done, 1);
	teardown();
}
END_TEST

int main(void)
{
	const TTest *const cases[] = { each_call_fails };

	return run_over_backends("loop_faults", cases, ARRAY_SIZE(cases));
}
