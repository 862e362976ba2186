/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A delivery that stops at the door: jobs are kept for the test, which ends each as it likes.
 */
#ifndef TESTS_FAKE_DELIVER_H
#define TESTS_FAKE_DELIVER_H

#include "base/list.h"
#include "deliver/deliver.h"

struct fake_deliver {
	struct deliver deliver;
	struct list jobs; /* deliver_job.link, oldest first */
};

void fake_deliver_init(struct fake_deliver *fake);

/* the oldest job, which must be there */
struct deliver_job *fake_deliver_job(struct fake_deliver *fake);

/* ends any job of a deliver: its fd (closed unless @keep_fd is given) and its result */
void fake_deliver_end_job(struct deliver_job *job, int result, bool replied, int *keep_fd);

/* ends the oldest job: its fd (closed unless @keep_fd is given) and its result */
void fake_deliver_end(struct fake_deliver *fake, int result, bool replied, int *keep_fd);

/* ends any look at a caller's fd: what was seen */
void fake_deliver_end_seen(struct deliver_job *job, const struct deliver_result *seen);

/* ends the oldest job, a look at a caller's fd: what was seen */
void fake_deliver_end_look(struct fake_deliver *fake, int result, uint64_t mount, uint64_t ino);

#endif
