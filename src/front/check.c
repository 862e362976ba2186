// SPDX-License-Identifier: LGPL-2.1-or-later
#include "front/check.h"

#include <inttypes.h>
#include <string.h>

#include "core/state.h"
#include "front/json.h"

void dispatch_check(struct dispatch *dispatch, struct check *check)
{
	uint64_t n = 0, recorded;

	list_for_each (i, &dispatch->calls) {
		const struct call *call = list_entry(i, struct call, link);

		n++;
		if (call->file)
			check_name_fd(check, call->delivery.fd, "delivery");
	}
	recorded = service_requests(dispatch->config.service);
	if (n != recorded)
		check_found(check, "%" PRIu64 " calls wait, %" PRIu64 " are on record", n,
			    recorded);
}

static struct json_object *answer(const struct check *check, uint64_t under_way)
{
	struct json_object *object = json_object_new_object();
	struct json_object *texts = json_object_new_array();

	for (size_t i = 0; i < MIN(check->n_findings, (uint64_t)CHECK_TEXTS); i++)
		json_object_array_add(texts, json_object_new_string(check->texts[i]));
	put_u64(object, "under-way", under_way);
	put_u64(object, "n-findings", check->n_findings);
	json_object_object_add(object, "findings", texts);
	return object;
}

struct json_object *check_answer(struct dispatch *dispatch,
				 void (*name_fds)(struct check *check, void *user), void *user)
{
	_cleanup_(freep) struct check *check = malloc(sizeof(*check));
	struct json_object *object;
	struct service_totals totals;
	uint64_t under_way;

	if (!check || check_init(check) < 0)
		return answer_error("can't read the fd table");
	service_look(dispatch->config.service);
	under_way = service_check(dispatch->config.service, check);
	dispatch_check(dispatch, check);
	name_fds(check, user);
	/* a helper thread has fds that nobody knows of yet */
	if (!under_way)
		check_end(check);

	object = answer(check, under_way);
	service_totals(dispatch->config.service, &totals);
	put_u64(object, "clients", totals.clients);
	put_u64(object, "buffers", totals.buffers);
	put_u64(object, "bytes", totals.bytes);
	check_deinit(check);
	return object;
}
