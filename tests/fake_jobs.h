/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop/jobs.h without threads: a job runs when the test says so, in any order, or never. A program
 * that is linked with this has no other pool.
 */
#ifndef TESTS_FAKE_JOBS_H
#define TESTS_FAKE_JOBS_H

#include "loop/jobs.h"

struct loop_jobs {
	struct list queue;    /* loop_job.link: not run yet */
	struct list finished; /* run, but not done */
};

void fake_jobs_init(struct loop_jobs *jobs);

size_t fake_jobs_count(const struct loop_jobs *jobs);

/* a thread takes the @nth of the queue, counted around; nothing where it is empty */
void fake_jobs_run(struct loop_jobs *jobs, unsigned int nth);

/* the loop hears of the @nth that has run */
void fake_jobs_done(struct loop_jobs *jobs, unsigned int nth);

/* as loop_jobs_free(): what has not run will not */
void fake_jobs_end(struct loop_jobs *jobs);

#endif
