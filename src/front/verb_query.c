// SPDX-License-Identifier: LGPL-2.1-or-later
/* HEAP_QUERY and ABI_VERSION: what the node is. */
#include "front/verb.h"

#include <assert.h>
#include <linux/fuse.h>
#include <string.h>

#include "base/stop_point.h"

static_assert(sizeof(struct fuse_out_header) + HEAP_IDS * WIRE_HEAP_SIZE + WIRE_QUERY_SIZE <=
		      DELIVER_BYTES_MAX,
	      "a HEAP_QUERY's answer fits");

static void query_written(struct deliver_job *job, const struct deliver_result *result)
{
	struct call *call = container_of(job, struct call, delivery);

	STOP_POINT("query.written", call->caller.tid);
	if (result->result < 0 && !result->replied)
		call->ops->fail(call, result->result, NULL, 0);
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

void verb_query(struct call *call)
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

void verb_version(struct call *call)
{
	uint8_t version[WIRE_VERSION_SIZE];

	wire_encode_version(version, &call->dispatch->config.policy);
	call_answer(call, 0, version, sizeof(version));
}
