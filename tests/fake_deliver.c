// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_deliver.h"

#include <check.h>
#include <unistd.h>

static void fake_submit(struct deliver *deliver, struct deliver_job *job)
{
	struct fake_deliver *fake = container_of(deliver, struct fake_deliver, deliver);

	list_append(&fake->jobs, &job->link);
}

static struct deliver *fake_free(struct deliver *deliver)
{
	return NULL;
}

static const struct deliver_ops fake_ops = { .submit = fake_submit, .free = fake_free };

void fake_deliver_init(struct fake_deliver *fake)
{
	fake->deliver.ops = &fake_ops;
	list_init(&fake->jobs);
}

struct deliver_job *fake_deliver_job(struct fake_deliver *fake)
{
	ck_assert(!list_is_empty(&fake->jobs));
	return list_entry(fake->jobs.next, struct deliver_job, link);
}

void fake_deliver_end_job(struct deliver_job *job, int result, bool replied, int *keep_fd)
{
	const struct deliver_result outcome = { .result = result, .replied = replied };

	list_remove(&job->link);
	if (keep_fd)
		*keep_fd = job->fd;
	else if (job->fd >= 0)
		close(job->fd);
	job->fd = -1;
	job->done(job, &outcome);
}

void fake_deliver_end(struct fake_deliver *fake, int result, bool replied, int *keep_fd)
{
	fake_deliver_end_job(fake_deliver_job(fake), result, replied, keep_fd);
}

void fake_deliver_end_seen(struct deliver_job *job, const struct deliver_result *seen)
{
	list_remove(&job->link);
	job->done(job, seen);
}

void fake_deliver_end_look(struct fake_deliver *fake, int result, uint64_t mount, uint64_t ino)
{
	const struct deliver_result seen = {
		.result = result,
		.file = { .mount = mount, .ino = ino },
	};

	fake_deliver_end_seen(fake_deliver_job(fake), &seen);
}
