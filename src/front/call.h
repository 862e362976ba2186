/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An ioctl in the service's hands, and the dispatcher that all of them share. A door makes a call
 * and hands it to front/dispatch.h; a verb (front/verb.h) works on it and ends it.
 */
#ifndef FRONT_CALL_H
#define FRONT_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "core/client.h"
#include "core/service.h"
#include "deliver/deliver.h"
#include "front/turns.h"
#include "loop/jobs.h"
#include "loop/loop.h"
#include "wire/ion.h"

struct call;

/* what a door can do with one of its calls; each ends the door's part of it */
struct call_ops {
	/* answers with @result (>= 0 or -errno) and @size bytes for the caller's struct */
	void (*answer)(struct call *call, int result, const void *data, size_t size);
	/* gives the bytes that answer -DELIVER_NOT_YET, for the injector to write. Return: size. */
	size_t (*answer_by_other)(struct call *call, uint8_t *bytes);
	/* answers as answer() does after answer_by_other(), where the other did not */
	void (*fail)(struct call *call, int error, const void *data, size_t size);
	/* answered: the call's memory can go */
	void (*free)(struct call *call);
};

/* one ioctl in the service's hands; embedded in the door's own */
struct call {
	const struct call_ops *ops;
	struct deliver_call caller;
	uint64_t client; /* the fh of the open file */

	/* the dispatcher's, from here on */
	struct dispatch *dispatch;
	struct list link;      /* dispatch.calls, until it is answered */
	struct wire_call wire; /* what it asks for */
	struct turn turn;
	struct alloc *alloc; /* while it is being made, these two */
	struct share *share;
	struct file *file; /* while it is being delivered */
	struct loop_job job;
	struct deliver_job delivery;
};

struct dispatch_config {
	struct loop *loop;
	struct loop_jobs *jobs;
	struct service *service;
	struct deliver *deliver;
	struct wire_policy policy;
	unsigned int per_user; /* calls that are worked on at a time; see front/turns.h */
};

struct dispatch_counters {
	uint64_t ioctls;	 /* all that came */
	uint64_t allocations;	 /* that ended well: the fd, or the handle, is the caller's */
	uint64_t shares;	 /* further fds that arrived in a caller */
	uint64_t refused;	 /* allocations and shares that ended in an errno of ours */
	uint64_t delivery_fails; /* of these: made, but the caller could not be given it */
};

struct dispatch {
	struct dispatch_config config;
	struct list calls;
	struct turns turns;
	struct loop_timer turn; /* due now: a call that has waited goes on */
	bool stopped;
	struct dispatch_counters counters;
};

/* for the verbs: answer it, which ends it; or end it, answered by other means */
void call_answer(struct call *call, int result, const void *data, size_t size);
void call_end(struct call *call);

#endif
