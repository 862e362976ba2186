// SPDX-License-Identifier: LGPL-2.1-or-later
/* ALLOC: what takes long runs in a helper thread, then the fd is delivered. */
#include "front/verb.h"

#include <errno.h>

#include "base/stop_point.h"
#include "core/alloc.h"
#include "core/file.h"

static void alloc_refuse(struct call *call, int error)
{
	call->dispatch->counters.refused++;
	call_answer(call, error, NULL, 0);
}

static void alloc_given(struct deliver_job *job, const struct deliver_result *result)
{
	struct call *call = container_of(job, struct call, delivery);
	struct dispatch *dispatch = call->dispatch;
	uint32_t tid = call->caller.tid;

	STOP_POINT("call.given", tid);
	if (result->result >= 0) {
		dispatch->counters.allocations++;
	} else {
		dispatch->counters.refused++;
		dispatch->counters.delivery_fails++;
		if (!result->replied)
			call->ops->fail(call, result->result);
	}
	STOP_POINT("call.answered", tid);
	file_delivered(call->file);
	STOP_POINT("call.delivered", tid);
	call_end(call);
	STOP_POINT("call.ended", tid);
}

/* the struct stays as it is but for its fd, which the injector writes: so no data in the answer */
static void alloc_give(struct call *call, int fd)
{
	call->delivery = (struct deliver_job){
		.verb = DELIVER_GIVE_FD,
		.call = call->caller,
		.client = call->client,
		.address = call->caller.arg + WIRE_ALLOC_FD_OFFSET,
		.fd = fd,
		.done = alloc_given,
	};
	call->delivery.size = call->ops->answer_by_other(call, call->delivery.bytes);
	STOP_POINT("call.caught", call->caller.tid);
	deliver_submit(call->dispatch->config.deliver, &call->delivery);
	STOP_POINT("call.submitted", call->caller.tid);
}

static void alloc_step(struct call *call);

static void alloc_made(struct call *call)
{
	struct alloc_done done;
	int r;

	r = alloc_finish(call->alloc, &done);
	if (r == ALLOC_E_AGAIN) {
		alloc_step(call);
		return;
	}
	call->alloc = NULL;
	if (r < 0) {
		alloc_refuse(call, r);
		return;
	}
	call->file = done.file;
	alloc_give(call, done.fd);
}

static void alloc_job_run(struct loop_job *job)
{
	alloc_run(container_of(job, struct call, job)->alloc);
}

static void alloc_job_done(struct loop_job *job)
{
	struct call *call = container_of(job, struct call, job);

	if (job->ran) {
		alloc_made(call);
	} else {
		call->alloc = alloc_free(call->alloc);
		alloc_refuse(call, -EIO); /* the service is ending */
	}
}

static void alloc_step(struct call *call)
{
	if (!alloc_is_slow(call->alloc)) {
		alloc_run(call->alloc);
		alloc_made(call);
		return;
	}
	call->job = (struct loop_job){ .run = alloc_job_run, .done = alloc_job_done };
	loop_jobs_submit(call->dispatch->config.jobs, &call->job);
}

void verb_alloc(struct call *call)
{
	struct client *client = service_client(call->dispatch->config.service, call->client);
	const struct alloc_want want = {
		.unique = call->caller.unique,
		.len = call->wire.alloc.len,
		.mask = call->wire.alloc.mask,
		.flags = call->wire.alloc.flags,
		.tid = call->caller.tid,
	};
	int r;

	r = client ? alloc_begin(&call->alloc, client, &want) : -EBADF;
	if (r < 0) {
		alloc_refuse(call, r);
		return;
	}
	alloc_step(call);
}
