// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/listing.h"

#include "core/buffer.h"
#include "core/state.h"
#include "heap/heaps.h"

/* the object of the next record that has one */
static void *listing_next(struct service *service, enum state_kind kind, uint64_t *after)
{
	uint32_t place = (uint32_t)*after; /* the other half tells what had the place when */
	void *owner;

	while (state_next(service->state, kind, &place, after)) {
		owner = state_owner(service->state, kind, *after);
		if (owner)
			return owner;
	}
	return NULL;
}

bool service_next_buffer(struct service *service, uint64_t *after, struct buffer_info *ret)
{
	const struct buffer *b;

	do {
		b = listing_next(service, STATE_BUFFER, after);
		if (!b)
			return false;
	} while (b->id != *after); /* the record of a further file */
	*ret = (struct buffer_info){
		.id = b->id,
		.size = b->size,
		.client = b->client ? b->client->id : 0,
		.ino = b->record->ino,
		.heap = b->block.heap->name,
		.exporter = b->block.heap->exporter->ops->name,
		.heap_id = b->block.heap->id,
		.flags = b->block.flags,
		.uid = b->user->uid,
		.tid = b->record->tid,
		.end = b->record->end,
	};
	list_for_each (i, &b->handles)
		ret->handles++;
	return true;
}

bool service_next_client(struct service *service, uint64_t *after, struct client_info *ret)
{
	const struct client *client = listing_next(service, STATE_CLIENT, after);

	if (!client)
		return false;
	*ret = (struct client_info){
		.id = client->id,
		.who = client->who,
		.buffers = client->account.used[QUOTA_BUFFERS],
		.bytes = client->account.used[QUOTA_BYTES],
		.handles = client->account.used[QUOTA_HANDLES],
		.user = client->user->account,
	};
	return true;
}

size_t service_heap_details(struct service *service, struct heap_detail *details, size_t max)
{
	struct heap_info infos[HEAP_IDS];
	size_t n = heaps_list(service->heaps, infos, HEAP_IDS);

	for (size_t i = 0; i < MIN(n, max); i++) {
		const struct heap *heap = heaps_get(service->heaps, infos[i].id);

		details[i] = (struct heap_detail){
			.info = infos[i],
			.exporter = heap->exporter->ops->name,
			.physical = heap->physical,
			.bytes = heap->bytes,
			.buffers = heap->buffers,
		};
		heap_stock(heap, &details[i].stock);
	}
	return n;
}
