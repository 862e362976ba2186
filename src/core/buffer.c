// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A buffer's record is taken at the start and committed at the end of its making, so that nothing
 * that can fail is left once its memory is there.
 */
#include "core/buffer.h"

#include <assert.h>
#include <errno.h>

#include "base/err.h"
#include "base/stop_point.h"
#include "core/core.h"
#include "core/state.h"

_Static_assert(WATCH_INSTANCES_MAX == STATE_WATCHES_MAX, "each instance has a place on record");

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
	_cleanup_(buffer_freep) struct buffer *b = NULL;
	struct service *service = client->service;
	void *record;
	int r;

	b = calloc(1, sizeof(*b));
	if (!b)
		return err_origin(-ENOMEM);
	b->service = service;
	b->size = size;
	b->user = quota_user_ref(client->user);
	list_init(&b->look_link);
	heap_block_init(&b->block);
	export_init(&b->export);
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

static void buffer_look_no_more(struct buffer *b)
{
	if (list_is_empty(&b->look_link))
		return;
	list_remove(&b->look_link);
	b->service->n_looked--;
}

struct buffer *buffer_free(struct buffer *b)
{
	if (!b)
		return NULL;
	b->id = state_drop(b->service->state, STATE_BUFFER, b->id);
	buffer_look_no_more(b);
	list_remove(&b->client_link);
	list_remove(&b->link);
	export_deinit(&b->export);
	heap_release(&b->block);
	quota_uncharge(&b->client_charge);
	quota_uncharge(&b->charge);
	quota_user_unref(b->user);
	b->service->n_buffers--;
	b->service->bytes -= b->size;
	free(b);
	return NULL;
}

static void buffer_file_ended(struct export *export);

/* how the end will be seen, as it stands on record */
static void buffer_record_end(struct buffer *b)
{
	b->record->end = b->export.end;
	b->record->look_fd = b->export.look_fd;
	b->record->watch = watch_instance_index(&b->export.mark);
	b->record->watch_wd = b->export.mark.wd;
	if (b->record->watch >= 0)
		state_header(b->service->state)->watch_fds[b->record->watch] =
			watch_instance_fd(b->service->watch, b->record->watch);
}

/**
 * buffer_publish() - follow the buffer's file, and put the buffer on record
 * @b:		with memory, exported
 * @unique:	of the request that asked for it
 * @tid:	of the thread that did
 *
 * Return: 0, or a negative error.
 */
int buffer_publish(struct buffer *b, uint64_t unique, uint32_t tid)
{
	struct state_buffer *record = b->record;
	int r;

	b->export.ended = buffer_file_ended;
	r = export_follow(&b->export, b->service->watch, b->block.slices);
	if (r < 0)
		return r;
	STOP_POINT("buffer.followed", tid);
	record->size = b->size;
	record->client = b->client->id;
	record->unique = unique;
	record->ino = b->export.ino;
	record->heap = b->block.heap->id;
	record->flags = b->block.flags;
	record->uid = b->user->uid;
	record->tid = tid;
	record->exporter = b->export.exporter->ops->kind;
	record->memfd = b->block.memfd;
	buffer_record_end(b);
	STOP_POINT("buffer.recorded", tid);
	state_commit(record);
	STOP_POINT("buffer.published", tid);
	return 0;
}

void buffer_orphan(struct buffer *b)
{
	quota_uncharge(&b->client_charge);
	list_remove(&b->client_link);
	b->client = NULL;
	b->record->client = 0;
}

/* act on what is known now; @b may be gone on return */
static void buffer_settle(struct buffer *b)
{
	if (!b->delivered)
		return;
	if (b->over) {
		buffer_free(b);
	} else if ((b->export.end == EXPORT_END_HOLD || b->unsure) &&
		   list_is_empty(&b->look_link)) {
		list_append(&b->service->looked, &b->look_link);
		b->service->n_looked++;
	}
}

static void buffer_file_ended(struct export *export)
{
	struct buffer *b = container_of(export, struct buffer, export);

	b->over = true;
	buffer_settle(b);
}

void buffer_delivered(struct buffer *b)
{
	assert(!b->delivered && b->export.fd < 0);
	b->delivered = true;
	b->record->delivered = 1;
	buffer_settle(b);
}

void buffer_look(struct buffer *b)
{
	if (export_can_look(&b->export) && export_is_over(&b->export))
		b->over = true;
	buffer_settle(b);
}

void buffer_file_closed(struct buffer *b)
{
	if (b->export.end == EXPORT_END_CLOSE || export_is_over(&b->export)) {
		b->over = true;
	} else {
		/* set first, then looked again: a close between the two isn't missed */
		export_follow_again(&b->export, b->service->watch);
		buffer_record_end(b);
		b->over = export_is_over(&b->export);
		/* the kernel tells of a close a moment before the file is let go of */
		b->unsure = true;
	}
	buffer_settle(b);
}
