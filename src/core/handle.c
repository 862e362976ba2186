// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/handle.h"

#include <errno.h>

#include "base/err.h"
#include "core/buffer.h"
#include "core/core.h"
#include "core/state.h"

static struct handle *handle_free(struct handle *h)
{
	if (!h)
		return NULL;
	state_drop(h->client->service->state, STATE_HANDLE, h->id);
	if (h->number)
		idmap_remove(&h->client->handles, h->number);
	list_remove(&h->buffer_link);
	quota_uncharge(&h->charge);
	quota_uncharge(&h->user_charge);
	buffer_unref(h->buffer);
	free(h);
	return NULL;
}
DEFINE_CLEANUP(struct handle *, handle_free);

static int handle_pay(struct handle *h)
{
	if (quota_charge(&h->user_charge, &h->client->user->account, QUOTA_HANDLES, 1) ||
	    quota_charge(&h->charge, &h->client->account, QUOTA_HANDLES, 1))
		return -ENOMEM;
	return 0;
}

static int handle_new(struct handle **ret, struct client *client, struct buffer *buffer)
{
	_cleanup_(handle_freep) struct handle *h = NULL;
	void *record;
	int r;

	h = calloc(1, sizeof(*h));
	if (!h)
		return err_origin(-ENOMEM);
	h->client = client;
	h->buffer = buffer_ref(buffer);
	list_append(&buffer->handles, &h->buffer_link);
	r = handle_pay(h);
	if (r < 0)
		return r;
	r = state_take(client->service->state, STATE_HANDLE, h, &record, &h->id);
	if (r < 0)
		return r;
	r = idmap_add(&client->handles, h, &h->number);
	if (r < 0)
		return r;
	h->record = record;
	h->record->client = client->id;
	h->record->buffer = buffer->id;
	h->record->number = h->number;
	h->record->references = 1;
	state_commit(h->record);

	*ret = steal(h);
	return 0;
}

/* the handle that the client has of the buffer already, or NULL */
static struct handle *handle_find(const struct client *client, const struct buffer *buffer)
{
	list_for_each (i, &buffer->handles) {
		struct handle *h = list_entry(i, struct handle, buffer_link);

		if (h->client == client)
			return h;
	}
	return NULL;
}

int handle_get(struct client *client, struct buffer *buffer, uint32_t *ret_number)
{
	struct handle *h = handle_find(client, buffer);
	int r;

	if (!h) {
		r = handle_new(&h, client, buffer);
		if (r < 0)
			return r;
	} else if (h->record->references == UINT32_MAX) {
		return -EOVERFLOW;
	} else {
		h->record->references++;
	}
	*ret_number = h->number;
	return 0;
}

struct buffer *handle_buffer(struct client *client, uint32_t number)
{
	struct handle *h = idmap_find(&client->handles, number);

	return h ? h->buffer : NULL;
}

int handle_put(struct client *client, uint32_t number)
{
	struct handle *h = idmap_find(&client->handles, number);

	if (!h)
		return -EINVAL;
	if (h->record->references > 1)
		h->record->references--;
	else
		handle_free(h);
	return 0;
}

void handle_drop_all(struct client *client)
{
	uint32_t number = 0;

	while ((number = idmap_next(&client->handles, number)))
		handle_free(idmap_find(&client->handles, number));
	idmap_deinit(&client->handles);
}
