// SPDX-License-Identifier: LGPL-2.1-or-later
/* ALLOC: what takes long runs in a helper thread, then the fd is delivered, or the handle named. */
#include "front/verb.h"

#include <errno.h>

#include "core/alloc.h"

static void alloc_refuse(struct call *call, int error)
{
	call->dispatch->counters.refused++;
	call_answer(call, error, NULL, 0);
}

static void alloc_answer(struct call *call, uint32_t handle)
{
	uint8_t answer[WIRE_HANDLE_SIZE_MAX];
	size_t size = wire_encode_handle(answer, &call->wire, handle);

	call->dispatch->counters.allocations++;
	call_answer(call, 0, answer, size);
}

static size_t fd_offset(const struct call *call)
{
	return call->wire.verb == WIRE_ALLOC_DMA_HEAP ? WIRE_DMA_HEAP_FD_OFFSET
						      : WIRE_ALLOC_FD_OFFSET;
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
	if (r < 0)
		alloc_refuse(call, r);
	else if (done.file)
		/* the struct stays as it is but for its fd, which the injector writes */
		verb_give(call, done.file, done.fd, fd_offset(call));
	else
		alloc_answer(call, done.handle);
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

static void alloc_start(struct call *call, struct client *client, const struct alloc_want *want)
{
	int r;

	r = client ? alloc_begin(&call->alloc, client, want) : -EBADF;
	if (r < 0)
		alloc_refuse(call, r);
	else
		alloc_step(call);
}

void verb_alloc(struct call *call)
{
	const struct alloc_want want = {
		.unique = call->caller.unique,
		.len = call->wire.alloc.len,
		.mask = call->wire.alloc.mask,
		.flags = call->wire.alloc.flags,
		.align = call->wire.alloc.align,
		.handle = call->wire.verb == WIRE_ALLOC_HANDLE,
		.tid = call->caller.tid,
	};

	alloc_start(call, service_client(call->dispatch->config.service, call->client), &want);
}

void verb_alloc_dma_heap(struct call *call)
{
	struct client *client = service_client(call->dispatch->config.service, call->client);
	const struct alloc_want want = {
		.unique = call->caller.unique,
		.len = call->wire.dma_heap.len,
		.mask = client ? client->who.heaps : 0,
		.tid = call->caller.tid,
	};

	alloc_start(call, client, &want);
}
