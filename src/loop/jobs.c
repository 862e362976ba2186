// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A queue under one mutex, and an eventfd that wakes the loop when the list of finished jobs stops
 * being empty. The loop takes that whole list at once, so jobs that finish meanwhile, and jobs that
 * a done() submits, wait for another turn: the other sources get theirs.
 */
#include "loop/jobs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "base/err.h"
#include "base/fd.h"

struct loop_jobs {
	struct loop_poll wake;
	int wake_fd;

	pthread_mutex_t lock; /* of what follows, down to the threads */
	pthread_cond_t work;
	struct list queue;    /* loop_job.link */
	struct list finished; /* loop_job.link */
	bool stopping;

	bool in_done;
	unsigned int n_threads;
	pthread_t threads[];
};

/* under the lock */
static void job_finished(struct loop_jobs *jobs, struct loop_job *job)
{
	job->ran = true;
	if (list_is_empty(&jobs->finished))
		eventfd_write(jobs->wake_fd, 1);
	list_append(&jobs->finished, &job->link);
}

static void *thread_main(void *user)
{
	struct loop_jobs *jobs = user;
	struct loop_job *job;
	struct list *link;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping) {
		link = list_pop(&jobs->queue);
		if (!link) {
			pthread_cond_wait(&jobs->work, &jobs->lock);
			continue;
		}
		job = list_entry(link, struct loop_job, link);
		pthread_mutex_unlock(&jobs->lock);
		job->run(job);
		pthread_mutex_lock(&jobs->lock);
		job_finished(jobs, job);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

static void call_done(struct loop_jobs *jobs, struct list *list)
{
	struct loop_job *job;
	struct list *link;

	jobs->in_done = true;
	while ((link = list_pop(list))) {
		job = list_entry(link, struct loop_job, link);
		job->done(job);
	}
	jobs->in_done = false;
}

static void jobs_ready(struct loop_poll *poll, short revents)
{
	struct loop_jobs *jobs = container_of(poll, struct loop_jobs, wake);
	struct list finished;
	eventfd_t n;

	eventfd_read(jobs->wake_fd, &n);
	pthread_mutex_lock(&jobs->lock);
	list_take(&finished, &jobs->finished);
	pthread_mutex_unlock(&jobs->lock);
	call_done(jobs, &finished);
}

/* the new threads inherit a mask with every signal in it */
static int start_threads(struct loop_jobs *jobs, unsigned int n_threads)
{
	sigset_t all, old;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (!r && jobs->n_threads < n_threads) {
		r = pthread_create(&jobs->threads[jobs->n_threads], NULL, thread_main, jobs);
		if (!r)
			jobs->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r ? err_origin(-r) : 0;
}

/**
 * loop_jobs_new() - start helper threads
 * @ret:	the pool
 * @loop:	where done() is called; borrowed
 * @n_threads:	how many, at least one
 *
 * Return: 0 or a negative error.
 */
int loop_jobs_new(struct loop_jobs **ret, struct loop *loop, unsigned int n_threads)
{
	_cleanup_(loop_jobs_freep) struct loop_jobs *jobs = NULL;
	int r;

	if (!n_threads)
		return err_origin(-EINVAL);
	jobs = calloc(1, sizeof(*jobs) + n_threads * sizeof(jobs->threads[0]));
	if (!jobs)
		return err_origin(-ENOMEM);
	loop_poll_init(&jobs->wake, jobs_ready, NULL);
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->work, NULL);
	list_init(&jobs->queue);
	list_init(&jobs->finished);

	jobs->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (jobs->wake_fd < 0)
		return err_origin(-errno);
	r = loop_poll_add(loop, &jobs->wake, jobs->wake_fd, POLLIN);
	if (r < 0)
		return r;
	r = start_threads(jobs, n_threads);
	if (r < 0)
		return r;

	*ret = steal(jobs);
	return 0;
}

static void stop_threads(struct loop_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	while (jobs->n_threads)
		pthread_join(jobs->threads[--jobs->n_threads], NULL);
}

struct loop_jobs *loop_jobs_free(struct loop_jobs *jobs)
{
	if (!jobs)
		return NULL;
	assert(!jobs->in_done);

	stop_threads(jobs);
	call_done(jobs, &jobs->finished);
	call_done(jobs, &jobs->queue);

	loop_poll_remove(&jobs->wake);
	fd_close(jobs->wake_fd);
	pthread_cond_destroy(&jobs->work);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
	return NULL;
}

void loop_jobs_submit(struct loop_jobs *jobs, struct loop_job *job)
{
	job->ran = false;
	pthread_mutex_lock(&jobs->lock);
	list_append(&jobs->queue, &job->link);
	pthread_cond_signal(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
}
