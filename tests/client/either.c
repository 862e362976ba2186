// SPDX-License-Identifier: LGPL-2.1-or-later
#include "either.h"

#include <errno.h>
#include <unistd.h>

#include "old.h"
#include "probe.h"

const char *const either_names[2] = { "modern", "with handles" };

static int get_old(int ion, struct either *e)
{
	const struct old_alloc want = { e->len, 0, e->mask, e->flags, 0 };
	int r = old_alloc(ion, &want);

	if (r < 0)
		return r;
	e->handle = r;
	r = old_share(ion, ION_OLD_SHARE, e->handle);
	if (r >= 0) {
		e->fd = r;
		return 0;
	}
	old_free(ion, e->handle);
	e->handle = 0;
	return r;
}

int either_get(int ion, bool old, struct either *e)
{
	struct ion_alloc data = { e->len, e->mask, e->flags, UINT32_MAX, 0 };
	int r;

	e->fd = -1;
	e->handle = 0;
	if (old)
		return get_old(ion, e);
	r = probe_ioctl(ion, ION_ALLOC, &data);
	if (r == 0)
		e->fd = data.fd;
	return data.len == e->len && data.mask == e->mask && data.flags == e->flags ? r : -EPROTO;
}

int either_put(int ion, struct either *e)
{
	int r = e->handle ? old_free(ion, e->handle) : 0;

	if (e->fd >= 0 && close(e->fd) && !r)
		r = -errno;
	e->fd = -1;
	e->handle = 0;
	return r;
}

int either_heaps(int ion, struct ion_heap *heaps)
{
	struct ion_query query = { .cnt = EITHER_HEAPS, .heaps = (uintptr_t)heaps };
	int r = probe_ioctl(ion, ION_HEAP_QUERY, &query);

	return r < 0 ? r : (int)query.cnt;
}
