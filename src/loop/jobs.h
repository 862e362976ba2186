/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Helper threads for what takes longer than the loop may wait. A job's run() happens in a helper
 * thread, which sees every write made before the submit; its done() happens in the loop, which sees
 * every write of run(). The helper threads block all signals.
 */
#ifndef LOOP_JOBS_H
#define LOOP_JOBS_H

#include <stdbool.h>

#include "loop/loop.h"

struct loop_jobs;

struct loop_job {
	struct list link; /* loop_jobs.queue or .finished */
	void (*run)(struct loop_job *job);
	void (*done)(struct loop_job *job); /* called exactly once; may free the job */
	bool ran; /* for done(): false where the pool went before a thread took the job */
};

/* @loop is borrowed and outlives the pool. Return: 0, -EINVAL (no threads) or a negative error. */
int loop_jobs_new(struct loop_jobs **ret, struct loop *loop, unsigned int n_threads);

/* waits for the jobs that run, calls done() of every job, also of those never run. Return: NULL. */
struct loop_jobs *loop_jobs_free(struct loop_jobs *jobs);
DEFINE_CLEANUP(struct loop_jobs *, loop_jobs_free);

/* @job is the pool's until its done(). From the loop's thread only, also in a done() of a job that
 * ran. */
void loop_jobs_submit(struct loop_jobs *jobs, struct loop_job *job);

#endif
