// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Work is begun by what makes some, one piece at a time. The clock runs only while something is
 * kept.
 */
#include "daemon/tender.h"

#include "base/clock.h"
#include "heap/heap.h"
#include "heap/heaps.h"
#include "mem/pressure.h"

#define AGE_S 10 /* what was not used in two such spans is given up */

static void tender_work(void *user)
{
	struct tender *tender = user;

	if (tender->stopped)
		return;
	if (!loop_timer_is_set(&tender->age))
		loop_timer_set(tender->loop, &tender->age, AGE_S * NS_PER_SEC);
	if (tender->heap)
		return;
	tender->heap = heaps_tend_begin(tender->heaps);
	if (tender->heap)
		loop_jobs_submit(tender->jobs, &tender->job);
}

static void tender_run(struct loop_job *job)
{
	heap_tend_run(container_of(job, struct tender, job)->heap);
}

static void tender_done(struct loop_job *job)
{
	struct tender *tender = container_of(job, struct tender, job);

	heap_tend_finish(steal(tender->heap));
	tender_work(tender);
}

static void tender_age(struct loop_timer *timer)
{
	struct tender *tender = timer->user;

	if (heaps_age(tender->heaps, pressure_is_high()))
		loop_timer_set(tender->loop, timer, AGE_S * NS_PER_SEC);
}

void tender_start(struct tender *tender, struct loop *loop, struct loop_jobs *jobs,
		  struct heaps *heaps)
{
	*tender = (struct tender){
		.loop = loop,
		.jobs = jobs,
		.heaps = heaps,
		.job = { .run = tender_run, .done = tender_done },
	};
	loop_timer_init(&tender->age, tender_age, tender);
	heaps_on_work(heaps, tender_work, tender);
}

void tender_stop(struct tender *tender)
{
	if (!tender->loop)
		return;
	tender->stopped = true;
	loop_timer_cancel(&tender->age);
	heaps_on_work(tender->heaps, NULL, NULL);
}
