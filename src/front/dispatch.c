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

#include "base/log.h"
#include "base/stop_point.h"
#include "front/verb.h"

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

/* ---- the way in ---- */

static void call_begin(struct call *call)
{
	switch (call->wire.verb) {
	case WIRE_ALLOC:
	case WIRE_ALLOC_HANDLE:
		verb_alloc(call);
		break;
	case WIRE_ALLOC_DMA_HEAP:
		verb_alloc_dma_heap(call);
		break;
	case WIRE_FREE:
		verb_free(call);
		break;
	case WIRE_SHARE:
		verb_share(call);
		break;
	case WIRE_IMPORT:
		verb_import(call);
		break;
	case WIRE_SYNC:
		verb_sync(call);
		break;
	case WIRE_CUSTOM: /* for vendors' own calls: this node is of none */
		call_answer(call, -ENOTTY, NULL, 0);
		break;
	case WIRE_HEAP_QUERY:
		verb_query(call);
		break;
	case WIRE_ABI_VERSION:
		verb_version(call);
		break;
	}
}

/* is more to be done for it than to answer? */
static bool call_takes_turn(const struct call *call)
{
	switch (call->wire.verb) {
	case WIRE_HEAP_QUERY:
		return call->wire.query.heaps;
	case WIRE_FREE:
	case WIRE_CUSTOM:
	case WIRE_ABI_VERSION:
		return false;
	default:
		return true;
	}
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

static int call_decode_ion(struct call *call, struct client *client, const void *in, size_t in_size)
{
	const struct wire_policy *policy = &call->dispatch->config.policy;
	const struct wire_caller caller = {
		.compat = call->caller.compat,
		.handles = client_uses_handles(client),
	};
	int r;

	r = wire_decode(&call->wire, policy, &caller, call->caller.cmd, in, in_size);
	if (r == 0 && call->wire.handles)
		client_use_handles(client);
	return r;
}

static int call_decode_dma_heap(struct call *call, const void *in, size_t in_size)
{
	call->wire = (struct wire_call){ .verb = WIRE_ALLOC_DMA_HEAP, .cmd = call->caller.cmd };
	return wire_dma_heap_decode(&call->wire.dma_heap, call->caller.cmd, in, in_size);
}

/* Return: 0, or the -errno that it ends with at once */
static int call_decode(struct call *call, const void *in, size_t in_size)
{
	struct client *client = service_client(call->dispatch->config.service, call->client);
	int r;

	if (!client)
		return -EBADF;
	r = client->who.heaps ? call_decode_dma_heap(call, in, in_size)
			      : call_decode_ion(call, client, in, in_size);
	if (r < 0)
		return r;
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
