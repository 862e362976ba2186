// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/builtin.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/err.h"
#include "base/log.h"
#include "heap/heap.h"
#include "heap/heaps.h"
#include "mem/watch.h"

enum {
	CLIENT_BUFFERS = 4096,
	USER_CLIENTS = 4096,
};

/* ids that programs for other boards ask for: here they mean the system heap */
static const uint32_t system_aliases[] = { 25, 27 };

static uint64_t total_memory(void)
{
	struct sysinfo info;

	sysinfo(&info); /* can't fail for a valid address */
	return (uint64_t)info.totalram * info.mem_unit;
}

/* the best exporter that works here: a dma-buf where the kernel makes one, else what stands in for
 * it, else the memfd itself */
static int builtin_init_exporter(struct builtin *builtin, int udmabuf)
{
	int r;

	if (udmabuf >= 0) {
		r = exporter_udmabuf_new(&builtin->exporter, udmabuf);
		if (r == 0)
			r = exporter_probe(builtin->exporter);
		if (r == 0)
			return 0;
		log_warning("service", "udmabuf does not work here: %s", strerror(-r));
		builtin->exporter = exporter_free(builtin->exporter);
	}
	if (builtin->file) {
		builtin->exporter = steal(builtin->file);
		return 0;
	}
	r = exporter_memfd_new(&builtin->exporter);
	if (r == 0)
		r = exporter_probe(builtin->exporter);
	return r;
}

static int builtin_init_heaps(struct builtin *builtin, uint64_t memory)
{
	const struct heap_config config = {
		.id = 0,
		.name = "ion_system_heap",
		.exporter = builtin->exporter,
	};
	_cleanup_(heap_freep) struct heap *heap = NULL;
	int r;

	r = heaps_new(&builtin->heaps);
	if (r < 0)
		return r;
	r = heap_system_new(&heap, &config, memory);
	if (r < 0)
		return r;
	r = heaps_add(builtin->heaps, heap);
	if (r)
		return err_fold(r);
	heap = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(system_aliases); i++) {
		r = heaps_alias_id(builtin->heaps, config.id, system_aliases[i]);
		if (r)
			return err_fold(r);
	}
	return 0;
}

int builtin_init(struct builtin *builtin, struct state *state, int udmabuf)
{
	uint64_t memory = total_memory();
	struct service_config config;
	int r;

	r = watch_new(&builtin->watch);
	if (r < 0)
		return r;
	r = builtin_init_exporter(builtin, udmabuf);
	if (r < 0)
		return r;
	builtin->exporter_name = builtin->exporter->ops->name;
	r = builtin_init_heaps(builtin, memory);
	if (r < 0)
		return r;

	config = (struct service_config){
		.state = state,
		.heaps = builtin->heaps,
		.watch = builtin->watch,
		.limits = {
			.user = { memory / 2, QUOTA_NO_LIMIT, USER_CLIENTS },
			.client = { QUOTA_NO_LIMIT, CLIENT_BUFFERS, QUOTA_NO_LIMIT },
		},
	};
	return service_new(&builtin->service, &config);
}

void builtin_deinit(struct builtin *builtin)
{
	builtin->service = service_free(builtin->service);
	builtin->heaps = heaps_free(builtin->heaps);
	builtin->exporter = exporter_free(builtin->exporter);
	builtin->file = exporter_free(builtin->file);
	builtin->watch = watch_free(builtin->watch);
}
