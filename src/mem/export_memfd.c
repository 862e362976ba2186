// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The memory's own memfd, opened once more for writing, while we keep an open file that can only
 * read: pages_are_held() tells the end.
 *
 * The file given away must be one that was opened, not the one memfd_create() made: newer kernels
 * tell a watch nothing of the latter.
 */
#include "mem/export.h"

#include <errno.h>
#include <fcntl.h>

#include "base/err.h"
#include "mem/pages.h"

static int memfd_make(struct exporter *exporter, struct export *export, const struct slice *slices,
		      size_t n)
{
	int r;

	if (n != 1 || !pages_are_whole(slices))
		return err_origin(-EOPNOTSUPP); /* a whole memfd is all it can be */
	r = pages_reopen(slices[0].fd, O_RDWR);
	if (r < 0)
		return r;
	export->fd = r;
	return 0;
}

static bool memfd_is_over(const struct export *export)
{
	return !pages_are_held(export->look_fd);
}

static struct exporter *memfd_free(struct exporter *exporter)
{
	free(exporter);
	return NULL;
}

static const struct exporter_ops memfd_ops = {
	.kind = EXPORTER_MEMFD,
	.name = "memfd",
	.hands_out_memfd = true,
	.make = memfd_make,
	.is_over = memfd_is_over,
	.free = memfd_free,
};

int exporter_memfd_new(struct exporter **ret)
{
	struct exporter *exporter;

	exporter = calloc(1, sizeof(*exporter));
	if (!exporter)
		return err_origin(-ENOMEM);
	exporter->ops = &memfd_ops;
	*ret = exporter;
	return 0;
}
