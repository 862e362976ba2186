// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/look.h"

#include "base/list.h"
#include "core/core.h"
#include "core/file.h"
#include "mem/watch.h"

static void look_fired(struct watch_mark *mark, void *user)
{
	struct export *export = container_of(mark, struct export, mark);

	file_closed(container_of(export, struct file, export));
}

void look_watch(struct service *service)
{
	watch_read(service->watch, look_fired, NULL);
}

void look_some(struct service *service, uint64_t n)
{
	n = MIN(n, service->n_looked);
	while (n--) {
		struct list *link = service->looked.next;

		list_remove(link);
		list_append(&service->looked, link);
		file_look(list_entry(link, struct file, look_link));
	}
}
