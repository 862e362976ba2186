// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A dma-buf made by /dev/udmabuf. It has one open file for all of its life, which fds, mappings and
 * importers share, and which can't be opened a second time: where a watch tells of its close, that
 * is the end. Elsewhere we hold the file too, and ask the kernel for the number of references.
 */
#include "mem/export.h"

#include <errno.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "mem/dmabuf.h"
#include "mem/pages.h"

struct exporter_udmabuf {
	struct exporter exporter;
	int device; /* borrowed */
};

static int udmabuf_create(int device, const struct slice *slice)
{
	struct udmabuf_create create = {
		.memfd = slice->fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = slice->offset,
		.size = slice->size,
	};
	int r;

	r = ioctl(device, UDMABUF_CREATE, &create);
	return r < 0 ? -errno : r;
}

static int udmabuf_create_list(int device, const struct slice *slices, size_t n)
{
	_cleanup_(freep) struct udmabuf_create_list *create = NULL;
	int r;

	create = calloc(1, sizeof(*create) + n * sizeof(create->list[0]));
	if (!create)
		return err_origin(-ENOMEM);
	create->flags = UDMABUF_FLAGS_CLOEXEC;
	create->count = n;
	for (size_t i = 0; i < n; i++) {
		create->list[i].memfd = slices[i].fd;
		create->list[i].offset = slices[i].offset;
		create->list[i].size = slices[i].size;
	}
	r = ioctl(device, UDMABUF_CREATE_LIST, create);
	return r < 0 ? -errno : r;
}

static int udmabuf_make(struct exporter *exporter, struct export *export,
			const struct slice *slices, size_t n)
{
	struct exporter_udmabuf *u = container_of(exporter, struct exporter_udmabuf, exporter);
	int r;

	r = n == 1 ? udmabuf_create(u->device, slices) : udmabuf_create_list(u->device, slices, n);
	if (r == -EINVAL)
		r = -ENOMEM; /* what we ask is in order: it is more than its limits allow */
	if (r < 0)
		return err_origin(r);
	export->fd = r;
	return 0;
}

static bool udmabuf_is_over(const struct export *export)
{
	return !dmabuf_is_held(export->look_fd);
}

static struct exporter *udmabuf_free(struct exporter *exporter)
{
	free(container_of(exporter, struct exporter_udmabuf, exporter));
	return NULL;
}

static const struct exporter_ops udmabuf_ops = {
	.kind = EXPORTER_UDMABUF,
	.name = "udmabuf",
	.make = udmabuf_make,
	.is_over = udmabuf_is_over,
	.free = udmabuf_free,
};

int exporter_udmabuf_new(struct exporter **ret, int device)
{
	struct exporter_udmabuf *u;

	u = calloc(1, sizeof(*u));
	if (!u)
		return err_origin(-ENOMEM);
	u->exporter.ops = &udmabuf_ops;
	u->device = device;
	*ret = &u->exporter;
	return 0;
}
