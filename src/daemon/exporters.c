// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where nothing is named: a real dma-buf, else what stands in for one, else the memory's own memfd.
 * Of contiguous memory only a dma-buf can be made: a file is copied through the page cache or hands
 * out a memfd, which would be all of an area.
 */
#include "daemon/exporters.h"

#include <string.h>

#include "base/log.h"

static int init_udmabuf(struct exporters *exporters, int udmabuf)
{
	struct exporter **exporter = &exporters->of[EXPORTER_UDMABUF];
	int r;

	r = exporter_udmabuf_new(exporter, udmabuf);
	if (r == 0)
		r = exporter_probe(*exporter);
	if (r < 0) {
		log_warning("service", "udmabuf does not work here: %s", strerror(-r));
		*exporter = exporter_free(*exporter);
	}
	return r;
}

int exporters_init(struct exporters *exporters, int udmabuf, struct exporter *file)
{
	int r;

	*exporters = (struct exporters){ .of[EXPORTER_FILE] = file };
	if (udmabuf >= 0)
		init_udmabuf(exporters, udmabuf);
	r = exporter_memfd_new(&exporters->of[EXPORTER_MEMFD]);
	if (r == 0)
		r = exporter_probe(exporters->of[EXPORTER_MEMFD]);
	return r;
}

void exporters_deinit(struct exporters *exporters)
{
	for (size_t i = 0; i < ARRAY_SIZE(exporters->of); i++)
		exporters->of[i] = exporter_free(exporters->of[i]);
}

struct exporter *exporters_pick(const struct exporters *exporters,
				const struct heap_settings *settings, bool contiguous)
{
	static const enum exporter_kind any[] = { EXPORTER_UDMABUF, EXPORTER_FILE, EXPORTER_MEMFD };
	const enum exporter_kind *kinds = settings->n_exporters ? settings->exporters : any;
	size_t n = settings->n_exporters ?: ARRAY_SIZE(any);

	for (size_t i = 0; i < n; i++)
		if (exporters->of[kinds[i]] && (!contiguous || kinds[i] == EXPORTER_UDMABUF))
			return exporters->of[kinds[i]];
	return NULL;
}
