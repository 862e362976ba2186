// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_jobs.h"

void fake_jobs_init(struct loop_jobs *jobs)
{
	list_init(&jobs->queue);
	list_init(&jobs->finished);
}

static size_t list_count(const struct list *list)
{
	size_t n = 0;

	list_for_each (link, list)
		n++;
	return n;
}

size_t fake_jobs_count(const struct loop_jobs *jobs)
{
	return list_count(&jobs->queue) + list_count(&jobs->finished);
}

static struct loop_job *take(struct list *list, unsigned int nth)
{
	size_t n = list_count(list);
	struct list *link = list->next;

	if (!n)
		return NULL;
	for (nth %= n; nth; nth--)
		link = link->next;
	list_remove(link);
	return list_entry(link, struct loop_job, link);
}

void fake_jobs_run(struct loop_jobs *jobs, unsigned int nth)
{
	struct loop_job *job = take(&jobs->queue, nth);

	if (!job)
		return;
	job->run(job);
	job->ran = true;
	list_append(&jobs->finished, &job->link);
}

void fake_jobs_done(struct loop_jobs *jobs, unsigned int nth)
{
	struct loop_job *job = take(&jobs->finished, nth);

	if (job)
		job->done(job);
}

void fake_jobs_end(struct loop_jobs *jobs)
{
	struct loop_job *job;

	while ((job = take(&jobs->finished, 0)))
		job->done(job);
	while ((job = take(&jobs->queue, 0)))
		job->done(job);
}

/* ---- what the service calls ---- */

void loop_jobs_submit(struct loop_jobs *jobs, struct loop_job *job)
{
	job->ran = false;
	list_append(&jobs->queue, &job->link);
}
