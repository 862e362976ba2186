// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/client.h"

#include <errno.h>

#include "base/err.h"
#include "core/buffer.h"
#include "core/handle.h"
#include "core/state.h"

/* take a place on record and fill it, uncommitted */
static int client_record(struct client *client)
{
	const struct client_who *who = &client->who;
	struct state_client *record;
	void *place;
	int r;

	r = state_take(client->service->state, STATE_CLIENT, client, &place, &client->id);
	if (r < 0)
		return r;
	record = place;
	record->uid = who->uid;
	record->gid = who->gid;
	record->tid = who->tid;
	record->channel = who->channel;
	record->heaps = who->heaps;
	client->record = record;
	return 0;
}

/**
 * client_new() - somebody opened a node
 * @ret:	the client; untouched on failure
 * @service:	the service, which knows the client from here on
 * @who:	who it was
 * @ret_fh:	the client's file handle
 *
 * Return: 0, -ENOMEM, also where the user may have no more, or a negative error.
 */
int client_new(struct client **ret, struct service *service, const struct client_who *who,
	       uint64_t *ret_fh)
{
	_cleanup_(client_freep) struct client *client = NULL;
	int r;

	client = calloc(1, sizeof(*client));
	if (!client)
		return err_origin(-ENOMEM);
	client->service = service;
	client->who = *who;
	list_init(&client->buffers);
	list_init(&client->allocs);
	quota_account_init(&client->account, service->quota);
	list_append(&service->clients, &client->link);
	service->n_clients++;

	r = quota_user_get(&client->user, service->quota, who->uid);
	if (r < 0)
		return r;
	if (quota_charge(&client->charge, &client->user->account, QUOTA_CLIENTS, 1))
		return -ENOMEM;
	r = client_record(client);
	if (r < 0)
		return r;
	state_commit(client->record);

	*ret_fh = client->id;
	*ret = steal(client);
	return 0;
}

struct client *client_free(struct client *client)
{
	struct service *service;
	struct list *link;

	if (!client)
		return NULL;
	service = client->service;
	client->id = state_drop(service->state, STATE_CLIENT, client->id);

	handle_drop_all(client);
	while (list_pop(&client->allocs))
		; /* they find out that they are on no list */
	while (!list_is_empty(&client->buffers)) {
		link = client->buffers.next;
		buffer_orphan(list_entry(link, struct buffer, client_link));
	}
	quota_account_deinit(&client->account);
	quota_uncharge(&client->charge);
	quota_user_unref(client->user);
	list_remove(&client->link);
	service->n_clients--;
	free(client);
	return NULL;
}

void client_use_handles(struct client *client)
{
	client->record->uses_handles = 1;
}

bool client_uses_handles(const struct client *client)
{
	return client->record->uses_handles;
}
