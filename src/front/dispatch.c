// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A call is answered in one of three ways: at once; after its allocation has run in a helper thread
 * and its fd was delivered; or after an array was written into the caller. Whoever answers frees
 * it.
 *
 * While a call is unanswered its caller sleeps in the ioctl, so its file is open: the client can't
 * go before its calls have ended.
 */
#include "front/dispatch.h"

#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/stop_point.h"
#include "core/alloc.h"
#include "core/buffer.h"
#include "core/core.h"

static_assert(sizeof(struct fuse_out_header) + HEAP_IDS * WIRE_HEAP_SIZE + WIRE_QUERY_SIZE <=
		      DELIVER_BYTES_MAX,
	      "a HEAP_QUERY's answer fits");

void dispatch_init(struct dispatch *dispatch, const struct dispatch_config *config)
{
	*dispatch = (struct dispatch){ .config = *config };
	list_init(&dispatch->calls);
}

void dispatch_deinit(struct dispatch *dispatch)
{
	assert(list_is_empty(&dispatch->calls));
}

int dispatch_open(struct dispatch *dispatch, const struct client_who *who, uint64_t *ret_fh)
{
	struct client *client;

	return client_new(&client, dispatch->config.service, who, ret_fh);
}

void dispatch_release(struct dispatch *dispatch, uint64_t fh)
{
	struct client *client = service_client(dispatch->config.service, fh);
	uint32_t tid = client ? client->who.tid : 0;

	STOP_POINT("release.begun", tid);
	if (client)
		client_free(client);
	STOP_POINT("release.done", tid);
	if (service_must_look(dispatch->config.service))
		service_look(dispatch->config.service);
}

static void call_end(struct call *call)
{
	list_remove(&call->link);
	call->ops->free(call);
}

static void call_answer(struct call *call, int result, const void *data, size_t size)
{
	call->ops->answer(call, result, data, size);
	call_end(call);
}

/* ---- ALLOC ---- */

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
	buffer_delivered(call->buffer);
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
	int fd, r;

	r = alloc_finish(call->alloc, &call->buffer, &fd);
	if (r == ALLOC_E_AGAIN) {
		alloc_step(call);
		return;
	}
	call->alloc = NULL;
	if (r < 0)
		alloc_refuse(call, r);
	else
		alloc_give(call, fd);
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

static void dispatch_alloc(struct call *call, struct client *client, const struct wire_call *wire)
{
	struct service *service = call->dispatch->config.service;
	const struct alloc_want want = {
		.unique = call->caller.unique,
		.len = wire->alloc.len,
		.mask = wire->alloc.mask,
		.flags = wire->alloc.flags,
		.tid = call->caller.tid,
	};
	int r;

	r = alloc_begin(&call->alloc, client, &want);
	if (r == -ENOMEM) {
		/* what has ended by now need not stand in the way */
		service_look(service);
		r = alloc_begin(&call->alloc, client, &want);
	}
	if (r < 0) {
		alloc_refuse(call, r);
		return;
	}
	alloc_step(call);
}

/* ---- HEAP_QUERY ---- */

static void query_written(struct deliver_job *job, const struct deliver_result *result)
{
	struct call *call = container_of(job, struct call, delivery);

	STOP_POINT("query.written", call->caller.tid);
	if (result->result < 0 && !result->replied)
		call->ops->fail(call, result->result);
	call_end(call);
}

/* the array and the struct are put into the caller together: it sees both or an error */
static void query_put(struct call *call, const struct wire_call *wire, const uint8_t *answer,
		      const struct heap_info *infos, size_t n)
{
	const struct wire_policy *policy = &call->dispatch->config.policy;
	struct deliver_job *job = &call->delivery;
	uint8_t *bytes;

	*job = (struct deliver_job){
		.verb = DELIVER_PUT,
		.call = call->caller,
		.client = call->client,
		.fd = -1,
		.done = query_written,
	};
	job->size = call->ops->answer_by_other(call, job->bytes);
	bytes = deliver_put(job, wire->query.heaps, n * WIRE_HEAP_SIZE);
	for (size_t i = 0; i < n; i++) {
		const struct wire_heap heap = {
			.name = infos[i].name,
			.type = infos[i].type,
			.id = infos[i].id,
		};

		wire_encode_heap(bytes + i * WIRE_HEAP_SIZE, policy, &heap);
	}
	memcpy(deliver_put(job, call->caller.arg, WIRE_QUERY_SIZE), answer, WIRE_QUERY_SIZE);
	deliver_submit(call->dispatch->config.deliver, job);
}

static void dispatch_query(struct call *call, const struct wire_call *wire)
{
	struct dispatch *dispatch = call->dispatch;
	struct heap_info infos[HEAP_IDS];
	uint8_t answer[WIRE_QUERY_SIZE];
	size_t n;

	n = service_heaps(dispatch->config.service, infos, ARRAY_SIZE(infos));
	if (wire->query.heaps)
		n = MIN(n, wire->query.cnt);
	wire_encode_query(answer, wire, n);
	STOP_POINT("query.encoded", call->caller.tid);
	if (wire->query.heaps)
		query_put(call, wire, answer, infos, n);
	else
		call_answer(call, 0, answer, sizeof(answer));
}

/* ---- the way in ---- */

static void dispatch_version(struct call *call)
{
	uint8_t version[WIRE_VERSION_SIZE];

	wire_encode_version(version, &call->dispatch->config.policy);
	call_answer(call, 0, version, sizeof(version));
}

void dispatch_ioctl(struct dispatch *dispatch, struct call *call, const void *in, size_t in_size)
{
	struct client *client = service_client(dispatch->config.service, call->client);
	struct wire_call wire;
	int r;

	call->dispatch = dispatch;
	list_append(&dispatch->calls, &call->link);
	dispatch->counters.ioctls++;

	r = wire_decode(&wire, &dispatch->config.policy, call->caller.cmd, call->caller.compat, in,
			in_size);
	if (r == 0 && !client)
		r = -EBADF;
	if (r < 0) {
		call_answer(call, r, NULL, 0);
		return;
	}
	log_debug("call", "thread %u of uid %u: verb %d", call->caller.tid, call->caller.uid,
		  wire.verb);

	switch (wire.verb) {
	case WIRE_ALLOC:
		dispatch_alloc(call, client, &wire);
		break;
	case WIRE_HEAP_QUERY:
		dispatch_query(call, &wire);
		break;
	case WIRE_ABI_VERSION:
		dispatch_version(call);
		break;
	}
}
