/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dispatcher: the one place that knows both the wire and the core. A door hands it the opens,
 * the releases and the ioctls of callers; it decodes, has the core act, has the fd delivered, and
 * answers each call exactly once, also when its caller dies.
 */
#ifndef FRONT_DISPATCH_H
#define FRONT_DISPATCH_H

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
	/* answers -errno after answer_by_other(), where the other did not */
	void (*fail)(struct call *call, int error);
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
	struct alloc *alloc; /* while it is being made */
	struct file *file;   /* while it is being delivered */
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
	uint64_t allocations;	 /* fds that arrived in a caller */
	uint64_t refused;	 /* allocations that ended in an errno of ours */
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

/* all that @config names is borrowed and outlives the dispatcher */
void dispatch_init(struct dispatch *dispatch, const struct dispatch_config *config);

/* calls that wait for their turn end with -EIO, further ones at once; what is worked on is for its
 * jobs and deliveries to end. Never initialized, but zeroed: is let be. */
void dispatch_stop(struct dispatch *dispatch);

/* no call may be unanswered any more */
void dispatch_deinit(struct dispatch *dispatch);

/* a node was opened. Return: 0 or the caller's -errno; *ret_fh names the client from here on. */
int dispatch_open(struct dispatch *dispatch, const struct client_who *who, uint64_t *ret_fh);

/* the last close of an open node */
void dispatch_release(struct dispatch *dispatch, uint64_t fh);

/* an ioctl came: @call is filled by the door and kept by it until ops->free(); @in is gone on
 * return */
void dispatch_ioctl(struct dispatch *dispatch, struct call *call, const void *in, size_t in_size);

#endif
