// SPDX-License-Identifier: LGPL-2.1-or-later
/* The end of an ALLOC and a SHARE: the caller is given a file. */
#include "front/verb.h"

#include <string.h>

#include "base/stop_point.h"
#include "core/file.h"

static void count_given(struct dispatch_counters *counters, const struct call *call)
{
	if (call->wire.verb == WIRE_SHARE)
		counters->shares++;
	else
		counters->allocations++;
}

static uint32_t give_flags(const struct call *call)
{
	const struct wire_call *wire = &call->wire;

	switch (wire->verb) {
	case WIRE_SHARE:
		return DELIVER_TELL_ERRNO;
	case WIRE_ALLOC_DMA_HEAP:
		return wire->dma_heap.over_exec ? DELIVER_OVER_EXEC : 0;
	default:
		return 0;
	}
}

/* the struct of a SHARE names the errno as well */
static void give_failed(struct call *call, int error)
{
	uint8_t answer[WIRE_FD_SIZE];

	if (call->wire.verb != WIRE_SHARE) {
		call->ops->fail(call, error, NULL, 0);
		return;
	}
	wire_encode_fd(answer, call->wire.handle, error);
	call->ops->fail(call, error, answer, sizeof(answer));
}

static void given(struct deliver_job *job, const struct deliver_result *result)
{
	struct call *call = container_of(job, struct call, delivery);
	struct dispatch_counters *counters = &call->dispatch->counters;
	uint32_t tid = call->caller.tid;

	STOP_POINT("call.given", tid);
	if (result->result >= 0) {
		count_given(counters, call);
	} else {
		counters->refused++;
		counters->delivery_fails++;
		if (!result->replied)
			give_failed(call, result->result);
	}
	STOP_POINT("call.answered", tid);
	file_delivered(call->file);
	STOP_POINT("call.delivered", tid);
	call_end(call);
	STOP_POINT("call.ended", tid);
}

void verb_give(struct call *call, struct file *file, int fd, size_t offset)
{
	call->file = file;
	call->delivery = (struct deliver_job){
		.verb = DELIVER_GIVE_FD,
		.call = call->caller,
		.client = call->client,
		.address = call->caller.arg + offset,
		.flags = give_flags(call),
		.fd = fd,
		.done = given,
	};
	call->delivery.size = call->ops->answer_by_other(call, call->delivery.bytes);
	STOP_POINT("call.caught", call->caller.tid);
	deliver_submit(call->dispatch->config.deliver, &call->delivery);
	STOP_POINT("call.submitted", call->caller.tid);
}
