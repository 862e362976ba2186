// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A call is answered in one of three ways: at once; after its allocation has run in a helper thread
 * and its fd was delivered; or after an array was written into the caller. Whoever answers frees
 * it. The latter two take turns by their users, one a turn of the loop, so that requests are read
 * all the time.
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
#include "core/core.h"
#include "core/file.h"

static_assert(sizeof(struct fuse_out_header) + HEAP_IDS * WIRE_HEAP_SIZE + WIRE_QUERY_SIZE <=
		      DELIVER_BYTES_MAX,
	      "a HEAP_QUERY's answer fits");

static void dispatch_turn(struct loop_timer *timer);

void dispatch_init(struct dispatch *dispatch, const struct dispatch_config *config)
{
	*dispatch = (struct dispatch){ .config = *config };
	list_init(&dispatch->calls);
	turns_init(&dispatch->turns, config->per_user);
	loop_timer_init(&dispatch->turn, dispatch_turn, dispatch);
}

void dispatch_deinit(struct dispatch *dispatch)
{
	assert(list_is_empty(&dispatch->calls));
	loop_timer_cancel(&dispatch->turn);
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
	struct dispatch *dispatch = call->dispatch;

	list_remove(&call->link);
	turns_end(&dispatch->turns, &call->turn);
	call->ops->free(call);
	if (turns_are_ready(&dispatch->turns) && !dispatch->stopped)
		loop_timer_set(dispatch->config.loop, &dispatch->turn, 0);
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

static void dispatch_alloc(struct call *call)
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
static void query_put(struct call *call, const uint8_t *answer, const struct heap_info *infos,
		      size_t n)
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
	bytes = deliver_put(job, call->wire.query.heaps, n * WIRE_HEAP_SIZE);
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

static void dispatch_query(struct call *call)
{
	const struct wire_call *wire = &call->wire;
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
		query_put(call, answer, infos, n);
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

static void call_begin(struct call *call)
{
	switch (call->wire.verb) {
	case WIRE_ALLOC:
		dispatch_alloc(call);
		break;
	case WIRE_HEAP_QUERY:
		dispatch_query(call);
		break;
	case WIRE_ABI_VERSION:
		dispatch_version(call);
		break;
	}
}

/* is more to be done for it than to answer? */
static bool call_takes_turn(const struct call *call)
{
	return call->wire.verb == WIRE_ALLOC ||
	       (call->wire.verb == WIRE_HEAP_QUERY && call->wire.query.heaps);
}

static void dispatch_turn(struct loop_timer *timer)
{
	struct dispatch *dispatch = timer->user;
	struct turn *turn = turns_next(&dispatch->turns);

	if (turn)
		call_begin(container_of(turn, struct call, turn));
	if (turns_are_ready(&dispatch->turns))
		loop_timer_set(dispatch->config.loop, timer, 0);
}

void dispatch_stop(struct dispatch *dispatch)
{
	struct turn *turn;

	if (!dispatch->config.loop)
		return;
	dispatch->stopped = true;
	loop_timer_cancel(&dispatch->turn);
	while ((turn = turns_waiting(&dispatch->turns)))
		call_answer(container_of(turn, struct call, turn), -EIO, NULL, 0);
}

/* Return: 0, or the -errno that it ends with at once */
static int call_decode(struct call *call, const void *in, size_t in_size)
{
	const struct dispatch_config *config = &call->dispatch->config;
	int r;

	r = wire_decode(&call->wire, &config->policy, call->caller.cmd, call->caller.compat, in,
			in_size);
	if (r < 0)
		return r;
	if (!service_client(config->service, call->client))
		return -EBADF;
	return call->dispatch->stopped ? -EIO : 0;
}

void dispatch_ioctl(struct dispatch *dispatch, struct call *call, const void *in, size_t in_size)
{
	int r;

	call->dispatch = dispatch;
	list_append(&dispatch->calls, &call->link);
	turn_init(&call->turn, call->caller.uid);
	dispatch->counters.ioctls++;

	r = call_decode(call, in, in_size);
	if (r < 0) {
		call_answer(call, r, NULL, 0);
		return;
	}
	log_debug("call", "thread %u of uid %u: verb %d", call->caller.tid, call->caller.uid,
		  call->wire.verb);
	if (!call_takes_turn(call) || turns_ask(&dispatch->turns, &call->turn))
		call_begin(call);
}
