// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/place.h"

#include <errno.h>

#include "core/buffer.h"
#include "core/core.h"
#include "core/state.h"

static bool place_is_for(const struct heap *heap, const struct who *who)
{
	switch (heap->physical) {
	case PHYSICAL_ALL:
		return true;
	case PHYSICAL_GROUP:
		return who->uid == 0 || who_is_in(who, heap->physical_gid);
	case PHYSICAL_ROOT:
		break;
	}
	return who->uid == 0;
}

int service_place(struct service *service, uint64_t id, const struct who *who,
		  struct heap_place *ret)
{
	const struct buffer *b = state_owner(service->state, STATE_BUFFER, id);
	struct heap_place place;
	int r;

	/* one that is being made has no memory yet, or a helper thread is at it */
	if (!b || !state_find(service->state, STATE_BUFFER, id))
		return -ENOENT;
	r = heap_place(&b->block, &place);
	if (r < 0)
		return r;
	if (!place_is_for(b->block.heap, who))
		return -EPERM;
	*ret = place;
	return 0;
}
