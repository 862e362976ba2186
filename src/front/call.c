// SPDX-License-Identifier: LGPL-2.1-or-later
#include "front/call.h"

void call_end(struct call *call)
{
	struct dispatch *dispatch = call->dispatch;

	list_remove(&call->link);
	turns_end(&dispatch->turns, &call->turn);
	call->ops->free(call);
	if (turns_are_ready(&dispatch->turns) && !dispatch->stopped)
		loop_timer_set(dispatch->config.loop, &dispatch->turn, 0);
}

void call_answer(struct call *call, int result, const void *data, size_t size)
{
	call->ops->answer(call, result, data, size);
	call_end(call);
}
