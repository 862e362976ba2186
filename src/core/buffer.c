// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A buffer's record is taken at the start and committed at the end of its making, so that nothing
 * that can fail is left once its memory is there.
 */
#include "core/buffer.h"

#include <assert.h>
#include <errno.h>

#include "base/err.h"
#include "core/core.h"
#include "core/state.h"

/* both accounts pay: the user's for as long as the buffer lives, the client's while it is there */
static int buffer_charge(struct buffer *b, struct client *client)
{
	const struct {
		struct charge *charge;
		struct account *account;
		enum quota_kind kind;
		uint64_t amount;
	} bills[] = {
		{ &b->charge, &client->user->account, QUOTA_BYTES, b->size },
		{ &b->charge, &client->user->account, QUOTA_BUFFERS, 1 },
		{ &b->client_charge, &client->account, QUOTA_BYTES, b->size },
		{ &b->client_charge, &client->account, QUOTA_BUFFERS, 1 },
	};
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(bills); i++)
		r = quota_charge(bills[i].charge, bills[i].account, bills[i].kind, bills[i].amount);
	return r;
}

static void buffer_destroy(struct buffer *b)
{
	b->id = state_drop(b->service->state, STATE_BUFFER, b->id);
	list_remove(&b->client_link);
	list_remove(&b->link);
	heap_release(&b->block);
	quota_uncharge(&b->client_charge);
	quota_uncharge(&b->charge);
	quota_user_unref(b->user);
	b->service->n_buffers--;
	b->service->bytes -= b->size;
	free(b);
}

/**
 * buffer_new() - a buffer that is paid for and has a place on record, but no memory yet
 * @ret:	the buffer; untouched on failure
 * @client:	who pays
 * @size:	in whole pages
 *
 * Return: 0, QUOTA_E_EXCEEDED, or a negative error.
 */
int buffer_new(struct buffer **ret, struct client *client, uint64_t size)
{
	_cleanup_(buffer_unrefp) struct buffer *b = NULL;
	struct service *service = client->service;
	void *record;
	int r;

	b = calloc(1, sizeof(*b));
	if (!b)
		return err_origin(-ENOMEM);
	b->references = 1;
	b->service = service;
	b->size = size;
	b->user = quota_user_ref(client->user);
	list_init(&b->handles);
	heap_block_init(&b->block);
	list_append(&service->buffers, &b->link);
	list_append(&client->buffers, &b->client_link);
	b->client = client;
	service->n_buffers++;
	service->bytes += size;

	r = buffer_charge(b, client);
	if (r)
		return r;
	r = state_take(service->state, STATE_BUFFER, b, &record, &b->id);
	if (r < 0)
		return r;
	b->record = record;

	*ret = steal(b);
	return 0;
}

struct buffer *buffer_ref(struct buffer *b)
{
	b->references++;
	return b;
}

struct buffer *buffer_unref(struct buffer *b)
{
	if (b && !--b->references)
		buffer_destroy(b);
	return NULL;
}

void buffer_record(struct buffer *b, uint64_t unique, uint32_t tid)
{
	struct state_buffer *record = b->record;

	record->size = b->size;
	record->client = b->client->id;
	record->unique = unique;
	record->heap = b->block.heap->id;
	record->flags = b->block.flags;
	record->uid = b->user->uid;
	record->tid = tid;
	record->memfd = b->block.memfd;
}

void buffer_orphan(struct buffer *b)
{
	quota_uncharge(&b->client_charge);
	list_remove(&b->client_link);
	b->client = NULL;
	b->record->client = 0;
}
