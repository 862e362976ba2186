// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory that is a dma-buf already, of a heap of the kernel's: it is handed out as it is. Our own
 * fd of it stays, for handles need no file, and of one memory there may be several exports: so its
 * close is never told, and who holds it is looked for. All of its exports end at once.
 */
#include "mem/export.h"

#include <errno.h>
#include <fcntl.h>

#include "base/err.h"
#include "mem/dmabuf.h"
#include "mem/pages.h"

static int dmabuf_make(struct exporter *exporter, struct export *export, const struct slice *slices,
		       size_t n)
{
	int r;

	if (n != 1 || slices[0].offset)
		return err_origin(-EOPNOTSUPP); /* it is all that there is */
	r = fcntl(slices[0].fd, F_DUPFD_CLOEXEC, 0);
	if (r < 0)
		return err_origin(-errno);
	export->fd = r;
	return 0;
}

static bool dmabuf_is_over(const struct export *export)
{
	return !dmabuf_is_held(export->look_fd);
}

static struct exporter *dmabuf_free(struct exporter *exporter)
{
	free(exporter);
	return NULL;
}

static const struct exporter_ops dmabuf_ops = {
	.kind = EXPORTER_DMABUF,
	.name = "dma-heap",
	.hands_out_memfd = true,
	.make = dmabuf_make,
	.is_over = dmabuf_is_over,
	.free = dmabuf_free,
};

int exporter_dmabuf_new(struct exporter **ret)
{
	struct exporter *exporter;

	exporter = calloc(1, sizeof(*exporter));
	if (!exporter)
		return err_origin(-ENOMEM);
	exporter->ops = &dmabuf_ops;
	*ret = exporter;
	return 0;
}
