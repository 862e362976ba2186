// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/service.h"

#include <assert.h>
#include <errno.h>

#include "base/err.h"
#include "core/client.h"
#include "core/core.h"
#include "core/file.h"
#include "core/look.h"
#include "core/state.h"
#include "heap/heaps.h"
#include "mem/watch.h"

int service_new(struct service **ret, const struct service_config *config)
{
	_cleanup_(service_freep) struct service *service = NULL;
	int r;

	service = calloc(1, sizeof(*service));
	if (!service)
		return err_origin(-ENOMEM);
	service->state = config->state;
	service->heaps = config->heaps;
	service->watch = config->watch;
	list_init(&service->clients);
	list_init(&service->buffers);
	list_init(&service->looked);
	for (size_t i = 0; i < ARRAY_SIZE(service->files); i++)
		list_init(&service->files[i]);
	r = quota_new(&service->quota, &config->limits);
	if (r < 0)
		return r;
	state_header(service->state)->watch_fd = watch_fd(service->watch);

	*ret = steal(service);
	return 0;
}

struct service *service_free(struct service *service)
{
	struct list *link;

	if (!service)
		return NULL;
	assert(!service->n_allocs && !service->n_shares);
	while ((link = list_pop(&service->clients)))
		client_free(list_entry(link, struct client, link));
	for (size_t i = 0; i < ARRAY_SIZE(service->files); i++)
		while ((link = list_pop(&service->files[i])))
			file_free(list_entry(link, struct file, link));
	assert(!service->n_clients && !service->n_buffers && !service->n_looked && !service->bytes);
	quota_free(service->quota);
	free(service);
	return NULL;
}

struct client *service_client(struct service *service, uint64_t fh)
{
	return state_owner(service->state, STATE_CLIENT, fh);
}

size_t service_heaps(struct service *service, struct heap_info *infos, size_t max)
{
	return heaps_list(service->heaps, infos, max);
}

int service_watch_fd(struct service *service)
{
	return watch_fd(service->watch);
}

void service_look(struct service *service)
{
	look_watch(service);
	look_some(service, SERVICE_LOOK_BATCH);
}

bool service_must_look(struct service *service)
{
	return service->n_looked > 0;
}

uint64_t service_requests(const struct service *service)
{
	return state_count(service->state, STATE_REQUEST);
}

void service_totals(struct service *service, struct service_totals *ret)
{
	struct heap_info infos[HEAP_IDS];

	*ret = (struct service_totals){
		.clients = service->n_clients,
		.buffers = service->n_buffers,
		.bytes = service->bytes,
		.n_heaps = service_heaps(service, infos, HEAP_IDS),
	};
	for (size_t i = 0; i < ret->n_heaps; i++) {
		const struct heap *heap = heaps_get(service->heaps, infos[i].id);

		ret->heaps[i] = (struct heap_totals){
			.info = infos[i],
			.bytes = heap->bytes,
			.buffers = heap->buffers,
		};
	}
}
