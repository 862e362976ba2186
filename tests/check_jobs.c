// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/loop/jobs.c; a build with the thread sanitizer is what makes these cases sharp */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

#include "loop/jobs.h"
#include "loop_fixture.h"

struct sum {
	struct loop_job job;
	int input, output; /* plain: the pool orders what both threads do with them */
	pthread_t ran_in;
	int n_done;
};

static struct loop_jobs *jobs;
static int n_done, n_not_run;

static struct sum *sum_of(struct loop_job *job)
{
	return container_of(job, struct sum, job);
}

static void run_sum(struct loop_job *job)
{
	struct sum *s = sum_of(job);

	s->output = s->input + 1;
	s->ran_in = pthread_self();
}

static void sum_done(struct loop_job *job)
{
	sum_of(job)->n_done++;
	n_done++;
	n_not_run += !job->ran;
}

static void setup_jobs(int backend, unsigned int n_threads)
{
	setup(backend);
	ck_assert_int_eq(loop_jobs_new(&jobs, loop, n_threads), 0);
}

static void teardown_jobs(void)
{
	jobs = loop_jobs_free(jobs);
	teardown();
}

START_TEST(many_jobs)
{
	static struct sum sums[500];

	setup_jobs(_i, 3);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		sums[i] = (struct sum){ .job = { .run = run_sum, .done = sum_done }, .input = i };
		loop_jobs_submit(jobs, &sums[i].job);
		if (i % 100 == 99)
			ck_assert_int_ge(loop_step(loop, 0), 0);
	}
	while (n_done < (int)ARRAY_SIZE(sums))
		ck_assert_int_ge(loop_step(loop, -1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		ck_assert_int_eq(sums[i].output, i + 1);
		ck_assert_int_eq(sums[i].n_done, 1);
		ck_assert(sums[i].job.ran);
		ck_assert(!pthread_equal(sums[i].ran_in, pthread_self()));
	}
	teardown_jobs();
}
END_TEST

static void submit_again(struct loop_job *job)
{
	struct sum *s = sum_of(job);

	n_done++;
	s->input = s->output;
	if (s->output < 50)
		loop_jobs_submit(jobs, job);
}

START_TEST(done_submits_again)
{
	struct sum s = { .job = { .run = run_sum, .done = submit_again } };

	setup_jobs(_i, 2);
	loop_jobs_submit(jobs, &s.job);
	while (n_done < 50)
		ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	teardown_jobs();
}
END_TEST

static void free_sum(struct loop_job *job)
{
	struct sum *s = sum_of(job);

	n_done++;
	memset(s, 0xa5, sizeof(*s));
	free(s);
}

START_TEST(done_frees_the_job)
{
	struct sum *s;

	setup_jobs(_i, 2);
	for (int i = 0; i < 20; i++) {
		s = calloc(1, sizeof(*s));
		s->job = (struct loop_job){ .run = run_sum, .done = free_sum };
		loop_jobs_submit(jobs, &s->job);
	}
	while (n_done < 20)
		ck_assert_int_ge(loop_step(loop, -1), 0);
	teardown_jobs();
}
END_TEST

/* a job that says that it runs, and ends when it is let */
struct held {
	struct loop_job job;
	sem_t running, go;
};

static void run_held(struct loop_job *job)
{
	struct held *h = container_of(job, struct held, job);

	sem_post(&h->running);
	sem_wait(&h->go);
}

static void held_done(struct loop_job *job)
{
	n_done++;
	n_not_run += !job->ran;
}

static void submit_held(struct held *h)
{
	h->job = (struct loop_job){ .run = run_held, .done = held_done };
	sem_init(&h->running, 0, 0);
	sem_init(&h->go, 0, 0);
	loop_jobs_submit(jobs, &h->job);
	sem_wait(&h->running);
}

/* the loop goes on while a job runs, and jobs overtake one that takes long */
START_TEST(loop_goes_on)
{
	struct sum s = { .job = { .run = run_sum, .done = sum_done } };
	struct held h;

	setup_jobs(_i, 2);
	submit_held(&h);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), 0);
	say(0, "meanwhile");
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].last, 9);

	loop_jobs_submit(jobs, &s.job);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(s.n_done, 1);
	ck_assert_int_eq(n_done, 1);
	sem_post(&h.go);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(n_done, 2);
	teardown_jobs();
}
END_TEST

static void *let_go(void *user)
{
	sem_post(user);
	return NULL;
}

/* free() waits for what runs, and calls done() of what never will */
START_TEST(free_ends_all)
{
	struct sum sums[5] = { 0 };
	pthread_t helper;
	struct held h;

	setup_jobs(_i, 1);
	submit_held(&h);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		sums[i].job = (struct loop_job){ .run = run_sum, .done = sum_done };
		loop_jobs_submit(jobs, &sums[i].job);
	}
	ck_assert_int_eq(pthread_create(&helper, NULL, let_go, &h.go), 0);
	jobs = loop_jobs_free(jobs);
	pthread_join(helper, NULL);
	ck_assert(h.job.ran);
	ck_assert_int_eq(n_done, 6);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		ck_assert_int_eq(sums[i].n_done, 1);
		ck_assert_int_eq(sums[i].output, sums[i].job.ran ? 1 : 0);
	}
	teardown();
}
END_TEST

static void run_mask(struct loop_job *job)
{
	struct sum *s = sum_of(job);
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	for (int signo = 1; signo < 32; signo++)
		s->output += sigismember(&set, signo) == 1;
}

/* all but SIGKILL and SIGSTOP; and this thread's own mask is as it was */
START_TEST(threads_block_signals)
{
	struct sum s = { .job = { .run = run_mask, .done = sum_done } };
	sigset_t set;

	setup_jobs(_i, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	ck_assert(!sigismember(&set, SIGTERM));
	loop_jobs_submit(jobs, &s.job);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(s.output, 29);
	teardown_jobs();
}
END_TEST

START_TEST(no_threads)
{
	setup(_i);
	ck_assert_int_eq(loop_jobs_new(&jobs, loop, 0), -EINVAL);
	ck_assert_ptr_null(loop_jobs_free(NULL));
	teardown();
}
END_TEST

int main(void)
{
	const TTest *const cases[] = {
		many_jobs,     done_submits_again,    done_frees_the_job, loop_goes_on,
		free_ends_all, threads_block_signals, no_threads,
	};

	return run_over_backends("jobs", cases, ARRAY_SIZE(cases));
}
